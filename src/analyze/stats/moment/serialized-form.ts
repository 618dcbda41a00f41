// The frame of every serialised accumulator here: one version byte, then fixed little-endian fields, then the
// end. Foreign, newer or longer bytes are refused, not guessed at.
import type { ByteReader } from '../../../core/bytes.ts';
import { MillraceError } from '../../../core/errors.ts';

export function checkVersion(what: string, seen: number, known: number): void {
  if (seen === known) return;
  throw new MillraceError('unsupported-version', `${what} of version ${seen} cannot be read.`, {
    remedy: 'Read it with the version that wrote it, or rebuild it from its events.',
    context: { seen, known },
  });
}

export function checkEnd(what: string, reader: ByteReader): void {
  if (reader.remaining === 0) return;
  throw new MillraceError('invalid-bytes', `${what} is followed by ${reader.remaining} bytes too many.`, {
    context: { remaining: reader.remaining },
  });
}
