// A sum of floats whose error does not grow with the number of terms: Kahan–Babuška–Neumaier taken to the
// second order (Klein 2006), so that order and partitioning change the result only where the true sum lies
// within one rounding of a tie.
import { ByteWriter } from '../../../core/bytes.ts';
import { readForm } from './serialized-form.ts';

/** The rounding error of `a + b`: `a + b === fl(a + b) + roundingErrorOfSum(a, b)` exactly (Neumaier's branch). */
export function roundingErrorOfSum(a: number, b: number): number {
  const total = a + b;
  return Math.abs(a) >= Math.abs(b) ? a - total + b : b - total + a;
}

/**
 * Streaming sum. Relative error ≤ 2u + O(n²u³)·Σ|x|/|Σx| with u = 2⁻⁵³ (Klein 2006, theorem 3.3): as if
 * summed in about 150 bits and rounded once. O(1) memory; some 5 ns an update.
 */
export class CompensatedSum {
  private sum = 0;
  private first = 0;
  private second = 0;

  /** Adds one finite number. Infinite or NaN terms behave as in IEEE addition. */
  update(term: number): void {
    const before = this.sum;
    this.sum = before + term;
    const error = roundingErrorOfSum(before, term);
    const firstBefore = this.first;
    this.first = firstBefore + error;
    this.second += roundingErrorOfSum(firstBefore, error);
  }

  /** Adds all that `other` has summed; `other` is unchanged. */
  merge(other: CompensatedSum): void {
    const { sum, first, second } = other;
    this.update(sum);
    this.update(first);
    this.update(second);
  }

  /** The sum, rounded once; 0 of nothing. */
  get value(): number {
    // An infinite sum has a NaN correction; the sum itself is then the answer.
    const corrected = this.sum + this.first + (roundingErrorOfSum(this.sum, this.first) + this.second);
    return Number.isNaN(corrected) ? this.sum : corrected;
  }

  /** 25 bytes: version 1, the sum and its two corrections. */
  serialize(): Uint8Array {
    return new ByteWriter(25).u8(1).f64(this.sum).f64(this.first).f64(this.second).finish();
  }

  /** Throws `unsupported-version`, `truncated-bytes` or `invalid-bytes`. */
  static deserialize(bytes: Uint8Array): CompensatedSum {
    return readForm('a compensated sum', bytes, 1, reader => {
      const result = new CompensatedSum();
      result.sum = reader.f64();
      result.first = reader.f64();
      result.second = reader.f64();
      return result;
    });
  }
}
