// Naive Bayes, learned one example at a time: classes by independent features, normal ones (Gaussian), counts
// (multinomial) or yes/no (Bernoulli). Manning, Raghavan & Schütze 2008, chapter 13; moments merge by Chan et al. 1983.
import type { ByteReader } from '../../core/bytes.ts';
import { MillraceError } from '../../core/errors.ts';
import { invalidArgument, requirePositive } from '../stats/argument.ts';
import {
  readNumber,
  readNumbers,
  readWholeNumber,
  requireRoom,
  writeNumbers,
} from '../stats/moment/serialized-form.ts';
import {
  cellsMax,
  corruptModel,
  incompatibleModels,
  modelForm,
  requireCount,
  requireVector,
  sizeMax,
} from './model-bytes.ts';

/** What the two classifiers have in common. Classes are whole numbers from 0. */
abstract class NaiveBayes {
  readonly classes: number;
  readonly dimension: number;
  protected readonly counts: Float64Array;

  constructor(classes: number, dimension: number) {
    requireCount('classes', classes, 1, 65_536);
    requireCount('dimension', dimension, 1, 1_000_000);
    if (classes * dimension > cellsMax) {
      throw invalidArgument(`classes · dimension must be at most ${cellsMax}.`, { classes, dimension });
    }
    this.classes = classes;
    this.dimension = dimension;
    this.counts = new Float64Array(classes);
  }

  protected abstract logLikelihood(features: ArrayLike<number>, label: number): number;
  protected abstract checkFeatures(features: ArrayLike<number>): void;

  /**
   * The probability of each class; a class without examples has 0. O(classes · dimension). Throws `invalid-argument` for
   * features outside the range and `not-trained` before the first example.
   */
  probabilities(features: ArrayLike<number>): Float64Array {
    this.checkFeatures(features);
    if (this.counts.every(count => count === 0)) {
      throw new MillraceError('not-trained', 'No example has been learned.', {
        status: 409,
        remedy: 'Call `update` first.',
      });
    }
    // A likelihood too small for a double still ranks above that of a class without examples.
    const logs = this.counts.map((count, label) =>
      count > 0 ? Math.max(-1e300, Math.log(count) + this.logLikelihood(features, label)) : -Infinity,
    );
    const peak = logs.reduce((most, value) => Math.max(most, value), -Infinity);
    const weights = logs.map(value => Math.exp(value - peak));
    const total = weights.reduce((sum, value) => sum + value, 0);
    return weights.map(value => value / total);
  }

  /** The likeliest class; the lowest of equals. Throws as `probabilities` does. */
  predict(features: ArrayLike<number>): number {
    const probabilities = this.probabilities(features);
    return probabilities.indexOf(probabilities.reduce((most, value) => Math.max(most, value), 0));
  }

  protected checkLabel(label: number): void {
    requireCount('label', label, 0, this.classes - 1);
  }
}

/** Features normal within each class. Three numbers a class and feature; an update costs O(dimension). */
export class GaussianNaiveBayes extends NaiveBayes {
  /** Added to every variance, as a share of the largest variance of any feature over all classes' examples. */
  readonly smoothing: number;
  private readonly means: Float64Array;
  private readonly squares: Float64Array;

  /** `smoothing` > 0, 1e-9 by default. Throws `invalid-argument`. */
  constructor(classes: number, dimension: number, smoothing = 1e-9) {
    super(classes, dimension);
    requirePositive('smoothing', smoothing);
    this.smoothing = smoothing;
    this.means = new Float64Array(classes * dimension);
    this.squares = new Float64Array(classes * dimension);
  }

  protected checkFeatures(features: ArrayLike<number>): void {
    requireVector('features', features, this.dimension);
  }

  /** Learns one example. Throws `invalid-argument`, unchanged, for features or a label outside their range. */
  update(features: ArrayLike<number>, label: number): void {
    this.checkFeatures(features);
    this.checkLabel(label);
    const count = ++this.counts[label]!;
    for (let i = 0, at = label * this.dimension; i < this.dimension; i++, at++) {
      const step = features[i]! - this.means[at]!;
      this.means[at]! += step / count;
      this.squares[at]! += step * (features[i]! - this.means[at]!);
    }
  }

  /** As if the other's examples had come here too. Throws `incompatible-models`. */
  merge(other: GaussianNaiveBayes): void {
    const { classes, dimension, smoothing } = this;
    if (other.classes !== classes || other.dimension !== dimension || other.smoothing !== smoothing) {
      throw incompatibleModels('Classes, dimension or smoothing differ.');
    }
    for (let label = 0; label < classes; label++) {
      const [a, b] = [this.counts[label]!, other.counts[label]!];
      if (b === 0) continue;
      for (let at = label * dimension; at < (label + 1) * dimension; at++) {
        const step = other.means[at]! - this.means[at]!;
        this.means[at]! += (step * b) / (a + b);
        this.squares[at]! += other.squares[at]! + (step * step * a * b) / (a + b);
      }
      this.counts[label] = a + b;
    }
  }

  /** The largest variance of a feature over all examples, whatever their class. */
  private largestVariance(): number {
    const total = this.counts.reduce((sum, count) => sum + count, 0);
    let largest = 0;
    for (let i = 0; i < this.dimension; i++) {
      let mean = 0;
      for (let k = 0; k < this.classes; k++)
        mean += (this.counts[k]! / total) * this.means[k * this.dimension + i]!;
      let squares = 0;
      for (let k = 0; k < this.classes; k++) {
        const at = k * this.dimension + i;
        squares += this.squares[at]! + this.counts[k]! * (this.means[at]! - mean) ** 2;
      }
      largest = Math.max(largest, squares / total);
    }
    return largest;
  }

  private floor = 0;

  override probabilities(features: ArrayLike<number>): Float64Array {
    // Where nothing varies at all, any width serves: all classes then differ by distance alone.
    this.floor = this.smoothing * this.largestVariance() || this.smoothing;
    return super.probabilities(features);
  }

  protected logLikelihood(features: ArrayLike<number>, label: number): number {
    let sum = 0;
    for (let i = 0, at = label * this.dimension; i < this.dimension; i++, at++) {
      const variance = this.squares[at]! / this.counts[label]! + this.floor;
      sum -= 0.5 * (Math.log(2 * Math.PI * variance) + (features[i]! - this.means[at]!) ** 2 / variance);
    }
    return sum;
  }

  /** The whole state as versioned bytes; `deserialize` goes on from them alike. */
  serialize(): Uint8Array {
    const writer = modelForm
      .begin('gaussianNaiveBayes')
      .varint(this.classes)
      .varint(this.dimension)
      .f64(this.smoothing);
    for (const part of [this.counts, this.means, this.squares]) writeNumbers(writer, part);
    return writer.finish();
  }

  /** Throws `corrupt-model`. */
  static deserialize(bytes: Uint8Array): GaussianNaiveBayes {
    return modelForm.read(bytes, 'gaussianNaiveBayes', reader => {
      const [classes, dimension] = readShape(reader, 2);
      const model = new GaussianNaiveBayes(classes, dimension, readNumber(reader));
      readClassCounts(reader, model.counts);
      model.means.set(readNumbers(reader, classes * dimension, -sizeMax, sizeMax));
      model.squares.set(readNumbers(reader, classes * dimension, 0));
      return model;
    });
  }
}

/**
 * Counts (`multinomial`: features ≥ 0, how often each word occurs) or yes/no (`bernoulli`: features 0 or 1), with
 * Laplace's smoothing. One number a class and feature; an update costs O(dimension). Merging is exact for whole counts.
 */
export class CountNaiveBayes extends NaiveBayes {
  readonly kind: 'multinomial' | 'bernoulli';
  readonly smoothing: number;
  private readonly sums: Float64Array;
  private readonly totals: Float64Array;

  /** `smoothing` > 0 is added to every count; 1 by default. Throws `invalid-argument`. */
  constructor(kind: 'multinomial' | 'bernoulli', classes: number, dimension: number, smoothing = 1) {
    super(classes, dimension);
    if (kind !== 'multinomial' && kind !== 'bernoulli') {
      throw invalidArgument('kind must be multinomial or bernoulli.', { kind });
    }
    requirePositive('smoothing', smoothing);
    this.kind = kind;
    this.smoothing = smoothing;
    this.sums = new Float64Array(classes * dimension);
    this.totals = new Float64Array(classes);
  }

  protected checkFeatures(features: ArrayLike<number>): void {
    requireVector('features', features, this.dimension);
    for (let i = 0; i < features.length; i++) {
      const value = features[i]!;
      if (value < 0 || (this.kind === 'bernoulli' && value !== 0 && value !== 1)) {
        throw invalidArgument(`features must be ${this.kind === 'bernoulli' ? '0 or 1' : 'at least 0'}.`, {
          value,
        });
      }
    }
  }

  /** Learns one example. Throws `invalid-argument`, unchanged, for features or a label outside their range. */
  update(features: ArrayLike<number>, label: number): void {
    this.checkFeatures(features);
    this.checkLabel(label);
    this.counts[label]! += 1;
    for (let i = 0, at = label * this.dimension; i < this.dimension; i++, at++) {
      this.sums[at]! += features[i]!;
      this.totals[label]! += features[i]!;
    }
  }

  /** As if the other's examples had come here too. Throws `incompatible-models`. */
  merge(other: CountNaiveBayes): void {
    const { kind, classes, dimension, smoothing } = this;
    if (
      other.kind !== kind ||
      other.classes !== classes ||
      other.dimension !== dimension ||
      other.smoothing !== smoothing
    ) {
      throw incompatibleModels('Kind, classes, dimension or smoothing differ.');
    }
    for (let i = 0; i < this.sums.length; i++) this.sums[i]! += other.sums[i]!;
    for (let label = 0; label < classes; label++) {
      this.counts[label]! += other.counts[label]!;
      this.totals[label]! += other.totals[label]!;
    }
  }

  protected logLikelihood(features: ArrayLike<number>, label: number): number {
    const { smoothing, dimension } = this;
    let sum = 0;
    for (let i = 0, at = label * dimension; i < dimension; i++, at++) {
      if (this.kind === 'multinomial') {
        const share = (this.sums[at]! + smoothing) / (this.totals[label]! + smoothing * dimension);
        if (features[i]! > 0) sum += features[i]! * Math.log(share);
      } else {
        const share = (this.sums[at]! + smoothing) / (this.counts[label]! + 2 * smoothing);
        sum += Math.log(features[i] === 1 ? share : 1 - share);
      }
    }
    return sum;
  }

  /** The whole state as versioned bytes; `deserialize` goes on from them alike. */
  serialize(): Uint8Array {
    const writer = modelForm
      .begin('countNaiveBayes')
      .varint(this.classes)
      .varint(this.dimension)
      .f64(this.smoothing);
    writer.u8(this.kind === 'multinomial' ? 0 : 1);
    return writeNumbers(writeNumbers(writer, this.counts), this.sums).finish();
  }

  /** Throws `corrupt-model`. */
  static deserialize(bytes: Uint8Array): CountNaiveBayes {
    return modelForm.read(bytes, 'countNaiveBayes', reader => {
      const [classes, dimension] = readShape(reader, 1);
      const smoothing = readNumber(reader);
      const kind = (['multinomial', 'bernoulli'] as const)[reader.u8()];
      if (kind === undefined) throw corruptModel('their kind is not known.');
      const model = new CountNaiveBayes(kind, classes, dimension, smoothing);
      readClassCounts(reader, model.counts);
      model.sums.set(readNumbers(reader, classes * dimension, 0));
      for (const [at, value] of model.sums.entries()) {
        const label = Math.floor(at / dimension);
        model.totals[label]! += value;
        if (kind === 'bernoulli' && value > model.counts[label]!) {
          throw corruptModel('a count is too large.');
        }
      }
      return model;
    });
  }
}

function readShape(reader: ByteReader, parts: number): [classes: number, dimension: number] {
  const [classes, dimension] = [reader.varint(), reader.varint()];
  requireRoom(reader, classes * (1 + parts * dimension), 8);
  return [classes, dimension];
}

function readClassCounts(reader: ByteReader, counts: Float64Array): void {
  for (let label = 0; label < counts.length; label++) counts[label] = readWholeNumber(reader);
}
