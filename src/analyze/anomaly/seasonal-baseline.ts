// What is usual at this hour of the week: a level for every slot of a season, and the quantiles of what was
// left over. A value is judged by the rank of its residual among the recent ones, so no distribution is
// assumed. Invariant: the level of a slot depends only on the values of that slot.
import {
  checkOption,
  type Detector,
  detectorKind,
  isGap,
  readHeader,
  readNumbers,
  writeHeader,
  writeNumbers,
} from './detector.ts';
import { SortedWindow } from './sorted-window.ts';

export interface SeasonalBaselineOptions {
  /** Length of a slot in microseconds; an hour unless given. */
  slotUs?: number;
  /** Slots in a season, 1 … 100,000; 168 (a week of hours) unless given. */
  slots?: number;
  /** Weight of the newest value in its slot's level once the slot has seen 1 / rate values, in (0, 1]. */
  rate?: number;
  /** Residuals remembered for the quantiles, 50 … 100,000. */
  residuals?: number;
  /** Residuals needed before the first score, 20 … residuals. */
  warmUp?: number;
  /** Offset added to event times before slots are cut, for a local week; microseconds. */
  offsetUs?: number;
}

/** What was expected at an instant. */
export interface Expectation {
  level: number;
  low: number;
  high: number;
}

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

  constructor(options: SeasonalBaselineOptions = {}) {
    const residuals = checkOption('residuals', options.residuals ?? 2000, 50, 100_000);
    this.options = {
      slotUs: checkOption('slotUs', options.slotUs ?? 3_600_000_000, 1, 1e15),
      slots: checkOption('slots', options.slots ?? 168, 1, 100_000),
      rate: checkOption('rate', options.rate ?? 0.1, 1e-6, 1),
      residuals,
      warmUp: checkOption('warmUp', options.warmUp ?? 100, 20, residuals),
      offsetUs: options.offsetUs ?? 0,
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
    const writer = writeHeader(detectorKind.seasonalBaseline, 3 * slots + this.residuals.size + 32);
    writeNumbers(writer, [slotUs, slots, rate, warmUp, offsetUs]);
    for (const column of [this.level, this.count, this.uncertainty]) writeNumbers(writer, column);
    this.residuals.write(writer);
    return writer.finish();
  }

  static deserialize(bytes: Uint8Array): SeasonalBaseline {
    const reader = readHeader(bytes, detectorKind.seasonalBaseline);
    const [slotUs, slots, rate, warmUp, offsetUs] = readNumbers(reader);
    const columns = Array.from({ length: 3 }, () => readNumbers(reader));
    const residuals = SortedWindow.read(reader);
    const options = { slotUs, slots, rate, warmUp, offsetUs, residuals: residuals.capacity };
    const baseline = new SeasonalBaseline(options);
    baseline.level.set(columns[0]!);
    baseline.count.set(columns[1]!);
    baseline.uncertainty.set(columns[2]!);
    baseline.residuals = residuals;
    return baseline;
  }
}
