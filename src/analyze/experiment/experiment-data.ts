// All that is kept of an experiment: per variant the number of units and one small accumulator a metric.
// Invariant: merging the data of disjoint sets of units gives the data of them all, so an engine may keep it by
// partition and by cohort window. Bounded: variants × metrics × 89 bytes.
import { ByteWriter } from '../../core/bytes.ts';
import { invalidArgument } from '../stats/argument.ts';
import { Covariance } from '../stats/moment/covariance.ts';
import { readForm, readWholeNumber } from '../stats/moment/serialized-form.ts';
import { checkMetric, type Metric, type MetricValue, readValue } from './metric.ts';

/** Units and their metrics, variant by variant. A unit costs O(metrics); memory is O(variants · metrics). */
export class ExperimentData {
  readonly variants: readonly string[];
  readonly metrics: readonly Metric[];
  /** accumulators[v][m], of variants[v] and metrics[m]. */
  readonly accumulators: Covariance[][];
  /** Units exposed, by variant. */
  readonly units: number[];

  /** At most 100 variants and 1,000 metrics; names must differ. The first variant is the control. */
  constructor(variants: readonly string[], metrics: readonly Metric[]) {
    const names = metrics.map(({ name }) => name);
    if (variants.length < 2 || variants.length > 100 || new Set(variants).size !== variants.length) {
      throw invalidArgument('An experiment has 2 to 100 variants of different names.', { variants });
    }
    if (metrics.length < 1 || metrics.length > 1000 || new Set(names).size !== names.length) {
      throw invalidArgument('An experiment has 1 to 1,000 metrics of different names.', { metrics: names });
    }
    metrics.forEach(checkMetric);
    this.variants = [...variants];
    this.metrics = [...metrics];
    this.accumulators = variants.map(() => metrics.map(() => new Covariance()));
    this.units = variants.map(() => 0);
  }

  /**
   * Takes in one unit, once, with its value for every metric over the time it was watched: leaving out units
   * without events would compare different sets of units. Throws `invalid-argument` and takes in nothing where
   * a value is missing, unknown or of the wrong form.
   */
  record(variant: string, values: Readonly<Record<string, MetricValue>>): void {
    const v = this.variants.indexOf(variant);
    if (v < 0) throw invalidArgument('There is no such variant.', { variant, variants: this.variants });
    // All are read before any is taken in.
    const pairs = this.metrics.map(metric => {
      const value = Object.hasOwn(values, metric.name) ? values[metric.name] : undefined;
      if (value === undefined) throw invalidArgument('A unit lacks a metric.', { metric: metric.name });
      return readValue(metric, value);
    });
    if (Object.keys(values).length !== this.metrics.length) {
      throw invalidArgument('A unit has a metric that the experiment has not.', {
        given: Object.keys(values),
      });
    }
    pairs.forEach(([x, y], m) => {
      this.accumulators[v]![m]!.update(x, y);
    });
    this.units[v]!++;
  }

  /** Takes in all that `other` holds: the same variants and metrics, other units. Throws `invalid-argument` else. */
  merge(other: ExperimentData): void {
    if (this.signature() !== other.signature()) {
      throw invalidArgument('Only data of the same variants and metrics merge.', {
        ours: this.signature(),
        theirs: other.signature(),
      });
    }
    this.accumulators.forEach((row, v) => {
      row.forEach((accumulator, m) => {
        accumulator.merge(other.accumulators[v]![m]!);
      });
    });
    other.units.forEach((count, v) => {
      this.units[v]! += count;
    });
  }

  private signature(): string {
    const metrics = this.metrics.map(({ name, kind, covariate }) => [name, kind, covariate === true]);
    return JSON.stringify([this.variants, metrics]);
  }

  /** Version 1, the names and kinds, then units and accumulators, variant by variant. */
  serialize(): Uint8Array {
    const signature = new TextEncoder().encode(this.signature());
    const cells = this.variants.length * (8 + this.metrics.length * 89);
    const writer = new ByteWriter(16 + signature.length + cells)
      .u8(1)
      .varint(signature.length)
      .bytes(signature);
    this.units.forEach((count, v) => {
      writer.f64(count);
      for (const accumulator of this.accumulators[v]!) writer.bytes(accumulator.serialize());
    });
    return writer.finish();
  }

  /**
   * Reads data of the given variants and metrics. Throws `unsupported-version`, `truncated-bytes`, or `invalid-bytes`,
   * also where they are of others.
   */
  static deserialize(
    bytes: Uint8Array,
    variants: readonly string[],
    metrics: readonly Metric[],
  ): ExperimentData {
    const result = new ExperimentData(variants, metrics);
    return readForm('experiment data', bytes, 1, reader => {
      const signature = reader.text();
      if (signature !== result.signature()) {
        throw invalidArgument('The data are of other variants or metrics.', { seen: signature });
      }
      result.units.forEach((_, v) => {
        const units = readWholeNumber(reader);
        result.units[v] = units;
        result.accumulators[v] = metrics.map(() => Covariance.deserialize(reader.bytes(89)));
        if (result.accumulators[v].some(({ count }) => count !== units)) {
          throw invalidArgument('The counts disagree.', { units });
        }
      });
      return result;
    });
  }
}
