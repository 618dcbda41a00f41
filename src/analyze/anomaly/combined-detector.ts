// The detector to begin with: it knows nothing of the series and assumes only that what is normal recurs.
// Several views ask "how unlike anything before is this?" (the value itself, the last two dozen values);
// their surprises are added and judged against the series' own history of surprises.
import { checkOption, checkWhole, type Detector, detectorKind, isGap } from './detector.ts';
import { NearestPattern } from './nearest-pattern.ts';
import { NearestValue } from './nearest-value.ts';
import { beginState, readState } from './state-bytes.ts';
import { TailModel } from './tail-model.ts';

/** Options of the combined detector; each has a default. */
export interface CombinedOptions {
  /** Observations remembered, 100 … 100,000; 4000 unless given. Cost an update grows with it. */
  history?: number;
  /** Observations before the first score, 20 … history; 100 unless given. */
  warmUp?: number;
  /**
   * Lengths of the stretches compared, 1 … history / 2, each with the weight of its surprise, 0 … 1e6; 1 … 16 of
   * them. Lengths 1 and 24 with weights 1 and 2 unless given.
   */
  views?: readonly { length: number; weight: number }[];
  /** False-alarm rate that counts as an alarm and begins a quiet time, in [1e-9, 0.5]; 0.005 unless given. */
  alarmRate?: number;
  /** Observations after an alarm that are answered with 0: one incident, one alarm. 0 switches this off, 120 unless given. */
  quiet?: number;
}

const historyMax = 100_000;
const viewsMax = 16;

const defaults = {
  history: 4000,
  warmUp: 100,
  views: [
    { length: 1, weight: 1 },
    { length: 24, weight: 2 },
  ],
  alarmRate: 0.005,
  quiet: 120,
} as const satisfies CombinedOptions;

/**
 * Beyond e^10 times the usual distance a surprise grows no more, so that a first step after a constant is
 * finite.
 */
const surpriseMax = 10;

/**
 * Belief about the tail of the added surprises before the series has shown its own; see docs/detection.md.
 */
const tailPrior = { history: 20_000, share: 0.02, level: 2, levelWeight: 300, excess: 1, excessWeight: 60 };

/** Distances behind the running mean, at most. */
const meanMemory = 20_000;

interface View {
  weight: number;
  nearest: NearestPattern | NearestValue;
  /** Running mean of the distance to the nearest earlier stretch. */
  meanDistance: number;
  count: number;
}

/**
 * Novelty of value and pattern with calibrated scores. Assumption: normal behaviour recurs within `history`
 * observations. Regular sampling helps; times are not used. The tail begins at a share of 0.02: scores below
 * 0.98 are given as 0. An alarm (`score ≥ 1 − alarmRate`) silences the detector for `quiet` observations
 * while it goes on learning. Memory: 2 · history numbers for the value, 3 · history for each pattern, 800 for
 * the tail (160 kB with the defaults); an update costs some 6 · history operations a pattern (about 15 µs
 * with the defaults).
 */
export class CombinedDetector implements Detector {
  readonly options: Required<CombinedOptions>;
  private readonly views: View[];
  private readonly tail: TailModel;
  private seen = 0;
  private quietLeft = 0;

  /** Throws `bad-option` for an option out of its range. */
  constructor(options: CombinedOptions = {}) {
    const all = { ...defaults, ...options };
    checkWhole('history', all.history, 100, historyMax);
    checkWhole('warmUp', all.warmUp, 20, all.history);
    checkOption('alarmRate', all.alarmRate, 1e-9, 0.5);
    checkWhole('quiet', all.quiet, 0, 1e9);
    checkWhole('number of views', all.views.length, 1, viewsMax);
    for (const view of all.views) {
      checkWhole('length of a view', view.length, 1, all.history / 2);
      checkOption('weight of a view', view.weight, 0, 1e6);
    }
    this.options = all;
    this.views = all.views.map(({ length, weight }) => ({
      weight,
      nearest: length === 1 ? new NearestValue(all.history) : new NearestPattern(length, all.history),
      meanDistance: 0,
      count: 0,
    }));
    this.tail = new TailModel(tailPrior);
  }

  update(value: number, _timeUs: number): number {
    if (isGap(value)) return 0;
    let surprise = 0;
    for (const view of this.views) surprise += view.weight * this.surpriseOf(view, value);
    this.seen++;
    if (this.seen <= this.options.warmUp) return 0;
    const tail = this.tail.tail(surprise);
    this.tail.learn(surprise);
    if (this.quietLeft > 0) {
      this.quietLeft--;
      return 0;
    }
    if (tail <= this.options.alarmRate) this.quietLeft = this.options.quiet;
    return 1 - tail;
  }

  /** Logarithm of the distance over its usual size; 0 where it is usual or less. */
  private surpriseOf(view: View, value: number): number {
    const distance = view.nearest.update(value);
    if (Number.isNaN(distance)) return 0;
    const ratio = distance === 0 ? 0 : distance / view.meanDistance;
    view.count = Math.min(view.count + 1, meanMemory);
    view.meanDistance += (distance - view.meanDistance) / view.count;
    return Math.min(surpriseMax, Math.log(Math.max(1, ratio)));
  }

  serialize(): Uint8Array {
    const { history, warmUp, alarmRate, quiet } = this.options;
    const writer = beginState(
      detectorKind.combined,
      this.views.length * (3 * history + 32) + this.tail.size + 64,
    );
    writer.u32(history).u32(warmUp).f64(alarmRate).u32(quiet);
    writer.f64(this.seen).u32(this.quietLeft).varint(this.views.length);
    for (const view of this.views) {
      writer.u32(view.nearest.length).f64(view.weight).f64(view.meanDistance).u32(view.count);
      view.nearest.write(writer);
    }
    this.tail.write(writer);
    return writer.finish();
  }

  /** Reads what `serialize` wrote. Throws `corrupt-detector` for any other bytes. */
  static deserialize(bytes: Uint8Array): CombinedDetector {
    return readState('detector', bytes, detectorKind.combined, reader => {
      const [history, warmUp] = [reader.u32(100, historyMax), reader.u32()];
      const [alarmRate, quiet] = [reader.number(), reader.u32()];
      const [seen, quietLeft] = [reader.whole(), reader.u32(0, quiet)];
      const views = Array.from({ length: reader.varint(viewsMax) }, (): View => {
        const [length, weight] = [reader.u32(1, history / 2), reader.number(0)];
        const [meanDistance, count] = [reader.number(0, Number.MAX_VALUE), reader.u32(0, meanMemory)];
        const nearest =
          length === 1 ? NearestValue.read(reader, history) : NearestPattern.read(reader, length, history);
        return { weight, meanDistance, count, nearest };
      });
      const shape = views.map(view => ({ length: view.nearest.length, weight: view.weight }));
      const detector = new CombinedDetector({ history, warmUp, alarmRate, quiet, views: shape });
      return Object.assign(detector, { views, tail: TailModel.read(reader), seen, quietLeft });
    });
  }
}
