// The clock of one partition for one view: how far event time has come, which events are ahead of it, which come after
// their windows' keep time, and what is remembered of them.
//
// Watermark = highest event time − delay, where an event further ahead of its append time than the view's `ahead` does not
// count. Once a partition is read to its end and idle, its watermark follows the wall clock (only for finality: what is
// kept depends on event times alone, so that loading history behaves as if it were live).
import { MillraceError } from '../../core/errors.ts';
import type { Batch } from '../batch.ts';
import type { Plan } from '../plan/plan.ts';
import type { StoredSize } from '../state/stored-size.ts';
import { levelOptionsOf } from './cut.ts';
import type { LevelOptions } from './level.ts';
import { paneStart } from './pane-column.ts';

/** A resolution and how long its windows are kept. */
export type KeptLevel = Pick<LevelOptions, 'everyMs' | 'keepUs'>;

export interface ExpiredEvent {
  source: number;
  partition: number;
  offset: number;
  timeUs: number;
}

/** From offset `from` on this content of a lookup table was joined. */
export interface LookupUse {
  table: string;
  version: string;
  from: number;
}

/** What is committed of a view's partition beside its windows. */
export interface PositionRecord {
  /** Absent before anything was read. */
  offset?: number;
  /** Highest event time that counts; null before the first. */
  highUs: number | null;
  /** The watermark never goes back, over restarts either. */
  watermarkUs: number | null;
  /** Lowest event time. */
  lowUs?: number;
  /** When the last event was appended. Absent in records of before it was kept. */
  appendedMs?: number;
  events: number;
  expired: number;
  ahead: number;
  mismatched: number;
  /** The last expired events. */
  recentExpired: ExpiredEvent[];
  /** What is kept of it in the store. Absent in records of before it was counted. */
  kept?: StoredSize;
  /**
   * By resolution: windows that end at or before are not kept although they are in keep time, since they were out of it before the keep
   * time or the delay was made longer, µs.
   */
  floors?: Record<string, number>;
  /** Of views that join lookup tables: which content from which offset on, oldest first. */
  lookups?: LookupUse[];
}

const recentMax = 100;
/** A caught-up partition without events for so long is idle. */
const idleMs = 10_000;

export class PartitionClock {
  readonly record: PositionRecord;
  private delayUs = 0;
  private aheadUs = 0;
  private levels: readonly KeptLevel[] = [];
  /** High mark before the batch that `advance` saw. */
  private highBefore = Number.NEGATIVE_INFINITY;
  private high: number;
  /** An event time that counts and that the partition is known to come to. */
  private foreseen = Number.NEGATIVE_INFINITY;
  /** When events last came, by the wall clock; 0 where nothing is known of it. */
  private lastEventMs: number;

  constructor(plan: Plan, stored: PositionRecord | undefined) {
    this.adopt(plan);
    this.record = stored ?? {
      highUs: null,
      watermarkUs: null,
      events: 0,
      expired: 0,
      ahead: 0,
      mismatched: 0,
      recentExpired: [],
    };
    this.high = this.record.highUs ?? Number.NEGATIVE_INFINITY;
    // A partition that was idle before a restart is so at once, and what was final stays so.
    this.lastEventMs = this.record.appendedMs ?? 0;
  }

  /** Takes over changed settings. */
  adopt(plan: Plan): void {
    this.delayUs = plan.delayMs * 1000;
    this.aheadUs = plan.aheadMs * 1000;
    this.levels = levelOptionsOf(plan);
  }

  /**
   * To be called before `adopt`: windows that have gone stay gone where the plan keeps them longer. Their events are not counted a second
   * time from the middle, and are answered from the history. True where the record has changed; it must be committed with the plan.
   */
  raiseFloors(plan: Plan): boolean {
    let isRaised = false;
    const next = levelOptionsOf(plan);
    for (const level of this.levels) {
      const keepUs = next.find(({ everyMs }) => everyMs === level.everyMs)?.keepUs;
      const gone = this.pruneUs(level);
      if (keepUs === undefined || gone === Number.NEGATIVE_INFINITY) continue;
      const cut = keepUs === null ? Number.NEGATIVE_INFINITY : this.farthest - plan.delayMs * 1000 - keepUs;
      if (cut >= gone) continue;
      this.record.floors = { ...this.record.floors, [level.everyMs]: gone };
      isRaised = true;
    }
    return isRaised;
  }

  static parse(bytes: Uint8Array): PositionRecord {
    try {
      return JSON.parse(new TextDecoder().decode(bytes)) as PositionRecord;
    } catch (cause) {
      throw new MillraceError('state-damaged', "A view's position cannot be read.", { cause });
    }
  }

  /** To be committed with rows that make the store's part `kept`. */
  bytes(kept: StoredSize): Uint8Array {
    return new TextEncoder().encode(JSON.stringify({ ...this.record, kept }));
  }

  /** Takes a batch's times; true where some of its events may lie beyond every keep time. */
  advance(batch: Batch): boolean {
    const { timesUs, appendUs, rows } = batch;
    this.highBefore = this.high;
    const { high, low, ahead } = extremes(timesUs, appendUs, rows, this.high, this.aheadUs);
    this.high = high;
    const { record } = this;
    if (record.events === 0) record.lowUs = low;
    else if (record.lowUs !== undefined) record.lowUs = Math.min(record.lowUs, low);
    record.ahead += ahead;
    record.events += rows;
    record.mismatched += batch.mismatched;
    record.appendedMs = Math.floor(appendUs[rows - 1]! / 1000);
    if (high > Number.NEGATIVE_INFINITY) {
      record.highUs = high;
      record.watermarkUs = Math.max(record.watermarkUs ?? Number.NEGATIVE_INFINITY, high - this.delayUs);
    }
    return low <= this.lowestGoneUs(this.high);
  }

  /** Windows that end at or before are no longer kept; −∞ where no event lies there. */
  cutUs(level: KeptLevel): number {
    const cut = this.goneUs(level, this.high);
    return cut <= (this.record.lowUs ?? Number.NEGATIVE_INFINITY) ? Number.NEGATIVE_INFINITY : cut;
  }

  /** Windows that end at or before are no longer kept once event time has come to `high`. */
  private goneUs({ everyMs, keepUs }: KeptLevel, high: number): number {
    const floor = this.record.floors?.[everyMs] ?? Number.NEGATIVE_INFINITY;
    return keepUs === null ? floor : Math.max(floor, high - this.delayUs - keepUs);
  }

  /** An event later than this is in some window that is kept. */
  private lowestGoneUs(high: number): number {
    return Math.min(...this.levels.map(level => this.goneUs(level, high)));
  }

  /** Takes times of events that are in the log but not yet read. */
  foresee(timesUs: Float64Array, appendUs: Float64Array, rows: number): void {
    for (let row = 0; row < rows; row++) {
      const timeUs = timesUs[row]!;
      if (timeUs > this.foreseen && timeUs <= appendUs[row]! + this.aheadUs) this.foreseen = timeUs;
    }
  }

  /**
   * Windows that end at or before need not be made: they are no longer kept once the events that are in the log are read. At
   * least `cutUs`; a history much longer than what is kept of it at the finest resolution is so read much faster.
   */
  pruneUs(level: KeptLevel): number {
    return this.goneUs(level, this.farthest);
  }

  private get farthest(): number {
    return Math.max(this.high, this.foreseen);
  }

  /** Windows may be left out that events which are still to be read will put out of keep time. */
  get isForeseeing(): boolean {
    return this.foreseen > this.high;
  }

  /** Clears the mask of events that came after all their windows' keep time, in the order they came, and notes them. */
  clearExpired(
    batch: Batch,
    mask: Uint8Array,
    source: number,
    partition: number,
    levels: readonly { options: LevelOptions }[],
  ): void {
    let high = this.highBefore;
    let lowestGone = this.lowestGoneUs(high);
    for (let row = 0; row < batch.rows; row++) {
      const timeUs = batch.timesUs[row]!;
      if (timeUs > high && timeUs <= batch.appendUs[row]! + this.aheadUs) {
        high = timeUs;
        lowestGone = this.lowestGoneUs(high);
      }
      if (timeUs > lowestGone || mask[row] === 0) continue;
      const isKept = levels.some(
        ({ options }) => paneStart(timeUs, options.everyUs) + options.sizeUs > this.goneUs(options, high),
      );
      if (isKept) continue;
      mask[row] = 0;
      this.record.expired++;
      this.record.recentExpired.push({ source, partition, offset: batch.firstOffset + row, timeUs });
      if (this.record.recentExpired.length > recentMax) this.record.recentExpired.shift();
    }
  }

  /** Notes that events came at this wall-clock time. */
  noteEvents(nowMs: number): void {
    this.lastEventMs = nowMs;
  }

  /** The partition is read to its end: lets an idle one follow the wall clock. True where the watermark moved. */
  idle(nowMs: number): boolean {
    // The wall clock may have been set back.
    if (this.lastEventMs === 0 || this.lastEventMs > nowMs) this.lastEventMs = nowMs;
    const { record } = this;
    if (record.highUs === null || nowMs - this.lastEventMs < idleMs) return false;
    const followed = (nowMs - idleMs) * 1000 - this.delayUs;
    if (followed <= (record.watermarkUs ?? 0)) return false;
    record.watermarkUs = followed;
    return true;
  }
}

/** The high mark after a batch, the lowest time in it, and how many events are too far ahead to count. */
function extremes(
  timesUs: Float64Array,
  appendUs: Float64Array,
  rows: number,
  highBefore: number,
  aheadUs: number,
): { high: number; low: number; ahead: number } {
  let high = highBefore;
  let low = Number.POSITIVE_INFINITY;
  let ahead = 0;
  for (let row = 0; row < rows; row++) {
    const timeUs = timesUs[row]!;
    if (timeUs > high) {
      if (timeUs > appendUs[row]! + aheadUs) ahead++;
      else high = timeUs;
    }
    if (timeUs < low) low = timeUs;
  }
  return { high, low, ahead };
}
