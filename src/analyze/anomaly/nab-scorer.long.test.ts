// The Numenta Anomaly Benchmark in full: published scores reproduced where their rows are stored, then ours.
import { describe, expect, test } from 'vitest';
import { CombinedDetector } from './combined-detector.ts';
import {
  nabMissing,
  readNabCorpus,
  readPublished,
  readStoredScores,
  readThresholds,
  storedDetectors,
} from './nab-corpus.fixture.ts';
import { bestNab, scoreNab } from './nab-scorer.ts';

describe.skipIf(nabMissing)(`NAB ${nabMissing ? `(skipped: ${nabMissing})` : ''}`, () => {
  const corpus = nabMissing ? [] : readNabCorpus();
  const stored = nabMissing ? [] : storedDetectors();

  test.skipIf(stored.length === 0)(
    'published standard scores follow from the stored rows (skipped without results/<detector>/)',
    () => {
      const published = readPublished();
      const thresholds = readThresholds();
      const rows = stored
        .filter(name => published[name] && thresholds[name])
        .map(name => {
          const scores = readStoredScores(name, corpus);
          const computed = scoreNab(corpus, scores, thresholds[name]!['standard']!.threshold).normalised;
          return { name, published: published[name]!['standard']!, computed };
        });
      console.table(rows);
      for (const { name, published: wanted, computed } of rows) expect(computed, name).toBeCloseTo(wanted, 6);
    },
  );

  test('the combined detector, one setting, beats every goal set for it', () => {
    const scores = corpus.map(({ values, timesUs }) => {
      const detector = new CombinedDetector();
      return values.map((value, i) => detector.update(value, timesUs[i]!));
    });
    const own = scoreNab(corpus, scores, 1 - new CombinedDetector().options.alarmRate);
    const best = bestNab(corpus, scores);
    console.log('at its own alarm rate', own, 'at the best threshold', best);
    const published = readPublished();
    for (const goal of ['windowedGaussian', 'twitterADVec', 'randomCutForest', 'contextOSE', 'numenta']) {
      expect(own.normalised, goal).toBeGreaterThan(published[goal]!['standard']!);
    }
  });
});
