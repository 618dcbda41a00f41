import { describe, expect, it } from 'vitest';
import { chiSquareGoodnessOfFit, chiSquareIndependence } from '../stats/hypothesis/chi-square-test.ts';
import { kolmogorovSmirnov } from '../stats/hypothesis/kolmogorov-smirnov.ts';
import { createAssigner, unitFraction } from './assignment.ts';
import { type Allocation, createAllocator } from './layer.ts';

const halves = [
  { name: 'control', weight: 1 },
  { name: 'red', weight: 1 },
];
const users = Array.from({ length: 20_000 }, (_, i) => `user-${i}`);

function count(names: (string | undefined)[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[String(name)] = (counts[String(name)] ?? 0) + 1;
  return counts;
}

describe('createAssigner', () => {
  it('gives the same unit the same variant, in every version of this library', () => {
    const assign = createAssigner({ salt: 'checkout-2026', variants: halves });
    // Written down once: a change here would re-deal every running experiment.
    expect(users.slice(0, 12).map(assign).join(' ')).toMatchInlineSnapshot(
      `"red control red red red red red red control control control control"`,
    );
    expect(unitFraction('checkout-2026', 'user-0')).toMatchInlineSnapshot(`0.6545588951578659`);
  });

  it('deals by weight, and leaves out a variant of weight 0', () => {
    const variants = [
      { name: 'a', weight: 2 },
      { name: 'off', weight: 0 },
      { name: 'b', weight: 1 },
      { name: 'c', weight: 5 },
    ];
    const counts = count(users.map(createAssigner({ salt: 's', variants })));
    expect(Object.keys(counts).sort()).toEqual(['a', 'b', 'c']);
    expect(
      chiSquareGoodnessOfFit([counts['a']!, counts['b']!, counts['c']!], [2, 1, 5]).pValue,
    ).toBeGreaterThan(1e-4);
  });

  it('is uniform within [0, 1), for names that differ in one digit only', () => {
    const fractions = users.slice(0, 2000).map(user => unitFraction('x', user));
    expect(Math.min(...fractions)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...fractions)).toBeLessThan(1);
    expect(kolmogorovSmirnov(fractions, x => x).pValue).toBeGreaterThan(1e-4);
  });

  it('splits independently under another salt', () => {
    const [a, b] = ['one', 'two'].map(salt => createAssigner({ salt, variants: halves }));
    const table = [
      [0, 0],
      [0, 0],
    ];
    for (const user of users) table[a!(user) === 'red' ? 1 : 0]![b!(user) === 'red' ? 1 : 0]!++;
    expect(chiSquareIndependence(table).pValue).toBeGreaterThan(1e-4);
  });

  it('moves nobody when traffic grows', () => {
    const [tenth, half] = [0.1, 0.5].map(traffic =>
      createAssigner({ salt: 'ramp', variants: halves, traffic }),
    );
    const early = users.filter(user => tenth!(user) !== undefined);
    expect(Math.abs(early.length / users.length - 0.1)).toBeLessThan(0.01);
    expect(
      Math.abs(users.filter(user => half!(user) !== undefined).length / users.length - 0.5),
    ).toBeLessThan(0.015);
    for (const user of early) expect(half!(user)).toBe(tenth!(user));
  });

  it('keeps salt and unit apart', () => {
    expect(unitFraction('ab', 'c')).not.toBe(unitFraction('a', 'bc'));
  });

  it('refuses rules that make no sense', () => {
    const rule = { salt: 's', variants: halves };
    expect(() => createAssigner({ ...rule, salt: '' })).toThrow(/salt/);
    expect(() => createAssigner({ ...rule, traffic: 0 })).toThrow(/traffic/);
    expect(() => createAssigner({ ...rule, variants: [{ name: 'a', weight: 0 }] })).toThrow(/above 0/);
    expect(() => createAssigner({ ...rule, variants: [{ name: 'a', weight: -1 }] })).toThrow(/negative/);
    expect(() => createAssigner({ ...rule, variants: [halves[0]!, halves[0]!] })).toThrow(/same name/);
  });
});

describe('createAllocator', () => {
  const allocation: Allocation = {
    layers: [
      {
        name: 'search',
        slots: [
          { experiment: 'ranking', from: 0, to: 0.3 },
          { experiment: 'spelling', from: 0.5, to: 1 },
        ],
      },
    ],
    experiments: {
      ranking: { salt: 'r1', variants: halves },
      spelling: { salt: 's1', variants: halves },
      banner: { salt: 'b1', variants: halves, traffic: 0.5 },
    },
  };

  it('puts a unit into at most one experiment of a layer, and by its slot’s size', () => {
    const allocate = createAllocator(allocation);
    const met = users.map(allocate);
    expect(met.some(of => 'ranking' in of && 'spelling' in of)).toBe(false);
    expect(Math.abs(met.filter(of => 'ranking' in of).length / users.length - 0.3)).toBeLessThan(0.015);
    expect(Math.abs(met.filter(of => 'spelling' in of).length / users.length - 0.5)).toBeLessThan(0.015);
    expect(Math.abs(met.filter(of => 'banner' in of).length / users.length - 0.5)).toBeLessThan(0.015);
  });

  it('splits a layer’s experiment independently of another layer’s', () => {
    const allocate = createAllocator(allocation);
    const table = [
      [0, 0],
      [0, 0],
    ];
    for (const user of users) {
      const { spelling, banner } = allocate(user);
      if (spelling && banner) table[spelling === 'red' ? 1 : 0]![banner === 'red' ? 1 : 0]!++;
    }
    expect(chiSquareIndependence(table).pValue).toBeGreaterThan(1e-4);
  });

  it('moves nobody when another experiment of the layer ends', () => {
    const after = createAllocator({
      ...allocation,
      layers: [{ name: 'search', slots: [allocation.layers[0]!.slots[1]!] }],
      experiments: {
        spelling: allocation.experiments['spelling']!,
        banner: allocation.experiments['banner']!,
      },
    });
    const before = createAllocator(allocation);
    for (const user of users.slice(0, 2000)) {
      const { ranking: _, ...rest } = before(user);
      expect(after(user)).toEqual(rest);
    }
  });

  it('refuses overlaps, unknown names, doubles and equal salts', () => {
    const slots = (...spans: [string, number, number][]): Allocation => ({
      ...allocation,
      layers: [{ name: 'l', slots: spans.map(([experiment, from, to]) => ({ experiment, from, to })) }],
    });
    expect(() => createAllocator(slots(['ranking', 0, 0.6], ['spelling', 0.5, 1]))).toThrow(/overlap/);
    expect(() => createAllocator(slots(['ranking', 0.5, 1.1]))).toThrow(/within/);
    expect(() => createAllocator(slots(['nothing', 0, 1]))).toThrow(/unknown/);
    expect(() => createAllocator(slots(['ranking', 0, 0.1], ['ranking', 0.2, 0.3]))).toThrow(/two slots/);
    const twin = { salt: 'same', variants: halves };
    expect(() => createAllocator({ layers: [], experiments: { a: twin, b: twin } })).toThrow(/same salt/);
  });
});
