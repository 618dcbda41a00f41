// The serialised form of detectors and forecasters: kind, version, fields. Whatever the bytes are, reading them gives a state that
// works or one typed error; lengths are checked against the bytes before anything is allocated.
import { ByteReader, ByteWriter } from '../../core/bytes.ts';
import { MillraceError } from '../../core/errors.ts';

/** What the bytes are of; the error's code is `corrupt-` and this word. */
export type StateOf = 'detector' | 'forecaster';

/** The largest size of a number that a state keeps of a series. */
export const sizeMax = 1e140;

/** The error for bytes that are no state of this kind: `corrupt-detector` or `corrupt-forecaster`, status 400. */
export function corruptState(
  of: StateOf,
  detail: string,
  context: Record<string, unknown> = {},
): MillraceError {
  return new MillraceError(`corrupt-${of}`, `These bytes are no ${of}: ${detail}.`, {
    status: 400,
    remedy: 'Pass the bytes as `serialize` wrote them.',
    context,
  });
}

/** Starts a serialised form. `numbers` is about how many follow, so that the bytes are allocated once. */
export function beginState(kind: number, numbers: number, version = 1): ByteWriter {
  return new ByteWriter(128 + 8 * numbers).u8(kind).u8(version);
}

/** The count as a varint, then each number. */
export function writeNumbers(writer: ByteWriter, values: ArrayLike<number>): ByteWriter {
  writer.varint(values.length);
  for (let i = 0; i < values.length; i++) writer.f64(values[i]!);
  return writer;
}

/** Reads fields, each within its range, and throws the typed error for any that is not. */
export class StateReader {
  private readonly of: StateOf;
  private readonly reader: ByteReader;

  constructor(of: StateOf, bytes: Uint8Array) {
    this.of = of;
    this.reader = new ByteReader(bytes);
  }

  get remaining(): number {
    return this.reader.remaining;
  }

  /** Throws the typed error unless `condition` holds. */
  check(condition: boolean, detail: string): void {
    if (!condition) throw corruptState(this.of, detail);
  }

  byte(): number {
    return this.reader.u8();
  }

  /** A double in [low, high]; of the sizes that a series may have unless given. */
  number(low = -sizeMax, high = sizeMax): number {
    return this.inRange(this.reader.f64(), low, high);
  }

  /** A whole number in [low, high] that was written as a double. */
  whole(low = 0, high = Number.MAX_SAFE_INTEGER): number {
    return this.wholeNumber(this.reader.f64(), low, high);
  }

  /** An unsigned 32-bit number in [low, high]. */
  u32(low = 0, high = 0xffffffff): number {
    return this.inRange(this.reader.u32(), low, high);
  }

  varint(high: number): number {
    return this.inRange(this.reader.varint(), 0, high);
  }

  /** At most `longest` doubles, each in [low, high]. */
  numbers(longest: number, low = -sizeMax, high = sizeMax): number[] {
    const length = this.varint(longest);
    this.need(8 * length);
    return Array.from({ length }, () => this.number(low, high));
  }

  /** Throws where fewer bytes are left: called before what they fill is allocated. */
  need(bytes: number): void {
    this.check(this.reader.remaining >= bytes, 'they end early');
  }

  wholeNumber(value: number, low = 0, high = Number.MAX_SAFE_INTEGER): number {
    this.check(Number.isInteger(value), 'a count is not whole');
    return this.inRange(value, low, high);
  }

  inRange(value: number, low: number, high: number): number {
    if (!(value >= low && value <= high)) {
      throw corruptState(this.of, 'a number is out of range', { value, low, high });
    }
    return value;
  }
}

/** Runs `read` on the fields behind kind and version. Bytes that are left over are an error too. */
export function readState<Result>(
  of: StateOf,
  bytes: Uint8Array,
  kind: number,
  read: (reader: StateReader) => Result,
  version = 1,
): Result {
  const reader = new StateReader(of, bytes);
  try {
    const [seenKind, seenVersion] = [reader.byte(), reader.byte()];
    if (seenKind !== kind || seenVersion !== version) {
      throw corruptState(
        of,
        `they are of kind ${seenKind}, version ${seenVersion}, where kind ${kind}, version ${version} is needed`,
        { seenKind, seenVersion, kind, version },
      );
    }
    const result = read(reader);
    reader.check(reader.remaining === 0, 'bytes are left over');
    return result;
  } catch (thrown) {
    if (!(thrown instanceof MillraceError)) throw thrown;
    if (thrown.code === 'truncated-bytes') throw corruptState(of, 'they end early');
    // What a constructor refuses, no state was ever built with.
    if (thrown.code === 'bad-option') throw corruptState(of, thrown.message, thrown.context);
    throw thrown;
  }
}
