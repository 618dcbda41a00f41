// The event-time timers that may fall due within one batch, in the order in which they fire: by time, key, name, whatever
// the order in which they were set. Timers that were moved or deleted meanwhile are left in; who takes one checks it.
import type { TimerPlace } from './batch.ts';

export function compareTimers(a: TimerPlace, b: TimerPlace): number {
  return a.timeUs - b.timeUs || compareText(a.key, b.key) || compareText(a.name, b.name);
}

/** By code points, as the store orders text. */
function compareText(a: string, b: string): number {
  return a === b ? 0 : Buffer.compare(Buffer.from(a), Buffer.from(b));
}

export class TimerQueue {
  /** Last first, so that the next is at the end. */
  private readonly timers: TimerPlace[];
  private readonly more: TimerPlace | null;

  /** `delivered` in order; `more` is the first that is not among them. */
  constructor(delivered: readonly TimerPlace[], more: TimerPlace | null) {
    this.timers = delivered.toReversed();
    this.more = more;
  }

  add(timer: TimerPlace): void {
    let low = 0;
    let high = this.timers.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareTimers(this.timers[middle]!, timer) > 0) low = middle + 1;
      else high = middle;
    }
    this.timers.splice(low, 0, timer);
  }

  /** No timer here is due, or another one that is not here would come first. */
  isEmptyAt(watermarkUs: number): boolean {
    const next = this.timers.at(-1);
    if (!next || next.timeUs > watermarkUs) return true;
    return this.more !== null && compareTimers(next, this.more) >= 0;
  }

  /** The next timer that is due, taken out. */
  take(watermarkUs: number): TimerPlace | undefined {
    return this.isEmptyAt(watermarkUs) ? undefined : this.timers.pop();
  }

  /** A timer is due that is not here: the batch must end. */
  isBlocked(watermarkUs: number): boolean {
    return this.more !== null && this.more.timeUs <= watermarkUs;
  }
}
