// Which variant a unit sees: a pure function of the unit's name and the experiment's salt, so that every server,
// every restart and every replay gives the same answer without storing any.
import { murmur128Text } from '../../core/hash.ts';
import { invalidArgument } from '../stats/argument.ts';

export interface VariantShare {
  name: string;
  /** Relative to the others; 1 and 1 is half and half. ≥ 0, 0 for a variant that is switched off. */
  weight: number;
}

export interface AssignmentRule {
  /** Distinct for every experiment, else two experiments would split their units alike. */
  salt: string;
  /** One or more; the first is the control. */
  variants: readonly VariantShare[];
  /** Share of units that take part, in (0, 1]; 1 unless given. Raising it moves nobody who already does. */
  traffic?: number;
}

/** The variant of a unit, or undefined where it does not take part. */
export type Assigner = (unit: string) => string | undefined;

/**
 * A number in [0, 1) that looks random and depends on `salt` and `unit` alone: 53 bits of MurmurHash3. About
 * 3 µs.
 */
export function unitFraction(salt: string, unit: string): number {
  // The separator keeps ("ab", "c") and ("a", "bc") apart.
  const { h1High, h1Low } = murmur128Text(`${salt}\u0000${unit}`);
  return (h1High * 2097152 + (h1Low >>> 11)) / 9007199254740992;
}

/**
 * The assigner of a rule, checked once. Shares differ from the weights by 2⁻⁵³ at most. Throws
 * `invalid-argument` for names that repeat, weights that are negative or all 0, or traffic outside (0, 1].
 */
export function createAssigner({ salt, variants, traffic = 1 }: AssignmentRule): Assigner {
  checkSalt(salt);
  if (!(traffic > 0 && traffic <= 1)) throw invalidArgument('traffic must lie in (0, 1].', { traffic });
  const total = variants.reduce((sum, { weight }) => sum + weight, 0);
  if (variants.some(({ weight }) => !(weight >= 0)) || !(total > 0 && total < Infinity)) {
    throw invalidArgument('Weights must not be negative, and at least one must be above 0.', { variants });
  }
  if (new Set(variants.map(({ name }) => name)).size !== variants.length) {
    throw invalidArgument('Two variants have the same name.', { variants });
  }
  const open = variants.filter(({ weight }) => weight > 0);
  let sum = 0;
  const upTo = open.map(({ weight }) => (sum += weight) / total);
  return unit => {
    // Whether and where are separate draws: traffic may grow without moving anyone between variants.
    if (traffic < 1 && unitFraction(`${salt}/traffic`, unit) >= traffic) return undefined;
    const fraction = unitFraction(salt, unit);
    const found = upTo.findIndex(limit => fraction < limit);
    // The last limit may round to just below 1.
    return open[found < 0 ? open.length - 1 : found]!.name;
  };
}

export function checkSalt(salt: string): void {
  if (salt === '' || salt.includes('\u0000')) {
    throw invalidArgument('A salt must not be empty or contain a NUL.', { salt });
  }
}
