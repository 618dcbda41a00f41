// Events per hour, compared exactly: given their total, the events of one period are binomial (Przyborowski &
// Wilenski 1940). For events that come independently; bursts make any two periods differ "significantly".
import { invalidArgument, requirePositive, requireProbability, requireWhole } from '../argument.ts';
import { binomial, gamma } from '../distributions.ts';
import { clopperPearsonInterval } from '../estimate/proportion-interval.ts';
import { type Interval, requireAlternative, type TestOptions, type TestResult } from './test-result.ts';

export interface PoissonCount {
  /** Whole, ≥ 0. */
  events: number;
  /** What they were counted over, > 0: hours, requests, users. */
  exposure: number;
}

export interface PoissonRateResult extends TestResult {
  /** (events a / exposure a) / (events b / exposure b); Infinity where b has none, NaN where neither has. */
  rateRatio: number;
  /** Of the ratio, exact (covers at least as often as it says). */
  interval: Interval;
}

function check({ events, exposure }: PoissonCount): void {
  requireWhole('events', events, 0);
  requirePositive('exposure', exposure);
}

/** Is the rate of a equal to that of b? Exact, two-sided by doubling the smaller tail. `statistic` is a's events. */
export function poissonRateTest(
  a: PoissonCount,
  b: PoissonCount,
  { alternative = 'two-sided', confidence = 0.95 }: TestOptions = {},
): PoissonRateResult {
  check(a);
  check(b);
  requireProbability('confidence', confidence);
  requireAlternative(alternative);
  const trials = a.events + b.events;
  const share = a.exposure / (a.exposure + b.exposure);
  const atMost = trials === 0 ? 1 : binomial.cdf(a.events, trials, share);
  const atLeast = trials === 0 ? 1 : binomial.survival(a.events - 1, trials, share);
  const pValue =
    alternative === 'less'
      ? atMost
      : alternative === 'greater'
        ? atLeast
        : Math.min(1, 2 * Math.min(atMost, atLeast));
  const toRatio = (p: number): number => (p / (1 - p)) * (b.exposure / a.exposure);
  let interval: Interval = [0, Infinity];
  if (trials > 0) {
    // A one-sided interval puts its whole tail on one side.
    const level = alternative === 'two-sided' ? confidence : 2 * confidence - 1;
    if (!(level > 0))
      throw invalidArgument('A one-sided interval needs a confidence above 0.5.', { confidence });
    const [low, high] = clopperPearsonInterval({ successes: a.events, trials }, level);
    interval = [
      alternative === 'less' ? 0 : toRatio(low),
      alternative === 'greater' ? Infinity : toRatio(high),
    ];
  }
  return {
    method: 'Poisson rates (exact)',
    statistic: a.events,
    pValue,
    rateRatio: a.events / a.exposure / (b.events / b.exposure),
    interval,
  };
}

/** Garwood's exact interval (1936) of one rate, events per unit of exposure. */
export function poissonRateInterval(count: PoissonCount, confidence = 0.95): Interval {
  check(count);
  requireProbability('confidence', confidence);
  const { events, exposure } = count;
  const tail = (1 - confidence) / 2;
  const low = events === 0 ? 0 : gamma.quantile(tail, events);
  return [low / exposure, gamma.quantile(1 - tail, events + 1) / exposure];
}
