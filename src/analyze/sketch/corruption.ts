// Reading serialised sketches: whatever the bytes are, the answer is a sketch or one typed error. Readers check
// every length against the bytes that are really there before they allocate.
import { MillraceError } from '../../core/errors.ts';

/** The error for bytes that are not a sketch of this kind: code `corrupt-sketch`, status 400. */
export function corruptSketch(
  kind: string,
  detail: string,
  context: Record<string, unknown> = {},
): MillraceError {
  return new MillraceError('corrupt-sketch', `These bytes are no ${kind}: ${detail}.`, {
    status: 400,
    remedy: 'Pass the bytes as `serialize` or the documented format wrote them.',
    context,
  });
}

/** Runs a reader; bytes that end early or text that is not UTF-8 become `corrupt-sketch`. */
export function readSketch<Result>(kind: string, read: () => Result): Result {
  try {
    return read();
  } catch (thrown) {
    if (thrown instanceof MillraceError && thrown.code === 'truncated-bytes') {
      throw corruptSketch(kind, 'they end early');
    }
    if (
      thrown instanceof TypeError &&
      (thrown as { code?: unknown }).code === 'ERR_ENCODING_INVALID_ENCODED_DATA'
    ) {
      throw corruptSketch(kind, 'a text in them is not UTF-8');
    }
    throw thrown;
  }
}

/** The error for a parameter outside its range: code `invalid-argument`, status 400. */
export function invalidArgument(message: string, context: Record<string, unknown> = {}): MillraceError {
  return new MillraceError('invalid-argument', message, { status: 400, context });
}

/** Throws `invalid-argument` unless `value` is a whole number in [minimum, maximum]. */
export function requireWhole(name: string, value: number, minimum: number, maximum: number): void {
  if (!Number.isInteger(value) || value < minimum || value > maximum) {
    throw invalidArgument(`${name} must be a whole number in [${minimum}, ${maximum}], not ${value}.`, {
      [name]: value,
    });
  }
}

/** The error for merging sketches whose parameters differ: code `incompatible-sketches`, status 400. */
export function incompatibleSketches(message: string, context: Record<string, unknown> = {}): MillraceError {
  return new MillraceError('incompatible-sketches', message, {
    status: 400,
    remedy: 'Build both sketches with the same parameters.',
    context,
  });
}
