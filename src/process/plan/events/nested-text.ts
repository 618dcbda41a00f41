// The text of an object or array as SQL has it: whatever spelling its sender chose, without spaces, strings with no more
// escapes than they need, fractions as shortly as they can be told apart. So equal values are equal texts. Half of a surrogate pair
// is U+FFFD, as the history has it.

import { lastOfEachKey, membersIn } from '../../../core/repeated-keys.ts';
import { wholePairs } from '../../../core/surrogates.ts';

const token = /"(?:[^"\\]|\\.)*"(?=(\s*:)?)|-?\d[\d.eE+-]*|\s+/g;
const escapeSequence = /\\(?:u([0-9a-f]{4})|.)/g;

/** `raw` is valid JSON that says `value`. Whole numbers keep all their digits; of a repeated key the last value stays. */
export function nestedText(raw: string, value: unknown = JSON.parse(raw)): string {
  const whole = wholePairs(raw);
  if (whole !== raw) return nestedText(whole);
  let members = 0;
  const text = raw.replace(token, (found: string, colon: string | undefined) => {
    if (colon !== undefined) members++;
    if (found.startsWith('"')) return found.includes('\\') ? stringText(found) : found;
    if (/^\s/.test(found)) return '';
    return /[.eE]/.test(found) ? fractionText(found) : found === '-0' ? '0' : found;
  });
  return members === membersIn(value) ? text : lastOfEachKey(text);
}

/** Control characters with capital digits, as DuckDB writes them. */
function stringText(raw: string): string {
  return JSON.stringify(JSON.parse(raw)).replace(escapeSequence, (sequence: string, digits?: string) =>
    digits === undefined ? sequence : `\\u${digits.toUpperCase()}`,
  );
}

/** As DuckDB writes it: with ".0" where it is whole, without "+" in an exponent; beyond doubles as it was. */
function fractionText(raw: string): string {
  const value = Number(raw);
  if (!Number.isFinite(value)) return raw;
  const text = Object.is(value, -0) ? '-0' : String(value).replace('e+', 'e');
  return /[.e]/.test(text) ? text : `${text}.0`;
}
