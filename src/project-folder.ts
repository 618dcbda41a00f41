// The project folder while the system runs: what of it is in force, what is wrong with it, and taking over what has changed. Settings
// are those of the start: a broken file must not undo them meanwhile. What cannot be read now stays as it was.
import { MillraceError, toError, withRemedy } from './core/errors.ts';
import type { DefaultSets } from './deliver/default-sets.ts';
import type { LogReader } from './flow/log.ts';
import type { LookupFiles } from './lookup-files.ts';
import type { Engine } from './process/engine.ts';
import { type Project, projectFingerprint, readProject } from './project.ts';
import type { ProjectPipelines } from './project-pipelines.ts';
import type { ProjectViews } from './project-views.ts';

export interface ProjectFolderOptions {
  /** As it was read, with what is wrong with files of it. */
  project: Project;
  faults: readonly MillraceError[];
  /** Where there is no folder views/, what is in force stays: a command for the moment may be given anywhere. */
  forTheMoment: boolean;
  log: LogReader;
  engine: Engine;
  lookups: LookupFiles;
  views: ProjectViews;
  /** What is there in place of the project's views where it has no folder for them. */
  defaults: DefaultSets;
  pipelines: ProjectPipelines;
  onNotice: (line: string) => void;
}

export class ProjectFolder {
  project: Project;
  private readonly options: ProjectFolderOptions;
  private fileFaults: readonly MillraceError[] = [];
  /** Why what has changed could not be taken over. */
  private failure: MillraceError | undefined;
  /** Of what is in force; undefined where something of it may succeed at another try. */
  private fingerprint: string | undefined;
  private isClosing = false;

  constructor(options: ProjectFolderOptions) {
    this.options = options;
    this.project = options.project;
    this.note(options.faults);
  }

  /** Each of a file that is left out; everything else is in force. */
  get faults(): readonly MillraceError[] {
    return this.failure ? [...this.fileFaults, this.failure] : this.fileFaults;
  }

  private note(faults: readonly MillraceError[]): void {
    const before = new Set(this.fileFaults.map(fault => fault.message));
    this.fileFaults = faults;
    for (const fault of faults) if (!before.has(fault.message)) this.options.onNotice(withRemedy(fault));
  }

  /** Brings the views into force as they were read at the start. */
  async start(): Promise<void> {
    await this.defineViews();
    this.taken();
  }

  private taken(): void {
    const { lookups, views } = this.options;
    const isFinal = ![...this.fileFaults, ...lookups.faults()].some(({ canRetry }) => canRetry);
    this.fingerprint = isFinal && !views.mayRetry() ? this.project.fingerprint : undefined;
  }

  private async defineViews(): Promise<void> {
    const { views, defaults, forTheMoment } = this.options;
    const { views: own, unreadViews } = this.project;
    if (own) {
      await defaults.stop();
      await views.define(own, name => unreadViews === 'all' || unreadViews.includes(name));
    } else if (unreadViews !== 'all' && !defaults.isStarted) {
      const made = defaults.read();
      if (!forTheMoment) await views.define([], name => made.has(name));
      if (!this.isClosing) await defaults.start();
    }
  }

  async definePipelines(): Promise<void> {
    const { engine, pipelines } = this.options;
    const files = this.project.pipelines;
    if (!files) return;
    const views = async (): Promise<string[]> => (await engine.views()).map(view => view.name);
    const mayRetry = await pipelines.define(files, views);
    if (mayRetry) this.fingerprint = undefined;
  }

  /** Takes over what has changed since the last look, and what has failed then. */
  async look(): Promise<void> {
    const { dir, settings, dashboards } = this.project;
    await this.options.defaults.retry();
    if (projectFingerprint(dir) === this.fingerprint) return;
    const before = this.failure;
    try {
      const faults: MillraceError[] = [];
      this.project = { ...readProject(dir, faults, dashboards), settings };
      this.note(faults);
      await this.refreshLookups();
      await this.defineViews();
      // A view that has gone by now may have had the name of a table.
      const isNameTaken = this.options.lookups.faults().some(({ code }) => code === 'name-taken');
      if (isNameTaken && (await this.refreshLookups())) await this.defineViews();
      this.taken();
      await this.definePipelines();
      this.failure = undefined;
    } catch (thrown) {
      if (this.isClosing) return;
      this.fingerprint = undefined;
      this.failure = notTaken(dir, thrown);
      if (this.failure.message === before?.message) return;
      this.options.onNotice(this.failure.message);
      throw thrown;
    }
  }

  /** What is being taken over may fail from here on, and begins nothing. */
  close(): void {
    this.isClosing = true;
    this.options.views.close();
  }

  /** Brings lookup tables whose files are new, changed or gone into force, before the views that may read them. True where some were. */
  private async refreshLookups(): Promise<boolean> {
    const { log, engine, lookups, onNotice } = this.options;
    if (!this.project.lookups) return false;
    const taken = new Set((await log.streams()).map(stream => stream.name));
    for (const view of await engine.views()) taken.add(view.name);
    const before = new Set(lookups.faults().map(fault => fault.message));
    const { loaded, removed } = await lookups.refresh(this.project.lookups, taken);
    for (const name of removed) await engine.setLookup(name, undefined);
    for (const content of loaded) await engine.setLookup(content.name, content);
    for (const fault of lookups.faults()) if (!before.has(fault.message)) onNotice(withRemedy(fault));
    return loaded.length + removed.length > 0;
  }
}

function notTaken(dir: string, thrown: unknown): MillraceError {
  const what = `Changes of the project folder ${dir} are not in force: ${toError(thrown).message}`;
  return new MillraceError('project-not-taken', what, { cause: thrown, canRetry: true });
}
