// The project folder while the system runs: what of it is in force, what is wrong with it, and taking over what has changed. Settings
// are those of the start: a broken file must not undo them meanwhile.
import type { MillraceError } from './core/errors.ts';
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
  log: LogReader;
  engine: Engine;
  lookups: LookupFiles;
  views: ProjectViews;
  pipelines: ProjectPipelines;
  onNotice: (line: string) => void;
}

export class ProjectFolder {
  project: Project;
  /** Each of a file that is left out; everything else is in force. */
  faults: readonly MillraceError[] = [];
  private readonly options: ProjectFolderOptions;
  private fingerprint: string;

  constructor(options: ProjectFolderOptions) {
    this.options = options;
    this.project = options.project;
    this.fingerprint = projectFingerprint(options.project.dir);
    this.note(options.faults);
  }

  private note(faults: readonly MillraceError[]): void {
    const before = new Set(this.faults.map(fault => fault.message));
    this.faults = faults;
    for (const { message } of faults) if (!before.has(message)) this.options.onNotice(message);
  }

  definePipelines(): Promise<void> {
    const { engine, pipelines } = this.options;
    const views = async (): Promise<string[]> => (await engine.views()).map(view => view.name);
    return pipelines.define(this.project.pipelines, views);
  }

  /** Takes over what has changed since the last look. */
  async look(): Promise<void> {
    const { dir, settings } = this.project;
    const fingerprint = projectFingerprint(dir);
    if (fingerprint === this.fingerprint) return;
    this.fingerprint = fingerprint;
    const faults: MillraceError[] = [];
    this.project = { ...readProject(dir, faults), settings };
    this.note(faults);
    await this.refreshLookups();
    if (this.project.views) await this.options.views.define(this.project.views);
    await this.definePipelines();
  }

  /** Brings lookup tables whose files are new, changed or gone into force, before the views that may read them. */
  private async refreshLookups(): Promise<void> {
    const { log, engine, lookups, onNotice } = this.options;
    const taken = new Set((await log.streams()).map(stream => stream.name));
    for (const view of await engine.views()) taken.add(view.name);
    const before = new Set(lookups.faults().map(fault => fault.message));
    const { loaded, removed } = await lookups.refresh(this.project.lookups, taken);
    for (const name of removed) await engine.setLookup(name, undefined);
    for (const content of loaded) await engine.setLookup(content.name, content);
    for (const { message } of lookups.faults()) if (!before.has(message)) onNotice(message);
  }
}
