// From events to rows: who was exposed to which variant since when, and what each unit did while it was watched.
// Invariant: the order of the events changes nothing (sums of floats apart, to rounding), and every unit is watched for
// the same time, so that early units are not compared with late ones.
import { invalidArgument, requireFinite, requirePositive, requireWhole } from '../stats/argument.ts';
import { ExperimentData } from './experiment-data.ts';
import type { Metric, MetricValue } from './metric.ts';

/** A unit met its variant: saw the page, not merely was assigned. Times are the caller's, in one unit throughout. */
export interface Exposure {
  unit: string;
  variant: string;
  at: number;
}

/** Something a unit did. */
export interface Observation {
  unit: string;
  /** The metric's name. */
  metric: string;
  at: number;
  /** Added up: an amount, a numerator; 1 unless given. For a proportion any value but 0 makes the unit count. */
  value?: number;
  /** Of a ratio, added up likewise: the denominator. 1 unless given. */
  second?: number;
}

export interface ExposureRule {
  /** How long a unit is watched from its first exposure on: [first, first + watch). Above 0. */
  watch: number;
  /** How long before its first exposure a covariate is looked at: [first − before, first). `watch` unless given. */
  before?: number;
  /** Observations are complete up to here: units whose watch ends later are left out. Infinity unless given. */
  asOf?: number;
  /** Units at most, 1,000,000 unless given; one more is an error. Some 100 bytes and 24 for each metric. */
  unitsMax?: number;
}

export interface ExposedUnits {
  data: ExperimentData;
  /** Units that met more than one variant: left out, since they belong to none. More than a few are a defect. */
  crossed: number;
  /** Units whose watch is not over: left out until it is. */
  unripe: number;
  /** Observations of units that were never exposed, or outside their watch. */
  outside: number;
}

interface Watched {
  variant: string;
  first: number;
  crossed: boolean;
  /** Of each metric: Σ value, Σ second, Σ value before the exposure. */
  sums: Float64Array;
}

/**
 * The rows of an experiment, one a unit with everything it did while it was watched; a unit that did nothing counts
 * with zeros. Exposures are read first, then observations; each once. O(exposures + observations) time.
 *
 * Throws `invalid-argument` for a rule outside its range, a variant or metric that is not there, a number that is not
 * finite, or more units than `unitsMax`.
 */
export function collectUnits(
  variants: readonly string[],
  metrics: readonly Metric[],
  exposures: Iterable<Exposure>,
  observations: Iterable<Observation>,
  rule: ExposureRule,
): ExposedUnits {
  const { watch, before = watch, asOf = Infinity, unitsMax = 1_000_000 } = rule;
  requirePositive('watch', watch);
  requirePositive('before', before);
  requireWhole('unitsMax', unitsMax, 1);
  if (Number.isNaN(asOf)) throw invalidArgument('asOf must be a number.', { asOf });
  const data = new ExperimentData(variants, metrics);
  const units = readExposures(variants, metrics.length, exposures, unitsMax);
  const places = new Map(metrics.map(({ name }, m) => [name, m]));
  let outside = 0;
  for (const { unit, metric, at, value = 1, second = 1 } of observations) {
    const place = places.get(metric);
    if (place === undefined) throw invalidArgument('There is no such metric.', { metric });
    for (const [name, number] of Object.entries({ at, value, second })) requireFinite(name, number);
    const watched = units.get(unit);
    const age = watched === undefined ? Number.NaN : at - watched.first;
    if (age >= 0 && age < watch) {
      watched!.sums[3 * place]! += metrics[place]!.kind === 'proportion' ? Number(value !== 0) : value;
      watched!.sums[3 * place + 1]! += second;
    } else if (metrics[place]!.covariate && age < 0 && age >= -before) watched!.sums[3 * place + 2]! += value;
    else outside++;
  }
  let [crossed, unripe] = [0, 0];
  for (const watched of units.values()) {
    if (watched.crossed) crossed++;
    else if (watched.first + watch > asOf) unripe++;
    else data.record(watched.variant, rowOf(metrics, watched.sums));
  }
  return { data, crossed, unripe, outside };
}

function readExposures(
  variants: readonly string[],
  metrics: number,
  exposures: Iterable<Exposure>,
  unitsMax: number,
): Map<string, Watched> {
  const units = new Map<string, Watched>();
  const known = new Set(variants);
  for (const { unit, variant, at } of exposures) {
    if (!known.has(variant)) throw invalidArgument('There is no such variant.', { variant, variants });
    requireFinite('at', at);
    const watched = units.get(unit);
    if (watched) {
      watched.crossed ||= watched.variant !== variant;
      watched.first = Math.min(watched.first, at);
      continue;
    }
    if (units.size === unitsMax)
      throw invalidArgument(`There are more than ${unitsMax} units.`, { unitsMax });
    units.set(unit, { variant, first: at, crossed: false, sums: new Float64Array(3 * metrics) });
  }
  return units;
}

function rowOf(metrics: readonly Metric[], sums: Float64Array): Record<string, MetricValue> {
  const rows = metrics.map(({ name, kind, covariate }, m): [string, MetricValue] => {
    const [value, second, earlier] = sums.subarray(3 * m, 3 * m + 3) as unknown as [number, number, number];
    const amount = kind === 'proportion' ? Math.min(1, value) : value;
    return [name, kind === 'ratio' ? [amount, second] : covariate ? [amount, earlier] : amount];
  });
  return Object.fromEntries(rows);
}
