import { expect, test } from 'vitest';
import { Shop } from './shop.ts';

const start = Date.UTC(2026, 9, 5);
const dayMs = 86_400_000;
const shop = new Shop({ seed: 42, rate: 100 });

test('the same seed replays any second, in any order; another seed is another shop', () => {
  const second = start / 1000 + 40_000;
  const first = shop.second(second);
  shop.second(second + 1);
  expect(new Shop({ seed: 42, rate: 100 }).second(second)).toEqual(first);
  expect(new Shop({ seed: 43, rate: 100 }).second(second)).not.toEqual(first);
});

test('events lie in their second, in order, and are of all kinds', () => {
  const kinds = new Set<string>();
  for (let at = 0; at < 60; at++) {
    const second = start / 1000 + 43_200 + at;
    const events = shop.second(second).map(line => JSON.parse(line) as { _time: string; type: string });
    const times = events.map(event => Date.parse(event._time));
    expect(times.every(time => Math.floor(time / 1000) === second)).toBe(true);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    for (const { type } of events) kinds.add(type);
  }
  expect([...kinds].sort()).toEqual(['cart', 'order', 'page_view', 'payment']);
});

test('days have a rhythm, weekends are quieter, and every incident happens within two months', () => {
  const moments = Array.from({ length: 60 * 24 * 12 }, (_, i) => start + i * 300_000);
  const mean = (wanted: (time: Date) => boolean): number => {
    const found = moments.filter(time => wanted(new Date(time))).map(time => shop.intensity(time));
    return found.reduce((sum, value) => sum + value, 0) / found.length;
  };
  expect(mean(time => time.getUTCHours() === 15)).toBeGreaterThan(
    1.5 * mean(time => time.getUTCHours() === 4),
  );
  const isWeekend = (time: Date): boolean => time.getUTCDay() % 6 === 0;
  expect(mean(time => !isWeekend(time))).toBeGreaterThan(1.2 * mean(isWeekend));
  const seen = moments.map(time => shop.moment(time));
  expect(seen.some(moment => moment.campaign !== undefined && moment.boost > 1)).toBe(true);
  expect(seen.some(moment => moment.slowness > 1)).toBe(true);
  expect(seen.some(moment => moment.outage)).toBe(true);
  expect(seen.some(moment => moment.botShare > 0)).toBe(true);
});

test('the mean rate is the one asked for, give or take the weekday', () => {
  let events = 0;
  for (let second = 0; second < (7 * dayMs) / 1000; second += 601)
    events += shop.second(start / 1000 + second).length;
  const mean = events / Math.ceil((7 * 86_400) / 601);
  expect(mean).toBeGreaterThan(80);
  expect(mean).toBeLessThan(140);
});

test('products are long-tailed', () => {
  const counts = new Map<string, number>();
  for (let at = 0; at < 600; at++) {
    for (const line of shop.second(start / 1000 + 50_000 + at)) {
      const { product } = JSON.parse(line) as { product?: string };
      if (product) counts.set(product, (counts.get(product) ?? 0) + 1);
    }
  }
  const sorted = [...counts.values()].sort((a, b) => b - a);
  const total = sorted.reduce((sum, value) => sum + value, 0);
  expect(sorted.slice(0, 20).reduce((sum, value) => sum + value, 0) / total).toBeGreaterThan(0.25);
  expect(sorted.length).toBeGreaterThan(300);
});
