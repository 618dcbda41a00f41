// Does something once for each stream that is new: when it has enough events to be judged by, or after a while where it grows slowly.
import type { Log } from '../flow/log.ts';

/** Events that a stream is judged by. */
export const sampleEvents = 1000;

/** A new stream that grows slowly is judged after this long. */
const patienceMs = 700;

export interface NewStreamsOptions {
  log: Log;
  /** Nothing is to be done for such a stream. */
  isKnown(stream: string): boolean;
  work(stream: string): Promise<void>;
  onFailure(stream: string, error: unknown): void;
}

export class NewStreams {
  private readonly options: NewStreamsOptions;
  private readonly waiting = new Map<string, { events: number; timer: NodeJS.Timeout }>();
  private readonly working = new Map<string, Promise<void>>();
  private readonly stop: () => void;

  constructor(options: NewStreamsOptions) {
    this.options = options;
    this.stop = options.log.onAppend(result => this.notice(result.stream, result.count));
  }

  /** Takes up streams that exist already. */
  async start(): Promise<void> {
    for (const { name, partitions } of await this.options.log.streams())
      this.notice(name, Math.max(...partitions.map(({ first, end }) => end - first)));
  }

  /** Resolves when the work for all streams that have events is done. */
  async ready(): Promise<void> {
    for (const stream of [...this.waiting.keys()]) this.begin(stream);
    await Promise.all(this.working.values());
  }

  /** Begins nothing any more, and waits for what was begun. */
  async close(): Promise<void> {
    this.stop();
    for (const { timer } of this.waiting.values()) clearTimeout(timer);
    this.waiting.clear();
    await Promise.all(this.working.values());
  }

  private notice(stream: string, events: number): void {
    if (events === 0 || this.working.has(stream) || this.options.isKnown(stream)) return;
    let waiting = this.waiting.get(stream);
    if (!waiting) {
      waiting = { events: 0, timer: setTimeout(() => this.begin(stream), patienceMs) };
      waiting.timer.unref();
      this.waiting.set(stream, waiting);
    }
    waiting.events += events;
    if (waiting.events >= sampleEvents) this.begin(stream);
  }

  private begin(stream: string): void {
    clearTimeout(this.waiting.get(stream)?.timer);
    this.waiting.delete(stream);
    const { work, onFailure } = this.options;
    const done = work(stream)
      .catch(error => onFailure(stream, error))
      .finally(() => this.working.delete(stream));
    this.working.set(stream, done);
  }
}
