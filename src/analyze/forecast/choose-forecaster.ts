// Which model? Either the best information criterion among the smoothing forms, or the smallest error of
// forecasts made from earlier origins of the same history, among all models. Tashman 2000,
// doi:10.1016/S0169-2070(00)00065-0.
import { MillraceError } from '../../core/errors.ts';
import { corruptState } from '../anomaly/state-bytes.ts';
import { Autoregression } from './autoregression.ts';
import { ExponentialSmoothing, type SmoothingOptions } from './exponential-smoothing.ts';
import { checkWhole, type Forecaster, forecasterKind } from './forecaster.ts';
import { HarmonicRegression } from './harmonic-regression.ts';
import { SeasonalNaive } from './seasonal-naive.ts';
import { Theta } from './theta.ts';

type Fit = (values: ArrayLike<number>, period: number) => Forecaster;

/** The smoothing forms, by name. */
const forms: Record<string, SmoothingOptions> = {
  simple: {},
  holt: { trend: 'additive' },
  damped: { trend: 'damped' },
  'seasonal additive': { season: 'additive' },
  'holt-winters additive': { trend: 'additive', season: 'additive' },
  'holt-winters multiplicative': { trend: 'additive', season: 'multiplicative' },
  'damped holt-winters multiplicative': { trend: 'damped', season: 'multiplicative' },
};

const fits: Record<string, Fit> = {
  ...Object.fromEntries(
    Object.entries(forms).map(([name, form]): [string, Fit] => [
      name,
      (values, period) => ExponentialSmoothing.fit(values, { ...form, period }),
    ]),
  ),
  theta: (values, period) => Theta.fit(values, { period }),
  'seasonal naive': (values, period) => SeasonalNaive.fit(values, { period }),
  'harmonic regression': (values, period) => HarmonicRegression.fit(values, { period }),
  autoregression: values => Autoregression.fit(values),
  'autoregression of differences': values => Autoregression.fit(values, { difference: 1 }),
};

/** The names `chooseForecaster` tries and `fitForecaster` takes. */
export const forecasterNames: readonly string[] = Object.keys(fits);

/**
 * Fits a model by its name. Throws `bad-option` for a name that is none, else what the model's `fit` throws.
 */
export function fitForecaster(name: string, values: ArrayLike<number>, period = 1): Forecaster {
  const chosen = fits[name];
  if (!chosen) {
    throw new MillraceError('bad-option', `"${name}" is not a forecaster.`, {
      status: 400,
      remedy: `Use one of: ${forecasterNames.join(', ')}.`,
    });
  }
  return chosen(values, period);
}

/** How to choose; each has a default. */
export interface ChoiceOptions {
  /** Values in a season; 1 where there is none. */
  period?: number;
  /**
   * `rolling`: error from earlier origins, all models. `aicc`: information criterion, smoothing forms only.
   */
  by?: 'rolling' | 'aicc';
  /**
   * Steps ahead that the choice is for (rolling); the period unless given, at most a quarter of the history.
   */
  horizon?: number;
  /** Origins (rolling), 1 … 1000; 10 unless given. */
  origins?: number;
  /** Names to choose from; all unless given. */
  among?: readonly string[];
}

/** The model that was chosen, and what it was chosen from. */
export interface Choice {
  name: string;
  /** Fitted to the whole history. */
  forecaster: Forecaster;
  /** What was tried, best first: mean absolute error, or the corrected information criterion. */
  tried: { name: string; criterion: number }[];
}

/**
 * The best model for a history by the given criterion. Models that the history does not suit (too short, not
 * positive) are left out; throws `too-short` when none is left. Rolling origins fit each model once, to the
 * values before the first origin, and update it from there on.
 */
export function chooseForecaster(values: ArrayLike<number>, options: ChoiceOptions = {}): Choice {
  const { period = 1, by = 'rolling', origins = 10 } = options;
  checkWhole('period', period, 1);
  checkWhole('origins', origins, 1, 1000);
  const quarter = Math.max(1, Math.floor(values.length / 4));
  const horizon = Math.min(options.horizon ?? Math.max(period, 1), quarter);
  const names = (options.among ?? forecasterNames).filter(name => by === 'rolling' || name in forms);
  const tried: Choice['tried'] = [];
  for (const name of names) {
    if (period < 2 && /season(al (?!naive))|winters|harmonic/.test(name)) continue;
    try {
      const criterion =
        by === 'aicc'
          ? (fitForecaster(name, values, period) as ExponentialSmoothing).aicc
          : rollingError(name, values, period, horizon, origins);
      if (Number.isFinite(criterion)) tried.push({ name, criterion });
    } catch (thrown) {
      // A history that does not suit a model rules that model out; anything else is an error of the caller's
      // or ours.
      if (!(thrown instanceof MillraceError) || !['too-short', 'needs-positive'].includes(thrown.code))
        throw thrown;
    }
  }
  tried.sort((a, b) => a.criterion - b.criterion);
  const best = tried[0];
  if (!best) {
    throw new MillraceError('too-short', `No model can be fitted to ${values.length} values.`, {
      status: 400,
    });
  }
  return { name: best.name, forecaster: fitForecaster(best.name, values, period), tried };
}

/**
 * Mean absolute error over all steps of forecasts from the last origins whose horizon lies inside the
 * history.
 */
function rollingError(
  name: string,
  values: ArrayLike<number>,
  period: number,
  horizon: number,
  origins: number,
): number {
  const n = values.length;
  const spread = Math.min(origins, Math.max(1, Math.floor(n / 4)));
  const first = n - horizon - spread + 1;
  const model = fitForecaster(name, Array.prototype.slice.call(values, 0, first), period);
  let sum = 0;
  for (let origin = first; origin <= n - horizon; origin++) {
    const { mean } = model.forecast(horizon);
    for (let h = 0; h < horizon; h++) sum += Math.abs(values[origin + h]! - mean[h]!);
    model.update(values[origin]!);
  }
  return sum / (spread * horizon);
}

/**
 * A forecaster from its serialised form, whichever model it is. Throws `corrupt-forecaster` for any other bytes.
 */
export function deserializeForecaster(bytes: Uint8Array): Forecaster {
  switch (bytes[0]) {
    case forecasterKind.exponentialSmoothing:
      return ExponentialSmoothing.deserialize(bytes);
    case forecasterKind.theta:
      return Theta.deserialize(bytes);
    case forecasterKind.seasonalNaive:
      return SeasonalNaive.deserialize(bytes);
    case forecasterKind.harmonic:
      return HarmonicRegression.deserialize(bytes);
    case forecasterKind.autoregression:
      return Autoregression.deserialize(bytes);
    default:
      throw corruptState('forecaster', `no forecaster is of kind ${bytes[0]}`);
  }
}
