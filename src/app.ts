// The composition root: the one place where implementations are chosen and put together. Opens a data folder, starts what
// works on it, and closes everything in the order in which nothing is lost.
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { type Logger, pino } from 'pino';
import { auditViews } from './audits.ts';
import { distDir, loadKernelHere } from './built-files.ts';
import type { SourceStatus } from './collect/source.ts';
import { FileSource } from './collect/sources/file.ts';
import { FileRegistry } from './collect/sources/file-registry.ts';
import { parseDuration } from './core/duration.ts';
import { MillraceError, toError, withRemedy } from './core/errors.ts';
import { formatUs, systemClock } from './core/time.ts';
import { makeDataFolder, makeEmptyFolder, orUnusable, refuseWithoutLog } from './data-folder.ts';
import { dataSpan } from './data-span.ts';
import type { Dashboard, Info } from './deliver/api.ts';
import { DefaultSets } from './deliver/default-sets.ts';
import type { DefaultSet } from './deliver/default-views.ts';
import type { HttpServer } from './deliver/http-server.ts';
import { checkStream, IngestHandler } from './deliver/ingest.ts';
import { LiveHub } from './deliver/live-hub.ts';
import { NewStreams } from './deliver/new-streams.ts';
import type { Services } from './deliver/services.ts';
import { StreamStats } from './deliver/stream-stats.ts';
import { openEngines } from './engine-start.ts';
import {
  type Durability,
  openSegmentLog,
  type SegmentLog,
  type SegmentLogOptions,
} from './flow/segment-log.ts';
import type { Kernel } from './kernel/kernel.ts';
import { openLogFile } from './log-file.ts';
import { LookupFiles } from './lookup-files.ts';
import type { AuditResult } from './process/audit-report.ts';
import type { Engine } from './process/engine.ts';
import { type Project, parseBytes, readProject } from './project.ts';
import { ProjectFolder } from './project-folder.ts';
import { ProjectPipelines } from './project-pipelines.ts';
import { ProjectViews } from './project-views.ts';
import type { QueryProcess } from './query/query-process.ts';
import { SqlTables } from './query/sql-tables.ts';
import { queryProcess } from './query-start.ts';
import { announceRunning, withdrawRunning } from './running.ts';
import { type HistoryRead, type HistoryRequest, LakeHistory } from './store/lake-history.ts';
import { typedFields } from './store/lake-sql.ts';
import { ParquetLake } from './store/parquet-lake.ts';
import { ViewHistory } from './view-history.ts';

declare const __VERSION__: string;

export interface AppOptions {
  dataDir: string;
  projectDir: string;
  projectName?: string;
  /** Serve the API and the console; left out for commands that only read or load. */
  listen?: { host: string; port: number };
  /** Opened for one command, which may be given in any folder: without a folder views/ there, what is in force stays. */
  forTheMoment?: boolean;
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

const archiveMs = 60_000;
const retainMs = 60_000;
const projectPollMs = 1000;
const progressMs = 250;

export async function openApp(options: AppOptions): Promise<App> {
  refuseWithoutLog(options.dataDir);
  if (options.mustExist && !existsSync(join(options.dataDir, 'log'))) {
    throw new MillraceError('no-data', `There is no data at ${options.dataDir}.`, {
      remedy: 'Load some with "millrace up FILE", or name the folder with --data.',
    });
  }
  const faults: MillraceError[] = [];
  const project = readProject(options.projectDir, faults);
  // Without its settings nothing may be begun; any other file that is at fault keeps no events from being collected.
  const unusable = faults.find(fault => fault.code === 'bad-settings');
  if (unusable) throw unusable;
  makeDataFolder(options.dataDir);
  let log: SegmentLog | undefined;
  try {
    log = await openSegmentLog({
      dir: join(options.dataDir, 'log'),
      durability: durabilityOf(project.settings.durability),
      maxBatchBytes,
      ...options.log,
    });
    return await App.open(options, project, faults, log);
  } catch (thrown) {
    await log?.close();
    throw orUnusable(options.dataDir, thrown);
  }
}

export class App {
  readonly log: SegmentLog;
  readonly engine: Engine;
  url: string | undefined;
  private readonly options: AppOptions;
  private readonly logger: Logger;
  private readonly query: QueryProcess;
  private readonly lake: ParquetLake;
  private readonly tables: SqlTables;
  private readonly lookups: LookupFiles;
  private readonly kernel: Kernel;
  private readonly registry: FileRegistry;
  private readonly files: FileSource[] = [];
  private readonly defaults: DefaultSets;
  /** Streams whose fields are still to be learned: views that were planned without them are planned again then. */
  private readonly fresh: NewStreams;
  private readonly hub: LiveHub;
  private readonly stats: StreamStats;
  private readonly history: ViewHistory;
  private readonly startedAt = formatUs(Date.now() * 1000);
  private readonly timers: NodeJS.Timeout[] = [];
  private readonly views: ProjectViews;
  private readonly pipelines: ProjectPipelines;
  private readonly folder: ProjectFolder;
  private server: HttpServer | undefined;
  /** The views of the project stand. */
  private isReady = false;
  private closing: Promise<void> | undefined;

  static async open(
    options: AppOptions,
    project: Project,
    faults: readonly MillraceError[],
    log: SegmentLog,
  ): Promise<App> {
    const temporaryDir = join(options.dataDir, 'tmp');
    makeEmptyFolder(temporaryDir);
    const lookupDir = join(options.dataDir, 'lookups');
    const query = queryProcess(temporaryDir, join(options.dataDir, 'lake'), lookupDir);
    query.warm();
    try {
      let app: App | undefined;
      const lookups = new LookupFiles(lookupDir, request => query.readLookup(request));
      const streams = new Set((await log.streams()).map(stream => stream.name));
      const { loaded } = await lookups.refresh(project.lookups ?? [], streams);
      for (const fault of lookups.faults()) options.onNotice?.(withRemedy(fault));
      const tables = [...(await lookups.earlier()), ...loaded];
      // Views are opened before the lake is; what they miss of the log waits for it.
      let opened: (lake: LakeHistory) => void = () => {};
      const lakeHistory = new Promise<LakeHistory>(resolve => {
        opened = resolve;
      });
      const history = async (request: HistoryRequest): Promise<HistoryRead> =>
        (await lakeHistory).read(request);
      const engine = await openEngines({
        stateDir: join(options.dataDir, 'state'),
        log: log.share(),
        readBytes: maxBatchBytes,
        lookups: tables,
        parseSql: sql => query.parse(sql),
        tables: sql => query.tables(sql),
        history,
        learn: async text => app?.learnFor(text),
        onDeath: cause => app?.views.noteEngineDeath(cause),
      });
      app = new App(options, project, faults, log, query, engine, lookups, temporaryDir);
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
    faults: readonly MillraceError[],
    log: SegmentLog,
    query: QueryProcess,
    engine: Engine,
    lookups: LookupFiles,
    temporaryDir: string,
  ) {
    const { dataDir } = options;
    this.options = options;
    this.log = log;
    this.query = query;
    this.engine = engine;
    this.lookups = lookups;
    this.logger = pino({ level: 'info', base: null }, openLogFile(join(dataDir, 'millrace.log')));
    const onNotice = (line: string): void => options.onNotice?.(line);
    const { logger } = this;
    this.views = new ProjectViews({ log, engine, logger, tables: sql => query.tables(sql), onNotice });
    const pipelineState = join(dataDir, 'pipelines');
    this.pipelines = new ProjectPipelines({ log, stateDir: pipelineState, logger, onNotice });
    this.defaults = new DefaultSets({
      log,
      engine,
      dir: join(dataDir, 'defaults'),
      known: options.knownSets ?? new Map(),
      onFailure: (name, error) => this.views.noteProblem(name, error),
      onDefined: name => this.views.clearProblem(name),
    });
    const { views, defaults, pipelines } = this;
    const forTheMoment = options.forTheMoment ?? false;
    const parts = { log, engine, lookups, views, defaults, pipelines, onNotice };
    this.folder = new ProjectFolder({ project, faults, forTheMoment, ...parts });
    const outputDir = join(temporaryDir, 'output');
    this.lake = new ParquetLake({
      dir: join(dataDir, 'lake'),
      spoolDir: join(temporaryDir, 'spool'),
      log,
      writer: query,
      readBytes: maxBatchBytes,
      onSchema: (stream, { fields }) => {
        engine.setSchema(stream, typedFields(fields)).catch(() => {});
      },
    });
    this.tables = new SqlTables({
      log,
      lake: this.lake,
      engine,
      query,
      dir: outputDir,
      lookups,
    });
    this.history = new ViewHistory({
      engine,
      lake: this.lake,
      lookups,
      sql: (request, signal) => query.run(request, signal),
    });
    this.kernel = loadKernelHere();
    this.registry = new FileRegistry(join(dataDir, 'sources.json'));
    this.stats = new StreamStats(log, systemClock);
    this.hub = new LiveHub(engine, randomUUID().slice(0, 8));
    // Once each: what fails is archived with everything else later on.
    const tried = new Set<string>();
    this.fresh = new NewStreams({
      log,
      isKnown: stream => tried.has(stream) || this.lake.knows(stream),
      work: stream => {
        tried.add(stream);
        return this.lake.learn(stream);
      },
      onFailure: (stream, error) => logger.error({ stream, err: toError(error) }, 'fields not learned'),
    });
  }

  private async start(): Promise<void> {
    for (const [stream, { partitions }] of Object.entries(this.folder.project.settings.streams)) {
      await this.log.createStream(stream, { partitions });
    }
    if (this.options.listen) await this.listen(this.options.listen);
    for (const { stream, schema } of this.lake.schemas()) {
      await this.engine.setSchema(stream, typedFields(schema.fields));
    }
    await this.folder.start();
    this.isReady = true;
    this.every(archiveMs, () => this.archive());
    this.every(retainMs, () => this.retain());
    if (this.options.listen) {
      this.every(projectPollMs, () => this.folder.look());
      // Their loading may take a while, and nothing waits for them.
      void this.folder.definePipelines();
      this.every(1000, () => this.pipelines.look());
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

  /** Before a view is planned: of streams that it may read and of which nothing is known, a first piece is archived. */
  private async learnFor(text: string): Promise<void> {
    const lower = text.toLowerCase();
    for (const { name } of await this.log.streams()) {
      if (this.lake.knows(name) || !lower.includes(name.toLowerCase())) continue;
      await this.lake
        .learn(name)
        .catch(error => this.logger.error({ stream: name, err: toError(error) }, 'fields not learned'));
    }
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
    for (const [stream, { keep }] of Object.entries(this.folder.project.settings.streams)) {
      if (!keep) continue;
      // What retention takes from the log is in the lake first; what comes meanwhile is not.
      let before: readonly number[] | undefined;
      try {
        before = (await this.lake.flush(stream))?.archived;
      } catch (error) {
        this.logger.error({ stream, err: toError(error) }, 'not archived, so nothing is removed');
      }
      if (before === undefined) continue;
      const policy = {
        before,
        ...(keep.age === undefined ? {} : { maxAgeMs: parseDuration(keep.age) }),
        ...(keep.size === undefined ? {} : { maxBytes: parseBytes(keep.size) }),
      };
      await this.log.retain(policy, stream);
    }
  }

  private async listen(address: { host: string; port: number }): Promise<void> {
    const { log, lake, engine, hub, stats } = this;
    // Read here alone: half of what a command reads that serves nobody.
    const [{ startHttpServer }, { Metrics }] = await Promise.all([
      import('./deliver/http-server.ts'),
      import('./deliver/metrics.ts'),
    ]);
    const taken = new Set<string>();
    this.every(1000, async () => {
      const views = await this.views.look();
      taken.clear();
      for (const view of views) taken.add(view.name);
    });
    const ingest = new IngestHandler({
      log,
      kernel: this.kernel,
      clock: systemClock,
      isTaken: name => taken.has(name),
      maxBodyBytes: maxBatchBytes,
    });
    const listPipelines = () => this.pipelines.list();
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
      isFailing: () => this.problems().some(problem => !this.views.isNotice(problem)),
      isReady: () => this.isReady,
      dashboards: () => this.dashboards(),
      sql: request => this.tables.run(request),
      pipelines: listPipelines,
      viewHistory: (query, conditions) => this.history.query(query, conditions),
      audit: (names, onProgress, signal) => this.audit(names, onProgress, signal),
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
    const views = new Set((await this.views.look()).map(({ name }) => name));
    const sources = paths.map(path => {
      const stream = options.stream ?? streamNameOf(path);
      checkStream(stream, name => views.has(name));
      return new FileSource({
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
    });
    // One that cannot be read is told before anything of the others is.
    let newFiles = 0;
    for (const source of sources) if ((await source.check()).isNew) newFiles++;
    registry.makeRoom(newFiles);
    this.files.push(...sources);
    await Promise.all(sources.map(source => source.start()));
    await this.fresh.ready();
    await this.defaults.ready();
  }

  sources(): SourceStatus[] {
    return this.files.map(file => file.status());
  }

  problems(): string[] {
    const sources = this.files.flatMap(file => {
      const { name, error } = file.status();
      return error === undefined ? [] : [error.includes(name) ? error : `${name}: ${error}`];
    });
    return [
      ...this.folder.faults.map(withRemedy),
      ...this.log.problems(),
      ...this.lake.problems(),
      ...sources,
      ...this.lookups.faults().map(withRemedy),
      ...this.views.problems(),
      ...this.pipelines.problems(),
    ];
  }

  dashboards(): Dashboard[] {
    const made = this.defaults.all().map(set => set.dashboard);
    const { dashboards } = this.folder.project;
    const names = new Set(dashboards.map(dashboard => dashboard.name));
    return [...dashboards, ...made.filter(dashboard => !names.has(dashboard.name))];
  }

  private async info(): Promise<Info> {
    const home = this.dashboards()[0]?.name;
    return {
      version: __VERSION__,
      startedAt: this.startedAt,
      project: this.options.projectName ?? this.folder.project.name,
      ...(home === undefined ? {} : { home }),
      span: await dataSpan(this.engine),
      sources: this.sources(),
      problems: this.problems(),
    };
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

  /** See `auditViews`. */
  audit(
    names: readonly string[],
    onProgress: (view: string, share: number) => void,
    signal?: AbortSignal,
  ): Promise<AuditResult> {
    const { engine, views, history, logger } = this;
    return auditViews({ engine, views, history, logger }, names, onProgress, signal);
  }

  close(): Promise<void> {
    this.closing ??= this.shut();
    return this.closing;
  }

  private async shut(): Promise<void> {
    for (const timer of this.timers) clearInterval(timer);
    this.folder.close();
    if (this.server) {
      withdrawRunning(this.options.dataDir);
      await this.server.close();
    }
    this.hub.close();
    this.stats.close();
    await Promise.all(this.files.map(file => file.close()));
    await this.defaults.stop();
    await this.fresh.close();
    await this.pipelines.close();
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
