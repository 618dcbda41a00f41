// The frame of every serialised accumulator: a version byte, then fixed little-endian fields, then the end. Foreign,
// newer, longer or impossible bytes are refused with a typed error, not guessed at; what a length asks for is checked
// against the bytes that are there before it is allocated.
import { ByteReader, type ByteWriter } from '../../../core/bytes.ts';
import { MillraceError } from '../../../core/errors.ts';
import { invalidArgument } from '../argument.ts';

/**
 * Reads what was written as version `known` of `what`. Throws `unsupported-version`, `truncated-bytes`, or
 * `invalid-bytes` where a field cannot be, or bytes are left over.
 */
export function readForm<Result>(
  what: string,
  bytes: Uint8Array,
  known: number,
  read: (reader: ByteReader) => Result,
): Result {
  const reader = new ByteReader(bytes);
  const version = reader.u8();
  if (version !== known) {
    throw new MillraceError('unsupported-version', `${what} of version ${version} cannot be read.`, {
      status: 400,
      remedy: 'Read it with the version that wrote it, or rebuild it from its events.',
      context: { seen: version, known },
    });
  }
  return readWhole(reader, read, (detail, context) => {
    return new MillraceError('invalid-bytes', `These bytes are not ${what}: ${detail}`, {
      status: 400,
      remedy: 'Pass the bytes as `serialize` wrote them.',
      context,
    });
  });
}

/** Runs `read` to the end of the bytes; an argument that cannot be, or a rest, is the error that `corrupt` makes. */
export function readWhole<Result>(
  reader: ByteReader,
  read: (reader: ByteReader) => Result,
  corrupt: (detail: string, context: Record<string, unknown>) => MillraceError,
): Result {
  try {
    const result = read(reader);
    if (reader.remaining === 0) return result;
  } catch (thrown) {
    if (thrown instanceof MillraceError && thrown.code === 'invalid-argument') {
      throw corrupt(thrown.message, thrown.context);
    }
    throw thrown;
  }
  throw corrupt(`${reader.remaining} bytes are left over.`, { remaining: reader.remaining });
}

/** A number in [low, high], finite unless these are not. Throws `invalid-argument`, for `readWhole` to name. */
export function readNumber(reader: ByteReader, low = -Number.MAX_VALUE, high = Number.MAX_VALUE): number {
  const value = reader.f64();
  if (!(value >= low && value <= high)) {
    throw invalidArgument('A number is out of range.', { value, low, high });
  }
  return value;
}

/** A whole number from 0 to `most`, written as a double. */
export function readWholeNumber(reader: ByteReader, most = Number.MAX_SAFE_INTEGER): number {
  return requireWholeNumber(reader.f64(), most);
}

/** A whole number from 0 to `most`, written as a varint. */
export function readCount(reader: ByteReader, most = Number.MAX_SAFE_INTEGER): number {
  return requireWholeNumber(reader.varint(), most);
}

function requireWholeNumber(value: number, most: number): number {
  if (!Number.isSafeInteger(value) || value < 0 || value > most) {
    throw invalidArgument('A count is out of range.', { value, most });
  }
  return value;
}

/** `length` numbers in [low, high], checked against the bytes that are there before anything is allocated. */
export function readNumbers(reader: ByteReader, length: number, low?: number, high?: number): Float64Array {
  requireRoom(reader, length, 8);
  const result = new Float64Array(length);
  for (let i = 0; i < length; i++) result[i] = readNumber(reader, low, high);
  return result;
}

/** Throws `invalid-argument` unless `count` items of at least `size` bytes can still be there. */
export function requireRoom(reader: ByteReader, count: number, size: number): void {
  if (!(count * size <= reader.remaining)) {
    throw invalidArgument('They end early.', { wanted: count * size, remaining: reader.remaining });
  }
}

export function writeNumbers(writer: ByteWriter, values: ArrayLike<number>): ByteWriter {
  for (let i = 0; i < values.length; i++) writer.f64(values[i]!);
  return writer;
}
