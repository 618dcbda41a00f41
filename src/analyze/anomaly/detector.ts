// The contract of every anomaly detector. A detector reads one series, one value at a time, and answers each
// value with a score that has the same meaning for all of them, so that one threshold serves any detector.
import { MillraceError } from '../../core/errors.ts';
import { sizeMax } from './state-bytes.ts';

/**
 * A streaming anomaly detector.
 *
 * **What a score means.** Scores lie in [0, 1] and 1 − score is a false-alarm rate. On a series without
 * anomalies, one that satisfies the assumption the detector's own documentation states, the share of
 * observations with `score ≥ 1 − α` is at most about α: `score ≥ 0.999` is at most about one false alarm in a
 * thousand values. How near each detector comes to its rate is measured in docs/detection.md. 0 is "nothing
 * to see", and is what a detector answers while it warms up.
 *
 * **Who calls what.** One detector belongs to one series. The caller calls `update` once for each value, in
 * event-time order; `timeUs` must not descend. A value that is not finite, or beyond ±1e140, is a gap: it is
 * answered with 0 and changes nothing. A detector reads no clock and no randomness but what it was built
 * with, and its answer depends only on the values so far: it never sees the future, and the same values
 * always give the same scores.
 *
 * **State.** Memory is bounded by the detector's options and does not grow with the series. `serialize`
 * returns a versioned copy of the whole state, options included; the class's static `deserialize` returns a
 * detector that continues with the same scores. Whatever the bytes are, it answers a detector or throws
 * `corrupt-detector`. Detectors do not merge: what they have learned depends on the order of the values.
 */
export interface Detector {
  /** The score of `value` given all values before it; then learns it. */
  update(value: number, timeUs: number): number;
  serialize(): Uint8Array;
}

/** Whether a value is a gap: not finite, or beyond ±1e140, whose squares and sums would overflow. */
export function isGap(value: number): boolean {
  return !(Math.abs(value) <= sizeMax);
}

/** One byte that names the detector in its serialised form. Numbers are never used twice. */
export const detectorKind = {
  robustZ: 1,
  ewmaChart: 2,
  cusum: 3,
  pageHinkley: 4,
  adwin: 5,
  kswin: 6,
  bayesianChangePoint: 7,
  seasonalBaseline: 8,
  halfSpaceTrees: 9,
  combined: 10,
} as const;

/** Throws `bad-option` unless `low ≤ value ≤ high`; the name is for the message. */
export function checkOption(name: string, value: number, low: number, high: number): number {
  if (!(value >= low && value <= high)) {
    throw new MillraceError('bad-option', `${name} is ${value}; it must be from ${low} to ${high}.`, {
      status: 400,
      context: { name, value, low, high },
    });
  }
  return value;
}

/** As {@link checkOption}, for options that count something. */
export function checkWhole(name: string, value: number, low: number, high: number): number {
  if (!Number.isInteger(value)) {
    throw new MillraceError('bad-option', `${name} is ${value}; it must be a whole number.`, {
      status: 400,
      context: { name, value },
    });
  }
  return checkOption(name, value, low, high);
}
