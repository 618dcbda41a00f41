// Numbers, bytes, durations and times as text, through Intl in the language in use. Pure: language and zone are
// handed in. Intl objects are costly to make, so each is made once.
import type { Unit } from '../deliver/api.ts';
import type { ViewValue } from '../process/view.ts';

export type Zone = 'local' | 'UTC';

const numberFormats = new Map<string, Intl.NumberFormat>();
const dateFormats = new Map<string, Intl.DateTimeFormat>();

function numbers(language: string, options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const key = language + JSON.stringify(options);
  let format = numberFormats.get(key);
  if (!format) numberFormats.set(key, (format = new Intl.NumberFormat(language, options)));
  return format;
}

function dates(language: string, zone: Zone, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = language + zone + JSON.stringify(options);
  let format = dateFormats.get(key);
  if (!format) {
    const timeZone = zone === 'UTC' ? 'UTC' : undefined;
    format = new Intl.DateTimeFormat(language, { ...options, timeZone, hourCycle: 'h23' });
    dateFormats.set(key, format);
  }
  return format;
}

/** A view's value as a number: integers beyond 2^53 come as strings. `null` where it is none. */
export function toNumber(value: ViewValue | undefined): number | null {
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value !== 'string' || value.trim() === '') return null;
  const number = Number(value);
  return Number.isFinite(number) ? number : null;
}

const byteUnits = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte', 'petabyte'];

/** `2.75 GB`; powers of 1000. */
export function formatBytes(bytes: number, language: string): string {
  let power = Math.min(5, Math.max(0, Math.floor(Math.log10(Math.abs(bytes) || 1) / 3)));
  // 999,999 rounds up into the next unit.
  if (power < 5 && Number((Math.abs(bytes) / 1000 ** power).toPrecision(3)) >= 1000) power++;
  // The languages disagree on a short word for a single byte.
  if (power === 0) return `${numbers(language, { maximumFractionDigits: 0 }).format(bytes)} B`;
  return numbers(language, {
    style: 'unit',
    unit: byteUnits[power]!,
    unitDisplay: 'short',
    maximumSignificantDigits: 3,
  }).format(bytes / 1000 ** power);
}

const timeUnits: [number, string][] = [
  [86_400_000, 'day'],
  [3_600_000, 'hour'],
  [60_000, 'minute'],
  [1000, 'second'],
  [0, 'millisecond'],
];

/** `340 ms`, `1.2 s`, `3 min`: one unit, three digits. */
export function formatSpan(spanMs: number, language: string): string {
  const [sizeMs, unit] = timeUnits.find(([size]) => Math.abs(spanMs) >= size)!;
  return numbers(language, {
    style: 'unit',
    unit,
    unitDisplay: 'short',
    maximumSignificantDigits: 3,
  }).format(spanMs / (sizeMs || 1));
}

/**
 * A value in its unit. `compact` is for axes and tiles (`12.4K`), else counts are written in full.
 * `ratio` is 0–1 and becomes a percentage; null is an en dash.
 */
export function formatValue(value: number | null, unit: Unit, language: string, compact = false): string {
  if (value === null || !Number.isFinite(value)) return '–';
  switch (unit) {
    case 'bytes':
      return formatBytes(value, language);
    case 'ms':
      return formatSpan(value, language);
    case 'seconds':
      return formatSpan(value * 1000, language);
    case 'ratio':
      return numbers(language, {
        style: 'percent',
        maximumFractionDigits: Math.abs(value) < 0.1 ? 2 : 1,
      }).format(value);
    case 'currency':
      return numbers(
        language,
        compact && Math.abs(value) >= 10_000
          ? { notation: 'compact', maximumSignificantDigits: 3 }
          : { minimumFractionDigits: compact ? 0 : 2, maximumFractionDigits: 2 },
      ).format(value);
    default:
      if (compact && Math.abs(value) >= 10_000) {
        return numbers(language, { notation: 'compact', maximumSignificantDigits: 3 }).format(value);
      }
      return numbers(
        language,
        unit === 'count' ? { maximumFractionDigits: 1 } : { maximumSignificantDigits: 4 },
      ).format(value);
  }
}

/** A whole count in full: `12,345`. */
export function formatCount(value: number, language: string): string {
  return numbers(language, { maximumFractionDigits: 0 }).format(value);
}

/** A share of a whole, `42 %`, without decimals. */
export function formatShare(value: number, language: string): string {
  return numbers(language, { style: 'percent', maximumFractionDigits: 0 }).format(value);
}

/** A change against before: `+12 %`, `−3.1 %`. */
export function formatChange(value: number, language: string): string {
  return numbers(language, {
    style: 'percent',
    signDisplay: 'exceptZero',
    maximumFractionDigits: Math.abs(value) < 0.1 ? 1 : 0,
  }).format(value);
}

/** Rate of events: one digit below ten, whole above. */
export function formatRate(perSecond: number, language: string): string {
  return numbers(language, { maximumFractionDigits: perSecond < 10 ? 1 : 0 }).format(perSecond);
}

/**
 * A moment for tooltips and tables: day and time to the minute, the second or the millisecond, whichever `stepMs`
 * calls for.
 */
export function formatMoment(timeMs: number, language: string, zone: Zone, stepMs = 60_000): string {
  const day: Intl.DateTimeFormatOptions = { year: 'numeric', month: 'short', day: 'numeric' };
  if (stepMs >= 86_400_000) return dates(language, zone, { ...day, weekday: 'short' }).format(timeMs);
  const time: Intl.DateTimeFormatOptions = { hour: '2-digit', minute: '2-digit' };
  if (stepMs < 60_000) time.second = '2-digit';
  if (stepMs < 1000) time.fractionalSecondDigits = 3;
  return dates(language, zone, { ...day, ...time }).format(timeMs);
}

/** A clock time to the millisecond, for lists of events. */
export function formatClock(timeMs: number, language: string, zone: Zone): string {
  return dates(language, zone, {
    month: 'short',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    fractionalSecondDigits: 3,
  }).format(timeMs);
}

function dayKey(timeMs: number, zone: Zone): string {
  return dates('en', zone, { year: 'numeric', month: 'numeric', day: 'numeric' }).format(timeMs);
}

/** The `YYYY-MM-DDTHH:MM:SS` of a moment in a zone, as people type it into a range. */
export function formatTyped(timeMs: number, zone: Zone): string {
  const offsetMs = zone === 'UTC' ? 0 : new Date(timeMs).getTimezoneOffset() * 60_000;
  return new Date(timeMs - offsetMs).toISOString().slice(0, 19);
}

/** Labels of a time axis: clock times, with the day where it first shows or changes; days or months where ticks are that far apart. */
export function formatTicks(ticksMs: number[], stepMs: number, language: string, zone: Zone): string[] {
  let lastDay = '';
  return ticksMs.map(tick => {
    if (stepMs >= 28 * 86_400_000) {
      return dates(language, zone, { year: 'numeric', month: 'short' }).format(tick);
    }
    if (stepMs >= 86_400_000) return dates(language, zone, { month: 'short', day: 'numeric' }).format(tick);
    const day = dayKey(tick, zone);
    const time = dates(language, zone, {
      hour: '2-digit',
      minute: '2-digit',
      ...(stepMs < 60_000 ? { second: '2-digit' } : {}),
    }).format(tick);
    const isNewDay = day !== lastDay;
    lastDay = day;
    return isNewDay
      ? `${time}\n${dates(language, zone, { month: 'short', day: 'numeric' }).format(tick)}`
      : time;
  });
}

/** How long ago, in the largest unit that fits: `3 minutes ago`. */
export function formatAgo(timeMs: number, nowMs: number, language: string): string {
  const past = timeMs - nowMs;
  const relative = new Intl.RelativeTimeFormat(language, { numeric: 'auto', style: 'short' });
  for (const [sizeMs, unit] of timeUnits) {
    if (unit === 'millisecond') break;
    if (Math.abs(past) >= sizeMs) return relative.format(Math.round(past / sizeMs), unit as 'day');
  }
  return relative.format(0, 'second');
}
