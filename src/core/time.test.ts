import { expect, test } from 'vitest';
import { formatDuration, parseDuration } from './duration.ts';
import { murmur128Text } from './hash.ts';
import { epochToUs, formatUs, parseInstantUs, parseIsoUs } from './time.ts';

test('durations are read as written and written back shortest', () => {
  expect(parseDuration('1h30m')).toBe(5_400_000);
  expect(parseDuration('250ms')).toBe(250);
  expect(formatDuration(5_400_000)).toBe('1h30m');
  expect(formatDuration(parseDuration('14d'))).toBe('14d');
  expect(() => parseDuration('-1h')).toThrow(/not a duration/);
  expect(() => parseDuration('1 fortnight')).toThrow(/not a duration/);
});

test('instants keep microseconds and respect zones', () => {
  expect(formatUs(parseIsoUs('2015-05-17T10:05:03+02:00')!)).toBe('2015-05-17T08:05:03.000Z');
  expect(formatUs(parseIsoUs('2015-05-17 10:05:03.123456789')!)).toBe('2015-05-17T10:05:03.123456Z');
  expect(parseIsoUs('2015-02-29')).toBeUndefined();
  expect(parseIsoUs('2016-02-29')).toBe(Date.UTC(2016, 1, 29) * 1000);
  expect(formatUs(-1)).toBe('1969-12-31T23:59:59.999999Z');
});

test('numbers since 1970 are told apart by size', () => {
  const us = Date.UTC(2026, 0, 1) * 1000;
  for (const scale of [1e-6, 1e-3, 1, 1e3]) expect(epochToUs(us * scale)).toBe(us);
});

test('parameters accept relative times and name themselves when wrong', () => {
  expect(parseInstantUs('-1h', 7_200_000)).toBe(3_600_000_000);
  expect(parseInstantUs('now', 5)).toBe(5000);
  expect(() => parseInstantUs('yesterdayish', 0, 'from')).toThrow(/^from: "yesterdayish"/);
});

test('murmur128 equals the published value', () => {
  // The 128-bit value e34bbc7bbc071b6c 7a433ca9c49a9347 is the reference implementation's for seed 0.
  expect(murmur128Text('The quick brown fox jumps over the lazy dog', 0)).toEqual({
    h1Low: 0xbc071b6c,
    h1High: 0xe34bbc7b,
    h2Low: 0xc49a9347,
    h2High: 0x7a433ca9,
  });
});
