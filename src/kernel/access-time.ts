// The time of an access log, "17/May/2015:10:05:03 +0200", as Apache and nginx write it.
import { parseIsoUs } from '../core/time.ts';

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const shape = /^(\d\d)\/([A-Z][a-z]{2})\/(\d{4}):(\d\d:\d\d:\d\d) ([+-]\d{4})$/;

/** Microseconds since 1970; `undefined` where the text is not such a time. */
export function parseAccessTimeUs(text: string): number | undefined {
  const match = shape.exec(text);
  if (!match) return undefined;
  const [, day, monthName, year, clock, zone] = match;
  const month = String(months.indexOf(monthName!) + 1).padStart(2, '0');
  return parseIsoUs(`${year}-${month}-${day}T${clock}${zone}`);
}
