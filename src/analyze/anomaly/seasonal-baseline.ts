// What is usual at this hour of the week: a level for every slot of a season, and the quantiles of what was
// left over. A value is judged by the rank of its residual among the recent ones, so no distribution is
// assumed. Invariant: the level of a slot depends only on the values of that slot.
import { checkOption, checkWhole, type Detector, detectorKind, isGap } from './detector.ts';
import { SortedWindow } from './sorted-window.ts';
import { beginState, readState, writeNumbers } from './state-bytes.ts';

/** Options of a seasonal baseline; each has a default. */
export interface SeasonalBaselineOptions {
  /** Length of a slot in microseconds; an hour unless given. */
  slotUs?: number;
  /** Slots in a season, 1 … 100,000; 168 (a week of hours) unless given. */
  slots?: number;
  /** Weight of the newest value in its slot's level once the slot has seen 1 / rate values, in [1e-6, 1]; 0.1 unless given. */
  rate?: number;
  /** Residuals remembered for the quantiles, 50 … 100,000; 2000 unless given. */
  residuals?: number;
  /** Residuals needed before the first score, 20 … residuals; 100 unless given. */
  warmUp?: number;
  /** Offset added to event times before slots are cut, for a local week; microseconds, at most 1e15 either way. */
  offsetUs?: number;
}

/** What was expected at an instant: the slot's level, and the band around it, in the values' own unit. */
export interface Expectation {
  level: number;
  low: number;
  high: number;
}

const slotsMax = 100_000;

/** Residuals rarer than this are judged by an exponential tail instead of by rank. */
const tailShare = 0.02;

/**
 * Seasonal baseline. Assumption: the residuals from the slot's level are exchangeable over the window. Score
 * = 1 − the two-sided conformal p-value. A slot never seen before scores 0. Memory: 3 · slots + 2 · residuals
 * numbers; an update costs a binary search and a memory move.
 */
export class SeasonalBaseline implements Detector {
  readonly options: Required<SeasonalBaselineOptions>;
  private readonly level: Float64Array;
  private readonly count: Float64Array;
  /** Variance of a slot's level in units of the variance of one value: sum of the squared weights. */
  private readonly uncertainty: Float64Array;
  private residuals: SortedWindow;

  /** Throws `bad-option` for an option out of its range. */
  constructor(options: SeasonalBaselineOptions = {}) {
    const residuals = checkWhole('residuals', options.residuals ?? 2000, 50, 100_000);
    this.options = {
      slotUs: checkOption('slotUs', options.slotUs ?? 3_600_000_000, 1, 1e15),
      slots: checkWhole('slots', options.slots ?? 168, 1, slotsMax),
      rate: checkOption('rate', options.rate ?? 0.1, 1e-6, 1),
      residuals,
      warmUp: checkWhole('warmUp', options.warmUp ?? 100, 20, residuals),
      offsetUs: checkOption('offsetUs', options.offsetUs ?? 0, -1e15, 1e15),
    };
    this.level = new Float64Array(this.options.slots);
    this.count = new Float64Array(this.options.slots);
    this.uncertainty = new Float64Array(this.options.slots);
    this.residuals = new SortedWindow(residuals);
  }

  private slotOf(timeUs: number): number {
    const { slotUs, slots, offsetUs } = this.options;
    const slot = Math.floor((timeUs + offsetUs) / slotUs) % slots;
    return slot < 0 ? slot + slots : slot;
  }

  /**
   * Level and band at an instant; the band holds a share `coverage` of the recent residuals. `undefined` for
   * a slot never seen or before any residual.
   */
  expect(timeUs: number, coverage = 0.95): Expectation | undefined {
    const slot = this.slotOf(timeUs);
    if (this.count[slot] === 0 || this.residuals.size === 0) return undefined;
    const half = this.residuals.quantile(coverage) * Math.sqrt(1 + this.uncertainty[slot]!);
    const level = this.level[slot]!;
    return { level, low: level - half, high: level + half };
  }

  update(value: number, timeUs: number): number {
    if (isGap(value)) return 0;
    const slot = this.slotOf(timeUs);
    let score = 0;
    if (this.count[slot]! > 0) {
      const residual = Math.abs(value - this.level[slot]!) / Math.sqrt(1 + this.uncertainty[slot]!);
      if (this.residuals.size >= this.options.warmUp)
        score = 1 - this.residuals.upperTail(residual, tailShare);
      this.residuals.push(residual);
    }
    this.count[slot]!++;
    const weight = Math.max(1 / this.count[slot]!, this.options.rate);
    this.level[slot]! += weight * (value - this.level[slot]!);
    this.uncertainty[slot] = (1 - weight) ** 2 * this.uncertainty[slot]! + weight * weight;
    return score;
  }

  serialize(): Uint8Array {
    const { slotUs, slots, rate, warmUp, offsetUs } = this.options;
    const writer = beginState(detectorKind.seasonalBaseline, 3 * slots + this.residuals.size + 32);
    writeNumbers(writer, [slotUs, slots, rate, warmUp, offsetUs]);
    for (const column of [this.level, this.count, this.uncertainty]) writeNumbers(writer, column);
    this.residuals.write(writer);
    return writer.finish();
  }

  /** Reads what `serialize` wrote. Throws `corrupt-detector` for any other bytes. */
  static deserialize(bytes: Uint8Array): SeasonalBaseline {
    return readState('detector', bytes, detectorKind.seasonalBaseline, reader => {
      const numbers = reader.numbers(5);
      reader.check(numbers.length === 5, 'its options are incomplete');
      const [slotUs, slots, rate, warmUp, offsetUs] = numbers as [number, number, number, number, number];
      checkWhole('slots', slots, 1, slotsMax);
      const level = reader.numbers(slots);
      const count = reader.numbers(slots, 0, Number.MAX_SAFE_INTEGER);
      const uncertainty = reader.numbers(slots, 0, 1);
      for (const column of [level, count, uncertainty])
        reader.check(column.length === slots, 'a slot is missing');
      const residuals = SortedWindow.read(reader, 50, 100_000);
      const options = { slotUs, slots, rate, warmUp, offsetUs, residuals: residuals.capacity };
      const baseline = new SeasonalBaseline(options);
      baseline.level.set(level);
      baseline.count.set(count);
      baseline.uncertainty.set(uncertainty);
      baseline.residuals = residuals;
      return baseline;
    });
  }
}
