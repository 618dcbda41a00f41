// Rates: events appended to each stream, second by second, over the last ten seconds.
import type { Clock } from '../core/time.ts';
import type { Log } from '../flow/log.ts';

const spanSeconds = 10;

interface Counter {
  /** One count a second, by second modulo the span. */
  counts: number[];
  seconds: number[];
  total: number;
}

export class StreamStats {
  private readonly clock: Clock;
  private readonly counters = new Map<string, Counter>();
  private readonly stop: () => void;

  constructor(log: Log, clock: Clock) {
    this.clock = clock;
    this.stop = log.onAppend(result => this.count(result.stream, result.duplicate ? 0 : result.count));
  }

  private count(stream: string, events: number): void {
    let counter = this.counters.get(stream);
    if (!counter) {
      counter = { counts: Array(spanSeconds).fill(0), seconds: Array(spanSeconds).fill(0), total: 0 };
      this.counters.set(stream, counter);
    }
    const second = Math.floor(this.clock.nowMs() / 1000);
    const slot = second % spanSeconds;
    if (counter.seconds[slot] !== second) {
      counter.seconds[slot] = second;
      counter.counts[slot] = 0;
    }
    counter.counts[slot]! += events;
    counter.total += events;
  }

  /** Events a second over the last ten whole seconds; of all streams but those that start with "_" where none is named. */
  rate(stream?: string): number {
    const now = Math.floor(this.clock.nowMs() / 1000);
    let events = 0;
    for (const [name, counter] of this.counters) {
      if (stream === undefined ? name.startsWith('_') : name !== stream) continue;
      counter.counts.forEach((count, slot) => {
        const age = now - counter.seconds[slot]!;
        if (age >= 1 && age < spanSeconds) events += count;
      });
    }
    return events / (spanSeconds - 1);
  }

  /** Events appended since the start, by stream. */
  totals(): Map<string, number> {
    return new Map([...this.counters].map(([name, counter]) => [name, counter.total]));
  }

  close(): void {
    this.stop();
  }
}
