import { describe, expect, test } from 'vitest';
import {
  allData,
  everyMsOf,
  firstRange,
  fixedRange,
  moved,
  parseEnd,
  rangeOf,
  relativeParts,
  resolveRange,
  spanBefore,
  zoomed,
} from './time-range.ts';

const now = Date.UTC(2026, 0, 31, 12);
const hour = 3_600_000;

describe('time ranges', () => {
  test('a relative range ends now', () => {
    expect(resolveRange(rangeOf('-1h'), now, null)).toEqual({ fromMs: now - hour, toMs: now });
  });

  test('all data is the span that holds data, whatever the year', () => {
    const data = { fromMs: Date.UTC(2015, 4, 17), toMs: Date.UTC(2015, 4, 20) };
    expect(resolveRange(allData, now, data)).toEqual(data);
  });

  test('a dashboard of the last day opens on all data where the data are years old', () => {
    const data = { fromMs: Date.UTC(2015, 4, 17), toMs: Date.UTC(2015, 4, 20) };
    expect(firstRange(rangeOf('-24h'), now, data)).toEqual(allData);
    expect(firstRange(rangeOf('-24h'), now, { ...data, toMs: now - hour })).toEqual(rangeOf('-24h'));
    expect(firstRange(rangeOf('-24h'), now, null)).toEqual(rangeOf('-24h'));
  });

  test('ends in the wrong order are swapped and ends that coincide are pushed apart', () => {
    const swapped = resolveRange({ from: 'now', to: '-1h' }, now, null);
    expect(swapped).toEqual({ fromMs: now - hour, toMs: now });
    const point = resolveRange({ from: 'now', to: 'now' }, now, null);
    expect(point.toMs - point.fromMs).toBe(60_000);
  });

  test('a typed time without a zone is in the zone shown, one with a zone is not', () => {
    expect(parseEnd('2026-01-31 09:30', now, 'UTC')).toBe(Date.UTC(2026, 0, 31, 9, 30));
    const local = new Date(2026, 0, 31, 9, 30).getTime();
    expect(parseEnd('2026-01-31 09:30', now, 'local')).toBe(local);
    expect(parseEnd('2026-01-31', now, 'local')).toBe(new Date(2026, 0, 31).getTime());
    expect(parseEnd('2026-01-31T09:30:00Z', now, 'local')).toBe(Date.UTC(2026, 0, 31, 9, 30));
    expect(parseEnd('2026-01-31T09:30:00+09:00', now, 'local')).toBe(Date.UTC(2026, 0, 31, 0, 30));
  });

  test('what is no time is refused', () => {
    expect(() => parseEnd('yesterday-ish', now, 'UTC')).toThrow();
    expect(() => parseEnd('2026-02-30', now, 'UTC')).toThrow();
  });

  test('a fixed range survives the address', () => {
    const span = { fromMs: now - hour, toMs: now + 1 };
    expect(resolveRange(fixedRange(span), 0, null)).toEqual(span);
    expect(fixedRange(span).from).toBe('2026-01-31T11:00:00Z');
  });

  test('zooming out doubles around the middle and zooming in back gives the span again', () => {
    const span = { fromMs: now - hour, toMs: now };
    const wide = zoomed(span, 2);
    expect(wide).toEqual({ fromMs: now - 1.5 * hour, toMs: now + 0.5 * hour });
    expect(zoomed(wide, 0.5)).toEqual(span);
    expect(zoomed(span, 0)).toEqual({ fromMs: now - hour / 2 - 500, toMs: now - hour / 2 + 500 });
  });

  test('moving there and back is no move', () => {
    const span = { fromMs: now - hour, toMs: now };
    expect(moved(moved(span, -0.5), 0.5)).toEqual(span);
  });

  test('the span before is compared only where data can be there', () => {
    const span = { fromMs: now - hour, toMs: now };
    expect(spanBefore(span, { fromMs: now - 5 * hour, toMs: now })).toEqual({
      fromMs: now - 2 * hour,
      toMs: now - hour,
    });
    expect(spanBefore(span, { fromMs: now - 1.5 * hour, toMs: now })).toBeNull();
    expect(spanBefore(span, null)).toBeNull();
  });

  test('resolutions are read as milliseconds and a total has none', () => {
    expect(everyMsOf('1m')).toBe(60_000);
    expect(everyMsOf('total')).toBe(0);
  });

  test('the parts of a relative range', () => {
    expect(relativeParts('-24h')).toEqual({ amount: 24, unit: 'h' });
    expect(relativeParts('2026-01-31')).toBeUndefined();
  });
});
