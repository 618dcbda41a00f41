// Instants. Inside the system an event time is a whole number of microseconds since 1970-01-01 UTC held
// in a JavaScript number (exact to 2^53, within the years 1684 to 2255); wall-clock times are milliseconds. Names end in Us or Ms.
import { parseDuration } from './duration.ts';
import { MillraceError } from './errors.ts';
import { isFarTime, parseTimeUs } from './time-text.ts';

/** Time is handed in, so that everything replays. */
export interface Clock {
  nowMs(): number;
}

export const systemClock: Clock = { nowMs: () => Date.now() };

/**
 * Microseconds of a number that counts since 1970: seconds below 1e11, milliseconds below 1e14,
 * microseconds below 1e17, nanoseconds beyond. `undefined` outside the years 1970–2255. Nanoseconds are more than a double
 * holds, so that whole numbers of them should come as a bigint (`epochLiteral`).
 */
export function epochToUs(value: number | bigint): number | undefined {
  const size = Number(value);
  if (!Number.isFinite(size) || size < 0) return undefined;
  let timeUs: number;
  if (size < 1e11) timeUs = Math.round(size * 1e6);
  else if (size < 1e14) timeUs = Math.round(size * 1e3);
  else if (size < 1e17) timeUs = Math.floor(size);
  // A quotient of doubles would be rounded, up to the next microsecond too.
  else timeUs = Number(BigInt(value) / 1000n);
  return timeUs <= 9.0e15 ? timeUs : undefined;
}

/** A JSON number for `epochToUs`: with all its digits where it is whole. */
export const epochLiteral = (text: string): number | bigint =>
  /^\d{17,19}$/.test(text) ? BigInt(text) : Number(text);

/** ISO 8601 UTC with milliseconds, or microseconds where there are any: `2015-05-17T10:05:03.000Z`. */
export function formatUs(timeUs: number): string {
  const timeMs = Math.floor(timeUs / 1000);
  const text = new Date(timeMs).toISOString();
  const restUs = timeUs - timeMs * 1000;
  return restUs === 0 ? text : `${text.slice(0, -1)}${String(restUs).padStart(3, '0')}Z`;
}

/** The Gregorian calendar repeats itself after 400 years. */
const cycleUs = 146_097n * 86_400_000_000n;

/** As `formatUs`, for any number of microseconds: years that have no four digits are ISO 8601's expanded ones, -000043 and +012345. */
export function formatBigUs(timeUs: bigint): string {
  // The same instant of the cycle within 200 years of 1970, where a double holds the microseconds.
  const halfUs = cycleUs / 2n;
  const nearUs = ((((timeUs + halfUs) % cycleUs) + cycleUs) % cycleUs) - halfUs;
  const text = formatUs(Number(nearUs));
  const year = Number(text.slice(0, 4)) + 400 * Number((timeUs - nearUs) / cycleUs);
  const digits = String(Math.abs(year));
  if (year >= 0 && year <= 9999) return digits.padStart(4, '0') + text.slice(4);
  return `${year < 0 ? '-' : '+'}${digits.padStart(6, '0')}${text.slice(4)}`;
}

/**
 * An instant as a parameter: ISO 8601, `now`, `-1h`, `+5m`, `now-1d`, or epoch seconds … nanoseconds.
 * Returns microseconds. Throws `bad-time`, naming the parameter.
 */
export function parseInstantUs(text: string, nowMs: number, parameter = 'time'): number {
  const trimmed = text.trim();
  const relative = /^(?:now)?\s*([+-])\s*(\S+)$/.exec(trimmed);
  if (trimmed === 'now') return nowMs * 1000;
  if (relative && /[a-z]$/.test(relative[2]!)) {
    return (nowMs + parseDuration(relative[2]!) * (relative[1] === '-' ? -1 : 1)) * 1000;
  }
  if (/^\d+(\.\d+)?$/.test(trimmed) && trimmed.length > 4) {
    const timeUs = epochToUs(epochLiteral(trimmed));
    if (timeUs !== undefined) return timeUs;
  }
  const timeUs = parseTimeUs(trimmed);
  if (timeUs !== undefined) return timeUs;
  if (isFarTime(trimmed)) {
    throw new MillraceError('bad-time', `${parameter}: "${text}" is beyond the times that are read.`, {
      status: 400,
      remedy: `Use a time from ${formatUs(-Number.MAX_SAFE_INTEGER)} to ${formatUs(Number.MAX_SAFE_INTEGER)}.`,
    });
  }
  throw new MillraceError('bad-time', `${parameter}: "${text}" is not a time.`, {
    status: 400,
    remedy: 'Use ISO 8601 (2026-11-22T10:00:00Z), a relative time (-1h, now) or epoch seconds.',
  });
}
