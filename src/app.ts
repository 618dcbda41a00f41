// The composition root: the one place where implementations are chosen and put together. Opens a data folder, starts what
// works on it, and closes everything in the order in which nothing is lost.
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir, totalmem } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type Logger, pino } from 'pino';
import type { SourceStatus } from './collect/source.ts';
import { FileSource } from './collect/sources/file.ts';
import { FileRegistry } from './collect/sources/file-registry.ts';
import { parseDuration } from './core/duration.ts';
import { MillraceError, toError } from './core/errors.ts';
import { formatUs, systemClock } from './core/time.ts';
import type { Dashboard, Info } from './deliver/api.ts';
import { DefaultSets } from './deliver/default-sets.ts';
import type { DefaultSet } from './deliver/default-views.ts';
import { type HttpServer, startHttpServer } from './deliver/http-server.ts';
import { IngestHandler } from './deliver/ingest.ts';
import { LiveHub } from './deliver/live-hub.ts';
import { Metrics } from './deliver/metrics.ts';
import type { Services } from './deliver/services.ts';
import { StreamStats } from './deliver/stream-stats.ts';
import { startEngineThread } from './engine-start.ts';
import { type Durability, openSegmentLog, type SegmentLogOptions } from './flow/segment-log.ts';
import type { Kernel } from './kernel/kernel.ts';
import { loadKernel } from './kernel/load-kernel.ts';
import { LookupFiles } from './lookup-files.ts';
import { startPipelinesThread } from './pipelines-start.ts';
import type { AuditReport } from './process/audit.ts';
import type { Engine } from './process/engine.ts';
import type { PipelineSpec } from './process/pipeline/definition.ts';
import { checkAmong } from './process/pipeline/pipeline-set.ts';
import { loadPipeline } from './process/pipeline/thread-executor.ts';
import type { PipelineSummary, Pipelines } from './process/pipeline.ts';
import type { KnownView } from './process/plan/bind/over-view.ts';
import { planView } from './process/plan/parse.ts';
import { openEnginePool } from './process/threads/engine-pool.ts';
import type { ViewDefinition, ViewSummary, WindowRow } from './process/view.ts';
import { type Project, parseBytes, projectFingerprint, readProject } from './project.ts';
import { QueryProcess } from './query/query-process.ts';
import { SqlTables } from './query/sql-tables.ts';
import { announceRunning, withdrawRunning } from './running.ts';
import { type HistoryRead, type HistoryRequest, LakeHistory } from './store/lake-history.ts';
import { columnFields } from './store/lake-sql.ts';
import { ParquetLake } from './store/parquet-lake.ts';
import { ViewHistory } from './view-history.ts';
import { orderViews } from './view-order.ts';

declare const __VERSION__: string;

export interface AppOptions {
  dataDir: string;
  projectDir: string;
  projectName?: string;
  /** Serve the API and the console; left out for commands that only read or load. */
  listen?: { host: string; port: number };
  /** Refuse to make a new data folder. */
  mustExist?: boolean;
  /** Views and dashboards for streams that are made by the caller. */
  knownSets?: ReadonlyMap<string, DefaultSet>;
  /** How the log is opened: for tests, which kill the process at named points. */
  log?: Pick<SegmentLogOptions, 'failpoint' | 'segmentBytes'>;
  /** Something that a person at the terminal should know. */
  onNotice?(line: string): void;
}

export interface ReadFilesOptions {
  follow: boolean;
  stream?: string;
  format?: string;
  onDetected?(status: SourceStatus): void;
}

/** Bytes of one batch, and with it of one request. */
const maxBatchBytes = 8 * 1024 * 1024;

/** Views are shared out to so many engine threads at most. */
const engineThreadsMax = 4;
const archiveMs = 60_000;
const retainMs = 60_000;
const projectPollMs = 1000;
const progressMs = 250;

/** The built files stand beside this one, and in dist/ when the sources themselves run. */
const here = dirname(fileURLToPath(import.meta.url));
const distDir = basename(here) === 'src' ? join(here, '..', 'dist') : here;

/** The kernel in this thread. */
export function loadKernelHere(): Kernel {
  return loadKernel(join(distDir, 'kernel.wasm'));
}

export async function openApp(options: AppOptions): Promise<App> {
  if (options.mustExist && !existsSync(join(options.dataDir, 'log'))) {
    throw new MillraceError('no-data', `There is no data at ${options.dataDir}.`, {
      remedy: 'Load some with "millrace up FILE", or name the folder with --data.',
    });
  }
  const project = readProject(options.projectDir);
  mkdirSync(options.dataDir, { recursive: true });
  const log = await openSegmentLog({
    dir: join(options.dataDir, 'log'),
    durability: durabilityOf(project.settings.durability),
    maxBatchBytes,
    ...options.log,
  });
  try {
    return await App.open(options, project, log);
  } catch (thrown) {
    await log.close();
    throw thrown;
  }
}

type SegmentLog = Awaited<ReturnType<typeof openSegmentLog>>;

export class App {
  readonly log: SegmentLog;
  readonly engine: Engine;
  url: string | undefined;
  private readonly options: AppOptions;
  private project: Project;
  private readonly logger: Logger;
  private readonly query: QueryProcess;
  private readonly lake: ParquetLake;
  private readonly tables: SqlTables;
  private readonly lookups: LookupFiles;
  private readonly kernel: Kernel;
  private readonly registry: FileRegistry;
  private readonly files: FileSource[] = [];
  private readonly defaults: DefaultSets | undefined;
  private readonly hub: LiveHub;
  private readonly stats: StreamStats;
  private readonly history: ViewHistory;
  private readonly startedAt = formatUs(Date.now() * 1000);
  private readonly timers: NodeJS.Timeout[] = [];
  private readonly viewProblems = new Map<string, string>();
  private pipelines: Pipelines | undefined;
  private pipelineProblems = new Map<string, string>();
  private server: HttpServer | undefined;
  private closing: Promise<void> | undefined;

  static async open(options: AppOptions, project: Project, log: SegmentLog): Promise<App> {
    const temporaryDir = join(options.dataDir, 'tmp');
    rmSync(temporaryDir, { recursive: true, force: true });
    mkdirSync(temporaryDir, { recursive: true });
    const lookupDir = join(options.dataDir, 'lookups');
    const query = queryProcess(temporaryDir, join(options.dataDir, 'lake'), lookupDir);
    query.warm();
    try {
      let app: App | undefined;
      const lookups = new LookupFiles(lookupDir, request => query.readLookup(request));
      const streams = new Set((await log.streams()).map(stream => stream.name));
      const { loaded } = await lookups.refresh(project.lookups, streams);
      for (const fault of lookups.faults()) options.onNotice?.(fault.message);
      const tables = [...(await lookups.earlier()), ...loaded];
      // Views are opened before the lake is; what they miss of the log waits for it.
      let opened: (lake: LakeHistory) => void = () => {};
      const lakeHistory = new Promise<LakeHistory>(resolve => {
        opened = resolve;
      });
      const history = async (request: HistoryRequest): Promise<HistoryRead> =>
        (await lakeHistory).read(request);
      const stateDir = join(options.dataDir, 'state');
      // Of an earlier form: views are filled anew from the log and the lake.
      for (const file of ['state.lmdb', 'state.lmdb-lock']) rmSync(join(stateDir, file), { force: true });
      mkdirSync(stateDir, { recursive: true });
      const engine = await openEnginePool({
        start: index =>
          startEngineThread({
            entry: join(distDir, 'app-engine.js'),
            data: {
              log: log.share(),
              stateDir: join(stateDir, String(index)),
              kernel: join(distDir, 'kernel.wasm'),
              readBytes: maxBatchBytes,
              lookups: tables,
            },
            parseSql: sql => query.parse(sql),
            history: request => history(request),
            onDeath: cause => app?.engineDied(cause),
          }),
        existing: readdirSync(stateDir).map(Number).filter(Number.isInteger),
        size: Math.min(engineThreadsMax, availableParallelism()),
      });
      app = new App(options, project, log, query, engine, lookups, temporaryDir);
      opened(
        new LakeHistory({
          dir: join(options.dataDir, 'lake'),
          lake: app.lake,
          sql: request => query.run({ ...request, format: 'json', timeoutMs: 60_000, tables: [] }),
        }),
      );
      try {
        await app.start();
      } catch (thrown) {
        await app.close();
        throw thrown;
      }
      return app;
    } catch (thrown) {
      await query.close();
      throw thrown;
    }
  }

  private constructor(
    options: AppOptions,
    project: Project,
    log: SegmentLog,
    query: QueryProcess,
    engine: Engine,
    lookups: LookupFiles,
    temporaryDir: string,
  ) {
    const { dataDir } = options;
    this.options = options;
    this.project = project;
    this.log = log;
    this.query = query;
    this.engine = engine;
    this.lookups = lookups;
    this.logger = pino(
      { level: 'info', base: null },
      pino.destination({ dest: join(dataDir, 'millrace.log'), sync: true }),
    );
    const outputDir = join(temporaryDir, 'output');
    this.lake = new ParquetLake({
      dir: join(dataDir, 'lake'),
      spoolDir: join(temporaryDir, 'spool'),
      log,
      writer: query,
      readBytes: maxBatchBytes,
      onSchema: (stream, { fields }) => {
        engine.setSchema(stream, columnFields(fields)).catch(() => {});
      },
    });
    this.tables = new SqlTables({
      log,
      lake: this.lake,
      engine,
      query,
      dir: outputDir,
      lookup: name => lookups.get(name),
    });
    this.history = new ViewHistory({
      engine,
      lake: this.lake,
      lookups,
      sql: request => query.run(request),
    });
    this.kernel = loadKernelHere();
    this.registry = new FileRegistry(join(dataDir, 'sources.json'));
    this.stats = new StreamStats(log, systemClock);
    this.hub = new LiveHub(engine, randomUUID().slice(0, 8));
    if (project.views === undefined) {
      this.defaults = new DefaultSets({
        log,
        engine,
        dir: join(dataDir, 'defaults'),
        known: options.knownSets ?? new Map(),
        onFailure: (stream, error) => this.noteViewProblem(stream, error),
      });
    }
  }

  private async start(): Promise<void> {
    for (const [stream, { partitions }] of Object.entries(this.project.settings.streams)) {
      await this.log.createStream(stream, { partitions });
    }
    if (this.options.listen) await this.listen(this.options.listen);
    for (const { stream, schema } of this.lake.schemas()) {
      await this.engine.setSchema(stream, columnFields(schema.fields));
    }
    if (this.defaults) await this.defaults.start();
    else await this.defineProjectViews(this.project.views ?? []);
    this.every(archiveMs, () => this.archive());
    this.every(retainMs, () => this.retain());
    if (this.options.listen) {
      this.watchProject();
      // Their loading may take a while, and nothing waits for them.
      void this.definePipelines();
      this.every(1000, () => this.lookAtPipelines());
    }
  }

  private every(ms: number, work: () => Promise<unknown>): void {
    let running = false;
    const timer = setInterval(() => {
      if (running) return;
      running = true;
      work()
        .catch(error => this.logger.error({ err: toError(error) }, 'background work failed'))
        .finally(() => {
          running = false;
        });
    }, ms);
    timer.unref();
    this.timers.push(timer);
  }

  /** Brings the views of the folder into force: new and changed ones are defined, missing ones dropped. */
  private async defineProjectViews(views: readonly ViewDefinition[]): Promise<void> {
    const names = new Set(views.map(view => view.name));
    for (const name of this.viewProblems.keys()) if (!names.has(name)) this.viewProblems.delete(name);
    for (const known of await this.engine.views()) {
      if (!names.has(known.name)) await this.engine.drop(known.name);
    }
    const streams = new Set((await this.log.streams()).map(stream => stream.name));
    const { ordered, circular } = await orderViews(views, sql => this.query.tables(sql));
    for (const [name, error] of circular) this.noteViewProblem(name, error);
    for (const view of ordered) {
      try {
        if (streams.has(view.name)) {
          throw new MillraceError('name-taken', `views/${view.name}.sql: there is a stream of this name.`, {
            remedy: 'Rename the file.',
          });
        }
        await this.engine.define(view);
        this.viewProblems.delete(view.name);
      } catch (error) {
        this.noteViewProblem(view.name, error);
      }
    }
  }

  private noteViewProblem(name: string, error: unknown): void {
    const { message } = toError(error);
    const text = message.includes(name) ? message : `${name}: ${message}`;
    this.viewProblems.set(name, text);
    this.logger.warn({ view: name, err: toError(error) }, 'view refused');
    this.options.onNotice?.(text.startsWith('View ') ? text : `View ${text}`);
  }

  /** Brings the pipelines of the folder into force; their thread starts with the first one that there ever was. */
  private async definePipelines(): Promise<void> {
    const { pipelines: files } = this.project;
    const stateDir = join(this.options.dataDir, 'pipelines');
    if (this.closing || (files.length === 0 && !existsSync(stateDir))) return;
    try {
      this.pipelines ??= startPipelinesThread({
        entry: join(distDir, 'app-pipelines.js'),
        data: {
          log: this.log.share(),
          stateDir,
          codeEntry: join(distDir, 'app-pipeline-code.js'),
          analyze: pathToFileURL(join(distDir, 'analyze.js')).href,
        },
        log: this.log,
        onLog: ({ pipeline, level, message, fields }) => this.logger[level]({ ...fields, pipeline }, message),
        onDeath: cause => this.notePipelineProblem('pipelines', `The pipelines stopped: ${cause.message}`),
      });
      const views = (await this.engine.views()).map(view => view.name);
      await this.pipelines.define(files, views);
      await this.lookAtPipelines();
    } catch (thrown) {
      if (this.closing) return;
      this.notePipelineProblem('pipelines', `The pipelines could not be started: ${toError(thrown).message}`);
    }
  }

  /** Keeps what is wrong with pipelines in view. */
  private async lookAtPipelines(): Promise<void> {
    if (!this.pipelines || this.closing) return;
    const summaries = await this.pipelines.list().catch((): PipelineSummary[] => []);
    const faulty = new Set(summaries.filter(({ error }) => error !== undefined).map(({ name }) => name));
    for (const name of this.pipelineProblems.keys()) {
      if (name !== 'pipelines' && !faulty.has(name)) this.pipelineProblems.delete(name);
    }
    for (const { name, error } of summaries) if (error !== undefined) this.notePipelineProblem(name, error);
  }

  private notePipelineProblem(name: string, problem: string): void {
    const text = problem.includes(name) ? problem : `Pipeline ${name}: ${problem}`;
    if (this.pipelineProblems.get(name) === text) return;
    this.pipelineProblems.set(name, text);
    this.logger.error({ pipeline: name }, text);
    this.options.onNotice?.(text);
  }

  private watchProject(): void {
    const dir = this.project.dir;
    let before = projectFingerprint(dir);
    this.every(projectPollMs, async () => {
      const now = projectFingerprint(dir);
      if (now === before) return;
      before = now;
      const faults: MillraceError[] = [];
      const project = readProject(dir, faults);
      for (const fault of faults) this.options.onNotice?.(fault.message);
      // Settings are read at the start; a broken file must not undo them meanwhile.
      this.project = { ...project, settings: this.project.settings };
      await this.refreshLookups();
      if (project.views) await this.defineProjectViews(project.views);
      await this.definePipelines();
    });
  }

  /** Brings lookup tables whose files are new, changed or gone into force, before the views that may read them. */
  private async refreshLookups(): Promise<void> {
    const taken = new Set((await this.log.streams()).map(stream => stream.name));
    for (const view of await this.engine.views()) taken.add(view.name);
    const before = new Set(this.lookups.faults().map(fault => fault.message));
    const { loaded, removed } = await this.lookups.refresh(this.project.lookups, taken);
    for (const name of removed) await this.engine.setLookup(name, undefined);
    for (const content of loaded) await this.engine.setLookup(content.name, content);
    for (const { message } of this.lookups.faults())
      if (!before.has(message)) this.options.onNotice?.(message);
  }

  private async archive(): Promise<void> {
    for (const { name } of await this.log.streams()) {
      // One stream that cannot be archived (the lake says why) stops no other.
      await this.lake
        .flush(name)
        .catch(error => this.logger.error({ stream: name, err: toError(error) }, 'not archived'));
    }
  }

  private async retain(): Promise<void> {
    for (const [stream, { keep }] of Object.entries(this.project.settings.streams)) {
      if (!keep) continue;
      // What retention takes from the log is in the lake first.
      try {
        await this.lake.flush(stream);
      } catch (error) {
        this.logger.error({ stream, err: toError(error) }, 'not archived, so nothing is removed');
        continue;
      }
      const policy = {
        ...(keep.age === undefined ? {} : { maxAgeMs: parseDuration(keep.age) }),
        ...(keep.size === undefined ? {} : { maxBytes: parseBytes(keep.size) }),
      };
      await this.log.retain(policy, stream);
    }
  }

  private async listen(address: { host: string; port: number }): Promise<void> {
    const { log, lake, engine, hub, stats } = this;
    const taken = new Set<string>();
    this.every(1000, async () => {
      taken.clear();
      for (const view of await engine.views()) taken.add(view.name);
    });
    const ingest = new IngestHandler({
      log,
      kernel: this.kernel,
      clock: systemClock,
      isTaken: name => taken.has(name),
      maxBodyBytes: maxBatchBytes,
    });
    const listPipelines = async (): Promise<PipelineSummary[]> => (await this.pipelines?.list()) ?? [];
    const metrics = new Metrics({
      log,
      engine,
      stats,
      queryPid: () => this.query.pid,
      pipelines: listPipelines,
    });
    const services: Services = {
      clock: systemClock,
      log,
      lake,
      engine,
      hub,
      ingest,
      stats,
      info: () => this.info(),
      sources: () => this.sources(),
      problems: () => this.problems(),
      dashboards: () => this.dashboards(),
      sql: request => this.tables.run(request),
      pipelines: listPipelines,
      viewHistory: (query, conditions) => this.history.query(query, conditions),
      metrics: () => metrics.text(),
    };
    this.server = await startHttpServer({
      ...address,
      consoleDir: join(distDir, 'console'),
      services,
      onDefect: error => this.logger.error({ err: toError(error) }, 'request failed'),
    });
    const host = address.host.includes(':') ? `[${address.host}]` : address.host;
    this.url = `http://${host}:${this.server.port}`;
    announceRunning(this.options.dataDir, {
      pid: process.pid,
      url: this.url,
      version: __VERSION__,
      startedAt: this.startedAt,
    });
  }

  /** Reads files into streams; resolves when their history is in the log and views stand on it. */
  async readFiles(paths: readonly string[], options: ReadFilesOptions): Promise<void> {
    const { log, registry } = this;
    await Promise.all(
      paths.map(async path => {
        const stream = options.stream ?? streamNameOf(path);
        const source = new FileSource({
          path: resolve(path),
          stream,
          follow: options.follow,
          ...(options.format === undefined ? {} : { format: options.format }),
          log,
          kernel: this.kernel,
          registry,
          clock: systemClock,
          ...(options.onDetected ? { onDetected: options.onDetected } : {}),
        });
        this.files.push(source);
        await source.start();
      }),
    );
    await this.defaults?.ready();
  }

  sources(): SourceStatus[] {
    return this.files.map(file => file.status());
  }

  problems(): string[] {
    const sources = this.files.flatMap(file => {
      const { name, error } = file.status();
      return error === undefined ? [] : [`${name}: ${error}`];
    });
    return [
      ...this.log.problems(),
      ...this.lake.problems(),
      ...sources,
      ...this.lookups.faults().map(fault => fault.message),
      ...this.viewProblems.values(),
      ...this.pipelineProblems.values(),
    ];
  }

  dashboards(): Dashboard[] {
    const made = this.defaults?.all().map(set => set.dashboard) ?? [];
    const names = new Set(this.project.dashboards.map(dashboard => dashboard.name));
    return [...this.project.dashboards, ...made.filter(dashboard => !names.has(dashboard.name))];
  }

  private async info(): Promise<Info> {
    const home = this.dashboards()[0]?.name;
    return {
      version: __VERSION__,
      startedAt: this.startedAt,
      project: this.options.projectName ?? this.project.name,
      ...(home === undefined ? {} : { home }),
      span: await this.span(),
      sources: this.sources(),
      problems: this.problems(),
    };
  }

  /** Event-time span of all streams: from the start of the first window of their views to the end of the last. */
  private async span(): Promise<Info['span']> {
    let fromUs = Number.POSITIVE_INFINITY;
    let toUs = Number.NEGATIVE_INFINITY;
    const groups = (view: ViewSummary): number =>
      view.columns.filter(column => column.role === 'group').length;
    // One view a stream is enough: the one with the fewest rows.
    const views = new Map<string, ViewSummary>();
    for (const view of await this.engine.views()) {
      const known = views.get(view.streams[0]!);
      if (view.watermarkUs !== null && (!known || groups(view) < groups(known)))
        views.set(view.streams[0]!, view);
    }
    for (const view of views.values()) {
      // From coarse to fine, so that few rows tell the minute.
      let first: number | undefined;
      let last: WindowRow | undefined;
      for (const { everyMs } of view.resolutions.filter(({ everyMs }) => everyMs >= 60_000).reverse()) {
        const query = { view: view.name, everyMs, limit: 100_000 };
        const { rows } = await this.engine.query(last ? { ...query, fromUs: last.startUs } : query);
        if (rows.length === 0) break;
        if (first === undefined || last === undefined) first = rows[0]!.startUs;
        else {
          const early = await this.engine.query({ ...query, fromUs: first, limit: 1 });
          first = early.rows[0]?.startUs ?? first;
        }
        last = rows.at(-1)!;
      }
      if (first === undefined || last === undefined) continue;
      fromUs = Math.min(fromUs, first);
      toUs = Math.max(toUs, last.endUs);
    }
    return fromUs < toUs ? { from: formatUs(fromUs), to: formatUs(toUs) } : null;
  }

  /** Resolves when everything appended so far is in the views. `onProgress` is told what share of the events has been read. */
  async settled(onProgress: (share: number) => void = () => {}): Promise<void> {
    const tell = async (): Promise<void> => {
      const { positions } = await this.engine.status();
      const read = positions.reduce((sum, { offset }) => sum + offset, 0);
      const left = positions.reduce((sum, { lag }) => sum + lag, 0);
      onProgress(read / Math.max(1, read + left));
    };
    // What is wrong with the engine is said by `settled`.
    const timer = setInterval(() => tell().catch(() => {}), progressMs);
    try {
      await this.engine.settled();
    } finally {
      clearInterval(timer);
    }
  }

  /** Compares views with a recomputation from the history. */
  async audit(
    names: readonly string[],
    onProgress: (view: string, share: number) => void,
  ): Promise<AuditReport[]> {
    const views = await this.engine.views();
    const unknown = names.find(name => !views.some(view => view.name === name));
    if (unknown !== undefined) {
      throw new MillraceError('unknown-view', `There is no view "${unknown}".`, {
        remedy: '"millrace views" lists them.',
      });
    }
    const reports: AuditReport[] = [];
    for (const view of views.filter(view => names.length === 0 || names.includes(view.name))) {
      reports.push(await this.history.audit(view, share => onProgress(view.name, share)));
    }
    return reports;
  }

  private engineDied(cause: Error): void {
    const message = `The engine has stopped, so views stand still; events are still collected. Restart to go on: ${cause.message}`;
    this.viewProblems.set('engine', message);
    this.logger.error({ err: cause }, 'engine stopped');
    this.options.onNotice?.(message);
  }

  close(): Promise<void> {
    this.closing ??= this.shut();
    return this.closing;
  }

  private async shut(): Promise<void> {
    for (const timer of this.timers) clearInterval(timer);
    if (this.server) {
      withdrawRunning(this.options.dataDir);
      await this.server.close();
    }
    this.hub.close();
    this.stats.close();
    await Promise.all(this.files.map(file => file.close()));
    await this.defaults?.close();
    await this.pipelines
      ?.close()
      .catch(error => this.logger.error({ err: toError(error) }, 'pipelines not closed'));
    await this.engine.close();
    await this.query.close();
    await this.lake.close();
    await this.log.close();
  }
}

/** `apache_logs`, `access.log`, `web-2026.ndjson.1` → `apache_logs`, `access`, `web-2026`. */
export function streamNameOf(path: string): string {
  const stem = basename(path)
    .replace(/\.(log|txt|json|jsonl|ndjson|csv|tsv|out)(\.\d+)?$/i, '')
    .replace(/\.\d+$/, '');
  const name = stem.replace(/[^A-Za-z0-9_.-]/g, '_').slice(0, 100);
  return /^[A-Za-z]/.test(name) ? name : `s_${name}`.slice(0, 100);
}

function durabilityOf(text: string): Durability {
  if (text === 'fsync' || text === 'os') return text;
  return { intervalMs: parseDuration(text.replace(/^interval: ?/, '')) };
}

/** What `millrace check` says: every fault of the project folder. */
export async function checkProject(dir: string): Promise<{ checked: number; faults: MillraceError[] }> {
  const faults: MillraceError[] = [];
  const project = readProject(dir, faults);
  const views = project.views ?? [];
  if (views.length > 0 || project.lookups.length > 0) {
    // Parsing touches no folder; copies of lookup tables go to one that is removed again.
    const copies = mkdtempSync(join(tmpdir(), 'millrace-check-'));
    const query = queryProcess(copies, copies);
    try {
      const lookups = new LookupFiles(copies, request => query.readLookup(request));
      await lookups.refresh(project.lookups, new Set(views.map(view => view.name)));
      for (const fault of lookups.faults()) faults.push(fault);
      const { ordered, circular } = await orderViews(views, sql => query.tables(sql));
      for (const [name, error] of circular) faults.push(placed(error, `views/${name}.sql`));
      const known = new Map<string, KnownView>();
      for (const view of ordered) {
        try {
          const { sources, outputs, window, keepMs } = await planView(view, {
            parseSql: sql => query.parse(sql) as Promise<never>,
            lookups: name => lookups.get(name)?.columns,
            views: name => known.get(name),
          });
          const below = sources.flatMap(({ stream }) => known.get(stream)?.views ?? []);
          const columns = outputs.map(({ column }) => column);
          known.set(view.name, { columns, window, keepMs, views: [view.name, ...below] });
        } catch (thrown) {
          faults.push(placed(thrown, `views/${view.name}.sql`));
        }
      }
    } finally {
      await query.close();
      rmSync(copies, { recursive: true, force: true });
    }
  }
  await checkPipelines(project, faults);
  const { pipelines, dashboards, lookups } = project;
  return { checked: views.length + pipelines.length + dashboards.length + lookups.length, faults };
}

/** Loads each pipeline as it would be loaded to run, which runs the top level of its file. */
async function checkPipelines({ pipelines, views }: Project, faults: MillraceError[]): Promise<void> {
  const accepted: PipelineSpec[] = [];
  const names = (views ?? []).map(view => view.name);
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

function queryProcess(temporaryDir: string, lakeDir: string, lookupDir?: string): QueryProcess {
  return new QueryProcess({
    entry: join(distDir, 'app-query.js'),
    lakeDir,
    ...(lookupDir === undefined ? {} : { lookupDir }),
    temporaryDir,
    threads: Math.max(1, availableParallelism()),
    memoryLimitMb: Math.max(512, Math.floor(totalmem() / 4 / 1e6)),
    idleMs: 300_000,
  });
}
