// The numbers that values of windows carry. Each partition's part of a window counts how often it was published, with its state; the
// number is the sum of the parts above a base. The base rises with each start of the engine, since what was published after the last
// commit is forgotten then, and whenever state of a view is given up for another. So a newer value has a higher number than any before
// it, also where partitions come and go. Of sessions see docs/engine.md.
import { isPassing } from '../../core/errors.ts';
import type { StateReader, StateStore, StateTransaction } from '../../store/state.ts';
import { startsKey } from '../state/state-rows.ts';

/**
 * More than all parts of a window are published between two rises of the base. Two million rises, of starts and changed definitions, leave
 * the numbers whole.
 */
const perRise = 2 ** 32;

export class Revisions {
  private rises: number;
  /** The store has not taken the number yet. */
  private isOwed = false;

  private constructor(rises: number) {
    this.rises = rises;
  }

  /** Counts a start of the engine. Where the store takes nothing now, that is written with the first commit. */
  static started(state: StateStore): Revisions {
    const stored = storedRises(state);
    const revisions = new Revisions(stored === undefined ? 0 : stored + 1);
    try {
      state.transaction(transaction => revisions.write(transaction));
    } catch (thrown) {
      if (!isPassing(thrown)) throw thrown;
      revisions.isOwed = true;
    }
    return revisions;
  }

  /** To be called in each commit. */
  commit(transaction: StateTransaction): void {
    if (this.isOwed) this.write(transaction);
  }

  markCommitted(): void {
    this.isOwed = false;
  }

  /** Of a window whose parts were published so often in all. */
  of(published: number): number {
    return this.rises * perRise + published;
  }

  /** To be called where counts begin anew. */
  rise(transaction: StateTransaction): void {
    this.rises++;
    this.write(transaction);
  }

  private write(transaction: StateTransaction): void {
    transaction.put(startsKey(), new TextEncoder().encode(String(this.rises)));
  }
}

function storedRises(state: StateReader): number | undefined {
  const stored = state.get(startsKey());
  return stored === undefined ? undefined : Number(new TextDecoder().decode(stored));
}
