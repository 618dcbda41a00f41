// The quick form of peeking.long.test.ts: fewer experiments, the same claims with wider margins.
import { describe, expect, it } from 'vitest';
import { peekingMetrics, simulatePeeking } from './peeking-simulation.ts';

describe('looking 100 times at experiments without a difference', () => {
  const figures = simulatePeeking({
    experiments: 300,
    seed: 17,
    unitsPerLook: 20,
    draw: peekingMetrics['normal metric'].draw(0),
  });
  const claimed = Object.fromEntries(figures.map(({ method, claimed }) => [method, claimed]));

  it('makes a fixed test err several times as often as it says', () => {
    expect(claimed['fixed test at every look']).toBeGreaterThan(0.25);
  });

  it('leaves every sequential method at its level', () => {
    const sequential = figures.filter(({ method }) => !method.startsWith('fixed'));
    expect(sequential.length).toBe(4);
    // Four standard errors above 5 % in 300.
    for (const { method, claimed } of sequential) expect(claimed, method).toBeLessThan(0.1);
  });
});
