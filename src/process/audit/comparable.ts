// Values of the engine and of DuckDB, made comparable by the type that the plan says they have: a number may come as its digits, a
// time in several spellings, and text is only ever itself.
import { parseTimeUs } from '../../core/time-text.ts';
import { intervalFromText } from '../plan/functions/cast.ts';
import type { ScalarType } from '../plan/plan.ts';
import { anything } from '../plan/sql/alternatives-sql.ts';
import type { ViewValue } from '../view.ts';

/** Whole numbers that a double may have rounded are bigint; nested values are their JSON. */
export type Comparable = number | bigint | string | boolean | null;

const longDigits = /^-?[1-9]\d{15,}$/;

/** `isTold`: values of any type come as what they are, so that 1 is not '1'; otherwise a number may come as text. */
export function comparable(value: ViewValue, type: ScalarType, isTold: boolean): Comparable {
  if (value === null) return null;
  if (typeof value === 'object') return JSON.stringify(value);
  switch (type) {
    case 'integer':
    case 'number':
      return typeof value === 'boolean' ? value : numeric(value);
    case 'time':
    case 'date':
      return typeof value === 'string' ? (parseTimeUs(value) ?? numeric(value)) : value;
    case 'interval':
      return typeof value === 'string' ? (intervalFromText(value) ?? value) : value;
    case 'any':
      if (typeof value === 'number') return isTold ? numeric(value) : String(numeric(value));
      // A whole number beyond 2^53 is its digits in a view, and a number in a column of doubles.
      if (isTold && typeof value === 'string' && longDigits.test(value)) return numeric(value);
      return isTold ? value : String(value);
    default:
      return value;
  }
}

function numeric(value: number | string): number | bigint | string {
  const number = Number(value);
  if (typeof value === 'string') {
    if (/^-?\d+$/.test(value)) return Number.isSafeInteger(number) ? number + 0 : BigInt(value);
    if (Number.isNaN(number) && value !== 'NaN') return value;
  }
  if (Number.isInteger(number) && !Number.isSafeInteger(number)) return BigInt(number);
  return number === 0 ? 0 : number;
}

/** Equal for equal values alone. */
export function keyOf(value: Comparable): string {
  if (value === null) return 'null';
  return typeof value === 'string' ? `=${value}` : `${typeof value === 'boolean' ? '' : '#'}${value}`;
}

/** How far two numbers are apart; infinite where one of them is none, or is not finite and the other differs. */
export function distance(a: Comparable, b: Comparable): number {
  if (keyOf(a) === keyOf(b)) return 0;
  if (!isNumber(a) || !isNumber(b)) return Number.POSITIVE_INFINITY;
  if (isWhole(a) && isWhole(b)) {
    const apart = BigInt(a) - BigInt(b);
    return Number(apart < 0n ? -apart : apart);
  }
  const apart = Math.abs(Number(a) - Number(b));
  return Number.isNaN(apart) ? Number.POSITIVE_INFINITY : apart;
}

const isNumber = (value: Comparable): value is number | bigint =>
  typeof value === 'number' || typeof value === 'bigint';

const isWhole = (value: number | bigint): boolean => typeof value === 'bigint' || Number.isInteger(value);

/** Whether numbers are apart by no more than `bound`, which is finite. */
export function isWithin(a: Comparable, b: Comparable, bound: number): boolean {
  const apart = distance(a, b);
  return apart === 0 || (apart <= bound && Number.isFinite(apart));
}

/** Whether a value is one of some, or where they are numbers, lies between the least and greatest of one list, or off by `share` of it. */
export function isAmong(
  value: Comparable,
  lists: readonly (readonly Comparable[])[],
  share: number,
): boolean {
  return lists.some(list => list.some(one => keyOf(one) === keyOf(value)) || isBetween(value, list, share));
}

function isBetween(value: Comparable, list: readonly Comparable[], share: number): boolean {
  if (typeof value === 'string') return isTextBetween(value, list);
  if (!isNumber(value)) return false;
  const numbers = list
    .filter(isNumber)
    .map(Number)
    .filter(number => !Number.isNaN(number));
  const far = (number: number): number => (Math.abs(number) >= anything ? number * Infinity : number);
  const [low, high] = [far(Math.min(...numbers)), far(Math.max(...numbers))];
  // Not of what is infinite, nothing of which is no number.
  const slack = share === 0 ? 0 : share * Math.max(Math.abs(low), Math.abs(high));
  return Number(value) >= low - slack && Number(value) <= high + slack;
}

const numberInText = /[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?/gi;

/** Whether a text is that of others but for numbers in it that lie between theirs. */
function isTextBetween(value: string, list: readonly Comparable[]): boolean {
  const around = value.replace(numberInText, '#');
  const alike = list.filter(
    (one): one is string => typeof one === 'string' && one.replace(numberInText, '#') === around,
  );
  if (alike.length === 0) return false;
  const others = alike.map(one => (one.match(numberInText) ?? []).map(Number));
  return (value.match(numberInText) ?? []).map(Number).every((number, place) => {
    const numbers = others.map(one => one[place]!);
    return number >= Math.min(...numbers) && number <= Math.max(...numbers);
  });
}
