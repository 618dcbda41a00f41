// The project folder: what people write and keep in git — views/*.sql, pipelines/*.ts, dashboards/*.yaml, lookups/* and millrace.yaml. Read here and
// nowhere else; every fault names its file and line.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { LineCounter, parseDocument } from 'yaml';
import * as z from 'zod';
import { parseDuration } from './core/duration.ts';
import { MillraceError } from './core/errors.ts';
import type { Dashboard } from './deliver/api.ts';
import { parseDashboard } from './deliver/dashboard-file.ts';
import { streamNamePattern } from './flow/log.ts';
import type { LookupFile } from './lookup-files.ts';
import type { PipelineFile } from './process/pipeline.ts';
import type { ViewDefinition } from './process/view.ts';
import { lookupReaders } from './query/lookup-file.ts';

const duration = z.string().refine(text => {
  try {
    return parseDuration(text) > 0;
  } catch {
    return false;
  }
}, 'not a duration such as 12h or 30d');

const bytes = z.union([z.number().int().positive(), z.string().regex(/^\d+(\.\d+)?\s*(KB|MB|GB|TB)$/i)]);

const settingsSchema = z.strictObject({
  name: z.string().max(100).optional(),
  /** What an acknowledged event has survived. */
  durability: z
    .enum(['fsync', 'os'])
    .or(z.string().regex(/^interval: ?\d+ms$/))
    .default('fsync'),
  streams: z
    .record(
      z.string().regex(streamNamePattern),
      z.strictObject({
        partitions: z.number().int().min(1).max(64).default(1),
        keep: z.strictObject({ age: duration.optional(), size: bytes.optional() }).optional(),
      }),
    )
    .default({}),
});

export type Settings = z.infer<typeof settingsSchema>;

export interface Project {
  dir: string;
  name: string;
  settings: Settings;
  /** Undefined where there is no folder views/: the system makes its own then. */
  views: ViewDefinition[] | undefined;
  pipelines: PipelineFile[];
  dashboards: Dashboard[];
  /** Tables that views and SQL can join, from lookups/. */
  lookups: LookupFile[];
}

/** `faults` takes what is wrong with each file that is left out; code `bad-settings` where the settings are the default ones instead. */
export function readProject(dir: string, faults: MillraceError[]): Project {
  const attempt = <T>(work: () => T): T | undefined => {
    try {
      return work();
    } catch (thrown) {
      if (!(thrown instanceof MillraceError)) throw thrown;
      faults.push(thrown);
      return undefined;
    }
  };
  const root = resolve(dir);
  const settings = attempt(() => readSettings(join(root, 'millrace.yaml'))) ?? settingsSchema.parse({});
  const views = filesOf(join(root, 'views'), '.sql')?.flatMap(file => {
    const name = basename(file, '.sql');
    const view = attempt(() => {
      checkName(name, file, 'a view');
      return { name, text: readFileSync(file, 'utf8') };
    });
    return view ? [view] : [];
  });
  const pipelines: PipelineFile[] = [];
  for (const path of filesOf(join(root, 'pipelines'), '.ts') ?? []) {
    if (/\.(d|test)\.ts$/.test(path)) continue;
    const name = basename(path, '.ts');
    attempt(() => {
      checkName(name, path, 'a pipeline');
      pipelines.push({ name, path });
    });
  }
  const dashboards: Dashboard[] = [];
  for (const file of filesOf(join(root, 'dashboards'), '.yaml') ?? []) {
    const name = basename(file, '.yaml');
    const dashboard = attempt(() => parseDashboard(name, file, readFileSync(file, 'utf8')));
    if (dashboard) dashboards.push(dashboard);
  }
  const lookups: LookupFile[] = [];
  for (const file of lookupFilesOf(root)) {
    const name = basename(file).slice(0, basename(file).lastIndexOf('.'));
    attempt(() => {
      checkName(name, file, 'a lookup table');
      const same = lookups.find(other => other.name.toLowerCase() === name.toLowerCase());
      if (same) throw twoLookups(same.file, file);
      lookups.push({ name, file });
    });
  }
  return {
    dir: root,
    name: settings.name ?? basename(root),
    settings,
    views,
    pipelines,
    dashboards,
    lookups,
  };
}

function lookupFilesOf(dir: string): string[] {
  const files = Object.keys(lookupReaders).flatMap(
    ending => filesOf(join(dir, 'lookups'), `.${ending}`) ?? [],
  );
  return files.sort();
}

function twoLookups(first: string, second: string): MillraceError {
  return new MillraceError('bad-lookup', `${second}: ${first} is a lookup table of the same name.`, {
    status: 400,
    context: { file: second },
    remedy: 'Remove one of the two.',
  });
}

/** Changes whenever a file of the folder does: what a watcher compares. */
export function projectFingerprint(dir: string): string {
  const files = [
    ...(filesOf(join(dir, 'views'), '.sql') ?? ['no views']),
    ...(filesOf(join(dir, 'dashboards'), '.yaml') ?? ['no dashboards']),
    ...lookupFilesOf(dir),
    ...pipelineFilesOf(dir),
  ];
  return files
    .map(file => {
      const stat = statSync(file, { throwIfNoEntry: false });
      return `${file} ${stat?.mtimeMs} ${stat?.size} ${stat?.ino}`;
    })
    .join('\n');
}

/** Also what pipelines may import from folders below theirs. */
function pipelineFilesOf(dir: string): string[] {
  const below = join(dir, 'pipelines');
  if (!existsSync(below)) return [];
  return readdirSync(below, { recursive: true, encoding: 'utf8' })
    .filter(name => !/(^|[\\/])node_modules([\\/]|$)/.test(name))
    .map(name => join(below, name))
    .sort();
}

/** Sizes such as 500MB or 2.5GB (powers of 1000) or a plain number of bytes. */
export function parseBytes(size: string | number): number {
  if (typeof size === 'number') return size;
  const match = /^(\d+(?:\.\d+)?)\s*(KB|MB|GB|TB)$/i.exec(size)!;
  const power = ['kb', 'mb', 'gb', 'tb'].indexOf(match[2]!.toLowerCase()) + 1;
  return Math.round(Number(match[1]) * 1000 ** power);
}

function filesOf(folder: string, ending: string): string[] | undefined {
  if (!existsSync(folder)) return undefined;
  return readdirSync(folder, { withFileTypes: true })
    .filter(entry => entry.name.endsWith(ending) && !entry.name.startsWith('.') && !entry.isDirectory())
    .map(entry => join(folder, entry.name))
    .sort();
}

function checkName(name: string, file: string, what: string): void {
  if (streamNamePattern.test(name)) return;
  throw new MillraceError('bad-view-name', `${file}: "${name}" cannot be the name of ${what}.`, {
    status: 400,
    context: { file },
    remedy: 'Use letters, digits, "_", "-" and ".", starting with a letter.',
  });
}

function readSettings(file: string): Settings {
  if (!existsSync(file)) return settingsSchema.parse({});
  const lines = new LineCounter();
  const document = parseDocument(readFileSync(file, 'utf8'), { lineCounter: lines });
  const fault = document.errors[0];
  if (fault) throw badSettings(file, lines.linePos(fault.pos[0]).line, fault.message.split('\n')[0]!);
  const parsed = settingsSchema.safeParse(document.toJS() ?? {});
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const node = document.getIn(issue.path as (string | number)[], true) as { range?: [number] } | undefined;
  const line = node?.range ? lines.linePos(node.range[0]).line : 1;
  throw badSettings(file, line, `${issue.path.join('.') || 'the file'}: ${issue.message}`);
}

function badSettings(file: string, line: number, what: string): MillraceError {
  return new MillraceError('bad-settings', `${file}:${line}: ${what}.`, {
    status: 400,
    context: { file, line },
    remedy: 'docs/configuration.md shows every key.',
  });
}
