// The scoring of the Numenta Anomaly Benchmark, version 1.1: a detection is worth more the earlier it falls
// in a labelled window, only the best one in a window counts, and each detection outside costs a little.
// Lavin & Ahmad 2015, "Evaluating Real-Time Anomaly Detection Algorithms", doi:10.1109/ICMLA.2015.141.
import { MillraceError } from '../../core/errors.ts';

/** A series with its labelled anomaly windows. Times ascend; windows begin and end at times of the series. */
export interface LabelledSeries {
  name: string;
  /** Event times in whole microseconds. */
  timesUs: Float64Array;
  values: Float64Array;
  /** Inclusive spans [first, last] in microseconds, ascending and disjoint. */
  windows: readonly (readonly [number, number])[];
}

/** What a detection, a false detection and a missed window weigh; each at least 0. */
export interface NabProfile {
  tpWeight: number;
  fpWeight: number;
  fnWeight: number;
}

/** The three profiles of NAB's config/profiles.json. */
export const nabProfiles = {
  standard: { tpWeight: 1, fpWeight: 0.11, fnWeight: 1 },
  rewardLowFp: { tpWeight: 1, fpWeight: 0.22, fnWeight: 1 },
  rewardLowFn: { tpWeight: 1, fpWeight: 0.11, fnWeight: 2 },
} as const satisfies Record<string, NabProfile>;

/** The score of a set of series at one threshold. */
export interface NabScore {
  /** Detections are the rows whose score is at least this. */
  threshold: number;
  /** Sum of window gains and of the costs of false detections. */
  raw: number;
  /** 0 for a detector that never fires, 100 for one that fires once at the start of every window. */
  normalised: number;
  /** Windows with a detection, of all of them, and detections outside. */
  windowsFound: number;
  windows: number;
  falseDetections: number;
}

interface Row {
  score: number;
  /** Weighted worth of a detection here. */
  worth: number;
  /** Index of the window over all series, −1 outside. */
  window: number;
}

const scaledSigmoid = (position: number): number =>
  position > 3 ? -1 : 2 / (1 + Math.exp(5 * position)) - 1;

/** Rows at the head of a series that are not scored: 15 %, at most 750. */
export function probationRows(rows: number): number {
  return Math.min(Math.floor(0.15 * rows), 750);
}

function indexOfTime(series: LabelledSeries, timeUs: number): number {
  const index = series.timesUs.indexOf(timeUs);
  if (index < 0) {
    throw new MillraceError('nab-window', `${series.name}: a window edge is not a time of the series.`, {
      context: { timeUs },
    });
  }
  return index;
}

function rowsOf(series: LabelledSeries, scores: ArrayLike<number>, profile: NabProfile, base: number): Row[] {
  if (scores.length !== series.values.length) {
    throw new MillraceError('nab-length', `${series.name}: one score a row is needed.`, {
      context: { rows: series.values.length, scores: scores.length },
    });
  }
  const edges = series.windows.map(([first, last]) => [
    indexOfTime(series, first),
    indexOfTime(series, last),
  ]);
  const best = scaledSigmoid(-1);
  const rows: Row[] = [];
  let next = 0;
  for (let i = 0; i < scores.length; i++) {
    while (next < edges.length && i > edges[next]![1]!) next++;
    const inside = next < edges.length && i >= edges[next]![0]!;
    let worth: number;
    if (inside) {
      const [left, right] = edges[next]! as [number, number];
      worth = (scaledSigmoid(-(right - i + 1) / (right - left + 1)) * profile.tpWeight) / best;
    } else if (next === 0) {
      worth = -profile.fpWeight;
    } else {
      const [left, right] = edges[next - 1]! as [number, number];
      worth = scaledSigmoid((i - right) / (right - left)) * profile.fpWeight;
    }
    if (i >= probationRows(scores.length)) {
      rows.push({ score: scores[i]!, worth, window: inside ? base + next : -1 });
    }
  }
  return rows;
}

/**
 * The scores at every distinct threshold, from the highest (no detection) down. `scores[i]` are the anomaly
 * scores of `corpus[i]`, higher is more anomalous. Cost: a sort of all rows. Throws `nab-length` and
 * `nab-window` where the shapes do not agree.
 */
export function sweepNab(
  corpus: readonly LabelledSeries[],
  scores: readonly ArrayLike<number>[],
  profile: NabProfile = nabProfiles.standard,
): NabScore[] {
  const rows: Row[] = [];
  let windows = 0;
  corpus.forEach((series, i) => {
    // Appended one by one: a spread of 20,000 rows can exceed the argument limit.
    for (const row of rowsOf(series, scores[i]!, profile, windows)) rows.push(row);
    windows += series.windows.length;
  });
  rows.sort((a, b) => b.score - a.score);
  // Windows that lie wholly in probation cannot be found; the reference does not charge them either.
  const gains = new Float64Array(windows);
  for (const row of rows) if (row.window >= 0) gains[row.window] = -profile.fnWeight;
  const perfect = windows * profile.tpWeight;
  const nothing = -profile.fnWeight * gains.reduce((n, gain) => n + (gain < 0 ? 1 : 0), 0);
  let falseCost = 0;
  let falseDetections = 0;
  let windowsFound = 0;
  let gained = nothing;
  const found = new Uint8Array(windows);
  const sweep: NabScore[] = [];
  let threshold = Number.POSITIVE_INFINITY;
  const save = (): void => {
    const raw = gained + falseCost;
    const normalised = windows === 0 ? Number.NaN : (100 * (raw - nothing)) / (perfect - nothing);
    sweep.push({ threshold, raw, normalised, windowsFound, windows, falseDetections });
  };
  for (const { score, worth, window } of rows) {
    if (score !== threshold) {
      save();
      threshold = score;
    }
    if (window < 0) {
      falseCost += worth;
      falseDetections++;
      continue;
    }
    if (!found[window]) {
      found[window] = 1;
      windowsFound++;
    }
    if (worth > gains[window]!) {
      gained += worth - gains[window]!;
      gains[window] = worth;
    }
  }
  save();
  return sweep;
}

/** The score at the threshold that is best for the whole set, as NAB's optimiser chooses it. */
export function bestNab(
  corpus: readonly LabelledSeries[],
  scores: readonly ArrayLike<number>[],
  profile: NabProfile = nabProfiles.standard,
): NabScore {
  return sweepNab(corpus, scores, profile).reduce((best, at) => (at.raw > best.raw ? at : best));
}

/** The score at a threshold that was fixed beforehand. */
export function scoreNab(
  corpus: readonly LabelledSeries[],
  scores: readonly ArrayLike<number>[],
  threshold: number,
  profile: NabProfile = nabProfiles.standard,
): NabScore {
  // Thresholds descend; the last one not below the wanted one includes every row at or above it.
  const sweep = sweepNab(corpus, scores, profile);
  let chosen = sweep[0]!;
  for (const at of sweep) {
    if (at.threshold < threshold) break;
    chosen = at;
  }
  return chosen;
}
