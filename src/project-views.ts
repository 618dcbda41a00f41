// The views of a project folder in force, and what is wrong with views.
import type { Logger } from 'pino';
import { isPassing, MillraceError, toError } from './core/errors.ts';
import type { LogReader } from './flow/log.ts';
import type { Engine } from './process/engine.ts';
import type { ViewDefinition, ViewSummary } from './process/view.ts';
import { orderViews } from './view-order.ts';

export interface ProjectViewsOptions {
  log: LogReader;
  engine: Engine;
  logger: Logger;
  /** Names of the streams and views that a SELECT reads. */
  tables: (sql: string) => Promise<string[]>;
  onNotice: (line: string) => void;
}

export class ProjectViews {
  private readonly options: ProjectViewsOptions;
  private readonly problemOf = new Map<string, { text: string; canRetry: boolean }>();
  private death: string | undefined;
  private uncommitted: string | undefined;
  private isClosing = false;
  /** Of views that are in force: why they have failed or stand still, or what their streams have shown that does not fit them. */
  private standing = new Map<string, string>();
  /** Of what is said of views what no view fails by. */
  private noticed = new Set<string>();

  constructor(options: ProjectViewsOptions) {
    this.options = options;
  }

  /** Brings just these views into force: new and changed ones are defined, missing ones dropped unless they are `kept`. */
  async define(
    views: readonly ViewDefinition[],
    kept: (name: string) => boolean = () => false,
  ): Promise<void> {
    const { log, engine, tables } = this.options;
    const names = new Set(views.map(view => view.name));
    for (const name of this.problemOf.keys()) if (!names.has(name)) this.problemOf.delete(name);
    for (const known of await engine.views()) {
      if (!names.has(known.name) && !kept(known.name)) await engine.drop(known.name);
    }
    const streams = new Set((await log.streams()).map(stream => stream.name));
    const { ordered, unordered, reads } = await orderViews(views, tables);
    for (const [name, error] of unordered) this.noteProblem(name, error, isPassing(error));
    for (const view of ordered) {
      if (this.isClosing) return;
      try {
        if (streams.has(view.name)) {
          throw new MillraceError('name-taken', `views/${view.name}.sql: there is a stream of this name.`, {
            remedy: 'Rename the file.',
          });
        }
        await engine.define(view);
        this.clearProblem(view.name);
      } catch (error) {
        const under = views.filter(({ name }) => reads.get(view.name)!.includes(name));
        const canRetry = isPassing(error) || (await this.isOutdated(under));
        this.noteProblem(view.name, error, canRetry);
      }
    }
  }

  /** Of one of these views an earlier definition serves still: what is read of it may be there when this one does. */
  private async isOutdated(views: readonly ViewDefinition[]): Promise<boolean> {
    for (const { name, text } of views) {
      const problem = this.problemOf.get(name);
      if (problem?.canRetry) return true;
      if (problem) continue;
      const serving = await this.options.engine.plan(name).catch(() => undefined);
      if (serving?.plan.sql !== text) return true;
    }
    return false;
  }

  /** A view, or those of a stream, could not be defined. */
  noteProblem(name: string, error: unknown, canRetry = false): void {
    // What is being defined when everything ends is refused by an engine that has closed.
    if (this.isClosing) return;
    const { logger, onNotice } = this.options;
    const { message } = toError(error);
    const text = message.includes(name) ? message : `${name}: ${message}`;
    const before = this.problemOf.get(name);
    this.problemOf.set(name, { text, canRetry });
    if (before?.text === text) return;
    logger.warn({ view: name, err: toError(error) }, 'view refused');
    onNotice(text.startsWith('View ') ? text : `View ${text}`);
  }

  clearProblem(name: string): void {
    this.problemOf.delete(name);
  }

  /** Asks the engine what it says of the views that are in force; to be called from time to time. */
  async look(): Promise<ViewSummary[]> {
    const views = await this.options.engine.views();
    this.noteStates(views);
    const { problem } = await this.options.engine.status();
    this.noteCommits(problem);
    return views;
  }

  noteStates(views: readonly Pick<ViewSummary, 'name' | 'error' | 'notice'>[]): void {
    const standing = new Map<string, string>();
    const noticed = new Set<string>();
    for (const { name, error, notice } of views) {
      // Of an engine that has stopped that is said, and not of each of its views.
      if (this.death !== undefined || (error ?? notice) === undefined) continue;
      const text = error === undefined ? notice! : `View ${name}: ${error}`;
      standing.set(name, text);
      if (error === undefined) noticed.add(text);
      if (this.standing.get(name) === text || this.problemOf.has(name)) continue;
      this.options.logger.warn({ view: name, text }, 'a view is not as it should be');
      this.options.onNotice(text);
    }
    this.standing = standing;
    this.noticed = noticed;
  }

  private noteCommits(problem: string | undefined): void {
    const text =
      problem && `What views hold is not kept for the next start now, which is tried again: ${problem}`;
    if (text && text !== this.uncommitted) {
      this.options.logger.warn({ text }, 'views are not committed');
      this.options.onNotice(text);
    }
    this.uncommitted = text;
  }

  noteEngineDeath(cause: Error): void {
    const message = `The engine has stopped, so views stand still; events are still collected. Restart to go on: ${cause.message}`;
    this.death = message;
    this.options.logger.error({ err: cause }, 'engine stopped');
    this.options.onNotice(message);
  }

  /** Defines nothing any more. */
  close(): void {
    this.isClosing = true;
  }

  problems(): string[] {
    const texts = [...this.problemOf.values()].map(({ text }) => text);
    const standing = [...this.standing].flatMap(([name, text]) => (this.problemOf.has(name) ? [] : [text]));
    const ofEngine = [this.uncommitted, this.death].filter(text => text !== undefined);
    return [...texts, ...standing, ...ofEngine];
  }

  /** Whether a problem is one that somebody should read, and nothing fails by. */
  isNotice(problem: string): boolean {
    return this.noticed.has(problem);
  }

  /** Views, or streams, whose definition is not in force, and why. */
  refused(): { name: string; reason: string }[] {
    return [...this.problemOf].map(([name, { text }]) => ({ name, reason: text }));
  }

  /** One of them may be defined at the next try as it stands. */
  mayRetry(): boolean {
    return [...this.problemOf.values()].some(({ canRetry }) => canRetry);
  }
}
