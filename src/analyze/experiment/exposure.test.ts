// Rows from events: by their definition, whatever the order; who is left out, and that it is said.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { analyzeExperiment, collectUnits, type Exposure, type Metric, type Observation } from './index.ts';

const seed = Number(process.env['MILLRACE_SEED'] ?? 3);
const variants = ['control', 'red'];
const metrics: Metric[] = [
  { name: 'revenue', kind: 'mean', role: 'primary', covariate: true },
  { name: 'bought', kind: 'proportion', role: 'secondary' },
  { name: 'clicks', kind: 'ratio', role: 'secondary' },
];
const rule = { watch: 10, before: 5 };
const collect = (exposures: Exposure[], observations: Observation[], more = {}) =>
  collectUnits(variants, metrics, exposures, observations, { ...rule, ...more });

const unit = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');
const at = fc.integer({ min: 0, max: 40 });
const exposed = fc.array(fc.record({ unit, variant: fc.constantFrom(...variants), at }), { maxLength: 12 });
const observed = fc.array(
  fc.record({
    unit,
    metric: fc.constantFrom(...metrics.map(({ name }) => name)),
    at,
    value: fc.integer({ min: 0, max: 5 }),
    second: fc.integer({ min: 1, max: 3 }),
  }),
  { maxLength: 60 },
);

describe('collectUnits', () => {
  it('gives the rows of the definition, and says what it left out', () => {
    fc.assert(
      fc.property(exposed, observed, at, (exposures, observations, asOf) => {
        const { data, crossed, unripe, outside } = collect(exposures, observations, { asOf });
        const names = [...new Set(exposures.map(exposure => exposure.unit))];
        const of = (name: string) => exposures.filter(exposure => exposure.unit === name);
        const first = (name: string): number => Math.min(...of(name).map(exposure => exposure.at));
        const several = (name: string): boolean => new Set(of(name).map(({ variant }) => variant)).size > 1;
        const ripe = (name: string): boolean => first(name) + 10 <= asOf;
        const within = ({ unit, at }: Observation): boolean => at >= first(unit) && at < first(unit) + 10;
        const earlier = ({ unit, at }: Observation): boolean => at < first(unit) && at >= first(unit) - 5;
        const counted = names.filter(name => !several(name) && ripe(name));
        expect(crossed).toBe(names.filter(several).length);
        expect(unripe).toBe(names.filter(name => !several(name) && !ripe(name)).length);
        expect(outside).toBe(
          observations.filter(one => !within(one) && !(one.metric === 'revenue' && earlier(one))).length,
        );
        variants.forEach((variant, v) => {
          const own = counted.filter(name => of(name)[0]!.variant === variant);
          expect(data.units[v]).toBe(own.length);
          if (own.length === 0) return;
          const sum = (
            name: string,
            metric: string,
            take: (one: Observation) => number,
            when = within,
          ): number =>
            observations
              .filter(one => one.unit === name && one.metric === metric && when(one))
              .reduce((total, one) => total + take(one), 0);
          const mean = (take: (name: string) => number): number =>
            own.reduce((total, name) => total + take(name), 0) / own.length;
          const [revenue, bought, clicks] = data.accumulators[v]!;
          expect(revenue!.meanY).toBeCloseTo(
            mean(name => sum(name, 'revenue', one => one.value!)),
            9,
          );
          expect(revenue!.meanX).toBeCloseTo(
            mean(name => sum(name, 'revenue', one => one.value!, earlier)),
            9,
          );
          const any = (name: string): number =>
            Math.min(
              1,
              sum(name, 'bought', one => one.value!),
            );
          expect(bought!.meanY).toBeCloseTo(mean(any), 9);
          expect(clicks!.meanY).toBeCloseTo(
            mean(name => sum(name, 'clicks', one => one.value!)),
            9,
          );
          expect(clicks!.meanX).toBeCloseTo(
            mean(name => sum(name, 'clicks', one => one.second!)),
            9,
          );
        });
      }),
      { seed, numRuns: 200 },
    );
  });

  it('does not depend on the order of the events', () => {
    fc.assert(
      fc.property(exposed, observed, (exposures, observations) => {
        const forward = collect(exposures, observations);
        const backward = collect(exposures.toReversed(), observations.toReversed());
        expect(backward).toMatchObject({ crossed: forward.crossed, outside: forward.outside });
        expect(backward.data.units).toEqual(forward.data.units);
        forward.data.accumulators.flat().forEach((accumulator, i) => {
          const { meanX, meanY } = backward.data.accumulators.flat()[i]!;
          if (accumulator.count === 0) return;
          expect(meanX).toBeCloseTo(accumulator.meanX, 9);
          expect(meanY).toBeCloseTo(accumulator.meanY, 9);
        });
      }),
      { seed, numRuns: 100 },
    );
  });

  it('leads from events to a decision', () => {
    const exposures = Array.from({ length: 4000 }, (_, i) => ({
      unit: `u${i}`,
      variant: variants[i % 2]!,
      at: i,
    }));
    // Every fifth of control buys, every third of red.
    const buyers = exposures.filter((_, i) => (i >> 1) % (i % 2 === 0 ? 5 : 3) === 0);
    const bought = buyers.map(({ unit, at }) => ({ unit, metric: 'bought', at: at + 1 }));
    const only: Metric[] = [{ name: 'bought', kind: 'proportion', role: 'primary' }];
    const { data } = collectUnits(variants, only, exposures, bought, { watch: 5, asOf: 4000 });
    const { decision, units } = analyzeExperiment(data, { rule: { kind: 'always-valid', tunedFor: 4000 } });
    expect(decision).toMatchObject({ action: 'stop', reason: 'winner', winner: 'red' });
    expect(units).toEqual({ control: 1998, red: 1998 });
  });

  it('refuses what it does not know, and more units than it may keep', () => {
    const one = { unit: 'a', variant: 'red', at: 0 };
    const invalid = expect.objectContaining({ code: 'invalid-argument' });
    expect(() => collect([{ ...one, variant: 'blue' }], [])).toThrow(invalid);
    expect(() => collect([{ ...one, at: Number.NaN }], [])).toThrow(invalid);
    expect(() => collect([one], [{ unit: 'a', metric: 'none', at: 0 }])).toThrow(invalid);
    expect(() => collect([one], [{ unit: 'a', metric: 'bought', at: Infinity }])).toThrow(invalid);
    expect(() => collect([one, { ...one, unit: 'b' }], [], { unitsMax: 1 })).toThrow(/more than 1 unit/);
    expect(() => collect([], [], { watch: 0 })).toThrow(invalid);
  });
});
