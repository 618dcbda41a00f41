import { expect, test } from 'vitest';
import { formatDuration, parseDuration } from './duration.ts';
import { murmur128Text } from './hash.ts';
import { epochToUs, formatUs, parseInstantUs } from './time.ts';
import { parseTimeUs } from './time-text.ts';

test('durations are read as written and written back shortest', () => {
  expect(parseDuration('1h30m')).toBe(5_400_000);
  expect(parseDuration('250ms')).toBe(250);
  expect(formatDuration(5_400_000)).toBe('1h30m');
  expect(formatDuration(parseDuration('14d'))).toBe('14d');
  expect(() => parseDuration('-1h')).toThrow(/not a duration/);
  expect(() => parseDuration('1 fortnight')).toThrow(/not a duration/);
});

test('instants keep microseconds and respect zones', () => {
  expect(formatUs(parseTimeUs('2015-05-17T10:05:03+02:00')!)).toBe('2015-05-17T08:05:03.000Z');
  expect(formatUs(parseTimeUs('2015-05-17 10:05:03.123456789')!)).toBe('2015-05-17T10:05:03.123456Z');
  expect(parseTimeUs('2015-02-29')).toBeUndefined();
  expect(parseTimeUs('2016-02-29')).toBe(Date.UTC(2016, 1, 29) * 1000);
  expect(formatUs(-1)).toBe('1969-12-31T23:59:59.999999Z');
});

test('instants are read in the basic format, in lower case, at the end of a day and as access logs have them', () => {
  const at = Date.UTC(2026, 0, 2, 3, 4, 5) * 1000;
  for (const text of [
    '2026-01-02t03:04:05z',
    '20260102T030405Z',
    '20260102T030405',
    '20260102t030405.000',
    '20260102 120405+0900',
    '20260102T020405,0-01',
    '02/Jan/2026:03:04:05 +0000',
    '02/Jan/2026:12:04:05 +0900',
  ]) {
    expect([text, parseTimeUs(text)]).toEqual([text, at]);
  }
  const midnight = Date.UTC(2026, 0, 3) * 1000;
  for (const text of [
    '2026-01-02T24:00:00Z',
    '2026-01-02T24:00',
    '20260102T240000.0Z',
    '20260103',
    '20260103Z',
  ]) {
    expect([text, parseTimeUs(text)]).toEqual([text, midnight]);
  }
});

test('what is nearly an instant is none', () => {
  for (const text of [
    '2026-01-02T24:00:01Z',
    '2026-01-02T24:01Z',
    '2026-01-02T25:00Z',
    '20260102T03:04:05Z',
    '2026-01-02T030405Z',
    '20260102T03Z',
    '20260102030405',
    '+20260102',
    '1767225600',
    '20261301',
    '02/Jan/2026:24:00:00 +0000',
    '02/jan/2026:03:04:05 +0000',
    '31/Feb/2026:03:04:05 +0000',
    '2/Jan/2026:03:04:05 +0000',
    '02/Jan/2026:03:04:05',
    '2026-W01-5',
    '2026-002',
    '2026002',
    ' 2026-01-02',
  ]) {
    expect([text, parseTimeUs(text)]).toEqual([text, undefined]);
  }
});

test('numbers since 1970 are told apart by size', () => {
  const us = Date.UTC(2026, 0, 1) * 1000;
  for (const scale of [1e-6, 1e-3, 1, 1e3]) expect(epochToUs(us * scale)).toBe(us);
});

test('nanoseconds are cut to microseconds by all their digits', () => {
  expect(epochToUs(1_770_000_000_123_456_999n)).toBe(1_770_000_000_123_456);
  expect(parseInstantUs('1770000000250000000', 0)).toBe(1_770_000_000_250_000);
  expect(epochToUs(Number(1_770_000_000_000_005_888n))).toBe(1_770_000_000_000_005);
  expect(epochToUs(9_000_000_000_000_000_999n)).toBe(9e15);
  expect(epochToUs(9_000_000_000_000_001_000n)).toBeUndefined();
});

test('parameters accept relative times and name themselves when wrong', () => {
  expect(parseInstantUs('-1h', 7_200_000)).toBe(3_600_000_000);
  expect(parseInstantUs('now', 5)).toBe(5000);
  expect(() => parseInstantUs('yesterdayish', 0, 'from')).toThrow(/^from: "yesterdayish"/);
});

test('a time that is too far from 1970 is named with the range that is read', () => {
  const remedy = 'Use a time from 1684-07-28T00:12:25.259009Z to 2255-06-05T23:47:34.740991Z.';
  for (const text of ['1600-01-01T00:00:00Z', '9999-12-31', '+012345-01-01', '01/Jan/1500:00:00:00 +0000']) {
    expect(() => parseInstantUs(text, 0, 'from')).toThrow(
      expect.objectContaining({ message: `from: "${text}" is beyond the times that are read.`, remedy }),
    );
  }
  expect(parseTimeUs('1684-07-28T00:12:25.259009Z')).toBe(-Number.MAX_SAFE_INTEGER);
  expect(parseTimeUs('1684-07-28T00:12:25.259008Z')).toBeUndefined();
  expect(parseTimeUs('2255-06-05T23:47:34.740991Z')).toBe(Number.MAX_SAFE_INTEGER);
  expect(parseTimeUs('2255-06-05T23:47:34.740992Z')).toBeUndefined();
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
