// JSON that is legal and that DuckDB refuses or reads otherwise, as JSON that says the same to SQL: a repeated key keeps its last value (as
// JSON.parse has it), at every depth, and half of a surrogate pair becomes U+FFFD. The log keeps the event as it came; bytes of other values
// are not touched.

import { lastOfEachKey } from '../core/repeated-keys.ts';

const escapeSequence = /\\(?:u([0-9a-fA-F]{4})|[^u])/g;

const isHigh = (code: number): boolean => code >= 0xd800 && code <= 0xdbff;
const isLow = (code: number): boolean => code >= 0xdc00 && code <= 0xdfff;

/** One line of NDJSON (an object) for DuckDB; the same text where nothing is to be mended. */
export function mendLine(line: string): string {
  return lastOfEachKey(wholePairs(line));
}

function wholePairs(line: string): string {
  if (!/\\u[dD][89a-fA-F]/.test(line)) return line;
  const escapes = [...line.matchAll(escapeSequence)];
  let text = '';
  let from = 0;
  for (let i = 0; i < escapes.length; i++) {
    const code = Number.parseInt(escapes[i]![1] ?? '0', 16);
    if (!isHigh(code) && !isLow(code)) continue;
    const at = escapes[i]!.index;
    const next = escapes[i + 1];
    if (isHigh(code) && next?.index === at + 6 && isLow(Number.parseInt(next[1] ?? '0', 16))) {
      i++;
      continue;
    }
    text += `${line.slice(from, at)}\\ufffd`;
    from = at + 6;
  }
  return text + line.slice(from);
}
