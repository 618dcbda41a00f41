// The Numenta Anomaly Benchmark, standard profile: our detectors with one setting for all 58 series, the
// windowed Gaussian baseline in the same run, and the scores its owners published for the others.
import { CombinedDetector } from '../src/analyze/anomaly/combined-detector.ts';
import type { Detector } from '../src/analyze/anomaly/detector.ts';
import { detectors } from '../src/analyze/anomaly/false-alarm.fixture.ts';
import {
  nabMissing,
  readNabCorpus,
  readPublished,
  readStoredScores,
  readThresholds,
  storedDetectors,
} from '../src/analyze/anomaly/nab-corpus.fixture.ts';
import {
  bestNab,
  type LabelledSeries,
  type NabScore,
  nabProfiles,
  scoreNab,
} from '../src/analyze/anomaly/nab-scorer.ts';
import { windowedGaussianScores } from '../src/analyze/anomaly/windowed-gaussian.fixture.ts';
import type { Case } from './harness.ts';

const unit = 'NAB score';

function scoresOf(make: () => Detector, corpus: readonly LabelledSeries[]): Float64Array[] {
  return corpus.map(({ values, timesUs }) => {
    const detector = make();
    return values.map((value, i) => detector.update(value, timesUs[i]!));
  });
}

const found = ({ windowsFound, windows, falseDetections }: NabScore): string =>
  `${windowsFound} of ${windows} windows, ${falseDetections} false`;

/** Published detectors: recomputed from their stored rows where those are present, else as published. */
function publishedCases(corpus: readonly LabelledSeries[]): Case[] {
  const rows = storedDetectors();
  const thresholds = readThresholds();
  return Object.entries(readPublished()).map(([name, profiles]) => {
    const published = profiles['standard']!;
    if (!rows.includes(name) || !thresholds[name]) {
      return { name, peer: true, unit, value: published, note: 'as published' };
    }
    const scores = readStoredScores(name, corpus);
    const computed = scoreNab(corpus, scores, thresholds[name].standard!.threshold);
    const note = `published ${published.toFixed(4)}; ${found(computed)}`;
    return { name, peer: true, unit, value: computed.normalised, note };
  });
}

async function run({ tiny }: { tiny: boolean; seed: number }): Promise<Case[]> {
  if (nabMissing) return [{ name: `skipped: ${nabMissing}`, peer: false, unit, value: Number.NaN }];
  const whole = readNabCorpus();
  // One series without anomalies and one with them.
  const corpus = tiny ? whole.slice(4, 6) : whole;
  const cases: Case[] = [];
  const started = performance.now();
  const combined = scoresOf(() => new CombinedDetector(), corpus);
  const rows = corpus.reduce((n, { values }) => n + values.length, 0);
  const elapsedUs = (performance.now() - started) * 1000;
  const fixed = scoreNab(corpus, combined, 1 - new CombinedDetector().options.alarmRate);
  cases.push({
    name: 'combined, at its own alarm rate',
    peer: false,
    unit,
    value: fixed.normalised,
    note: found(fixed),
  });
  const best = bestNab(corpus, combined);
  cases.push({
    name: 'combined, best threshold',
    peer: false,
    unit,
    value: best.normalised,
    note: found(best),
  });
  for (const [name, profile] of Object.entries({
    rewardLowFp: nabProfiles.rewardLowFp,
    rewardLowFn: nabProfiles.rewardLowFn,
  })) {
    const other = bestNab(corpus, combined, profile);
    cases.push({
      name: `combined, best threshold, ${name}`,
      peer: false,
      unit,
      value: other.normalised,
      note: found(other),
    });
  }
  cases.push({ name: 'combined, time an update', peer: false, unit: 'µs', value: elapsedUs / rows });
  // Every detector of the library by itself; the quiet time is the combined detector's own.
  for (const [name, make] of Object.entries(detectors)) {
    if (name === 'CombinedDetector') continue;
    const alone = bestNab(corpus, scoresOf(make, corpus));
    cases.push({ name, peer: false, unit, value: alone.normalised, note: found(alone) });
  }
  const baseline = bestNab(
    corpus,
    corpus.map(({ values }) => windowedGaussianScores(values).map(score => Number(score.toPrecision(12)))),
  );
  cases.push({
    name: 'windowed Gaussian, run here',
    peer: true,
    unit,
    value: baseline.normalised,
    note: found(baseline),
  });
  return tiny ? cases : [...cases, ...publishedCases(corpus)];
}

export const benchmark = { name: 'nab', title: 'Numenta Anomaly Benchmark, standard profile', run };
