// The pictures of models.md and bandits.md, computed by the library. Redraw them with
// `MILLRACE_DRAW=1 npx vitest run src/analyze/bandit/documentation.test.ts`; that test fails where they are out of date.

import {
  BernoulliThompson,
  EpsilonGreedy,
  Exp3,
  KlUcb,
  OffPolicyEvaluation,
  type Policy,
  Ucb1,
  type ValueEstimate,
} from '../src/analyze/bandit/index.ts';
import {
  KalmanFilter,
  OnlineRegression,
  type OptimizerOptions,
  ProgressiveValidation,
  RecursiveLeastSquares,
  StreamingKMeans,
} from '../src/analyze/model/index.ts';
import { Rng } from '../src/core/rng.ts';
import { blue, draw, green, grey, orange, type Point, percent, purple } from './draw-chart.ts';

const thousands = (value: number): string => value.toLocaleString('en-US');

/** Error on unseen examples as they come, of three optimizers; features of unequal rarity, as words are. */
function validation(): string {
  const curve = (optimizer: OptimizerOptions): Point[] => {
    const rng = new Rng(5);
    const model = new OnlineRegression({ family: 'logistic', dimension: 20, optimizer });
    const recent = new ProgressiveValidation(0.998);
    const points: Point[] = [];
    for (let n = 1; n <= 20_000; n++) {
      const x = Array.from({ length: 20 }, (_, i) => (rng.float() < 0.5 / (i + 1) ? 1 : 0));
      const score = x.reduce<number>((sum, value, i) => sum + value * (i % 2 === 0 ? 2 : -2), 0);
      recent.learn(model, x, rng.float() < 1 / (1 + Math.exp(-score)) ? 1 : 0);
      if (n % 200 === 0) points.push([n, recent.errors.logLoss]);
    }
    return points;
  };
  return draw({
    title: 'Progressive validation of three optimizers',
    description:
      'The log loss on unseen examples falls; AdaGrad and FTRL learn rare features sooner than SGD.',
    x: { label: 'examples', ticks: [0, 5000, 10_000, 15_000, 20_000], format: thousands },
    y: {
      label: 'log loss, recent',
      ticks: [0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65],
      format: v => v.toFixed(2),
    },
    series: [
      { name: 'sgd, rate 0.01', color: orange, points: curve({ kind: 'sgd', rate: 0.01 }) },
      { name: 'adagrad (default)', color: blue, points: curve({ kind: 'adagrad' }) },
      { name: 'ftrl', color: green, points: curve({ kind: 'ftrl' }) },
    ],
  });
}

/** A slope that jumps and then drifts, followed with three memories. */
function forgetting(): string {
  const truth = (t: number): number => (t < 500 ? 1 : t < 1000 ? -1 : -1 + (t - 1000) / 500);
  const follow = (lambda: number): Point[] => {
    const rng = new Rng(2);
    const model = new RecursiveLeastSquares({ dimension: 1, forgetting: lambda });
    const points: Point[] = [];
    for (let t = 0; t < 1500; t++) {
      const x = rng.gaussian();
      model.update([x], truth(t) * x + 0.5 * rng.gaussian());
      if (t >= 10 && t % 10 === 0) points.push([t, model.weights[0]!]);
    }
    return points;
  };
  return draw({
    title: 'Recursive least squares with three memories',
    description:
      'A slope jumps and drifts: without forgetting the model lags, with 0.9 it follows and is noisy.',
    x: { label: 'examples', ticks: [0, 500, 1000, 1500], format: thousands },
    y: { label: 'slope', ticks: [-2, -1, 0, 1, 2] },
    series: [
      {
        name: 'truth',
        color: grey,
        dashed: true,
        points: Array.from({ length: 151 }, (_, i): Point => [10 * i, truth(10 * i)]),
      },
      { name: 'forgetting 1', color: orange, points: follow(1) },
      { name: 'forgetting 0.98', color: blue, points: follow(0.98) },
      { name: 'forgetting 0.9', color: purple, points: follow(0.9) },
    ],
  });
}

/** A level with a trend, observed through noise and with a gap. */
function kalman(): string {
  const rng = new Rng(4);
  const filter = new KalmanFilter({
    stateSize: 2,
    observationSize: 1,
    transition: [1, 1, 0, 1],
    observation: [1, 0],
    processNoise: [0.02, 0, 0, 0.002],
    observationNoise: [4],
    initialState: [10, 0],
    initialCovariance: [9, 0, 0, 0.1],
  });
  const [seen, truth, middle, low, high]: Point[][] = [[], [], [], [], []];
  let [level, slope] = [10, 0.2];
  for (let t = 0; t < 120; t++) {
    if (t > 0) {
      filter.predict();
      slope += Math.sqrt(0.002) * rng.gaussian();
      level += slope + Math.sqrt(0.02) * rng.gaussian();
    }
    const observation = level + 2 * rng.gaussian();
    const gone = t >= 60 && t < 85;
    filter.update([gone ? Number.NaN : observation]);
    const [at, spread] = [filter.state[0]!, 1.96 * Math.sqrt(filter.covariance[0]!)];
    truth!.push([t, level]);
    if (!gone) seen!.push([t, observation]);
    middle!.push([t, at]);
    low!.push([t, at - spread]);
    high!.push([t, at + spread]);
  }
  return draw({
    title: 'A Kalman filter through noise and a gap',
    description:
      'The estimate follows the level; in the gap its interval widens, and closes with the next value.',
    x: { label: 'time (nothing observed from 60 to 85)', ticks: [0, 20, 40, 60, 80, 100, 120] },
    y: { label: 'level', ticks: [0, 10, 20, 30, 40, 50] },
    series: [
      { name: 'truth', color: grey, dashed: true, points: truth! },
      { name: 'estimate', color: blue, points: middle! },
    ],
    bands: [{ name: '', color: blue, low: low!, high: high! }],
    dots: [{ color: orange, points: seen! }],
  });
}

/** Points of three groups, one of which moves: where the centres went. */
function clusters(): string {
  const rng = new Rng(8);
  const model = new StreamingKMeans({ k: 3, dimension: 2, fading: 0.99 });
  const points: Point[] = [];
  const paths: Point[][] = [[], [], []];
  for (let n = 0; n < 3000; n++) {
    const group = rng.below(3);
    const centre = [
      [2, 2],
      [8, 2],
      [2 + (6 * n) / 3000, 8],
    ][group]!;
    const point: Point = [centre[0]! + 0.6 * rng.gaussian(), centre[1]! + 0.6 * rng.gaussian()];
    model.update(point, rng);
    if (n % 10 === 0) points.push(point);
    if (model.seeded && n % 30 === 0) {
      model.centres.forEach(({ at }, i) => {
        paths[i]!.push([at[0]!, at[1]!]);
      });
    }
  }
  return draw({
    title: 'Streaming k-means with fading',
    description: 'Three centres; two stay, one follows its group from left to right.',
    x: { label: 'x', ticks: [0, 2, 4, 6, 8, 10] },
    y: { label: 'y', ticks: [0, 2, 4, 6, 8, 10] },
    series: paths.map(path => ({ name: '', color: orange, points: path })),
    dots: [
      { color: blue, points },
      { color: orange, points: paths.map(path => path.at(-1)!), size: 5 },
    ],
  });
}

/** Mean over `runs` of what policies lost by each round against coins of the given rates. */
function regretCurve(create: () => Policy, runs: number, horizon: number): Point[] {
  const rates = [0.9, 0.8];
  const rng = new Rng(1);
  const sums = new Float64Array(51);
  for (let run = 0; run < runs; run++) {
    const policy = create();
    let regret = 0;
    for (let t = 0; t < horizon; t++) {
      const arm = policy.pick(rng);
      regret += 0.9 - rates[arm]!;
      policy.update(arm, rng.float() < rates[arm]! ? 1 : 0);
      if ((t + 1) % (horizon / 50) === 0) sums[((t + 1) * 50) / horizon]! += regret;
    }
  }
  return Array.from(sums, (sum, i): Point => [(i * horizon) / 50, sum / runs]);
}

function regret(): string {
  const curve = (create: () => Policy): Point[] => regretCurve(create, 40, 10_000);
  return draw({
    title: 'Regret of five policies',
    description:
      'Thompson and KL-UCB lose least and ever more slowly; ε-greedy and EXP3 lose at a steady rate.',
    x: { label: 'rounds, arms of 0.9 and 0.8', ticks: [0, 2500, 5000, 7500, 10_000], format: thousands },
    y: { label: 'rewards lost, mean of 40 runs', ticks: [0, 25, 50, 75, 100, 125] },
    series: [
      { name: 'Thompson', color: blue, points: curve(() => new BernoulliThompson(2)) },
      { name: 'KL-UCB', color: green, points: curve(() => new KlUcb(2)) },
      { name: 'UCB1', color: orange, points: curve(() => new Ucb1(2)) },
      { name: 'ε-greedy, 0.1', color: purple, points: curve(() => new EpsilonGreedy(2)) },
      { name: 'EXP3', color: grey, points: curve(() => new Exp3(2)) },
    ],
  });
}

/** Two arms of 0.8 and 0.2 that change places after half the time. */
function change(): string {
  const share = (options: object): Point[] => {
    const rng = new Rng(3);
    const right = new Float64Array(60);
    const runs = 40;
    for (let run = 0; run < runs; run++) {
      const policy = new BernoulliThompson(2, options);
      for (let t = 0; t < 6000; t++) {
        const arm = policy.pick(rng);
        const best = t < 3000 ? 0 : 1;
        policy.update(arm, rng.boolean(arm === best ? 0.8 : 0.2) ? 1 : 0);
        if (arm === best) right[Math.floor(t / 100)]! += 1 / (100 * runs);
      }
    }
    return Array.from(right, (value, i): Point => [100 * i + 50, value]);
  };
  return draw({
    title: 'Thompson sampling after the arms change places',
    description:
      'With all of the past it keeps to the wrong arm for long; a window or a discount turns soon.',
    x: {
      label: 'rounds (arms change places at 3,000)',
      ticks: [0, 1000, 2000, 3000, 4000, 5000, 6000],
      format: thousands,
    },
    y: { label: 'share of the better arm', ticks: [0, 0.25, 0.5, 0.75, 1], format: percent },
    series: [
      { name: 'all of the past', color: orange, points: share({}) },
      { name: 'window 400', color: blue, points: share({ window: 400 }) },
      { name: 'discount 0.995', color: green, points: share({ discount: 0.995 }) },
    ],
  });
}

/** What a policy that is worth 6.8 is thought to be worth, from the log of another. */
function evaluation(): string {
  const rng = new Rng(6);
  const log = new OffPolicyEvaluation();
  const names = ['ips', 'snips', 'doublyRobust'] as const;
  const ends = { ips: [[], []], snips: [[], []], doublyRobust: [[], []] } as Record<
    string,
    [Point[], Point[]]
  >;
  for (let n = 1; n <= 2000; n++) {
    // Three arms worth 2, 5 and 8; logged mostly on the first, asked about mostly for the last.
    const [logged, target] = [
      [0.7, 0.2, 0.1],
      [0.1, 0.2, 0.7],
    ] as const;
    const draw = rng.float();
    const arm = draw < 0.7 ? 0 : draw < 0.9 ? 1 : 2;
    log.update({
      reward: 2 + 3 * arm + rng.gaussian(),
      loggedProbability: logged[arm],
      targetProbability: target[arm],
      // A model that is half a unit off everywhere.
      predictedPlayed: 2.5 + 3 * arm,
      predictedTarget: 7.3,
    });
    // Before that it refuses to answer.
    if (log.effectiveSampleSize < log.effectiveSampleMin || n % 25 !== 0) continue;
    const estimate = log.estimate();
    for (const name of names) {
      const { low, high } = estimate[name] as ValueEstimate;
      ends[name]![0].push([n, low]);
      ends[name]![1].push([n, high]);
    }
  }
  const band = (key: (typeof names)[number], name: string, color: string) => ({
    name,
    color,
    low: ends[key]![0],
    high: ends[key]![1],
  });
  return draw({
    title: 'Intervals of three off-policy estimates',
    description: 'All close in on the true value; IPS is widest, SNIPS narrower, doubly robust narrowest.',
    x: {
      label: 'decisions logged by the other policy',
      ticks: [0, 500, 1000, 1500, 2000],
      format: thousands,
    },
    y: { label: 'value of the policy', ticks: [5, 6, 7, 8, 9] },
    series: [
      {
        name: 'truth',
        color: grey,
        dashed: true,
        points: [
          [0, 6.8],
          [2000, 6.8],
        ],
      },
    ],
    bands: [
      band('ips', 'IPS', orange),
      band('snips', 'SNIPS', blue),
      band('doublyRobust', 'doubly robust', green),
    ],
  });
}

/** File name, below docs/pictures, to picture. */
export function drawings(): Record<string, string> {
  return {
    'models-validation.svg': validation(),
    'models-forgetting.svg': forgetting(),
    'models-kalman.svg': kalman(),
    'models-clusters.svg': clusters(),
    'bandits-regret.svg': regret(),
    'bandits-change.svg': change(),
    'bandits-evaluation.svg': evaluation(),
  };
}
