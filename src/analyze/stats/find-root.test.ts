import { describe, expect, it } from 'vitest';
import { bracketAbove, findRoot } from './find-root.ts';

describe('findRoot', () => {
  it('finds roots of smooth, flat and steep functions', () => {
    expect(findRoot(x => x * x - 2, 0, 2)).toBeCloseTo(Math.SQRT2, 13);
    expect(findRoot(x => (x - 1) ** 9, 0, 3, 1e-6)).toBeCloseTo(1, 1);
    expect(findRoot(x => Math.tanh(1e6 * (x - 0.3)), -5, 5)).toBeCloseTo(0.3, 12);
    expect(findRoot(x => x, -1, 1)).toBeCloseTo(0, 14);
    expect(findRoot(x => x - 1, 1, 5)).toBe(1);
  });

  it('refuses a bracket without a change of sign', () => {
    expect(() => findRoot(x => x * x + 1, -1, 1)).toThrow(/change sign/);
    expect(() => bracketAbove(() => -1, 0, 1, 1)).toThrow(/No bracket/);
  });
});
