// Scalars as text for sketches of strings: text is itself, anything else is its JSON behind a byte that text seldom
// starts with, so that 1 and '1' stay two items.
import type { Scalar } from './scalar.ts';

const mark = '\u0000';

/** A whole double whose text would look like that of a whole number with all these digits. */
const isLong = (value: Exclude<Scalar, string>): value is number =>
  Number.isInteger(value) && !Number.isSafeInteger(value) && Math.abs(value as number) < 1e21;

export const itemText = (value: Scalar): string =>
  typeof value !== 'string'
    ? mark + (isLong(value) ? value.toExponential() : value)
    : value.startsWith(mark)
      ? mark + mark + value.slice(1)
      : value;

export function itemOf(text: string): Scalar {
  if (!text.startsWith(mark)) return text;
  if (text.startsWith(mark + mark)) return text.slice(1);
  const json = text.slice(1);
  if (json === 'true' || json === 'false') return json === 'true';
  const value = Number(json);
  return /^-?\d+$/.test(json) && !Number.isSafeInteger(value) ? BigInt(json) : value;
}
