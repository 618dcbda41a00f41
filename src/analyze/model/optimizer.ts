// How an online model moves its weights along a gradient: SGD (Robbins & Monro 1951), AdaGrad (Duchi, Hazan & Singer
// 2011), FTRL-proximal with L1 and L2 (McMahan et al. 2013, algorithm 1).
import { invalidArgument, requirePositive } from '../stats/argument.ts';
import { sizeMax } from './model-bytes.ts';

export type OptimizerOptions =
  /** Step rate / (1 + decay · t)^½ with t the updates so far; `rate` > 0, `decay` ≥ 0 (0 by default). */
  | { kind: 'sgd'; rate?: number; decay?: number }
  /** Step rate / √Σ gradient², for each weight its own. `rate` > 0. */
  | { kind: 'adagrad'; rate?: number }
  /** `rate` > 0 (α), `smoothing` > 0 (β), penalties ≥ 0; `l1` sets weights of weak evidence exactly to 0. */
  | { kind: 'ftrl'; rate?: number; smoothing?: number; l1?: number; l2?: number };

/** The settings as numbers in a fixed order: what is serialised. */
export interface OptimizerSettings {
  kind: OptimizerOptions['kind'];
  rate: number;
  decay: number;
  smoothing: number;
  l1: number;
  l2: number;
}

/** Throws `invalid-argument` for a setting outside its range. */
export function optimizerSettings(options: OptimizerOptions): OptimizerSettings {
  const { kind } = options;
  if (kind !== 'sgd' && kind !== 'adagrad' && kind !== 'ftrl') {
    throw invalidArgument('optimizer must be sgd, adagrad or ftrl.', { kind });
  }
  const given = options as Partial<OptimizerSettings>;
  const settings = {
    kind,
    rate: given.rate ?? (kind === 'sgd' ? 0.01 : 0.1),
    decay: given.decay ?? 0,
    smoothing: given.smoothing ?? 1,
    l1: given.l1 ?? 0,
    l2: given.l2 ?? 0,
  };
  for (const name of ['rate', 'smoothing'] as const) {
    requirePositive(name, settings[name]);
    if (settings[name] < 1e-50 || settings[name] > 1e50) {
      throw invalidArgument(`${name} must be from 1e-50 to 1e50.`, { [name]: settings[name] });
    }
  }
  for (const name of ['decay', 'l1', 'l2'] as const) {
    if (!(settings[name] >= 0 && settings[name] <= sizeMax)) {
      throw invalidArgument(`${name} must be from 0 to 1e100.`, { [name]: settings[name] });
    }
  }
  return settings;
}

/**
 * Moves weight `at` by its gradient g, both within ±1e100. `first` and `second` are the optimizer's own numbers for the weight: AdaGrad keeps
 * Σg² in `second`; FTRL keeps z in `first` and Σg² in `second`. O(1).
 */
export function step(
  settings: OptimizerSettings,
  weights: Float64Array,
  first: Float64Array,
  second: Float64Array,
  at: number,
  gradient: number,
  updates: number,
): void {
  if (gradient === 0) return;
  if (settings.kind === 'sgd') {
    weights[at] = bounded(
      weights[at]! - (settings.rate * gradient) / Math.sqrt(1 + settings.decay * updates),
    );
    return;
  }
  const before = second[at]!;
  const after = before + gradient * gradient;
  // A gradient whose square vanishes says nothing.
  if (after === 0) return;
  second[at] = after;
  if (settings.kind === 'adagrad') {
    weights[at] = bounded(weights[at]! - (settings.rate * gradient) / Math.sqrt(after));
    return;
  }
  const sigma = (Math.sqrt(after) - Math.sqrt(before)) / settings.rate;
  const z = first[at]! + gradient - sigma * weights[at]!;
  first[at] = z;
  weights[at] =
    Math.abs(z) <= settings.l1
      ? 0
      : bounded(
          -(z - Math.sign(z) * settings.l1) /
            ((settings.smoothing + Math.sqrt(after)) / settings.rate + settings.l2),
        );
}

/** Cut at ±1e100. */
export function bounded(value: number): number {
  return Math.max(-sizeMax, Math.min(sizeMax, value));
}
