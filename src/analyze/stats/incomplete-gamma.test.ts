// Reference: mpmath 1.3.0 at 60 digits. @stdlib 0.3.1 errs here by up to 2.5 %.
import { expect, it } from 'vitest';
import { chiSquare, gamma, poisson } from './distributions.ts';
import { incompleteGamma, incompleteGammaUpper } from './incomplete-gamma.ts';

it.each([
  [1000, 1001, 0.5168114529297863, 0.4831885470702138],
  [1000, 1100, 0.99894067674607, 0.0010593232539299773],
  [1500, 1400, 0.00423108034851712, 0.9957689196514828],
  [3000, 2983, 0.3802304524078657, 0.6197695475921343],
  [100_000, 100_000, 0.5004205221103651, 0.4995794778896348],
  [100_000, 99_000, 0.0007574199211747679, 0.9992425800788253],
  [1_000_000, 1_003_000, 0.9986382593537824, 0.0013617406462175915],
  [20_000.5, 20_300, 0.9825550065336808, 0.017444993466319197],
])('P and Q at a = %d, x = %d keep 11 digits', (a, x, lower, upper) => {
  expect(Math.abs(incompleteGamma(a, x) / lower - 1)).toBeLessThan(1e-11);
  expect(Math.abs(incompleteGammaUpper(a, x) / upper - 1)).toBeLessThan(1e-11);
});

it.each([
  [100_000, 0.5, 99999.6666668642],
  [2000, 0.025, 1913.2987096256304],
  [2000, 0.975, 2088.595528143092],
  [1_000_000, 1e-9, 994013.8460490516],
])('the quantile of shape %d at %d keeps 11 digits', (shape, p, wanted) => {
  expect(Math.abs(gamma.quantile(p, shape) / wanted - 1)).toBeLessThan(1e-11);
  expect(Math.abs(chiSquare.quantile(p, 2 * shape) / (2 * wanted) - 1)).toBeLessThan(1e-11);
});

it('has ends, and meets @stdlib where it takes over', () => {
  expect([incompleteGamma(5, Infinity), incompleteGammaUpper(5, Infinity)]).toEqual([1, 0]);
  expect(incompleteGamma(1e6, 1001)).toBe(0);
  for (const a of [3, 400, 700, 2500]) {
    expect(incompleteGamma(a, 1000.0001)).toBeCloseTo(incompleteGamma(a, 999.9999), 6);
  }
  // A Poisson count and the gamma time to it are one event: P(N ≤ k) = Q(k + 1, rate).
  expect(poisson.cdf(100_000, 100_000) + poisson.survival(100_000, 100_000)).toBeCloseTo(1, 14);
});
