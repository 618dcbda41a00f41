// Time ranges as they are typed, shared and resolved. A range is two texts (`-1h` and `now`, two ISO times, or `all`),
// so that a shared address means the same to whoever opens it; resolving gives milliseconds. Pure.
import { parseDuration } from '../core/duration.ts';
import { parseInstantUs } from '../core/time.ts';
import type { Zone } from './format.ts';

export interface RangeText {
  /** `all`, `-24h` or an ISO time. */
  from: string;
  /** `now` or an ISO time; of no meaning with `all`. */
  to: string;
}

/** Milliseconds since 1970; from inclusive, to exclusive. */
export interface Span {
  fromMs: number;
  toMs: number;
}

export const quickRanges = ['-5m', '-15m', '-1h', '-6h', '-24h', '-7d', '-30d', 'all'] as const;

export const allData: RangeText = { from: 'all', to: 'now' };

export function isAll(range: RangeText): boolean {
  return range.from === 'all';
}

/** Whether the end moves with the clock. */
export function isSliding(range: RangeText): boolean {
  return isAll(range) || range.to === 'now';
}

/** A dashboard's `range` ("-24h", "all") as a range. */
export function rangeOf(text: string): RangeText {
  return text === 'all' ? allData : { from: text, to: 'now' };
}

/**
 * One typed end in milliseconds: `now`, `-1h`, ISO 8601 or an epoch. A time without a zone is in `zone`.
 * Throws `bad-time` otherwise.
 */
export function parseEnd(text: string, nowMs: number, zone: Zone): number {
  const typed = text.trim();
  const hasZone = /(Z|UTC|[+-]\d\d(:?\d\d)?)$/i.test(typed.replace(/^\d{4}-\d\d-\d\d/, ''));
  const ms = parseInstantUs(typed, nowMs) / 1000;
  if (zone === 'UTC' || hasZone || !/^\d{4}-\d\d-\d\d/.test(typed)) return ms;
  return ms + new Date(ms).getTimezoneOffset() * 60_000;
}

/** Ends that would make nothing to draw are pushed apart. */
function widened(span: Span): Span {
  return span.toMs - span.fromMs >= 1000
    ? span
    : { fromMs: span.fromMs - 30_000, toMs: span.fromMs + 30_000 };
}

/**
 * The range in milliseconds. `all` is the span that holds data (the last hour where there is none). Throws `bad-time`
 * on a text that is no time. Ends in the wrong order are swapped.
 */
export function resolveRange(range: RangeText, nowMs: number, data: Span | null, zone: Zone = 'UTC'): Span {
  if (isAll(range)) return widened(data ?? { fromMs: nowMs - 3_600_000, toMs: nowMs });
  const fromMs = parseEnd(range.from, nowMs, zone);
  const toMs = parseEnd(range.to, nowMs, zone);
  return widened(fromMs <= toMs ? { fromMs, toMs } : { fromMs: toMs, toMs: fromMs });
}

/** The dashboard's own range, or all data where that would show nothing (a log from years ago). */
export function firstRange(wanted: RangeText, nowMs: number, data: Span | null): RangeText {
  if (data === null || isAll(wanted)) return wanted;
  const { fromMs, toMs } = resolveRange(wanted, nowMs, data);
  return data.toMs < fromMs || data.fromMs > toMs ? allData : wanted;
}

/** Two fixed ends as a range; whole milliseconds, UTC. */
export function fixedRange(span: Span): RangeText {
  const iso = (ms: number) => new Date(Math.round(ms)).toISOString().replace(/\.000Z$/, 'Z');
  return { from: iso(span.fromMs), to: iso(span.toMs) };
}

/** The span made longer (factor above 1) or shorter around its middle; at least a second long. */
export function zoomed(span: Span, factor: number): Span {
  const middle = (span.fromMs + span.toMs) / 2;
  const half = Math.max(500, ((span.toMs - span.fromMs) * factor) / 2);
  return { fromMs: Math.round(middle - half), toMs: Math.round(middle + half) };
}

/** The span moved by a share of its own length; negative is earlier. */
export function moved(span: Span, share: number): Span {
  const byMs = Math.round((span.toMs - span.fromMs) * share);
  return { fromMs: span.fromMs + byMs, toMs: span.toMs + byMs };
}

/** The span of equal length just before; null where no data can be there. */
export function spanBefore(span: Span, data: Span | null): Span | null {
  const previous = moved(span, -1);
  return data !== null && data.fromMs <= previous.fromMs ? previous : null;
}

/** Milliseconds of a resolution such as "1m"; 0 for "total" and what is no duration. */
export function everyMsOf(every: string): number {
  try {
    return parseDuration(every);
  } catch {
    return 0;
  }
}

/** The amount and unit of `-24h`, for a sentence; undefined where it is not of that form. */
export function relativeParts(
  text: string,
): { amount: number; unit: 's' | 'm' | 'h' | 'd' | 'w' } | undefined {
  const match = /^(?:now)?-(\d+)([smhdw])$/.exec(text.trim());
  return match ? { amount: Number(match[1]), unit: match[2] as 's' } : undefined;
}
