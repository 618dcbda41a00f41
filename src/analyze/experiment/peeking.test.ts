// The quick form of peeking.long.test.ts.
import { describe, expect, it } from 'vitest';
import { simulateExperiments } from './experiment-simulation.ts';

describe('experiments of three variants judged at 20 looks', () => {
  const size = { kind: 'always-valid', experiments: 60, seed: 3, looks: 20, unitsPerLook: 60 } as const;

  it('declare a false winner rarely and a mismatch never', () => {
    const { wrong, mismatch } = simulateExperiments({ ...size, redGain: 0 });
    expect(wrong).toBeLessThan(0.05 + 4 * Math.sqrt(0.0475 / 60));
    expect(mismatch).toBe(0);
  });

  it('find a large effect, and end before the plan does', () => {
    const { right, unitsUsed } = simulateExperiments({ ...size, redGain: 0.12 });
    expect(right).toBeGreaterThan(0.9);
    expect(unitsUsed).toBeLessThan(0.7);
  });
});
