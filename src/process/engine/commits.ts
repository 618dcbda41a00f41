// When the state of all views is committed, and how much of it stays in memory then. A transaction commits all views at once, with
// the offsets that their state came from.
import { isPassing, toError } from '../../core/errors.ts';
import type { StateStore, StateTransaction } from '../../store/state.ts';
import type { ViewVersion } from '../view/view-version.ts';
import type { Revisions } from '../windows/revisions.ts';

const pauseMsMax = 30_000;

export interface CommitsOptions {
  state: StateStore;
  revisions: Revisions;
  /** Every version that has state. */
  versions: () => ViewVersion[];
  commitMs: number;
  cellsMax: number;
}

export class Commits {
  /** Why the last commit failed, which is tried again. */
  problem: Error | undefined;
  private readonly options: CommitsOptions;
  private committedAt = 0;
  private failedAt = Number.NEGATIVE_INFINITY;
  private tookMs = 0;
  private isWanted = false;
  /** At the last commit, cells had much beside themselves in memory: sketches, sets or texts, which grow without new cells. */
  private isHeavy = false;

  constructor(options: CommitsOptions) {
    this.options = options;
  }

  /** Something has changed that is not committed. */
  want(): void {
    this.isWanted = true;
  }

  /** Commits if there is something to, and it is time. `pace` says how many times as seldom as usual. */
  commitIfDue(pace: number): void {
    if (this.isWanted && this.isDue(pace)) this.commit();
  }

  private isDue(pace: number): boolean {
    const { commitMs, cellsMax } = this.options;
    const sinceMs = performance.now() - this.committedAt;
    const pauseMs = this.isHeavy
      ? Math.max(commitMs, 3 * this.tookMs)
      : Math.max(pace * commitMs, 9 * this.tookMs);
    if (sinceMs >= Math.min(pauseMsMax, pauseMs)) return true;
    let size = 0;
    let dirty = 0;
    for (const version of this.options.versions()) {
      size += version.size;
      dirty += version.size * dirtyShare(version);
    }
    return size > cellsMax && dirty * 4 > cellsMax;
  }

  /** The store takes nothing, and what waits for it fills the memory for cells: what cannot be committed cannot leave it. */
  get isFull(): boolean {
    if (this.problem === undefined) return false;
    let dirty = 0;
    for (const version of this.options.versions()) dirty += version.footprint * dirtyShare(version);
    return dirty > this.options.cellsMax;
  }

  /** The store has just failed in passing: it is too early to try again. */
  get isHeldUp(): boolean {
    return performance.now() - this.failedAt < this.options.commitMs;
  }

  /** A store that fails in passing is tried again when the next commit is due. */
  commit(): void {
    const startedAt = performance.now();
    try {
      this.commitWith(() => {});
    } catch (thrown) {
      if (!isPassing(thrown)) throw thrown;
      this.committedAt = performance.now();
      return;
    }
    this.isWanted = false;
    this.committedAt = performance.now();
    this.tookMs = this.committedAt - startedAt;
  }

  /** Commits now all that has been taken in, and what `also` writes in the same transaction. */
  commitWith(also: (transaction: StateTransaction) => void): void {
    const { state, revisions } = this.options;
    const versions = this.options.versions();
    for (const version of versions) version.flush();
    try {
      state.transaction(transaction => {
        for (const version of versions) version.commit(transaction);
        revisions.commit(transaction);
        also(transaction);
      });
    } catch (thrown) {
      if (isPassing(thrown)) this.failedAt = performance.now();
      this.problem = toError(thrown);
      throw thrown;
    }
    this.problem = undefined;
    revisions.markCommitted();
    this.markCommitted();
  }

  /** Every view keeps the same share of its cells where all together are too many. */
  private markCommitted(): void {
    const { cellsMax } = this.options;
    const versions = this.options.versions();
    for (const version of versions) version.markCommitted();
    let size = 0;
    let footprint = 0;
    for (const version of versions) {
      size += version.size;
      footprint += version.footprint;
    }
    this.isHeavy = footprint * 2 > Math.max(cellsMax, size * 4);
    if (footprint > cellsMax) for (const version of versions) version.evict(cellsMax / footprint);
  }
}

/** Of a version's cells those that are not committed. A delta has cells of its own. */
const dirtyShare = (version: ViewVersion): number =>
  Math.min(1, version.dirtyCells / Math.max(1, version.cells));
