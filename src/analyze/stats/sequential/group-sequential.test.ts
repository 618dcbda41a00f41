// Published designs, multivariate normal integrals by scipy, and simulation.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Rng } from '../../../core/rng.ts';
import {
  type BoundaryKind,
  exitProbabilities,
  groupSequentialBoundaries,
  groupSequentialPlan,
} from './group-sequential.ts';

const equal = (looks: number): number[] => Array.from({ length: looks }, (_, k) => (k + 1) / looks);
const critical = (fractions: number[], boundary: BoundaryKind, alpha = 0.05): number[] =>
  groupSequentialBoundaries({ fractions, boundary, alpha }).map(look => look.criticalValue);

describe('groupSequentialBoundaries', () => {
  // Jennison & Turnbull, Group Sequential Methods (2000), tables 2.1 and 2.3.
  const pocock: [looks: number, alpha: number, constant: number][] = [
    [2, 0.05, 2.178],
    [5, 0.05, 2.413],
    [10, 0.05, 2.555],
    [20, 0.05, 2.672],
    [5, 0.01, 2.986],
    [5, 0.1, 2.122],
  ];
  it.each(pocock)('Pocock, %i looks at alpha %d: %d', (looks, alpha, constant) => {
    for (const value of critical(equal(looks), 'pocock', alpha)) expect(value).toBeCloseTo(constant, 3);
  });

  const obrienFleming: [looks: number, alpha: number, constant: number][] = [
    [2, 0.05, 1.977],
    [5, 0.05, 2.04],
    [10, 0.05, 2.087],
    [20, 0.05, 2.126],
    [5, 0.01, 2.621],
  ];
  it.each(obrienFleming)("O'Brien–Fleming, %i looks at alpha %d: %d", (looks, alpha, constant) => {
    critical(equal(looks), 'obrien-fleming', alpha).forEach((value, k) => {
      expect(value / Math.sqrt(looks / (k + 1))).toBeCloseTo(constant, 3);
    });
  });

  it('Lan–DeMets spending, 5 equal looks, as published (Reboussin et al. 2000)', () => {
    const near = (values: number[]) => values.map(value => expect.closeTo(value, 3));
    expect(critical(equal(5), 'spend-obrien-fleming')).toEqual(near([4.877, 3.357, 2.68, 2.29, 2.031]));
    expect(critical(equal(5), 'spend-pocock')).toEqual(near([2.438, 2.427, 2.41, 2.397, 2.386]));
  });

  it('spends exactly alpha, by the schedule asked for, whatever the times of the looks', () => {
    const fractions = [0.1, 0.35, 0.4, 0.9, 1];
    const looks = groupSequentialBoundaries({
      fractions,
      boundary: t => t * t,
      alpha: 0.04,
      sides: 'one-sided',
    });
    expect(looks.map(look => look.alphaSpent)).toEqual(fractions.map(t => expect.closeTo(0.04 * t * t, 9)));
    for (const boundary of ['pocock', 'obrien-fleming', 'spend-pocock'] as const) {
      expect(groupSequentialBoundaries({ fractions, boundary }).at(-1)!.alphaSpent).toBeCloseTo(0.05, 8);
    }
  });

  it('is the fixed test for a single look', () => {
    expect(critical([1], 'pocock')).toEqual([expect.closeTo(1.959963985, 8)]);
    expect(critical([1], 'spend-obrien-fleming')).toEqual([expect.closeTo(1.959963985, 8)]);
  });

  it('refuses looks out of order and schedules that decrease', () => {
    expect(() => critical([0.5, 0.5], 'pocock')).toThrow(/increase/);
    expect(() => critical([0.5, 1.2], 'pocock')).toThrow(/increase/);
    expect(() => critical([0.5, 1], t => 1 - t / 2)).toThrow(/decrease/);
  });
});

describe('exitProbabilities', () => {
  const { tests } = JSON.parse(readFileSync(new URL('../scipy-reference.json', import.meta.url), 'utf8'));
  const bounds = [2.5, 2.4, 2.3, 2.2];
  it('agrees with multivariate normal integrals, with and without drift', () => {
    const cases: [name: string, fractions: number[], drift: number][] = [
      ['exit null', [0.25, 0.5, 0.75, 1], 0],
      ['exit drift', [0.2, 0.5, 0.9, 1], 2.8],
    ];
    for (const [name, fractions, drift] of cases) {
      const { upper, lower } = exitProbabilities(bounds, fractions, drift);
      const seen = upper.map((p, k) => p + lower[k]!);
      // scipy's own integrals are good to about 1e-5.
      expect(seen).toEqual(tests[name].values.map((p: number) => expect.closeTo(p, 4)));
    }
  });

  it('agrees with simulated walks over 40 close looks', () => {
    const fractions = equal(40);
    const values = critical(fractions, 'spend-obrien-fleming');
    const { upper } = exitProbabilities(values, fractions, 2.5);
    const wanted = upper.reduce((sum, p) => sum + p, 0);
    const rng = new Rng(4);
    const rounds = 20_000;
    let crossed = 0;
    for (let round = 0; round < rounds; round++) {
      let w = 0;
      for (let k = 0; k < 40; k++) {
        w += rng.gaussian() * Math.sqrt(1 / 40) + 2.5 / 40;
        const z = w / Math.sqrt(fractions[k]!);
        if (Math.abs(z) < values[k]!) continue;
        if (z > 0) crossed++;
        break;
      }
    }
    expect(Math.abs(crossed / rounds - wanted)).toBeLessThan(4 * Math.sqrt((wanted * (1 - wanted)) / rounds));
  });
});

describe('groupSequentialPlan', () => {
  // Jennison & Turnbull, tables 2.2 and 2.4: R(K, α = 0.05, β).
  const published: [boundary: BoundaryKind, looks: number, power: number, inflation: number][] = [
    ['pocock', 5, 0.8, 1.229],
    ['pocock', 5, 0.9, 1.207],
    ['pocock', 10, 0.9, 1.271],
    ['obrien-fleming', 5, 0.8, 1.028],
    ['obrien-fleming', 5, 0.9, 1.026],
    ['obrien-fleming', 10, 0.8, 1.04],
  ];
  it.each(published)(
    'inflates the sample of %s, %i looks, power %d by %d',
    (boundary, looks, power, inflation) => {
      const plan = groupSequentialPlan({ fractions: equal(looks), boundary }, power);
      expect(Math.abs(plan.inflation - inflation)).toBeLessThan(0.0011);
    },
  );
});
