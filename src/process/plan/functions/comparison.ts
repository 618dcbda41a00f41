// Comparisons, three-valued logic and the conditionals that see NULL. Whole numbers compare exactly, and with fractions as doubles;
// NaN equals itself and is above every number; text compares by code point; `any` compares by what the values are.
import type { Expression, ScalarType } from '../plan.ts';
import type { Scalar, ScalarFunction, Signature } from './function.ts';
import { scalarOrder } from './scalar-order.ts';

/** Text order by code point (UTF-8 byte order), which differs from UTF-16 order for characters beyond U+FFFF. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index++) {
    let [left, right] = [a.charCodeAt(index), b.charCodeAt(index)];
    if (left === right) continue;
    // Surrogates sort above every other unit of the basic plane.
    if (left >= 0xd800 && left <= 0xdfff) left += 0x10000;
    if (right >= 0xd800 && right <= 0xdfff) right += 0x10000;
    return left - right;
  }
  return a.length - b.length;
}

export function compareNumbers(a: number | bigint, b: number | bigint): number {
  if (a < b) return -1;
  if (a > b) return 1;
  // biome-ignore lint/suspicious/noDoubleEquals: == compares number with bigint exactly
  if (a == b) return 0;
  const [leftNaN, rightNaN] = [Number.isNaN(a), Number.isNaN(b)];
  return leftNaN === rightNaN ? 0 : leftNaN ? 1 : -1;
}

/**
 * Order of two values that are not null. Where a text meets a number, the text counts as the number that it spells, if it
 * does; otherwise by kind: booleans, numbers, text.
 */
export function compareScalars(a: Scalar, b: Scalar): number {
  if (typeof a === 'string' && typeof b === 'string') return compareText(a, b);
  if (typeof a === 'boolean' && typeof b === 'boolean') return Number(a) - Number(b);
  if (isNumeric(a) && isNumeric(b)) return compareNumbers(a, b);
  if (isNumeric(a) && typeof b === 'string') {
    const spelled = numberSpelled(b);
    if (spelled !== undefined) return compareNumbers(a, spelled);
  }
  if (typeof a === 'string' && isNumeric(b)) {
    const spelled = numberSpelled(a);
    if (spelled !== undefined) return compareNumbers(spelled, b);
  }
  return kindRank(a) - kindRank(b);
}

/** The number that a text spells, whole ones exactly. */
function numberSpelled(text: string): number | bigint | undefined {
  const value = Number(text);
  if (text.trim() === '' || Number.isNaN(value)) return undefined;
  return Number.isSafeInteger(value) || !/^\s*[+-]?\d{1,40}\s*$/.test(text) ? value : BigInt(text);
}

/**
 * By a signature's type: whole numbers beside fractions are doubles, as in SQL; values of any type have their one order, and a text is none
 * of the numbers.
 */
function orderOf(type: ScalarType): (a: Scalar, b: Scalar) => number {
  if (type === 'number') return (a, b) => compareNumbers(Number(a), Number(b));
  return type === 'any' ? (a, b) => scalarOrder(a!, b!) : compareScalars;
}

function isNumeric(value: Scalar): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint';
}

function kindRank(value: Scalar): number {
  return typeof value === 'boolean' ? 0 : isNumeric(value) ? 1 : 2;
}

const comparable: readonly ScalarType[] = [
  'integer',
  'number',
  'text',
  'time',
  'date',
  'boolean',
  'interval',
  'any',
];

/** What several arguments have in common: the type a CASE or COALESCE has. */
export function commonType(types: readonly ScalarType[]): ScalarType {
  let common: ScalarType | undefined;
  for (const type of types) {
    if (common === undefined || common === type) common = type;
    else if (isNumberType(common) && isNumberType(type)) common = 'number';
    else if (isTimeType(common) && isTimeType(type)) common = 'time';
    else common = 'any';
  }
  return common ?? 'any';
}

const isNumberType = (type: ScalarType) => type === 'integer' || type === 'number';
const isTimeType = (type: ScalarType) => type === 'time' || type === 'date';

function commonOf(args: readonly Expression[]): ScalarType {
  const known = args.filter(arg => !(arg.kind === 'literal' && arg.value === null));
  return commonType(known.map(arg => arg.type));
}

function comparison(
  name: string,
  aliases: readonly string[],
  holds: (order: number) => boolean,
  operator: string,
): ScalarFunction {
  return {
    name,
    aliases,
    signatures: comparable.map(type => {
      const signature: Signature = {
        parameters: [type, type],
        result: 'boolean',
        scalar: ((a: Scalar, b: Scalar) => holds(orderOf(type)(a, b))) as Signature['scalar'],
        sql: args => `(${args[0]} ${name} ${args[1]})`,
      };
      if (type !== 'text' && type !== 'any') signature.emit = args => `(${args[0]} ${operator} ${args[1]})`;
      return signature;
    }),
  };
}

function membership(name: string, negated: boolean): ScalarFunction {
  return {
    name,
    signatures: comparable.map(type => ({
      parameters: [type, type],
      variadic: true,
      result: 'boolean',
      nulls: 'own',
      scalar: ((value: Scalar, ...list: Scalar[]) => {
        if (value === null) return null;
        let unknown = false;
        for (const item of list) {
          if (item === null) unknown = true;
          else if (orderOf(type)(value, item) === 0) return !negated;
        }
        return unknown ? null : negated;
      }) as Signature['scalar'],
      sql: args => `(${args[0]} ${negated ? 'NOT IN' : 'IN'} (${args.slice(1).join(', ')}))`,
    })),
  };
}

function distinctness(name: string, negated: boolean): ScalarFunction {
  return {
    name,
    signatures: comparable.map(type => ({
      parameters: [type, type],
      result: 'boolean',
      nulls: 'own',
      scalar: ((a: Scalar, b: Scalar) => {
        const same = a === null || b === null ? a === b : orderOf(type)(a, b) === 0;
        return negated ? same : !same;
      }) as Signature['scalar'],
      sql: args => `(${args[0]} IS ${negated ? 'NOT ' : ''}DISTINCT FROM ${args[1]})`,
    })),
  };
}

function extreme(name: string, wanted: 1 | -1): ScalarFunction {
  return {
    name,
    signatures: comparable.map(type => ({
      parameters: [type],
      variadic: true,
      result: commonOf,
      nulls: 'own',
      scalar: ((...values: Scalar[]) => {
        let best: Scalar = null;
        for (const value of values) {
          if (value === null) continue;
          if (best === null || Math.sign(orderOf(type)(value, best)) === wanted) best = value;
        }
        return best;
      }) as Signature['scalar'],
    })),
  };
}

export const comparisons: readonly ScalarFunction[] = [
  comparison('=', ['=='], order => order === 0, '==='),
  comparison('<>', ['!='], order => order !== 0, '!=='),
  comparison('<', [], order => order < 0, '<'),
  comparison('<=', [], order => order <= 0, '<='),
  comparison('>', [], order => order > 0, '>'),
  comparison('>=', [], order => order >= 0, '>='),
  membership('in', false),
  membership('not in', true),
  distinctness('is distinct from', false),
  distinctness('is not distinct from', true),
  {
    name: 'and',
    signatures: [
      {
        parameters: ['boolean'],
        variadic: true,
        result: 'boolean',
        nulls: 'own',
        scalar: ((...values: Scalar[]) =>
          values.includes(false) ? false : values.includes(null) ? null : true) as Signature['scalar'],
        sql: args => `(${args.join(' AND ')})`,
      },
    ],
  },
  {
    name: 'or',
    signatures: [
      {
        parameters: ['boolean'],
        variadic: true,
        result: 'boolean',
        nulls: 'own',
        scalar: ((...values: Scalar[]) =>
          values.includes(true) ? true : values.includes(null) ? null : false) as Signature['scalar'],
        sql: args => `(${args.join(' OR ')})`,
      },
    ],
  },
  {
    name: 'not',
    signatures: [
      {
        parameters: ['boolean'],
        result: 'boolean',
        scalar: ((value: boolean) => !value) as Signature['scalar'],
        emit: args => `(1 - ${args[0]})`,
        sql: args => `(NOT ${args[0]})`,
      },
    ],
  },
  {
    name: 'is null',
    signatures: comparable.map(type => ({
      parameters: [type],
      result: 'boolean',
      nulls: 'own',
      scalar: ((value: Scalar) => value === null) as Signature['scalar'],
      sql: args => `(${args[0]} IS NULL)`,
    })),
  },
  {
    name: 'is not null',
    signatures: comparable.map(type => ({
      parameters: [type],
      result: 'boolean',
      nulls: 'own',
      scalar: ((value: Scalar) => value !== null) as Signature['scalar'],
      sql: args => `(${args[0]} IS NOT NULL)`,
    })),
  },
  {
    name: 'coalesce',
    aliases: ['ifnull'],
    signatures: comparable.map(type => ({
      parameters: [type],
      variadic: true,
      result: commonOf,
      nulls: 'own',
      scalar: ((...values: Scalar[]) => values.find(value => value !== null) ?? null) as Signature['scalar'],
      sql: args => `COALESCE(${args.join(', ')})`,
    })),
  },
  {
    name: 'nullif',
    signatures: comparable.map(type => ({
      parameters: [type, type],
      result: args => args[0]!.type,
      nulls: 'own',
      scalar: ((a: Scalar, b: Scalar) =>
        a === null ? null : b !== null && orderOf(type)(a, b) === 0 ? null : a) as Signature['scalar'],
    })),
  },
  extreme('greatest', 1),
  extreme('least', -1),
  {
    name: 'isnan',
    signatures: [
      {
        parameters: ['number'],
        result: 'boolean',
        scalar: ((value: number) => Number.isNaN(value)) as Signature['scalar'],
        sql: args => `isnan(${args[0]}::DOUBLE)`,
      },
    ],
  },
];
