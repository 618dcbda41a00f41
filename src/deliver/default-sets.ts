// Streams without views get some: watches for streams that come to exist, looks at their first events, and defines what
// default-views.ts makes of them. What was made is kept in a file, so that a restart defines the same.
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isPassing } from '../core/errors.ts';
import type { Log } from '../flow/log.ts';
import type { Engine } from '../process/engine.ts';
import type { ViewDefinition } from '../process/view.ts';
import { type DefaultSet, defaultSet } from './default-views.ts';
import { NewStreams, sampleEvents } from './new-streams.ts';
import { profileStream } from './stream-profile.ts';

export interface DefaultSetsOptions {
  log: Log;
  engine: Engine;
  dir: string;
  /** Sets made for certain streams by their sender (the demo), in place of what would be made from their fields. */
  known: ReadonlyMap<string, DefaultSet>;
  /** A view could not be defined, or the set of a stream not made. */
  onFailure(name: string, error: unknown): void;
  /** A view, or the set of a stream, is in force. */
  onDefined(name: string): void;
}

export class DefaultSets {
  private readonly options: DefaultSetsOptions;
  private readonly sets = new Map<string, DefaultSet>();
  /** Streams whose views stand: only then is the dashboard over them shown. */
  private readonly defined = new Set<string>();
  /** Views whose definition may succeed at another try. */
  private readonly failed = new Map<string, ViewDefinition>();
  private fresh: NewStreams | undefined;

  constructor(options: DefaultSetsOptions) {
    this.options = options;
  }

  /** Reads what was made before, and answers with the names of its views. */
  read(): Set<string> {
    const { dir } = this.options;
    mkdirSync(dir, { recursive: true });
    for (const file of readdirSync(dir)) {
      if (!file.endsWith('.json')) continue;
      const text = readFileSync(join(dir, file), 'utf8');
      try {
        this.sets.set(file.slice(0, -'.json'.length), JSON.parse(text) as DefaultSet);
      } catch {
        // Damaged: made anew, as of a stream that has none.
        rmSync(join(dir, file));
      }
    }
    return new Set([...this.sets.values()].flatMap(({ views }) => views.map(({ name }) => name)));
  }

  get isStarted(): boolean {
    return this.fresh !== undefined;
  }

  /** Defines what was read, and makes what is missing for streams that exist already. */
  async start(): Promise<void> {
    this.fresh = new NewStreams({
      log: this.options.log,
      isKnown: stream => stream.startsWith('_') || this.sets.has(stream),
      work: stream => this.build(stream),
      onFailure: this.options.onFailure,
    });
    for (const [stream, set] of this.sets) await this.define(stream, set);
    await this.fresh.start();
  }

  all(): DefaultSet[] {
    return [...this.sets].flatMap(([stream, set]) => (this.defined.has(stream) ? [set] : []));
  }

  /** Resolves when streams that have events have their views. */
  async ready(): Promise<void> {
    await this.fresh?.ready();
  }

  /** Makes none any more, and shows none: the project has views of its own, or everything ends. */
  async stop(): Promise<void> {
    const { fresh } = this;
    this.fresh = undefined;
    await fresh?.close();
    this.defined.clear();
    this.failed.clear();
  }

  /** Defines again what failed in passing; to be called from time to time. */
  async retry(): Promise<void> {
    await Promise.all([...this.failed.values()].map(view => this.defineView(view)));
  }

  private async build(stream: string): Promise<void> {
    const known = this.options.known.get(stream);
    const set = known ?? defaultSet(profileStream(stream, await this.firstEvents(stream)));
    const file = join(this.options.dir, `${stream}.json`);
    if (!existsSync(file)) {
      writeFileSync(`${file}.part`, JSON.stringify(set, null, 1));
      renameSync(`${file}.part`, file);
    }
    // A stream whose set could not be kept is new still with its next events.
    this.sets.set(stream, set);
    await this.define(stream, set);
  }

  private async define(stream: string, set: DefaultSet): Promise<void> {
    // Together, so that they read a long history together.
    await Promise.all(set.views.map(view => this.defineView(view)));
    this.defined.add(stream);
    this.options.onDefined(stream);
  }

  private async defineView(view: ViewDefinition): Promise<void> {
    try {
      await this.options.engine.define(view);
      this.failed.delete(view.name);
      this.options.onDefined(view.name);
    } catch (error) {
      if (isPassing(error)) this.failed.set(view.name, view);
      else this.failed.delete(view.name);
      this.options.onFailure(view.name, error);
    }
  }

  private async firstEvents(stream: string): Promise<string[]> {
    const { log } = this.options;
    const target = new Uint8Array(log.maxBatchBytes);
    const lines: string[] = [];
    const summary = (await log.streams()).find(candidate => candidate.name === stream);
    for (const { partition, first, end } of summary?.partitions ?? []) {
      let from = first;
      while (from < end && lines.length < sampleEvents) {
        const read = await log.read(stream, partition, from, target);
        if (read.batches.length === 0) break;
        for (const batch of read.batches) {
          const text = new TextDecoder().decode(
            target.subarray(batch.position, batch.position + batch.length),
          );
          lines.push(...text.split('\n', sampleEvents - lines.length).filter(line => line !== ''));
          if (lines.length >= sampleEvents) break;
        }
        from = read.next;
      }
    }
    return lines;
  }
}
