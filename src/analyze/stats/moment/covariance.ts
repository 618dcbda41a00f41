// Covariance, correlation and the least-squares line of pairs (x, y) in one pass, mergeable: the bivariate
// form of Pébay's formulas, compensated.
import { ByteWriter } from '../../../core/bytes.ts';
import { invalidArgument, requireFinite } from '../argument.ts';
import { roundingErrorOfSum } from './compensated-sum.ts';
import { Moments } from './moments.ts';
import { readForm, readWholeNumber } from './serialized-form.ts';

/** Streaming second moments of pairs. O(1) memory (11 numbers), some 20 ns an update. */
export class Covariance {
  // n; then each of mean x, mean y, Σdx², Σdy², Σdxdy as a high and a low part.
  private n = 0;
  private readonly parts = new Float64Array(10);

  /** Of the given pairs of finite numbers; throws `invalid-argument` otherwise. O(n). */
  static of(pairs: Iterable<readonly [x: number, y: number]>): Covariance {
    const result = new Covariance();
    for (const [x, y] of pairs) result.update(x, y);
    return result;
  }

  /** Takes in one pair of finite numbers; throws `invalid-argument` otherwise. */
  update(x: number, y: number): void {
    requireFinite('x', x);
    requireFinite('y', y);
    const p = this.parts;
    const before = this.n;
    const n = before + 1;
    this.n = n;
    const dx = x - p[0]! - p[1]!;
    const dy = y - p[2]! - p[3]!;
    this.add(4, (dx * dx * before) / n);
    this.add(6, (dy * dy * before) / n);
    this.add(8, (dx * dy * before) / n);
    this.add(0, dx / n);
    this.add(2, dy / n);
  }

  /** Takes in all that `other` has seen; `other` is unchanged. Associative and commutative to rounding. */
  merge(other: Covariance): void {
    if (other.n === 0) return;
    const p = this.parts;
    const q = other.parts.slice();
    const a = this.n;
    const b = other.n;
    const n = a + b;
    const dx = q[0]! - p[0]! + (q[1]! - p[1]!);
    const dy = q[2]! - p[2]! + (q[3]! - p[3]!);
    for (let at = 4; at < 10; at += 2) {
      this.add(at, q[at]!);
      this.add(at, q[at + 1]!);
    }
    const weight = (a / n) * b;
    this.add(4, dx * dx * weight);
    this.add(6, dy * dy * weight);
    this.add(8, dx * dy * weight);
    if (a === 0) p.set(q.subarray(0, 4));
    else {
      this.add(0, (dx * b) / n);
      this.add(2, (dy * b) / n);
    }
    this.n = n;
  }

  private add(at: number, term: number): void {
    const p = this.parts;
    const before = p[at]!;
    p[at] = before + term;
    p[at + 1]! += roundingErrorOfSum(before, term);
  }
  private part(at: number): number {
    return this.parts[at]! + this.parts[at + 1]!;
  }

  get count(): number {
    return this.n;
  }
  get meanX(): number {
    return this.n === 0 ? Number.NaN : this.part(0);
  }
  get meanY(): number {
    return this.n === 0 ? Number.NaN : this.part(2);
  }
  /** Sample variance of x, divisor n − 1; NaN below two pairs. */
  get varianceX(): number {
    return this.n < 2 ? Number.NaN : Math.max(0, this.part(4)) / (this.n - 1);
  }
  get varianceY(): number {
    return this.n < 2 ? Number.NaN : Math.max(0, this.part(6)) / (this.n - 1);
  }
  /** Sample covariance, divisor n − 1; NaN below two pairs. */
  get covariance(): number {
    return this.n < 2 ? Number.NaN : this.part(8) / (this.n - 1);
  }
  /** Pearson's r in [−1, 1]; NaN where x or y never varied. */
  get correlation(): number {
    const r = this.part(8) / Math.sqrt(this.part(4)) / Math.sqrt(this.part(6));
    return Math.max(-1, Math.min(1, r));
  }
  /** Of the least-squares line y = intercept + slope·x; NaN where x never varied. */
  get slope(): number {
    return this.part(8) / this.part(4);
  }
  get intercept(): number {
    return this.meanY - this.slope * this.meanX;
  }
  /** Count, mean and variance of x alone, for the tests that want one variable. */
  get x(): Moments {
    return Moments.fromSummary(this.n, this.meanX, this.n < 2 ? 0 : this.varianceX);
  }
  get y(): Moments {
    return Moments.fromSummary(this.n, this.meanY, this.n < 2 ? 0 : this.varianceY);
  }

  /** 89 bytes: version 1, then count and ten doubles. */
  serialize(): Uint8Array {
    const writer = new ByteWriter(89).u8(1).f64(this.n);
    for (const part of this.parts) writer.f64(part);
    return writer.finish();
  }

  /** Throws `unsupported-version`, `truncated-bytes` or `invalid-bytes`. */
  static deserialize(bytes: Uint8Array): Covariance {
    return readForm('a covariance', bytes, 1, reader => {
      const result = new Covariance();
      result.n = readWholeNumber(reader);
      for (let at = 0; at < 10; at++) result.parts[at] = reader.f64();
      if (result.parts[4]! < 0 || result.parts[6]! < 0) throw invalidArgument('A variance is below 0.');
      return result;
    });
  }
}
