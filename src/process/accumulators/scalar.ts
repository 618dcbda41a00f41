// Single values of vectors, and their bytes in a state.
import type { ByteReader, ByteWriter } from '../../core/bytes.ts';
import { MillraceError } from '../../core/errors.ts';
import type { Vector } from '../plan/vector.ts';

export type Scalar = number | bigint | string | boolean;

/** The value of a row, `null` for SQL NULL. A whole number that a double holds is never a bigint, so equal values are ===. */
export function scalarAt(vector: Vector, row: number): Scalar | null {
  if (vector.valid[row] === 0) return null;
  switch (vector.kind) {
    case 'number':
    case 'time':
      return vector.values[row]!;
    case 'integer':
      return vector.doubles?.get(row) ?? narrowed(vector.values[row]!);
    case 'boolean':
      return vector.values[row] === 1;
    case 'dictionary':
      return vector.dictionary.value(vector.codes[row]!);
    case 'hash':
      throw new MillraceError('internal', 'A hash stands for no value.');
  }
}

/** Reads the column as doubles: a Float64Array as it is, others converted into `scratch`. */
export function doublesOf(vector: Vector, rows: number, scratch: { values: Float64Array }): Float64Array {
  if (vector.kind === 'number' || vector.kind === 'time') return vector.values;
  if (scratch.values.length < rows) scratch.values = new Float64Array(rows);
  const { values } = scratch;
  if (vector.kind === 'boolean') for (let i = 0; i < rows; i++) values[i] = vector.values[i]!;
  else if (vector.kind === 'integer') {
    for (let i = 0; i < rows; i++) values[i] = Number(vector.values[i]!);
    for (const [row, double] of vector.doubles ?? []) values[row] = double;
  } else values.fill(Number.NaN, 0, rows);
  return values;
}

export function narrowed(value: bigint): number | bigint {
  const double = Number(value);
  return Number.isSafeInteger(double) ? double : value;
}

/** Bytes of values and of the array that holds them, estimated. */
export function scalarsBytes(values: readonly (Scalar | undefined)[]): number {
  let bytes = values.length * 24;
  for (const value of values) if (typeof value === 'string') bytes += 2 * value.length;
  return bytes;
}

const tag = { null: 0, number: 1, bigint: 2, string: 3, false: 4, true: 5 } as const;

export function writeScalar(writer: ByteWriter, value: Scalar | null): void {
  if (value === null) writer.u8(tag.null);
  else if (typeof value === 'number') writer.u8(tag.number).f64(value);
  else if (typeof value === 'bigint') writer.u8(tag.bigint).i64(value);
  else if (typeof value === 'string') writer.u8(tag.string).text(value);
  else writer.u8(value ? tag.true : tag.false);
}

export function readScalar(reader: ByteReader): Scalar | null {
  const kind = reader.u8();
  if (kind === tag.number) return reader.f64();
  if (kind === tag.bigint) return reader.i64();
  if (kind === tag.string) return reader.text();
  if (kind === tag.null) return null;
  if (kind === tag.false || kind === tag.true) return kind === tag.true;
  throw new MillraceError('state-damaged', `A value of the state has the unknown kind ${kind}.`);
}
