import { expect, it } from 'vitest';
import { DyadicCountMin } from '../frequency/dyadic-count-min.ts';
import { DDSketch } from './ddsketch.ts';
import { KllDoubles } from './kll.ts';
import { wantedRank } from './wanted-rank.ts';

it('the rank r/n asks for the r-th smallest item, whatever q·n rounds to', () => {
  for (const n of [1, 2, 3, 7, 10, 100, 365, 1000, 4099]) {
    for (let r = 1; r <= n; r++) expect(wantedRank(r / n, n), `${r} of ${n}`).toBe(r);
    expect(wantedRank(0, n)).toBe(1);
  }
  expect(wantedRank(0.07, 100)).toBe(7);
  expect(wantedRank(0.071, 100)).toBe(8);
});

it('quantile sketches that keep every item answer the item of that rank', () => {
  const kll = new KllDoubles();
  const relative = new DDSketch(0.005);
  const dyadic = new DyadicCountMin(7, 128, 1);
  for (let i = 1; i <= 100; i++) for (const sketch of [kll, relative, dyadic]) sketch.update(i);
  for (let r = 1; r <= 100; r++) {
    expect(kll.quantile(r / 100)).toBe(r);
    expect(dyadic.quantile(r / 100)).toBe(r);
    expect(Math.abs(relative.quantile(r / 100)! / r - 1)).toBeLessThan(0.0051);
  }
});
