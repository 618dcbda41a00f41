// Which accumulator keeps which aggregate.
import { MillraceError } from '../../core/errors.ts';
import type { Aggregate, ScalarType } from '../plan/plan.ts';
import type { Accumulator } from './accumulator.ts';
import { ApproxDistinctAccumulator } from './approx-distinct.ts';
import { AtExtremeAccumulator } from './at-extreme.ts';
import { BooleanAccumulator } from './boolean.ts';
import { CountAccumulator } from './count.ts';
import { CovarianceAccumulator } from './covariance.ts';
import { DistinctAccumulator } from './distinct.ts';
import { ExtremeAccumulator } from './extreme.ts';
import { FrequencyAccumulator } from './frequency.ts';
import { HistogramAccumulator } from './histogram.ts';
import { QuantileAccumulator } from './quantile.ts';
import { SampleAccumulator } from './sample.ts';
import { narrowed, type Scalar } from './scalar.ts';
import { SumAccumulator } from './sum.ts';
import { VarianceAccumulator } from './variance.ts';

/** The accumulator of an aggregate. Throws `view-refused` for parameters it cannot use. */
export function createAccumulator(aggregate: Aggregate): Accumulator {
  const { function: name, args, parameters } = aggregate;
  switch (name) {
    case 'count':
      return new CountAccumulator();
    case 'count_if':
      return new CountAccumulator(true);
    case 'sum':
      return new SumAccumulator(args[0]!.type === 'integer' ? 'integer' : 'number');
    case 'avg':
      return new SumAccumulator('average');
    case 'min':
    case 'max':
      return new ExtremeAccumulator(name === 'max');
    case 'var_samp':
    case 'var_pop':
    case 'stddev_samp':
    case 'stddev_pop':
      return new VarianceAccumulator(name.endsWith('samp'), name.startsWith('stddev'));
    case 'corr':
    case 'covar_samp':
    case 'covar_pop':
      return new CovarianceAccumulator(name);
    case 'bool_and':
    case 'bool_or':
      return new BooleanAccumulator(name === 'bool_and');
    case 'first':
    case 'last':
      return new AtExtremeAccumulator(name === 'last');
    case 'arg_min':
    case 'arg_max':
      return new AtExtremeAccumulator(name === 'arg_max');
    case 'count_distinct':
      return new DistinctAccumulator();
    case 'approx_count_distinct':
      return new ApproxDistinctAccumulator();
    case 'approx_quantile':
      return new QuantileAccumulator(quantilesOf(parameters[0]));
    case 'approx_top_k':
      return new FrequencyAccumulator({ top: Number(parameters[0] ?? 10) });
    case 'approx_frequency':
      return new FrequencyAccumulator({ item: itemOf(parameters[0] as string | number, args[0]!.type) });
    case 'histogram':
      return new HistogramAccumulator(parameters[0] as number[]);
    case 'sample':
      return new SampleAccumulator(Number(parameters[0] ?? 10));
  }
}

/** Plans hold whole numbers beyond 2^53, and booleans, as text. */
function itemOf(parameter: string | number, type: ScalarType): Scalar {
  if (typeof parameter === 'number') return parameter;
  return type === 'integer'
    ? narrowed(BigInt(parameter))
    : type === 'boolean'
      ? parameter === 'true'
      : parameter;
}

function quantilesOf(parameter: string | number | number[] | undefined): number | number[] {
  const all = Array.isArray(parameter) ? parameter : [Number(parameter)];
  if (all.length === 0 || all.some(q => !(q >= 0 && q <= 1))) {
    throw new MillraceError('view-refused', 'approx_quantile takes quantiles from 0 to 1.', { status: 400 });
  }
  return Array.isArray(parameter) ? parameter : all[0]!;
}
