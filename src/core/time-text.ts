// An instant written as text: ISO 8601 / RFC 3339 in its extended and its basic format, or as access logs have it. The rule is kept three
// times, and property tests hold them equal: here, in kernel/assembly/time.ts and, for DuckDB, in time-sql.ts. Week and ordinal dates are
// not read.

const extended =
  /^([+-]?\d{4,6})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?\s?(Z|z|UTC|[+-]\d\d(?::?\d\d)?)?$/;
const basic =
  /^(\d{4})(\d\d)(\d\d)(?:[Tt ](\d\d)(\d\d)(?:(\d\d)(?:[.,](\d{1,9}))?)?)?\s?(Z|z|UTC|[+-]\d\d(?::?\d\d)?)?$/;
const access = /^(\d\d)\/([A-Z][a-z]{2})\/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-]\d{4})$/;
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** Days in a month of the proleptic Gregorian calendar; month is 1–12. */
export function daysInMonth(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/**
 * Microseconds since 1970 of `2026-01-02T03:04:05Z`, `20260102T030405Z` and their kin, or of `02/Jan/2026:03:04:05 +0000`; a time
 * without a zone is UTC; digits beyond the sixth of a second are cut. `undefined` where the text is no instant, or one beyond 2^53 µs.
 */
export function parseTimeUs(text: string): number | undefined {
  return exact(spelledTimeUs(text));
}

/** Whether a text is an instant, but one that is too far from 1970 to be read. */
export const isFarTime = (text: string): boolean =>
  spelledTimeUs(text) !== undefined && parseTimeUs(text) === undefined;

const exact = (timeUs: number | undefined): number | undefined =>
  Number.isSafeInteger(timeUs) ? timeUs : undefined;

function spelledTimeUs(text: string): number | undefined {
  const match = extended.exec(text) ?? basic.exec(text);
  if (!match) return spelledAccessTimeUs(text);
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(part => Number(part ?? 0));
  const fractionUs = match[7] ? Number(match[7].slice(0, 6).padEnd(6, '0')) : 0;
  const isEndOfDay = hour === 24 && minute === 0 && second === 0 && fractionUs === 0;
  if (hour! > 23 && !isEndOfDay) return undefined;
  return instantUs(year!, month!, day!, hour!, minute!, second!, fractionUs, match[8]);
}

/** As `parseTimeUs`, of `17/May/2015:10:05:03 +0200` alone. */
export function parseAccessTimeUs(text: string): number | undefined {
  return exact(spelledAccessTimeUs(text));
}

function spelledAccessTimeUs(text: string): number | undefined {
  const match = access.exec(text);
  if (!match) return undefined;
  const [year, hour, minute, second] = match.slice(3, 7).map(Number);
  const month = months.indexOf(match[2]!) + 1;
  return hour! > 23
    ? undefined
    : instantUs(year!, month, Number(match[1]), hour!, minute!, second!, 0, match[7]);
}

function instantUs(
  year: number,
  month: number,
  day: number,
  hour: number,
  minute: number,
  second: number,
  fractionUs: number,
  zone: string | undefined,
): number | undefined {
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return undefined;
  if (minute > 59 || second > 60) return undefined;
  let offsetMinutes = 0;
  if (zone && zone[0] !== 'Z' && zone[0] !== 'z' && zone[0] !== 'U') {
    const digits = zone.slice(1).replace(':', '');
    const [zoneHours, zoneMinutes] = [Number(digits.slice(0, 2)), Number(digits.slice(2) || 0)];
    if (zoneHours > 23 || zoneMinutes > 59) return undefined;
    offsetMinutes = (zoneHours * 60 + zoneMinutes) * (zone[0] === '-' ? -1 : 1);
  }
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute - offsetMinutes, second, 0);
  return date.getTime() * 1000 + fractionUs;
}
