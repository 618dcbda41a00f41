// Single values of vectors, and the one order over all of them: numbers (64-bit integers among them) before text
// before booleans; text by code point, which is the order of its UTF-8 and of SQL.
import type { ByteReader } from '../../core/bytes.ts';
import { MillraceError } from '../../core/errors.ts';
import type { Vector } from '../plan/vector.ts';
import type { RowWriter } from '../state/row-writer.ts';

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

const rankOf = (value: Scalar): number =>
  typeof value === 'string' ? 1 : typeof value === 'boolean' ? 2 : 0;

/** Negative, zero or positive; NaN is above every number, as in SQL. */
export function compareScalars(a: Scalar, b: Scalar): number {
  if (typeof a === 'number' && typeof b === 'number') {
    if (a < b) return -1;
    if (a > b) return 1;
    return a === b ? 0 : Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  }
  if (typeof a === 'string' && typeof b === 'string') return compareText(a, b);
  const byRank = rankOf(a) - rankOf(b);
  if (byRank !== 0) return byRank;
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Order by code point. UTF-16 units order alike but for surrogates, which stand for the highest code points. */
export function compareText(a: string, b: string): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    let x = a.charCodeAt(i);
    let y = b.charCodeAt(i);
    if (x === y) continue;
    if (x >= 0xd800 && y >= 0xd800) {
      x = x >= 0xe000 ? x - 0x800 : x + 0x2000;
      y = y >= 0xe000 ? y - 0x800 : y + 0x2000;
    }
    return x - y;
  }
  return a.length - b.length;
}

const tag = { null: 0, number: 1, bigint: 2, string: 3, false: 4, true: 5 } as const;

export function writeScalar(writer: RowWriter, value: Scalar | null): void {
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
