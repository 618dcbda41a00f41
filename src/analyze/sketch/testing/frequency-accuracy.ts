// Test support: trials that hold frequent items and Count-Min to their bounds on Zipf streams, for the quick and the long form of the
// proof alike. Every item of the universe is checked, also those that never came.
import type { Rng } from '../../../core/rng.ts';
import { CountMin } from '../frequency/count-min.ts';
import { FrequentItems } from '../frequency/frequent-items.ts';
import { doubleCodec } from '../item-codec.ts';
import { zipfDraws } from './zipf.ts';

/** Violations of bounds, and how close they came. */
export interface FrequencyErrors {
  trials: number;
  frequentViolations: number;
  /** The largest errorMax over n, to be compared with epsilon. */
  frequentError: number;
  countMinViolations: number;
  /** The largest overestimate over n, to be compared with epsilon. */
  countMinError: number;
}

/** The errors of two sets of trials. */
export const together = (a: FrequencyErrors, b: FrequencyErrors): FrequencyErrors => ({
  trials: a.trials + b.trials,
  frequentViolations: a.frequentViolations + b.frequentViolations,
  frequentError: Math.max(a.frequentError, b.frequentError),
  countMinViolations: a.countMinViolations + b.countMinViolations,
  countMinError: Math.max(a.countMinError, b.countMinError),
});

/** Frequent items as the library has them, of items that cost the proof less than strings. */
class FrequentNumbers extends FrequentItems<number> {
  constructor(mapSizeMax: number) {
    super(doubleCodec, mapSizeMax);
  }
}

// Ten rows: Count-Min's bound holds for an item with probability 1 − e^−depth, and a full proof asks for hundreds of millions of items.
const frequentOf = (): FrequentNumbers => new FrequentNumbers(1024);
const countMinOf = (): CountMin => new CountMin(2048, 10);
export const frequencyEpsilons = { frequent: frequentOf().epsilon, countMin: countMinOf().epsilon };

/**
 * Streams Zipf-distributed items out of `universe` distinct ones in several trials, and looks at the sketches whenever one of `sizes`
 * (ascending) items came. Count-Min takes hashes that are new in each trial; since it is linear it gets what came between two looks
 * as weights, which leave it as single updates would.
 */
export function frequencyErrors(
  exponent: number,
  sizes: readonly number[],
  universe: number,
  trials: number,
  rng: Rng,
): Map<number, FrequencyErrors> {
  const draw = zipfDraws(rng, universe, exponent);
  const hashes = new Uint32Array(universe * 4);
  const found = new Map<number, FrequencyErrors>();
  for (let trial = 0; trial < trials; trial++) {
    for (let i = 0; i < hashes.length; i++) hashes[i] = rng.uint32();
    const truth = new Float64Array(universe);
    const counted = new Float64Array(universe);
    const frequent = frequentOf();
    const countMin = countMinOf();
    let n = 0;
    for (const size of sizes) {
      for (; n < size; n++) {
        const item = draw();
        truth[item]!++;
        frequent.update(item);
      }
      truth.forEach((weight, item) => {
        const at = 4 * item;
        const added = weight - counted[item]!;
        if (added > 0)
          countMin.updateHash(hashes[at]!, hashes[at + 1]!, hashes[at + 2]!, hashes[at + 3]!, added);
      });
      counted.set(truth);
      const errors = found.get(size) ?? {
        trials: 0,
        frequentViolations: 0,
        frequentError: 0,
        countMinViolations: 0,
        countMinError: 0,
      };
      found.set(size, errors);
      errors.trials++;
      checkFrequent(frequent, truth, n, errors);
      checkCountMin(countMin, hashes, truth, n, errors);
    }
  }
  return found;
}

function checkFrequent(
  sketch: FrequentNumbers,
  truth: Float64Array,
  n: number,
  errors: FrequencyErrors,
): void {
  if (sketch.n !== n || sketch.errorMax > sketch.epsilon * n) errors.frequentViolations++;
  errors.frequentError = Math.max(errors.frequentError, sketch.errorMax / n);
  truth.forEach((weight, item) => {
    const { lower, upper } = sketch.bounds(item);
    if (weight < lower || weight > upper) errors.frequentViolations++;
  });
}

function checkCountMin(
  sketch: CountMin,
  hashes: Uint32Array,
  truth: Float64Array,
  n: number,
  errors: FrequencyErrors,
): void {
  if (sketch.n !== n) errors.countMinViolations++;
  truth.forEach((weight, item) => {
    const at = 4 * item;
    const over = sketch.estimateHash(hashes[at]!, hashes[at + 1]!, hashes[at + 2]!, hashes[at + 3]!) - weight;
    if (over < 0 || over > sketch.epsilon * n) errors.countMinViolations++;
    errors.countMinError = Math.max(errors.countMinError, over / n);
  });
}
