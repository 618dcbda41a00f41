// How long a text may be that a function makes: what is longer is NULL, rather than a way to fill memory. The length is found before the
// text is made, here and in SQL.
import { namedSql } from './function.ts';
import { countText } from './made-texts.ts';

/** Characters of a text that a function makes of others. */
export const textLengthMax = 1_000_000;

export const isAscii = (value: string) => !/[^\0-\x7f]/.test(value);

/** Code points, as DuckDB counts. */
export const lengthOf = (value: string): number => (isAscii(value) ? value.length : [...value].length);

/** Whether a text of so many UTF-16 units has more characters than one may have, whatever they are. */
export const isSurelyTooLong = (units: number): boolean => units > 2 * textLengthMax;

/** The text, or null where it is too long. */
export function withinLength(text: string): string | null {
  countText(text.length);
  if (text.length <= textLengthMax) return text;
  return isSurelyTooLong(text.length) || lengthOf(text) > textLengthMax ? null : text;
}

/** SQL of a text made of others, NULL where it would be too long; each is written once. `length`: how long it would be. */
export const withinLengthSql = (
  values: readonly string[],
  length: (...names: string[]) => string,
  text: (...names: string[]) => string,
): string =>
  namedSql(
    values,
    (...names) => `CASE WHEN ${length(...names)} <= ${textLengthMax} THEN ${text(...names)} END`,
  );
