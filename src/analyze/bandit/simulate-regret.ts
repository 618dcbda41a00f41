// What a policy loses against always playing the best coin: the published yardstick of bandits.
import type { Rng } from '../../core/rng.ts';
import { requireWhole } from '../stats/argument.ts';
import type { Policy } from './policy.ts';

export interface Regret {
  /** Mean over the runs of Σ (best rate − rate of the arm played): expected rewards, so the coins' luck is left out. */
  mean: number;
  /** The standard error of that mean. */
  standardError: number;
  runs: number;
}

/**
 * Plays a fresh policy for `horizon` rounds against coins of the given rates (each in [0, 1]), `runs` times. Cost:
 * runs · horizon choices. All randomness is from `rng`.
 */
export function simulateRegret(
  create: () => Policy,
  rates: readonly number[],
  horizon: number,
  runs: number,
  rng: Rng,
): Regret {
  requireWhole('horizon', horizon, 1);
  requireWhole('runs', runs, 1);
  const best = Math.max(...rates);
  let mean = 0;
  let squares = 0;
  for (let run = 1; run <= runs; run++) {
    const policy = create();
    let regret = 0;
    for (let t = 0; t < horizon; t++) {
      const arm = policy.pick(rng);
      regret += best - rates[arm]!;
      policy.update(arm, rng.float() < rates[arm]! ? 1 : 0);
    }
    const step = regret - mean;
    mean += step / run;
    squares += step * (regret - mean);
  }
  return { mean, standardError: runs > 1 ? Math.sqrt(squares / (runs - 1) / runs) : Infinity, runs };
}
