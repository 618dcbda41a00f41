// The streams of the log as an engine last saw them; it looks for new ones once a second.
import type { LogReader, StreamSummary } from '../../flow/log.ts';

export const streamsMs = 1000;

export class LogStreams {
  all: StreamSummary[] = [];
  private readonly log: LogReader;
  private lookedAt = Number.NEGATIVE_INFINITY;

  constructor(log: LogReader) {
    this.log = log;
  }

  async renew(): Promise<void> {
    this.all = await this.log.streams();
  }

  /** True where it was time to look again. */
  async renewIfDue(): Promise<boolean> {
    if (performance.now() - this.lookedAt < streamsMs) return false;
    await this.renew();
    this.lookedAt = performance.now();
    return true;
  }

  has(name: string): boolean {
    return this.all.some(stream => stream.name === name);
  }
}
