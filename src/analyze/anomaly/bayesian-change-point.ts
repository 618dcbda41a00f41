// Bayesian online change point detection: the posterior of how many values have passed since the last change,
// for normal data of unknown mean and variance. Adams & MacKay 2007, arXiv:0710.3742. Invariant: `chance`
// sums to 1.
import gammaln from '@stdlib/math-base-special-gammaln';
import { checkOption, checkWhole, type Detector, detectorKind, isGap } from './detector.ts';
import { beginState, readState, sizeMax, writeNumbers } from './state-bytes.ts';

/** Options of the Bayesian detector; each has a default. */
export interface BayesianChangePointOptions {
  /** Mean number of values between changes expected beforehand, 2 … 1e9; 500 unless given. */
  expectedRun?: number;
  /** A change within this many newest values scores, 1 … 1000; 10 unless given. */
  lag?: number;
  /** Run lengths kept, 10 … 10,000, 200 unless given; the least likely are dropped. */
  runsMax?: number;
  /** Values that fix the prior of mean and variance before the first score, 10 … 10,000; 50 unless given. */
  warmUp?: number;
}

/** ln Γ(x + ½) − ln Γ(x); by series from x = 25 on, where it is exact to 1e-11. */
function logGammaStep(x: number): number {
  if (x < 25) return gammaln(x + 0.5) - gammaln(x);
  return 0.5 * Math.log(x) - 1 / (8 * x) + 1 / (192 * x * x * x);
}

type Seven = [number, number, number, number, number, number, number];

/** Less likely runs are dropped at once. */
const chanceMin = 1e-9;

/**
 * Hypotheses as columns: `age` values since the change, its probability, and the normal–gamma posterior since
 * then.
 */
interface Runs {
  age: number[];
  chance: number[];
  mean: number[];
  squares: number[];
}

/**
 * Score = P(the last change lies within the newest `lag` values). Assumption: runs of independent normal
 * values; changes come at random, once in `expectedRun` values on average. Memory: 4 · runsMax numbers; an
 * update costs O(runsMax).
 */
export class BayesianChangePoint implements Detector {
  readonly options: Required<BayesianChangePointOptions>;
  private warm: number[] = [];
  private priorMean = 0;
  private priorVariance = 1;
  private seen = 0;
  private runs: Runs = { age: [0], chance: [1], mean: [0], squares: [0] };

  /** Throws `bad-option` for an option out of its range. */
  constructor(options: BayesianChangePointOptions = {}) {
    this.options = {
      expectedRun: checkOption('expectedRun', options.expectedRun ?? 500, 2, 1e9),
      lag: checkWhole('lag', options.lag ?? 10, 1, 1000),
      runsMax: checkWhole('runsMax', options.runsMax ?? 200, 10, 10_000),
      warmUp: checkWhole('warmUp', options.warmUp ?? 50, 10, 10_000),
    };
  }

  /** The most likely number of values since the last change. */
  get runLength(): number {
    return this.runs.age[this.runs.chance.indexOf(Math.max(...this.runs.chance))]!;
  }

  update(value: number, _timeUs: number): number {
    if (isGap(value)) return 0;
    if (this.warm.length < this.options.warmUp) {
      this.warm.push(value);
      if (this.warm.length === this.options.warmUp) this.fixPrior();
      return 0;
    }
    this.seen++;
    this.step(value);
    this.prune();
    const { age, chance } = this.runs;
    let recent = 0;
    // The run that began with the first value is no change.
    for (let i = 0; i < age.length; i++) {
      if (age[i]! <= this.options.lag && age[i]! < this.seen) recent += chance[i]!;
    }
    return Math.min(1, recent);
  }

  private fixPrior(): void {
    const n = this.warm.length;
    this.priorMean = this.warm.reduce((sum, value) => sum + value, 0) / n;
    const squares = this.warm.reduce((sum, value) => sum + (value - this.priorMean) ** 2, 0);
    this.priorVariance = squares > 0 ? squares / (n - 1) : 1e-12;
    this.warm = Array.from({ length: n }, () => 0);
    // The run in progress has already seen the values that fixed the prior.
    this.runs = { age: [0], chance: [1], mean: [this.priorMean], squares: [squares] };
    this.runs.age[0] = n;
    this.seen = n;
  }

  /** Log density of `value` in a run of `age` values: Student's t of the normal–gamma posterior. */
  private predictive(value: number, age: number, mean: number, squares: number): number {
    // The prior's mean is worth 1/25 of a value, so that a step of several deviations is no surprise; its
    // variance 4.
    const kappa = 0.04 + age;
    const difference = age > 0 ? mean - this.priorMean : 0;
    const centre = this.priorMean + (age * difference) / kappa;
    const beta = this.priorVariance * 2 + squares / 2 + (0.02 * age * difference * difference) / kappa;
    const freedom = 4 + age;
    const scale = (2 * beta * (kappa + 1)) / (freedom * kappa);
    const distance = value - centre;
    return (
      logGammaStep(freedom / 2) -
      0.5 * Math.log(Math.PI * freedom * scale) -
      ((freedom + 1) / 2) * Math.log1p((distance * distance) / (freedom * scale))
    );
  }

  private step(value: number): void {
    const { age, chance, mean, squares } = this.runs;
    const hazard = 1 / this.options.expectedRun;
    const logs = age.map((a, i) => Math.log(chance[i]!) + this.predictive(value, a, mean[i]!, squares[i]!));
    const fresh = this.predictive(value, 0, 0, 0);
    const top = Math.max(fresh, ...logs);
    // A new run begins with this value: its density under the prior, whatever run went before.
    const grown: Runs = {
      age: [1],
      chance: [hazard * Math.exp(fresh - top)],
      mean: [value],
      squares: [0],
    };
    for (let i = 0; i < age.length; i++) {
      const n = age[i]! + 1;
      const before = value - mean[i]!;
      const now = mean[i]! + before / n;
      grown.age.push(n);
      grown.chance.push((1 - hazard) * Math.exp(logs[i]! - top));
      grown.mean.push(now);
      grown.squares.push(squares[i]! + before * (value - now));
    }
    this.runs = grown;
  }

  private prune(): void {
    const { runsMax } = this.options;
    let { age, chance, mean, squares } = this.runs;
    const total = chance.reduce((sum, part) => sum + part, 0);
    chance = chance.map(part => part / total);
    const rank = Math.min(runsMax, chance.length) - 1;
    const least =
      chance.length > runsMax
        ? Math.max(
            chanceMin,
            Float64Array.from(chance)
              .sort()
              .at(-1 - rank)!,
          )
        : chanceMin;
    const keep = chance.map(part => part >= least);
    const kept = <T>(column: T[]): T[] => column.filter((_, i) => keep[i]).slice(0, runsMax);
    [age, chance, mean, squares] = [kept(age), kept(chance), kept(mean), kept(squares)];
    const rest = chance.reduce((sum, part) => sum + part, 0);
    this.runs = { age, chance: chance.map(part => part / rest), mean, squares };
  }

  serialize(): Uint8Array {
    const { expectedRun, lag, runsMax, warmUp } = this.options;
    const writer = beginState(
      detectorKind.bayesianChangePoint,
      this.warm.length + 4 * this.runs.age.length + 32,
    );
    writeNumbers(writer, [expectedRun, lag, runsMax, warmUp, this.priorMean, this.priorVariance, this.seen]);
    for (const column of [this.warm, this.runs.age, this.runs.chance, this.runs.mean, this.runs.squares]) {
      writeNumbers(writer, column);
    }
    return writer.finish();
  }

  /** Reads what `serialize` wrote. Throws `corrupt-detector` for any other bytes. */
  static deserialize(bytes: Uint8Array): BayesianChangePoint {
    return readState('detector', bytes, detectorKind.bayesianChangePoint, reader => {
      const numbers = reader.numbers(7, -Number.MAX_VALUE, Number.MAX_VALUE);
      reader.check(numbers.length === 7, 'its options are incomplete');
      const [expectedRun, lag, runsMax, warmUp, mean0, variance0, seen0] = numbers as Seven;
      const detector = new BayesianChangePoint({ expectedRun, lag, runsMax, warmUp });
      const priorMean = reader.inRange(mean0, -sizeMax, sizeMax);
      const priorVariance = reader.inRange(variance0, Number.MIN_VALUE, Number.MAX_VALUE);
      const seen = reader.wholeNumber(seen0);
      const warm = reader.numbers(warmUp);
      const age = reader.numbers(runsMax, 0, Number.MAX_SAFE_INTEGER);
      const chance = reader.numbers(runsMax, 0, 1);
      const mean = reader.numbers(runsMax);
      const squares = reader.numbers(runsMax, 0, Number.MAX_VALUE);
      for (const column of [chance, mean, squares])
        reader.check(column.length === age.length, 'its columns differ in length');
      const total = chance.reduce((sum, part) => sum + part, 0);
      reader.check(Math.abs(total - 1) < 1e-6, 'its probabilities do not sum to 1');
      return Object.assign(detector, {
        priorMean,
        priorVariance,
        seen,
        warm,
        runs: { age, chance, mean, squares },
      });
    });
  }
}
