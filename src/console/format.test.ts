import { describe, expect, test } from 'vitest';
import {
  formatAgo,
  formatBytes,
  formatChange,
  formatMoment,
  formatSpan,
  formatTicks,
  formatTyped,
  formatValue,
  toNumber,
} from './format.ts';

describe('numbers', () => {
  test('counts are written in full, and compactly in tiles and axes', () => {
    expect(formatValue(1_234_567, 'count', 'en')).toBe('1,234,567');
    expect(formatValue(1_234_567, 'count', 'en', true)).toBe('1.23M');
    expect(formatValue(1_234_567, 'count', 'ko', true)).toBe('123만');
    expect(formatValue(9999, 'count', 'en', true)).toBe('9,999');
  });

  test('bytes go up in thousands, also where rounding reaches the next unit', () => {
    expect(formatBytes(0, 'en')).toBe('0 B');
    expect(formatBytes(999, 'en')).toBe('999 B');
    expect(formatBytes(999_999, 'en')).toBe('1 MB');
    expect(formatBytes(2_747_282_505, 'en')).toBe('2.75 GB');
    expect(formatBytes(5e18, 'en')).toBe('5,000 PB');
  });

  test('ratios are percentages, small ones with more digits', () => {
    expect(formatValue(0.0085, 'ratio', 'en')).toBe('0.85%');
    expect(formatValue(0.425, 'ratio', 'en')).toBe('42.5%');
  });

  test('durations take the unit that fits', () => {
    expect(formatSpan(340, 'en')).toBe('340 ms');
    expect(formatSpan(1230, 'en')).toBe('1.23 sec');
    expect(formatValue(90, 'seconds', 'en')).toBe('1.5 min');
  });

  test('nothing is a dash', () => {
    expect(formatValue(null, 'count', 'en')).toBe('–');
    expect(formatValue(Number.NaN, 'bytes', 'en')).toBe('–');
  });

  test('a change carries its sign', () => {
    expect(formatChange(0.123, 'en')).toBe('+12%');
    expect(formatChange(-0.031, 'en')).toBe('-3.1%');
  });

  test('integers beyond 2^53 come as text and are numbers all the same', () => {
    expect(toNumber('9007199254740993')).toBe(9007199254740992);
    expect(toNumber('')).toBeNull();
    expect(toNumber('abc')).toBeNull();
    expect(toNumber([1])).toBeNull();
  });
});

describe('times', () => {
  const at = Date.UTC(2015, 4, 17, 10, 5, 3, 42);

  test('a moment is as exact as the step between windows', () => {
    expect(formatMoment(at, 'en-GB', 'UTC', 86_400_000)).toBe('Sun, 17 May 2015');
    expect(formatMoment(at, 'en-GB', 'UTC', 60_000)).toBe('17 May 2015, 10:05');
    expect(formatMoment(at, 'en-GB', 'UTC', 1000)).toBe('17 May 2015, 10:05:03');
    expect(formatMoment(at, 'ko', 'UTC', 60_000)).toBe('2015년 5월 17일 10:05');
  });

  test('midnight is 00, not 24', () => {
    expect(formatMoment(Date.UTC(2015, 4, 17), 'en', 'UTC', 60_000)).toContain('00:00');
  });

  test('an axis names the day where it begins', () => {
    const hour = 3_600_000;
    const ticks = [22, 23, 24, 25].map(n => Date.UTC(2015, 4, 17) + n * hour);
    expect(formatTicks(ticks, hour, 'en-GB', 'UTC')).toEqual([
      '22:00\n17 May',
      '23:00',
      '00:00\n18 May',
      '01:00',
    ]);
    expect(formatTicks(ticks.slice(0, 1), 24 * hour, 'en-GB', 'UTC')).toEqual(['17 May']);
  });

  test('a typed time is without a zone', () => {
    expect(formatTyped(at, 'UTC')).toBe('2015-05-17T10:05:03');
  });

  test('how long ago', () => {
    expect(formatAgo(at - 180_000, at, 'en')).toBe('3 min. ago');
    expect(formatAgo(at, at, 'en')).toBe('now');
  });
});
