// The serialised form of every policy: mark, kind, version, fields. Whatever the bytes are, reading them gives a
// policy or one typed error, `corrupt-bandit`; lengths are checked against the bytes before anything is allocated.
import { ByteReader, ByteWriter } from '../../core/bytes.ts';
import { MillraceError } from '../../core/errors.ts';

const mark = 0x42;

/** One byte that names the policy. Numbers are never used twice. */
export const banditKind = {
  epsilonGreedy: 1,
  softmax: 2,
  ucb1: 3,
  klUcb: 4,
  bernoulliThompson: 5,
  gaussianThompson: 6,
  exp3: 7,
  linUcb: 8,
  linearThompson: 9,
  delayedFeedback: 10,
  offPolicyEvaluation: 11,
} as const;

export type BanditKind = keyof typeof banditKind;

/** The error for bytes that are no policy of this kind. */
export function corruptBandit(detail: string, context: Record<string, unknown> = {}): MillraceError {
  return new MillraceError('corrupt-bandit', `These bytes are no bandit state: ${detail}.`, {
    status: 400,
    remedy: 'Pass the bytes as `serialize` wrote them.',
    context,
  });
}

export function beginBandit(kind: BanditKind, version = 1): ByteWriter {
  return new ByteWriter().u8(mark).u8(banditKind[kind]).u8(version);
}

/** Runs `read` on the fields. Bytes that end early, are left over or hold impossible values are `corrupt-bandit`. */
export function readBandit<Result>(
  bytes: Uint8Array,
  kind: BanditKind,
  read: (reader: ByteReader) => Result,
): Result {
  const reader = new ByteReader(bytes);
  try {
    if (reader.u8() !== mark || reader.u8() !== banditKind[kind]) throw corruptBandit('another kind');
    const version = reader.u8();
    if (version !== 1) throw corruptBandit('their version is not known', { version });
    const result = read(reader);
    if (reader.remaining > 0) throw corruptBandit('bytes are left over', { remaining: reader.remaining });
    return result;
  } catch (thrown) {
    if (thrown instanceof MillraceError && thrown.code === 'truncated-bytes') {
      throw corruptBandit('they end early');
    }
    if (thrown instanceof MillraceError && thrown.code === 'invalid-argument') {
      throw corruptBandit(thrown.message, thrown.context);
    }
    throw thrown;
  }
}

/** A finite number in [low, high]. */
export function readNumber(reader: ByteReader, low = -Number.MAX_VALUE, high = Number.MAX_VALUE): number {
  const value = reader.f64();
  if (!(value >= low && value <= high)) throw corruptBandit('a number is out of range', { value, low, high });
  return value;
}

/** `length` finite numbers in [low, high], checked against the bytes that are there. */
export function readNumbers(reader: ByteReader, length: number, low?: number, high?: number): Float64Array {
  if (length * 8 > reader.remaining) throw corruptBandit('they end early');
  const result = new Float64Array(length);
  for (let i = 0; i < length; i++) result[i] = readNumber(reader, low, high);
  return result;
}

export function writeNumbers(writer: ByteWriter, values: ArrayLike<number>): ByteWriter {
  for (let i = 0; i < values.length; i++) writer.f64(values[i]!);
  return writer;
}
