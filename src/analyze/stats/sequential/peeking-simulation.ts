// What peeking does: many simulated experiments of two variants, each looked at 100 times by several methods at
// once. Test and documentation material; not part of the library's surface.
import { Rng } from '../../../core/rng.ts';
import { tTestWelch } from '../hypothesis/t-test.ts';
import { Moments } from '../moment/moments.ts';
import { differenceSequence } from './confidence-sequence.ts';
import { groupSequentialBoundaries } from './group-sequential.ts';
import { mixtureSprtMeans, mixtureSprtProportions } from './mixture-sprt.ts';

export interface PeekingOptions {
  experiments: number;
  seed: number;
  looks?: number;
  /** Units each variant gains between looks. */
  unitsPerLook?: number;
  /** One unit's value; `treated` says of which variant. */
  draw: (rng: Rng, treated: boolean) => number;
  /** Values are 0 or 1. */
  proportions?: boolean;
  /** First look at which any method may decide. */
  firstLook?: number;
}

export interface PeekingFigures {
  method: string;
  /** Share of experiments in which a difference was claimed at any look. */
  claimed: number;
  /** Mean share of the planned units used until a claim or the end. */
  unitsUsed: number;
}

type Decide = (a: Moments, b: Moments, look: number) => boolean;

/** All methods at alpha 0.05, two-sided. The same data for each. */
export function simulatePeeking({
  experiments,
  seed,
  looks = 100,
  unitsPerLook = 50,
  draw,
  proportions = false,
  firstLook = 1,
}: PeekingOptions): PeekingFigures[] {
  const tunedFor = 2 * looks * unitsPerLook;
  const fractions = (count: number) => Array.from({ length: count }, (_, k) => (k + 1) / count);
  const spending = groupSequentialBoundaries({
    fractions: fractions(looks),
    boundary: 'spend-obrien-fleming',
  });
  const five = groupSequentialBoundaries({ fractions: fractions(5), boundary: 'obrien-fleming' });
  const z = (a: Moments, b: Moments): number => Math.abs(tTestWelch(a, b).statistic);
  const successes = (sample: Moments) => ({ successes: Math.round(sample.sum), trials: sample.count });
  const methods: Record<string, Decide> = {
    'fixed test, one look at the end': (a, b, look) => look === looks && tTestWelch(a, b).pValue <= 0.05,
    'fixed test at every look': (a, b) => tTestWelch(a, b).pValue <= 0.05,
    'confidence sequence': (a, b) => {
      const [low, high] = differenceSequence(a, b, { tunedFor });
      return low > 0 || high < 0;
    },
    'mixture SPRT': (a, b) =>
      (proportions
        ? mixtureSprtProportions(successes(a), successes(b), { tunedFor })
        : mixtureSprtMeans(a, b, { tunedFor })
      ).pValue <= 0.05,
    [`group-sequential, ${looks} looks (Lan–DeMets)`]: (a, b, look) =>
      z(a, b) >= spending[look - 1]!.criticalValue,
    "group-sequential, 5 looks (O'Brien–Fleming)": (a, b, look) =>
      (look * 5) % looks === 0 && z(a, b) >= five[(look * 5) / looks - 1]!.criticalValue,
  };
  const stops = Object.keys(methods).map(() => ({ claimed: 0, units: 0 }));
  const rng = new Rng(seed);
  for (let experiment = 0; experiment < experiments; experiment++) {
    const [control, treated] = [new Moments(), new Moments()];
    const stoppedAt = stops.map(() => 0);
    for (let look = 1; look <= looks; look++) {
      for (let unit = 0; unit < unitsPerLook; unit++) {
        control.update(draw(rng, false));
        treated.update(draw(rng, true));
      }
      if (look < firstLook || control.variance + treated.variance === 0) continue;
      Object.values(methods).forEach((decide, m) => {
        if (stoppedAt[m] === 0 && decide(treated, control, look)) stoppedAt[m] = look;
      });
    }
    stops.forEach((stop, m) => {
      if (stoppedAt[m]! > 0) stop.claimed++;
      stop.units += stoppedAt[m]! > 0 ? stoppedAt[m]! / looks : 1;
    });
  }
  return Object.keys(methods).map((method, m) => ({
    method,
    claimed: stops[m]!.claimed / experiments,
    unitsUsed: stops[m]!.units / experiments,
  }));
}

/** Three metrics, each with an effect that a fixed test of 5,000 units a variant finds about 8 times in 10. */
export const peekingMetrics = {
  'normal metric': {
    effect: 0.056,
    draw: (effect: number) => (rng: Rng, treated: boolean) => 10 + rng.gaussian() + (treated ? effect : 0),
  },
  'conversion of 10 %': {
    effect: 0.0172,
    draw: (effect: number) => (rng: Rng, treated: boolean) =>
      rng.boolean(0.1 + (treated ? effect : 0)) ? 1 : 0,
  },
  'skewed revenue': {
    // 10 % buy, for a log-normal amount: skewness about 9.
    effect: 0.225,
    draw: (effect: number) => (rng: Rng, treated: boolean) =>
      rng.boolean(0.1) ? Math.exp(0.7 * rng.gaussian() + (treated ? effect : 0)) : 0,
  },
} as const;
