// The project folder: what people write and keep in git — views/*.sql, pipelines/*.ts, dashboards/*.yaml, lookups/* and millrace.yaml. Read here and
// nowhere else; every fault names its file and line.
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
import { fileState, folderState, projectFiles, readProjectFile } from './project-file.ts';
import { lookupReaders } from './query/lookup-file.ts';

const duration = z.string().refine(text => {
  try {
    return parseDuration(text) > 0;
  } catch {
    return false;
  }
}, 'not a duration such as 12h or 30d');

const bytes = z.union([z.number().int().positive(), z.string().regex(/^\d+(\.\d+)?\s*(KB|MB|GB|TB)$/i)]);

/** millrace.yaml. */
export interface Settings {
  name?: string;
  /** What an acknowledged event has survived: `fsync`, `os`, or a time such as `interval: 100ms`. */
  durability: string;
  streams: Record<string, { partitions: number; keep?: { age?: string; size?: string | number } }>;
}

const settingsSchema: z.ZodType<Settings> = z.strictObject({
  name: z.string().max(100).optional(),
  durability: z
    .enum(['fsync', 'os'])
    .or(z.string().regex(/^interval: ?\d+ms$/, 'not fsync, os or "interval: 50ms"'))
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

export interface Project {
  dir: string;
  name: string;
  settings: Settings;
  /** Undefined where there is no folder views/: the system makes its own then. */
  views: ViewDefinition[] | undefined;
  /** Views whose files are there but cannot be read, `all` where the folder cannot be: what is in force of them stays. */
  unreadViews: string[] | 'all';
  /** Undefined where the folder cannot be read: what runs goes on. */
  pipelines: PipelineFile[] | undefined;
  dashboards: Dashboard[];
  /** Tables that views and SQL can join, from lookups/. Undefined where the folder cannot be read: what is loaded stays. */
  lookups: LookupFile[] | undefined;
  /** As of before anything was read, so that no later change is missed. */
  fingerprint: string;
}

/**
 * `faults` takes what is wrong with each file that is left out; code `bad-settings` where the settings are the default ones instead. A
 * dashboard whose file is at fault stays as it is in `before`.
 */
export function readProject(
  dir: string,
  faults: MillraceError[],
  before: readonly Dashboard[] = [],
): Project {
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
  const fingerprint = projectFingerprint(root);
  const settings = attempt(() => readSettings(join(root, 'millrace.yaml'))) ?? settingsSchema.parse({});
  const pipelines = attempt(() => projectFiles(join(root, 'pipelines'), ['.ts']) ?? []);
  const lookups = attempt(() => projectFiles(join(root, 'lookups'), lookupEndings) ?? []);
  return {
    dir: root,
    name: settings.name ?? basename(root),
    settings,
    ...readViews(join(root, 'views'), attempt),
    pipelines: pipelines && pipelinesOf(pipelines, attempt),
    dashboards: readDashboards(join(root, 'dashboards'), before, attempt),
    lookups: lookups && lookupsOf(lookups, attempt),
    fingerprint,
  };
}

/** Undefined where the work has failed, which is a fault then. */
type Attempt = <T>(work: () => T) => T | undefined;

function readViews(folder: string, attempt: Attempt): Pick<Project, 'views' | 'unreadViews'> {
  const found = attempt(() => ({ files: projectFiles(folder, ['.sql']) }));
  if (!found) return { views: undefined, unreadViews: 'all' };
  if (!found.files) return { views: undefined, unreadViews: [] };
  const views: ViewDefinition[] = [];
  const unreadViews: string[] = [];
  for (const file of found.files) {
    const name = basename(file, '.sql');
    if (!attempt(() => checkName(name, file, 'a view'))) continue;
    const text = attempt(() => ({ text: readProjectFile(file) }));
    if (!text) unreadViews.push(name);
    else if (text.text !== undefined) views.push({ name, text: text.text });
  }
  return { views, unreadViews };
}

function pipelinesOf(paths: readonly string[], attempt: Attempt): PipelineFile[] {
  return paths
    .filter(path => !/\.(d|test)\.ts$/.test(path))
    .map(path => ({ name: basename(path, '.ts'), path }))
    .filter(({ name, path }) => attempt(() => checkName(name, path, 'a pipeline')));
}

function readDashboards(folder: string, before: readonly Dashboard[], attempt: Attempt): Dashboard[] {
  const files = attempt(() => projectFiles(folder, ['.yaml']) ?? []);
  if (!files) return [...before];
  return files.flatMap(file => {
    const name = basename(file, '.yaml');
    const read = attempt(() => {
      const text = readProjectFile(file);
      return text === undefined ? [] : [parseDashboard(name, file, text)];
    });
    return read ?? before.filter(dashboard => dashboard.name === name);
  });
}

const lookupEndings = Object.keys(lookupReaders).map(ending => `.${ending}`);

function lookupsOf(paths: readonly string[], attempt: Attempt): LookupFile[] {
  const lookups: LookupFile[] = [];
  for (const file of paths) {
    const name = basename(file).slice(0, basename(file).lastIndexOf('.'));
    attempt(() => {
      checkName(name, file, 'a lookup table');
      const same = lookups.find(other => other.name.toLowerCase() === name.toLowerCase());
      if (same) throw twoLookups(same.file, file);
      lookups.push({ name, file });
    });
  }
  return lookups;
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
  return [
    fileState(join(dir, 'millrace.yaml')),
    ...['views', 'dashboards', 'lookups'].flatMap(name => folderState(join(dir, name))),
    // Pipelines may import from folders below theirs.
    ...folderState(join(dir, 'pipelines'), true),
  ].join('\n');
}

/** Sizes such as 500MB or 2.5GB (powers of 1000) or a plain number of bytes. */
export function parseBytes(size: string | number): number {
  if (typeof size === 'number') return size;
  const match = /^(\d+(?:\.\d+)?)\s*(KB|MB|GB|TB)$/i.exec(size)!;
  const power = ['kb', 'mb', 'gb', 'tb'].indexOf(match[2]!.toLowerCase()) + 1;
  return Math.round(Number(match[1]) * 1000 ** power);
}

function checkName(name: string, file: string, what: string): true {
  if (streamNamePattern.test(name)) return true;
  throw new MillraceError('bad-view-name', `${file}: "${name}" cannot be the name of ${what}.`, {
    status: 400,
    context: { file },
    remedy: 'Use letters of a to z, digits, "_", "-" and ".", starting with a letter, at most 100.',
  });
}

function readSettings(file: string): Settings {
  const text = readSettingsText(file);
  if (text === undefined) return settingsSchema.parse({});
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const fault = document.errors[0];
  if (fault) throw badSettings(file, lines.linePos(fault.pos[0]).line, fault.message.split('\n')[0]!);
  const parsed = settingsSchema.safeParse(document.toJS() ?? {});
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const node = document.getIn(issue.path as (string | number)[], true) as { range?: [number] } | undefined;
  const line = node?.range ? lines.linePos(node.range[0]).line : 1;
  throw badSettings(file, line, `${issue.path.join('.') || 'the file'}: ${issue.message}`);
}

function readSettingsText(file: string): string | undefined {
  try {
    return readProjectFile(file);
  } catch (thrown) {
    if (!(thrown instanceof MillraceError)) throw thrown;
    const { message, status, context, remedy, canRetry } = thrown;
    throw new MillraceError('bad-settings', message, { status, context, remedy, canRetry, cause: thrown });
  }
}

function badSettings(file: string, line: number, what: string): MillraceError {
  return new MillraceError('bad-settings', `${file}:${line}: ${what}.`, {
    status: 400,
    context: { file, line },
    remedy: 'docs/configuration.md shows every key.',
  });
}
