// JSON that is legal and that DuckDB refuses or reads otherwise, as JSON that says the same to SQL: a repeated key keeps its last value (as
// JSON.parse has it), at every depth, and half of a surrogate pair becomes U+FFFD, as does what no column can be named with. The log keeps
// the event as it came; bytes of other values are not touched.

import { ownTimeUs } from '../core/event-time.ts';
import { foldedName } from '../core/folded-name.ts';
import { lastOfEachKey, withKeys } from '../core/repeated-keys.ts';
import { wholePairs } from '../core/surrogates.ts';
import { formatUs } from '../core/time.ts';

/** One line of NDJSON (an object) for DuckDB; the same text where nothing is to be mended. */
export function mendLine(line: string): string {
  return lastOfEachKey(withKeys(wholePairs(line), columnName));
}

/** The name of a field as a column: SQL has no empty names, and its texts end at U+0000. */
const columnName = (key: string): string => (key === '' ? '\ufffd' : key.replaceAll('\0', '\ufffd'));

/**
 * As `mendLine`, with one spelling for each name of a field: that which came first, noted in `spellings` by the folded name. Of an event
 * with several spellings of a name the last counts, as of a repeated key. Fields that may hold its time are told by their spelling, so
 * that the time is put into `_time` before, or null.
 */
export function mendNames(line: string, spellings: Map<string, string>): string {
  const event = JSON.parse(line) as Record<string, unknown>;
  const timeUs = ownTimeUs(event, () => line);
  const named = withKeys(line, spelled => {
    const key = columnName(spelled);
    const folded = foldedName(key);
    if (folded === '_time') return folded;
    const spelling = spellings.get(folded);
    if (spelling === undefined) spellings.set(folded, key);
    return spelling ?? key;
  });
  const members = named.slice(0, named.lastIndexOf('}')) + (Object.keys(event).length > 0 ? ',' : '');
  return mendLine(`${members}"_time":${timeUs === undefined ? null : `"${formatUs(timeUs)}"`}}`);
}
