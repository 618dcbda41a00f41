// What rows come to together in a column that adds up: for rows that cannot be compared one by one, since it is not known which of
// them an event is in, but none may be lost or counted twice. Whole numbers keep all their digits.
import { CompensatedSum } from '../../analyze/stats/moment/compensated-sum.ts';
import type { ViewValue } from '../view.ts';
import { boundOf } from './columns.ts';
import { isWithin } from './comparable.ts';

/** Share of what was added by which sums that are rounded may be off more, added up. */
const addedShare = 1e-12;

export interface Total {
  sum: number | bigint;
  /** By how much it may differ; 0 where it is exact. */
  bound: number;
}

/** Of a batch's rows: a column's values with the bound of each. */
export function totalOf(values: readonly ViewValue[], bounds: readonly ViewValue[]): Total {
  const sizes = values.map(value => Math.abs(Number(value ?? 0)));
  return total(added(values), Number(added(bounds.map(boundOf))), sizes);
}

/** The same of rows in SQL, by the columns that hold the values and their bounds: what `totalFrom` reads. */
export function totalSql(values: string, bounds: string, isWhole: boolean): string[] {
  const sum = isWhole
    ? `sum(${values})`
    : `CASE WHEN isfinite(fsum(${values})) THEN fsum(${values}) ELSE sum(${values}) END`;
  return [sum, `sum(${bounds})`, `sum(abs(${values}::DOUBLE))`];
}

export const totalFrom = ([sum = null, bound = null, size = null]: readonly ViewValue[]): Total =>
  total(added([sum]), boundOf(bound), [Number(size ?? 0)]);

function total(sum: number | bigint, bound: number, sizes: readonly number[]): Total {
  const more = bound > 0 ? addedShare * Number(added(sizes)) : 0;
  return { sum, bound: bound + more };
}

export const isTotal = (engine: number | bigint, batch: Total): boolean =>
  isWithin(engine, batch.sum, batch.bound);

/** Whole numbers that a double would round are their digits. */
export function totalInJson(sum: number | bigint): ViewValue {
  if (typeof sum === 'bigint') return Number.isSafeInteger(Number(sum)) ? Number(sum) : String(sum);
  return Number.isFinite(sum) ? sum : String(sum);
}

/** The sum of what is not NULL. */
export function added(values: readonly ViewValue[]): number | bigint {
  const numbers = values.filter(value => value !== null);
  if (numbers.every(value => /^-?\d+$/.test(String(value))))
    return numbers.reduce((sum: bigint, value) => sum + BigInt(String(value)), 0n);
  const sum = new CompensatedSum();
  for (const value of numbers) sum.update(Number(value));
  return sum.value;
}
