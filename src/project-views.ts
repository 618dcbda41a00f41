// The views of a project folder in force, and what is wrong with views.
import type { Logger } from 'pino';
import { MillraceError, toError } from './core/errors.ts';
import type { LogReader } from './flow/log.ts';
import type { Engine } from './process/engine.ts';
import type { ViewDefinition } from './process/view.ts';
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
  /** What streams have shown that does not fit views in force. */
  private misfits: string[] = [];
  private death: string | undefined;

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
    const { ordered, circular } = await orderViews(views, tables);
    for (const [name, error] of circular) this.noteProblem(name, error);
    for (const view of ordered) {
      try {
        if (streams.has(view.name)) {
          throw new MillraceError('name-taken', `views/${view.name}.sql: there is a stream of this name.`, {
            remedy: 'Rename the file.',
          });
        }
        await engine.define(view);
        this.problemOf.delete(view.name);
      } catch (error) {
        this.noteProblem(view.name, error, error instanceof MillraceError && error.canRetry);
      }
    }
  }

  /** A view, or those of a stream, could not be defined. */
  noteProblem(name: string, error: unknown, canRetry = false): void {
    const { logger, onNotice } = this.options;
    const { message } = toError(error);
    const text = message.includes(name) ? message : `${name}: ${message}`;
    const before = this.problemOf.get(name);
    this.problemOf.set(name, { text, canRetry });
    if (before?.text === text) return;
    logger.warn({ view: name, err: toError(error) }, 'view refused');
    onNotice(text.startsWith('View ') ? text : `View ${text}`);
  }

  /** Asks the views in force what does not fit them by now; to be called from time to time. */
  async look(): Promise<void> {
    const { engine, logger, onNotice } = this.options;
    const before = new Set(this.misfits);
    this.misfits = (await engine.views()).flatMap(({ notice }) => notice ?? []);
    for (const notice of this.misfits) {
      if (before.has(notice)) continue;
      logger.warn({ notice }, 'a view does not fit its stream');
      onNotice(notice);
    }
  }

  noteEngineDeath(cause: Error): void {
    const message = `The engine has stopped, so views stand still; events are still collected. Restart to go on: ${cause.message}`;
    this.death = message;
    this.options.logger.error({ err: cause }, 'engine stopped');
    this.options.onNotice(message);
  }

  problems(): string[] {
    const texts = [...this.problemOf.values()].map(({ text }) => text);
    return [...texts, ...this.misfits, ...(this.death === undefined ? [] : [this.death])];
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
