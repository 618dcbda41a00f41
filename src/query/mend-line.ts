// JSON that is legal and that DuckDB refuses or reads otherwise, as JSON that says the same to SQL: a repeated key keeps its last value (as
// JSON.parse has it), at every depth, and half of a surrogate pair becomes U+FFFD. The log keeps the event as it came; bytes of other values
// are not touched.

import { lastOfEachKey } from '../core/repeated-keys.ts';
import { wholePairs } from '../core/surrogates.ts';

/** One line of NDJSON (an object) for DuckDB; the same text where nothing is to be mended. */
export function mendLine(line: string): string {
  return lastOfEachKey(wholePairs(line));
}
