// The pipelines of a project folder: their thread is started with the first one that there ever was, and what is wrong with them is
// kept in view.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Logger } from 'pino';
import { distDir } from './built-files.ts';
import { toError } from './core/errors.ts';
import type { SegmentLog } from './flow/segment-log.ts';
import { startPipelinesThread } from './pipelines-start.ts';
import type { PipelineFile, PipelineSummary, Pipelines } from './process/pipeline.ts';
import { checkState } from './state-check.ts';

export interface ProjectPipelinesOptions {
  log: SegmentLog;
  stateDir: string;
  logger: Logger;
  onNotice: (line: string) => void;
}

export class ProjectPipelines {
  private readonly options: ProjectPipelinesOptions;
  private pipelines: Pipelines | undefined;
  private readonly problemOf = new Map<string, string>();
  private isClosing = false;

  constructor(options: ProjectPipelinesOptions) {
    this.options = options;
  }

  /**
   * Brings these pipelines into force, and drops others. `views`: names that no pipeline may have. Answers true where one that was
   * refused may not be at the next try.
   */
  async define(files: readonly PipelineFile[], views: () => Promise<string[]>): Promise<boolean> {
    if (this.isClosing || (files.length === 0 && !existsSync(this.options.stateDir))) return false;
    try {
      if (!this.pipelines) await checkState(this.options.stateDir);
      this.pipelines ??= this.start();
      const refused = await this.pipelines.define(files, await views());
      await this.look();
      return refused.some(({ canRetry }) => canRetry);
    } catch (thrown) {
      if (this.isClosing) return false;
      this.noteProblem('pipelines', `The pipelines could not be started: ${toError(thrown).message}`);
      return false;
    }
  }

  private start(): Pipelines {
    const { log, stateDir, logger } = this.options;
    return startPipelinesThread({
      entry: join(distDir, 'app-pipelines.js'),
      data: {
        log: log.share(),
        stateDir,
        codeEntry: join(distDir, 'app-pipeline-code.js'),
        analyze: pathToFileURL(join(distDir, 'analyze.js')).href,
      },
      log,
      onLog: ({ pipeline, level, message, fields }) => logger[level]({ ...fields, pipeline }, message),
      onDeath: cause => this.noteProblem('pipelines', `The pipelines stopped: ${cause.message}`),
    });
  }

  /** Takes notice of what is wrong with them now. */
  async look(): Promise<void> {
    if (!this.pipelines || this.isClosing) return;
    const summaries = await this.pipelines.list().catch((): PipelineSummary[] => []);
    const faulty = new Set(summaries.filter(({ error }) => error !== undefined).map(({ name }) => name));
    for (const name of this.problemOf.keys()) {
      if (name !== 'pipelines' && !faulty.has(name)) this.problemOf.delete(name);
    }
    for (const { name, error } of summaries) if (error !== undefined) this.noteProblem(name, error);
  }

  private noteProblem(name: string, problem: string): void {
    const text = problem.includes(name) ? problem : `Pipeline ${name}: ${problem}`;
    if (this.problemOf.get(name) === text) return;
    this.problemOf.set(name, text);
    this.options.logger.error({ pipeline: name }, text);
    this.options.onNotice(text);
  }

  async list(): Promise<PipelineSummary[]> {
    return (await this.pipelines?.list()) ?? [];
  }

  problems(): string[] {
    return [...this.problemOf.values()];
  }

  async close(): Promise<void> {
    this.isClosing = true;
    await this.pipelines
      ?.close()
      .catch(error => this.options.logger.error({ err: toError(error) }, 'pipelines not closed'));
  }
}
