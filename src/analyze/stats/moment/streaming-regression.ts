// Least squares over a stream: the triangular factor of all rows so far, kept by Givens rotations (Gentleman
// 1974), never the normal equations. Invariant: merging the factors of two parts gives the factor of the whole
// (TSQR), so partitions and windows combine like every other accumulator.
import { ByteReader, ByteWriter } from '../../../core/bytes.ts';
import { MillraceError } from '../../../core/errors.ts';
import { invalidArgument, requireFinite, requireWhole } from '../argument.ts';
import { studentT } from '../distributions.ts';
import type { Coefficient } from './regression.ts';
import { checkEnd, checkVersion } from './serialized-form.ts';

/**
 * Streaming regression on `predictors` columns and an intercept. Memory (p + 2)² / 2 doubles, O(p²) an update
 * or merged row. Digits lost grow with the condition of the data, not its square.
 */
export class StreamingRegression {
  readonly predictors: number;
  private n = 0;
  private readonly width: number;
  /** Row-major upper triangle of [intercept | predictors | y]; its last entry is ‖residual‖. */
  private readonly triangle: Float64Array;

  /** `predictors` from 1 to 255. */
  constructor(predictors: number) {
    requireWhole('predictors', predictors, 1);
    if (predictors > 255) throw invalidArgument('At most 255 predictors.', { predictors });
    this.predictors = predictors;
    this.width = predictors + 2;
    this.triangle = new Float64Array(this.width * this.width);
  }

  /** Takes in one row of finite predictors with its finite response. */
  update(row: ArrayLike<number>, y: number): void {
    if (row.length !== this.predictors) {
      throw invalidArgument('The row has another length.', { expected: this.predictors, seen: row.length });
    }
    const entries = new Float64Array(this.width);
    entries[0] = 1;
    for (let j = 0; j < row.length; j++) {
      requireFinite(`row[${j}]`, row[j]!);
      entries[j + 1] = row[j]!;
    }
    requireFinite('y', y);
    entries[this.width - 1] = y;
    this.rotateIn(entries, 0);
    this.n++;
  }

  merge(other: StreamingRegression): void {
    if (other.predictors !== this.predictors) {
      throw invalidArgument('Only regressions on the same predictors merge.', {
        ours: this.predictors,
        theirs: other.predictors,
      });
    }
    const rows = other.triangle.slice();
    for (let i = 0; i < this.width; i++) {
      this.rotateIn(rows.subarray(i * this.width, (i + 1) * this.width), i);
    }
    this.n += other.n;
  }

  private rotateIn(entries: Float64Array, from: number): void {
    const r = this.triangle;
    const w = this.width;
    for (let j = from; j < w; j++) {
      const x = entries[j]!;
      if (x === 0) continue;
      const pivot = r[j * w + j]!;
      const norm = Math.sqrt(pivot * pivot + x * x);
      const c = pivot / norm;
      const s = x / norm;
      r[j * w + j] = norm;
      for (let k = j + 1; k < w; k++) {
        const above = r[j * w + k]!;
        const below = entries[k]!;
        r[j * w + k] = c * above + s * below;
        entries[k] = c * below - s * above;
      }
    }
  }

  get count(): number {
    return this.n;
  }

  /** √(Σ residual² / (n − p − 1)); NaN before there are degrees of freedom. */
  get residualDeviation(): number {
    const df = this.n - this.predictors - 1;
    return df > 0 ? Math.abs(this.triangle[this.width ** 2 - 1]!) / Math.sqrt(df) : Number.NaN;
  }

  /** The intercept, then one a predictor. Throws `rank-deficient` while the rows seen do not determine them. */
  coefficients(): Coefficient[] {
    const r = this.triangle;
    const w = this.width;
    const p = w - 1;
    for (let j = 0; j < p; j++) {
      let whole = 0;
      for (let i = 0; i <= j; i++) whole += r[i * w + j]! ** 2;
      if (!(r[j * w + j]! > 1e-14 * Math.sqrt(whole))) {
        throw new MillraceError('rank-deficient', `Column ${j} is a combination of the columns before it.`, {
          status: 400,
          remedy: 'Wait for more rows, or leave the column out.',
          context: { column: j, rows: this.n },
        });
      }
    }
    const b = new Float64Array(p);
    for (let j = p - 1; j >= 0; j--) {
      let sum = r[j * w + p]!;
      for (let k = j + 1; k < p; k++) sum -= r[j * w + k]! * b[k]!;
      b[j] = sum / r[j * w + j]!;
    }
    const squares = this.inverseRowSquares();
    const df = this.n - p;
    return Array.from(b, (estimate, j) => {
      const standardError = this.residualDeviation * Math.sqrt(squares[j]!);
      const t = estimate / standardError;
      return {
        estimate,
        standardError,
        t,
        pValue: df > 0 ? 2 * studentT.survival(Math.abs(t), df) : Number.NaN,
      };
    });
  }

  /** Σ of squares of each row of R⁻¹. */
  private inverseRowSquares(): Float64Array {
    const r = this.triangle;
    const w = this.width;
    const p = w - 1;
    const squares = new Float64Array(p);
    const column = new Float64Array(p);
    for (let k = 0; k < p; k++) {
      for (let j = k; j >= 0; j--) {
        let sum = j === k ? 1 : 0;
        for (let m = j + 1; m <= k; m++) sum -= r[j * w + m]! * column[m]!;
        column[j] = sum / r[j * w + j]!;
        squares[j]! += column[j]! ** 2;
      }
    }
    return squares;
  }

  /** Version 1, predictors, count, then the triangle row by row. */
  serialize(): Uint8Array {
    const entries = (this.width * (this.width + 1)) / 2;
    const writer = new ByteWriter(10 + entries * 8).u8(1).u8(this.predictors).f64(this.n);
    for (let i = 0; i < this.width; i++) {
      for (let j = i; j < this.width; j++) writer.f64(this.triangle[i * this.width + j]!);
    }
    return writer.finish();
  }

  static deserialize(bytes: Uint8Array): StreamingRegression {
    const reader = new ByteReader(bytes);
    checkVersion('a streaming regression', reader.u8(), 1);
    const result = new StreamingRegression(reader.u8());
    result.n = reader.f64();
    for (let i = 0; i < result.width; i++) {
      for (let j = i; j < result.width; j++) result.triangle[i * result.width + j] = reader.f64();
    }
    checkEnd('a streaming regression', reader);
    return result;
  }
}
