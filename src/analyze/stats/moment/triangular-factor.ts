// The triangular factor R of rows seen one by one, RᵀR = Σ row rowᵀ, by Givens rotations (Gentleman 1974): what least
// squares over a stream is made of. Invariant: R of two parts, rotated into each other, is R of the whole (TSQR). Digits
// lost grow with the condition of the rows, not its square, and no pivot ever becomes negative.
import type { ByteReader, ByteWriter } from '../../../core/bytes.ts';
import { invalidArgument } from '../argument.ts';
import { readNumber, requireRoom } from './serialized-form.ts';

/**
 * Rows of `width` numbers. As a regression the last column is what the others explain: the last pivot is then the norm
 * of the residual. Memory width² doubles; a row costs O(width²).
 */
export class TriangularFactor {
  readonly width: number;
  /** Row by row; zeros below the diagonal, pivots ≥ 0. */
  private readonly r: Float64Array;

  constructor(width: number) {
    this.width = width;
    this.r = new Float64Array(width * width);
  }

  /** Takes in a row, which is overwritten. Entries before `from` are 0. */
  rotateIn(row: Float64Array, from = 0): void {
    const { r, width: w } = this;
    for (let j = from; j < w; j++) {
      const x = row[j]!;
      if (x === 0) continue;
      const pivot = r[j * w + j]!;
      let norm = Math.sqrt(pivot * pivot + x * x);
      let c = pivot / norm;
      let s = x / norm;
      if (!(norm > 1e-150 && norm < 1e150)) {
        // Squares vanish or overflow, and quotients of the smallest doubles are no sine and cosine: scale, exactly.
        const unit = norm < 1 ? 2 ** 600 : 2 ** -600;
        const scaled = Math.hypot(pivot * unit, x * unit);
        c = (pivot * unit) / scaled;
        s = (x * unit) / scaled;
        norm = scaled / unit;
      }
      r[j * w + j] = norm;
      for (let k = j + 1; k < w; k++) {
        const above = r[j * w + k]!;
        const below = row[k]!;
        r[j * w + k] = c * above + s * below;
        row[k] = c * below - s * above;
      }
    }
  }

  /** Takes in the row that is `value` at `at` and 0 elsewhere: a ridge on one coefficient. */
  rotateInUnit(at: number, value: number): void {
    const row = new Float64Array(this.width);
    row[at] = value;
    this.rotateIn(row, at);
  }

  /**
   * Takes out again a unit row that was rotated in (hyperbolic rotations, Chambers 1971). Only where what is left still
   * holds at least as much in that direction, else digits are lost.
   */
  rotateOutUnit(at: number, value: number): void {
    const { r, width: w } = this;
    const row = new Float64Array(w);
    row[at] = value;
    for (let j = at; j < w; j++) {
      const pivot = r[j * w + j]!;
      if (row[j] === 0 || pivot === 0) continue;
      const s = row[j]! / pivot;
      const c = Math.sqrt(Math.max(0, (1 - s) * (1 + s)));
      // Only the residual, in the last place, can be emptied: rounding, since it was there with the row.
      if (c === 0) {
        r[j * w + j] = 0;
        continue;
      }
      r[j * w + j] = c * pivot;
      for (let k = j + 1; k < w; k++) {
        const cell = (r[j * w + k]! - s * row[k]!) / c;
        r[j * w + k] = cell;
        row[k] = c * row[k]! - s * cell;
      }
    }
  }

  /** As if the other's rows had come here too. Equal widths. */
  merge(other: TriangularFactor): void {
    const { width: w } = this;
    const rows = other.r.slice();
    for (let i = 0; i < w; i++) this.rotateIn(rows.subarray(i * w, (i + 1) * w), i);
  }

  /** Multiplies all rows so far: weights of √factor each. */
  scale(factor: number): void {
    for (let i = 0; i < this.r.length; i++) this.r[i]! *= factor;
  }

  pivot(at: number): number {
    return this.r[at * this.width + at]!;
  }

  copy(): TriangularFactor {
    const result = new TriangularFactor(this.width);
    result.r.set(this.r);
    return result;
  }

  /** The first column that is, to 14 digits, a combination of those before it; −1 where there is none. */
  dependentColumn(): number {
    const { r, width: w } = this;
    for (let j = 0; j < w - 1; j++) {
      let whole = 0;
      for (let i = 0; i <= j; i++) whole += r[i * w + j]! ** 2;
      if (!(r[j * w + j]! > 1e-14 * Math.sqrt(whole))) return j;
    }
    return -1;
  }

  /** The coefficients of the last column on the others. O(width²). Needs pivots above 0. */
  coefficients(into: Float64Array = new Float64Array(this.width - 1)): Float64Array {
    const { r, width: w } = this;
    const p = w - 1;
    for (let j = p - 1; j >= 0; j--) {
      let sum = r[j * w + p]!;
      for (let k = j + 1; k < p; k++) sum -= r[j * w + k]! * into[k]!;
      into[j] = sum / r[j * w + j]!;
    }
    return into;
  }

  /** Diagonal of (RᵀR)⁻¹ without the last column: variances of the coefficients in units of the residual's. O(width³). */
  inverseDiagonal(): Float64Array {
    const { r, width: w } = this;
    const p = w - 1;
    const result = new Float64Array(p);
    const column = new Float64Array(p);
    for (let k = 0; k < p; k++) {
      for (let j = k; j >= 0; j--) {
        let sum = j === k ? 1 : 0;
        for (let m = j + 1; m <= k; m++) sum -= r[j * w + m]! * column[m]!;
        column[j] = sum / r[j * w + j]!;
        result[j]! += column[j]! ** 2;
      }
    }
    return result;
  }

  /** What the row x predicts, and √(xᵀ(RᵀR)⁻¹x), its standard error in units of the residual's. O(width²). */
  predict(x: ArrayLike<number>): { mean: number; deviation: number } {
    const { r, width: w } = this;
    const p = w - 1;
    const solved = new Float64Array(p);
    let mean = 0;
    let square = 0;
    for (let i = 0; i < p; i++) {
      let sum = x[i]!;
      for (let k = 0; k < i; k++) sum -= r[k * w + i]! * solved[k]!;
      const value = sum / r[i * w + i]!;
      solved[i] = value;
      mean += value * r[i * w + p]!;
      square += value * value;
    }
    return { mean, deviation: Math.sqrt(square) };
  }

  /** The upper triangle, row by row. */
  write(writer: ByteWriter): ByteWriter {
    const { r, width: w } = this;
    for (let i = 0; i < w; i++) for (let j = i; j < w; j++) writer.f64(r[i * w + j]!);
    return writer;
  }

  /** Throws `invalid-argument` for a pivot below `pivotMin` (the last may be 0) or numbers that are not finite. */
  static read(reader: ByteReader, width: number, pivotMin = 0): TriangularFactor {
    requireRoom(reader, (width * (width + 1)) / 2, 8);
    const result = new TriangularFactor(width);
    for (let i = 0; i < width; i++) {
      for (let j = i; j < width; j++) result.r[i * width + j] = readNumber(reader);
      const pivot = result.pivot(i);
      if (!(pivot >= (i < width - 1 ? pivotMin : 0)))
        throw invalidArgument('A pivot is too small.', { pivot });
    }
    return result;
  }
}
