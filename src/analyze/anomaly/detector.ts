// The contract of every anomaly detector. A detector reads one series, one value at a time, and answers each
// value with a score that has the same meaning for all of them, so that one threshold serves any detector.
import { ByteReader, ByteWriter } from '../../core/bytes.ts';
import { MillraceError } from '../../core/errors.ts';

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
 * detector that continues with the same scores. `deserialize` throws `bad-detector-bytes` on bytes of another
 * kind or version and `truncated-bytes` on too few.
 */
export interface Detector {
  /** The score of `value` given all values before it; then learns it. */
  update(value: number, timeUs: number): number;
  serialize(): Uint8Array;
}

/** Values larger than this in size would overflow when squared and summed. */
const sizeMax = 1e140;

/** Whether a value is a gap: not finite, or beyond ±1e140. */
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

/**
 * Starts the serialised form of a detector: kind, version. `numbers` is an upper bound of the numbers that
 * follow, so that the bytes are allocated once.
 */
export function writeHeader(kind: number, numbers: number, version = 1): ByteWriter {
  return new ByteWriter(128 + 8 * numbers).u8(kind).u8(version);
}

/** Checks kind and version and returns a reader at what follows. Throws `bad-detector-bytes`. */
export function readHeader(bytes: Uint8Array, kind: number, version = 1): ByteReader {
  const reader = new ByteReader(bytes);
  const [seenKind, seenVersion] = [reader.u8(), reader.u8()];
  if (seenKind !== kind || seenVersion !== version) {
    throw new MillraceError(
      'bad-detector-bytes',
      `Detector bytes of kind ${seenKind} version ${seenVersion} where kind ${kind} version ${version} is needed.`,
      { context: { seenKind, seenVersion, kind, version } },
    );
  }
  return reader;
}

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

export function writeNumbers(writer: ByteWriter, values: ArrayLike<number>): ByteWriter {
  writer.varint(values.length);
  for (let i = 0; i < values.length; i++) writer.f64(values[i]!);
  return writer;
}

export function readNumbers(reader: ByteReader): number[] {
  const length = reader.varint();
  if (length * 8 > reader.remaining) {
    throw new MillraceError('truncated-bytes', `${length} numbers wanted, ${reader.remaining} bytes left.`);
  }
  return Array.from({ length }, () => reader.f64());
}
