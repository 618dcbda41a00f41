// What a scalar function of views is: its signatures, its meaning for one row, and where it pays its meaning as generated
// code and as DuckDB SQL. A call in a plan names only the function; the signature follows from the argument types, so that
// plans stay plain data.
import type { Expression, ScalarType } from '../plan.ts';

/**
 * One value. An integer is a number up to 2^53 and a bigint beyond; times, dates and intervals are µs; `any` is whatever
 * JSON scalar the event has. null is SQL NULL.
 */
export type Scalar = string | number | bigint | boolean | null;

export interface Signature {
  parameters: readonly ScalarType[];
  /** How many of the last parameters may be left out. */
  optional?: number;
  /** The last parameter may be given any number of times more. */
  variadic?: boolean;
  /** The type of the result; a function of the call's arguments where it follows from them. */
  result: ScalarType | ((args: readonly Expression[]) => ScalarType);
  /** Arguments at these places must be literals (a pattern, the name of a unit). */
  constant?: readonly number[];
  /** The meaning. Called with no null argument unless `nulls` is 'own'. What DuckDB answers with an error is null here. */
  scalar: (...values: never[]) => Scalar;
  /** 'own': the function sees nulls; default: a null argument makes the result null. */
  nulls?: 'own';
  /** JavaScript over argument names that hold finite numbers (booleans as 0 and 1); absent: `scalar` is called. */
  emit?: (args: readonly string[]) => string;
  /** JavaScript condition under which the result is null. */
  emitNull?: (args: readonly string[]) => string;
  /** DuckDB SQL; default `name(args)`. */
  sql?: (args: readonly string[], expressions: readonly Expression[]) => string;
}

export interface ScalarFunction {
  name: string;
  /** Other spellings in DuckDB. */
  aliases?: readonly string[];
  signatures: readonly Signature[];
}

/** A literal argument, or undefined. */
export function literalOf(expression: Expression | undefined): string | number | boolean | null | undefined {
  return expression?.kind === 'literal' ? expression.value : undefined;
}

/** A finite, or any other, number as result: what has no value is null. */
export function wholeOrNull(value: number): number | null {
  return Number.isSafeInteger(value) ? value : null;
}

const int64Max = 2n ** 63n - 1n;
const int64Min = -(2n ** 63n);

/** An exact integer result: a number where it is safe, a bigint up to 64 bits, null beyond (where DuckDB fails). */
export function fromBigInt(value: bigint): number | bigint | null {
  if (value >= -9007199254740991n && value <= 9007199254740991n) return Number(value);
  return value > int64Max || value < int64Min ? null : value;
}

/** The µs of a time or an interval, which are exact to 2^53; null beyond, and where the number is none. */
export const microseconds = (us: number): number | null =>
  Math.abs(us) <= Number.MAX_SAFE_INTEGER ? us + 0 : null;

/**
 * SQL that uses values more than once and repeats none of them, so that a query does not grow with every level of an expression:
 * they are a list of one struct, and its element has a name.
 */
export function namedSql(values: readonly string[], body: (...names: string[]) => string): string {
  const members = values.map((value, index) => `'_${index}': ${value}`);
  const names = values.map((_, index) => `_value._${index}`);
  return `list_transform([{${members.join(', ')}}], lambda _value: ${body(...names)})[1]`;
}

/** Bounds for BETWEEN. */
export const safeSql = `${-Number.MAX_SAFE_INTEGER} AND ${Number.MAX_SAFE_INTEGER}`;

/** SQL of a time, date or interval, NULL where its µs are beyond 2^53. */
export const microsecondsSql = (value: string): string =>
  namedSql([value], own => `CASE WHEN epoch_us(${own}) BETWEEN ${safeSql} THEN ${own} END`);
