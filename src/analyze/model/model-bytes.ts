// The serialised form of every model: mark, kind, version, fields. Whatever the bytes are, reading them gives a model or
// one typed error, `corrupt-model`; lengths are checked against the bytes before anything is allocated.
import { ByteReader, ByteWriter } from '../../core/bytes.ts';
import { MillraceError } from '../../core/errors.ts';
import { invalidArgument } from '../stats/argument.ts';

const mark = 0x6d;

/** One byte that names the model. Numbers are never used twice. */
export const modelKind = {
  onlineRegression: 1,
  recursiveLeastSquares: 2,
  informationRegression: 3,
  kalmanFilter: 4,
  gaussianNaiveBayes: 5,
  countNaiveBayes: 6,
  streamingKMeans: 7,
  streamingPca: 8,
  progressiveValidation: 9,
} as const;

export type ModelKind = keyof typeof modelKind;

/** The largest number of cells (numbers) one model may hold: 32 MB. */
export const cellsMax = 4_194_304;

/** The error for bytes that are no model of this kind. */
export function corruptModel(detail: string, context: Record<string, unknown> = {}): MillraceError {
  return new MillraceError('corrupt-model', `These bytes are no model: ${detail}.`, {
    status: 400,
    remedy: 'Pass the bytes as `serialize` wrote them.',
    context,
  });
}

/** The error for merging models of different shape or options: `incompatible-models`. */
export function incompatibleModels(message: string): MillraceError {
  return new MillraceError('incompatible-models', message, {
    status: 400,
    remedy: 'Build both models with the same options.',
  });
}

export function beginModel(kind: ModelKind): ByteWriter {
  return new ByteWriter().u8(mark).u8(modelKind[kind]).u8(1);
}

/** Runs `read` on the fields. Bytes that end early, are left over or hold impossible values are `corrupt-model`. */
export function readModel<Result>(
  bytes: Uint8Array,
  kind: ModelKind,
  read: (reader: ByteReader) => Result,
): Result {
  const reader = new ByteReader(bytes);
  try {
    if (reader.u8() !== mark || reader.u8() !== modelKind[kind]) throw corruptModel('another kind');
    const version = reader.u8();
    if (version !== 1) throw corruptModel('their version is not known', { version });
    const result = read(reader);
    if (reader.remaining > 0) throw corruptModel('bytes are left over', { remaining: reader.remaining });
    return result;
  } catch (thrown) {
    if (thrown instanceof MillraceError && thrown.code === 'truncated-bytes') {
      throw corruptModel('they end early');
    }
    if (thrown instanceof MillraceError && thrown.code === 'invalid-argument') {
      throw corruptModel(thrown.message, thrown.context);
    }
    throw thrown;
  }
}

/** A finite number in [low, high]. */
export function readNumber(reader: ByteReader, low = -Number.MAX_VALUE, high = Number.MAX_VALUE): number {
  const value = reader.f64();
  if (!(value >= low && value <= high)) throw corruptModel('a number is out of range', { value, low, high });
  return value;
}

/** `length` finite numbers in [low, high], checked against the bytes that are there. */
export function readNumbers(reader: ByteReader, length: number, low?: number, high?: number): Float64Array {
  if (!(length * 8 <= reader.remaining)) throw corruptModel('they end early');
  const result = new Float64Array(length);
  for (let i = 0; i < length; i++) result[i] = readNumber(reader, low, high);
  return result;
}

export function writeNumbers(writer: ByteWriter, values: ArrayLike<number>): ByteWriter {
  for (let i = 0; i < values.length; i++) writer.f64(values[i]!);
  return writer;
}

/** Throws `invalid-argument` unless `values` are `length` numbers of a size whose squares stay finite (≤ 1e100). */
export function requireVector(name: string, values: ArrayLike<number>, length: number): void {
  if (values.length !== length) {
    throw invalidArgument(`${name} must hold ${length} numbers.`, { length: values.length });
  }
  for (let i = 0; i < length; i++) {
    if (!(Math.abs(values[i]!) <= 1e100)) {
      throw invalidArgument(`${name} must hold finite numbers up to 1e100.`, { at: i, value: values[i] });
    }
  }
}

/** Throws `invalid-argument` unless `value` is a whole number in [low, high]. */
export function requireCount(name: string, value: number, low: number, high: number): void {
  if (!Number.isSafeInteger(value) || value < low || value > high) {
    throw invalidArgument(`${name} must be a whole number from ${low} to ${high}.`, { [name]: value });
  }
}
