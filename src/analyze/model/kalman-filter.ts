// The linear Kalman filter: the state of a linear system with normal noise, exactly inferred from what is observed of it
// (Kalman 1960; the covariance is updated in Joseph's form, which keeps it positive). The log likelihood adds up by
// prediction errors (Harvey 1989, 3.4).
import { MillraceError } from '../../core/errors.ts';
import { invalidArgument } from '../stats/argument.ts';
import { readCount, readNumber, readNumbers, writeNumbers } from '../stats/moment/serialized-form.ts';
import { modelForm, requireCount, requireVector, sizeMax } from './model-bytes.ts';
import { cholesky, solveFactored } from './symmetric-matrix.ts';

/** state ← F state + noise(Q); observation = H state + noise(R). Matrices are flat, row by row. */
export interface KalmanModel {
  /** n: numbers in the state, 1 to 100. m: numbers in an observation, 1 to 100. */
  stateSize: number;
  observationSize: number;
  /** F, n × n. */
  transition: ArrayLike<number>;
  /** H, m × n. */
  observation: ArrayLike<number>;
  /** Q, n × n, symmetric, at least 0. */
  processNoise: ArrayLike<number>;
  /** R, m × m, symmetric, at least 0. */
  observationNoise: ArrayLike<number>;
  /** State and covariance before the first observation is predicted: n and n × n. */
  initialState: ArrayLike<number>;
  initialCovariance: ArrayLike<number>;
}

/** O(n²) memory, O(n³ + m³) a step. */
export class KalmanFilter {
  readonly stateSize: number;
  readonly observationSize: number;
  private readonly f: Float64Array;
  private readonly h: Float64Array;
  private readonly q: Float64Array;
  private readonly r: Float64Array;
  private x: Float64Array;
  private p: Float64Array;
  private likelihood = 0;

  /**
   * Throws `invalid-argument` for sizes or matrices of another shape, numbers beyond 1e100, or a covariance that is not
   * symmetric or has a variance below 0.
   */
  constructor(model: KalmanModel) {
    const { stateSize: n, observationSize: m } = model;
    requireCount('stateSize', n, 1, 100);
    requireCount('observationSize', m, 1, 100);
    const copy = (name: keyof KalmanModel, length: number): Float64Array => {
      const values = model[name] as ArrayLike<number>;
      requireVector(name, values, length);
      return Float64Array.from(values);
    };
    this.stateSize = n;
    this.observationSize = m;
    this.f = copy('transition', n * n);
    this.h = copy('observation', m * n);
    this.q = copy('processNoise', n * n);
    this.r = copy('observationNoise', m * m);
    this.x = copy('initialState', n);
    this.p = copy('initialCovariance', n * n);
    requireCovariance('processNoise', this.q, n);
    requireCovariance('observationNoise', this.r, m);
    requireCovariance('initialCovariance', this.p, n);
  }

  /** The mean of the state, a copy. */
  get state(): Float64Array {
    return this.x.slice();
  }

  /** The covariance of the state, n × n, a copy. */
  get covariance(): Float64Array {
    return this.p.slice();
  }

  /** Of everything observed so far, in nats; what models are compared by. */
  get logLikelihood(): number {
    return this.likelihood;
  }

  /**
   * Moves the state on by one step of time. Throws `diverged-state`, unchanged, where a transition that grows has led
   * state or covariance beyond 1e100 without an observation to hold it.
   */
  predict(): void {
    const n = this.stateSize;
    const x = multiply(this.f, this.x, n, n, 1);
    const moved = multiply(multiply(this.f, this.p, n, n, n), transpose(this.f, n, n), n, n, n);
    const p = symmetric(add(moved, this.q), n);
    if (!isBounded(x) || !isBounded(p)) {
      throw new MillraceError('diverged-state', 'The state has grown beyond 1e100.', {
        status: 422,
        remedy: 'Observe more often, or use a transition that does not grow.',
      });
    }
    this.x = x;
    this.p = p;
  }

  /**
   * Learns an observation of m numbers of the present moment; call `predict` between moments. NaN stands for a number
   * that is missing: the others still count. Returns the log likelihood of what was observed, in nats. Throws
   * `invalid-argument` for a wrong length or an infinite number, and `singular-observation` where the predicted
   * observation has no spread (no noise where the state is certain); the filter is then unchanged.
   */
  update(observation: ArrayLike<number>): number {
    const n = this.stateSize;
    const seen = this.seenRows(observation);
    const m = seen.length;
    if (m === 0) return 0;
    const h = Float64Array.from({ length: m * n }, (_, i) => this.h[seen[Math.floor(i / n)]! * n + (i % n)]!);
    const r = Float64Array.from(
      { length: m * m },
      (_, i) => this.r[seen[Math.floor(i / m)]! * this.observationSize + seen[i % m]!]!,
    );
    const expected = multiply(h, this.x, m, n, 1);
    const innovation = Float64Array.from(seen, (row, i) => observation[row]! - expected[i]!);
    const crossed = multiply(h, this.p, m, n, n); // H P, m × n
    const spread = add(multiply(crossed, transpose(h, m, n), m, n, m), r);
    const factor = cholesky(spread, m);
    if (factor === undefined) {
      throw new MillraceError('singular-observation', 'The predicted observation has no spread.', {
        status: 422,
        remedy: 'Give the observation noise, or the state uncertainty.',
      });
    }
    // K = P Hᵀ S⁻¹: its rows solve S k = (H P) column.
    const gain = new Float64Array(n * m);
    for (let i = 0; i < n; i++) {
      const column = Float64Array.from({ length: m }, (_, k) => crossed[k * n + i]!);
      gain.set(solveFactored(factor, m, column), i * m);
    }
    this.x = add(this.x, multiply(gain, innovation, n, m, 1));
    this.p = this.joseph(gain, h, r, m);
    const weighted = solveFactored(factor, m, innovation);
    let logLikelihood = -0.5 * m * Math.log(2 * Math.PI);
    for (let i = 0; i < m; i++) {
      logLikelihood -= 0.5 * innovation[i]! * weighted[i]! + Math.log(factor[i * m + i]!);
    }
    this.likelihood += logLikelihood;
    return logLikelihood;
  }

  private seenRows(observation: ArrayLike<number>): number[] {
    const values = Array.from(observation);
    requireVector(
      'observation',
      values.map(value => (Number.isNaN(value) ? 0 : value)),
      this.observationSize,
    );
    return values.flatMap((value, row) => (Number.isNaN(value) ? [] : [row]));
  }

  /** (I − K H) P (I − K H)ᵀ + K R Kᵀ, made exactly symmetric. */
  private joseph(gain: Float64Array, h: Float64Array, r: Float64Array, m: number): Float64Array {
    const n = this.stateSize;
    const rest = multiply(gain, h, n, m, n).map((value, i) => (i % (n + 1) === 0 ? 1 : 0) - value);
    const shrunk = multiply(multiply(rest, this.p, n, n, n), transpose(rest, n, n), n, n, n);
    const noise = multiply(multiply(gain, r, n, m, m), transpose(gain, n, m), n, m, n);
    return symmetric(add(shrunk, noise), n);
  }

  /** Model, state and likelihood, as versioned bytes. There is no `merge`: a state has one past. */
  serialize(): Uint8Array {
    const writer = modelForm.begin('kalmanFilter').varint(this.stateSize).varint(this.observationSize);
    writer.f64(this.likelihood);
    for (const part of [this.f, this.h, this.q, this.r, this.x, this.p]) writeNumbers(writer, part);
    return writer.finish();
  }

  /** Throws `corrupt-model`. */
  static deserialize(bytes: Uint8Array): KalmanFilter {
    return modelForm.read(bytes, 'kalmanFilter', reader => {
      const [n, m, likelihood] = [readCount(reader, 100), readCount(reader, 100), readNumber(reader)];
      const filter = new KalmanFilter({
        stateSize: n,
        observationSize: m,
        transition: readNumbers(reader, n * n),
        observation: readNumbers(reader, m * n),
        processNoise: readNumbers(reader, n * n),
        observationNoise: readNumbers(reader, m * m),
        initialState: readNumbers(reader, n),
        initialCovariance: readNumbers(reader, n * n),
      });
      filter.likelihood = likelihood;
      return filter;
    });
  }
}

/** The product of a rows × inner and an inner × columns matrix. */
function multiply(
  a: Float64Array,
  b: Float64Array,
  rows: number,
  inner: number,
  columns: number,
): Float64Array {
  const result = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    for (let k = 0; k < inner; k++) {
      const left = a[i * inner + k]!;
      for (let j = 0; j < columns; j++) result[i * columns + j]! += left * b[k * columns + j]!;
    }
  }
  return result;
}

function transpose(a: Float64Array, rows: number, columns: number): Float64Array {
  return a.map((_, i) => a[(i % rows) * columns + Math.floor(i / rows)]!);
}

/** The mean of a square matrix and its mirror image. */
function symmetric(a: Float64Array, n: number): Float64Array {
  const mirrored = transpose(a, n, n);
  return a.map((value, i) => (value + mirrored[i]!) / 2);
}

function isBounded(values: Float64Array): boolean {
  return values.every(value => Math.abs(value) <= sizeMax);
}

function requireCovariance(name: string, matrix: Float64Array, n: number): void {
  for (let i = 0; i < n; i++) {
    if (matrix[i * n + i]! < 0) throw invalidArgument(`${name} has a variance below 0.`, { at: i });
    for (let j = 0; j < i; j++) {
      const [below, above] = [matrix[i * n + j]!, matrix[j * n + i]!];
      if (Math.abs(below - above) > 1e-9 * Math.max(Math.abs(below), Math.abs(above))) {
        throw invalidArgument(`${name} is not symmetric.`, { row: i, column: j });
      }
    }
  }
}

function add(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((value, i) => value + b[i]!);
}
