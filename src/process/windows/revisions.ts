// The numbers that published values of windows carry. Invariant: a window's next value has a higher number than all before it, over
// kill -9 too, although what was published since the last commit is forgotten then: each start of the engine begins a thousand
// higher, and between two commits a window is published less often than that (at most every 100 ms, in at most 30 s).
import { MillraceError } from '../../core/errors.ts';
import type { StateReader, StateStore } from '../../store/state.ts';
import { startsKey } from '../state/state-rows.ts';

const perStart = 1000;
/** Windows remembered as written by this start; of more, some are taken for those of an earlier one, which skips numbers. */
const writtenMax = 100_000;

const startsOf = (state: StateReader): number => {
  const stored = state.get(startsKey());
  return stored === undefined ? 0 : Number(new TextDecoder().decode(stored));
};

/** Counts a start of the engine; where the store takes nothing now, numbers may repeat until it does. */
export function countStart(state: StateStore): void {
  const isFirst = state.get(startsKey()) === undefined;
  const starts = isFirst ? 0 : startsOf(state) + 1;
  try {
    state.transaction(transaction => transaction.put(startsKey(), new TextEncoder().encode(String(starts))));
  } catch (thrown) {
    if (!(thrown instanceof MillraceError) || !thrown.canRetry) throw thrown;
  }
}

/** Of the windows of one resolution. */
export class Revisions {
  /** Of a window that was never published: one below its first number. */
  readonly none: number;
  private readonly written = new Set<number>();

  constructor(state: StateReader) {
    this.none = startsOf(state) * perStart - 1;
  }

  /** Where a window that was read back from the store goes on. */
  resumed(startUs: number, stored: number): number {
    return this.written.has(startUs) ? stored : Math.max(stored + perStart, this.none);
  }

  /** The store has the window's number. */
  noteWritten(startUs: number): void {
    this.written.delete(startUs);
    this.written.add(startUs);
    if (this.written.size > writtenMax) this.written.delete(this.written.values().next().value!);
  }
}
