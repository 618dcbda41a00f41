// How much text may be made in one go: of a batch of events, or of the rows of a window. What functions put together counts, results as well as
// what they are put together of, and what is kept of it. Beyond it the view fails alone: to go on in smaller pieces would
// hold up the views beside it for as long as all that text takes.
import { MillraceError } from '../../../core/errors.ts';

/** Characters. */
export const madeTextMax = 256 * 1024 * 1024;

let left = Number.POSITIVE_INFINITY;

/** Throws `texts-too-long` where this is more than what is left. */
export function countText(length: number): void {
  left -= length;
  if (left >= 0) return;
  throw new MillraceError(
    'texts-too-long',
    `Its expressions make texts of more than ${madeTextMax} characters in one go. Shorten what they are made of, as by left(x, 1000).`,
  );
}

/** Runs what makes texts. */
export function withTextBound<T>(work: () => T): T {
  const before = left;
  left = madeTextMax;
  try {
    return work();
  } finally {
    left = before;
  }
}
