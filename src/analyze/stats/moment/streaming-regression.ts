// Least squares over a stream: the triangular factor of all rows so far, never the normal equations. Invariant: merging
// the factors of two parts gives the factor of the whole, so partitions and windows combine like every other accumulator.
import { ByteWriter } from '../../../core/bytes.ts';
import { MillraceError } from '../../../core/errors.ts';
import { invalidArgument, requireFinite, requireWhole } from '../argument.ts';
import { studentT } from '../distributions.ts';
import type { Coefficient } from './regression.ts';
import { readForm, readWholeNumber } from './serialized-form.ts';
import { TriangularFactor } from './triangular-factor.ts';

/**
 * Streaming regression on `predictors` columns and an intercept. Memory (p + 2)² doubles, O(p²) an update or merged
 * row. Digits lost grow with the condition of the data, not its square.
 */
export class StreamingRegression {
  readonly predictors: number;
  private n = 0;
  /** Of [intercept | predictors | y]. */
  private factor: TriangularFactor;
  private readonly entries: Float64Array;

  /** `predictors` from 1 to 255. */
  constructor(predictors: number) {
    requireWhole('predictors', predictors, 1);
    if (predictors > 255) throw invalidArgument('At most 255 predictors.', { predictors });
    this.predictors = predictors;
    this.factor = new TriangularFactor(predictors + 2);
    this.entries = new Float64Array(predictors + 2);
  }

  /** Takes in one row of finite predictors with its finite response. Throws `invalid-argument`, unchanged, otherwise. */
  update(row: ArrayLike<number>, y: number): void {
    if (row.length !== this.predictors) {
      throw invalidArgument('The row has another length.', { expected: this.predictors, seen: row.length });
    }
    const { entries } = this;
    entries[0] = 1;
    for (let j = 0; j < row.length; j++) {
      requireFinite(`row[${j}]`, row[j]!);
      entries[j + 1] = row[j]!;
    }
    requireFinite('y', y);
    entries[row.length + 1] = y;
    this.factor.rotateIn(entries);
    this.n++;
  }

  /** As if the other's rows had come here too. O(p³). Throws `invalid-argument` for other predictors. */
  merge(other: StreamingRegression): void {
    if (other.predictors !== this.predictors) {
      throw invalidArgument('Only regressions on the same predictors merge.', {
        ours: this.predictors,
        theirs: other.predictors,
      });
    }
    this.factor.merge(other.factor);
    this.n += other.n;
  }

  get count(): number {
    return this.n;
  }

  /** √(Σ residual² / (n − p − 1)); NaN before there are degrees of freedom. */
  get residualDeviation(): number {
    const df = this.n - this.predictors - 1;
    return df > 0 ? this.factor.pivot(this.predictors + 1) / Math.sqrt(df) : Number.NaN;
  }

  /** The intercept, then one a predictor. Throws `rank-deficient` while the rows seen do not determine them. O(p³). */
  coefficients(): Coefficient[] {
    const { factor, residualDeviation } = this;
    const column = factor.dependentColumn();
    if (column >= 0) {
      throw new MillraceError(
        'rank-deficient',
        `Column ${column} is a combination of the columns before it.`,
        {
          status: 400,
          remedy: 'Wait for more rows, or leave the column out.',
          context: { column, rows: this.n },
        },
      );
    }
    const variances = factor.inverseDiagonal();
    const df = this.n - this.predictors - 1;
    return Array.from(factor.coefficients(), (estimate, j) => {
      const standardError = residualDeviation * Math.sqrt(variances[j]!);
      const t = estimate === 0 ? 0 : estimate / standardError;
      const pValue = df > 0 ? 2 * studentT.survival(Math.abs(t), df) : Number.NaN;
      return { estimate, standardError, t, pValue };
    });
  }

  /** Version 1, predictors, count, then the triangle row by row. */
  serialize(): Uint8Array {
    const width = this.predictors + 2;
    const writer = new ByteWriter(10 + width * (width + 1) * 4).u8(1).u8(this.predictors).f64(this.n);
    return this.factor.write(writer).finish();
  }

  /** Throws `unsupported-version`, `truncated-bytes` or `invalid-bytes`. */
  static deserialize(bytes: Uint8Array): StreamingRegression {
    return readForm('a streaming regression', bytes, 1, reader => {
      const predictors = reader.u8();
      const n = readWholeNumber(reader);
      const factor = TriangularFactor.read(reader, predictors + 2);
      const result = new StreamingRegression(predictors);
      result.n = n;
      result.factor = factor;
      return result;
    });
  }
}
