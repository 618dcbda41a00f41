// `millrace check`: every fault of a project folder, found without touching any data.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { distDir } from './built-files.ts';
import { MillraceError, toError } from './core/errors.ts';
import { LookupFiles } from './lookup-files.ts';
import type { PipelineSpec } from './process/pipeline/definition.ts';
import { checkAmong } from './process/pipeline/pipeline-set.ts';
import { loadPipeline } from './process/pipeline/thread-executor.ts';
import type { PipelineFile } from './process/pipeline.ts';
import { chainOver, type KnownView, noChain, tableMeant } from './process/plan/bind/catalog.ts';
import { planView } from './process/plan/parse.ts';
import type { ViewDefinition } from './process/view.ts';
import { readProject } from './project.ts';
import { queryProcess } from './query-start.ts';
import { orderViews } from './view-order.ts';

/** What `millrace check` says: every fault of the project folder. */
export async function checkProject(dir: string): Promise<{ checked: number; faults: MillraceError[] }> {
  const faults: MillraceError[] = [];
  const project = readProject(dir, faults);
  const { views = [], pipelines = [], dashboards, lookups: lookupFiles = [] } = project;
  if (views.length > 0 || lookupFiles.length > 0) {
    // Parsing touches no folder; copies of lookup tables go to one that is removed again.
    const copies = mkdtempSync(join(tmpdir(), 'millrace-check-'));
    const query = queryProcess(copies, copies);
    try {
      const lookups = new LookupFiles(copies, request => query.readLookup(request));
      await lookups.refresh(lookupFiles, new Set(views.map(view => view.name)));
      for (const fault of lookups.faults()) faults.push(fault);
      const { ordered, unordered } = await orderViews(views, sql => query.tables(sql));
      for (const [name, error] of unordered) faults.push(placed(error, `views/${name}.sql`));
      const known = new Map<string, KnownView>();
      for (const view of ordered) {
        try {
          const { sources, outputs, window, keepMs } = await planView(view, {
            parseSql: sql => query.parse(sql) as Promise<never>,
            meant: table =>
              tableMeant({ streams: [], views: [...known.keys()], lookups: lookups.names() }, table),
            lookups: name => lookups.get(name)?.columns,
            views: name => known.get(name),
          });
          const under = sources.flatMap(({ stream, view: isView }) => (isView ? [known.get(stream)!] : []));
          const names = new Set([view.name, ...under.flatMap(({ views }) => views)]);
          const columns = outputs.map(({ column }) => column);
          const chain =
            under.length === 0 ? noChain : chainOver(under.map(({ chain: below }) => below ?? noChain));
          known.set(view.name, { columns, window, keepMs, views: [...names], chain });
        } catch (thrown) {
          faults.push(placed(thrown, `views/${view.name}.sql`));
        }
      }
    } finally {
      await query.close();
      rmSync(copies, { recursive: true, force: true });
    }
  }
  await checkPipelines(pipelines, views, faults);
  const settings = existsSync(join(dir, 'millrace.yaml')) ? 1 : 0;
  const checked = settings + views.length + pipelines.length + dashboards.length + lookupFiles.length;
  return { checked, faults };
}

/** Loads each pipeline as it would be loaded to run, which runs the top level of its file. */
async function checkPipelines(
  pipelines: readonly PipelineFile[],
  views: readonly ViewDefinition[],
  faults: MillraceError[],
): Promise<void> {
  const accepted: PipelineSpec[] = [];
  const names = views.map(view => view.name);
  for (const file of pipelines) {
    try {
      const { spec, executor } = await loadPipeline(file, {
        entry: join(distDir, 'app-pipeline-code.js'),
        analyze: pathToFileURL(join(distDir, 'analyze.js')).href,
        onLog: () => {},
      });
      await executor.close();
      checkAmong(spec, accepted, names);
      accepted.push(spec);
    } catch (thrown) {
      faults.push(thrown instanceof MillraceError ? thrown : placed(thrown, `pipelines/${file.name}.ts`));
    }
  }
}

/** The error with its file, line and column in front, as editors and people look for them. */
function placed(thrown: unknown, file: string): MillraceError {
  const error = toError(thrown);
  const { line, column } = error instanceof MillraceError ? error.context : {};
  const place = line === undefined ? file : `${file}:${line}:${column}`;
  return new MillraceError(
    error instanceof MillraceError ? error.code : 'internal',
    `${place}: ${error.message}`,
    {
      ...(error instanceof MillraceError && error.remedy ? { remedy: error.remedy } : {}),
      context: { file, line, column },
      cause: thrown,
    },
  );
}
