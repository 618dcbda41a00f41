// The streams of the log as an engine last saw them; it looks again once a second, and at once where there is a new partition.
import type { LogReader, StreamSummary } from '../../flow/log.ts';

export const streamsMs = 1000;

export class LogStreams {
  all: StreamSummary[] = [];
  private readonly log: LogReader;
  private lookedAt = Number.NEGATIVE_INFINITY;
  private isWaiting = false;

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

  /** Calls `wake` when there is a new partition, which makes it time to look. */
  watch(wake: () => void, signal: AbortSignal): void {
    if (this.isWaiting) return;
    this.isWaiting = true;
    const known = this.all.reduce((sum, { partitions }) => sum + partitions.length, 0);
    this.log.waitForPartition(known, signal).then(
      () => {
        this.isWaiting = false;
        this.lookedAt = Number.NEGATIVE_INFINITY;
        wake();
      },
      () => {
        // The log was closed: nothing is watched any more.
      },
    );
  }

  has(name: string): boolean {
    return this.all.some(stream => stream.name === name);
  }
}
