// Arithmetic and mathematical functions. Whole numbers are exact over 64 bits as DuckDB's BIGINT; where DuckDB stops with
// an overflow or out-of-range error, the result is NULL, since one event must not stop a view.
import type { Expression } from '../plan.ts';
import { roundHalfEven } from './cast.ts';
import type { ScalarFunction, Signature } from './function.ts';
import { fromBigInt, literalOf, microseconds, microsecondsSql, namedSql } from './function.ts';

type Whole = number | bigint;

/**
 * Fractions, and whole numbers that 64 bits do not hold, can only come among whole numbers from a field whose type has drifted. They are
 * computed with as doubles.
 */
const isDouble = (value: Whole): boolean =>
  typeof value === 'number' && !(Number.isInteger(value) && value >= -(2 ** 63) && value < 2 ** 63);

function integerSignature(
  parameters: number,
  inNumbers: (...values: number[]) => number,
  inBigInts: (...values: bigint[]) => bigint,
  emit: (args: readonly string[]) => string,
  extra: Partial<Signature> = {},
): Signature {
  return {
    parameters: Array(parameters).fill('integer'),
    result: 'integer',
    scalar: (...values: Whole[]) => {
      if (values.every(value => typeof value === 'number')) {
        const result = inNumbers(...(values as number[]));
        if (Number.isSafeInteger(result)) return result === 0 ? 0 : result;
        if (values.some(isDouble)) return Number.isFinite(result) ? result : null;
      } else if (values.some(isDouble)) {
        return inNumbers(...values.map(Number));
      }
      return fromBigInt(inBigInts(...values.map(BigInt)));
    },
    emit,
    ...extra,
  };
}

function numberSignature(
  parameters: number,
  scalar: (...values: number[]) => number | null,
  emit?: (args: readonly string[]) => string,
  extra: Partial<Signature> = {},
): Signature {
  return {
    parameters: Array(parameters).fill('number'),
    result: 'number',
    scalar: (...values: Whole[]) => scalar(...values.map(Number)),
    emit,
    ...extra,
  };
}

const infix = (operator: string) => (args: readonly string[]) => `(${args.join(` ${operator} `)})`;
const tried =
  (name: string) =>
  (args: readonly string[]): string =>
    `TRY(${name}(${args.join(', ')}))`;

/** Time and interval arithmetic beside the numbers: both are µs. What is beyond 2^53 of them is NULL. */
function timeSignatures(operator: '+' | '-'): Signature[] {
  const apply = (a: number, b: number) => (operator === '+' ? a + b : a - b);
  const emit = infix(operator);
  const signature = (
    left: 'time' | 'interval',
    right: 'time' | 'interval',
    result: 'time' | 'interval',
  ): Signature => ({
    parameters: [left, right],
    result,
    scalar: ((a: number, b: number) => microseconds(apply(a, b))) as Signature['scalar'],
    emit,
    emitNull: args => `!(Math.abs(${emit(args)}) <= ${Number.MAX_SAFE_INTEGER})`,
    sql: args => microsecondsSql(`TRY(${emit(args)})`),
  });
  const shapes = [signature('time', 'interval', 'time'), signature('interval', 'interval', 'interval')];
  if (operator === '+') shapes.push(signature('interval', 'time', 'time'));
  else shapes.push(signature('time', 'time', 'interval'));
  return shapes;
}

/** Half away from zero, as DuckDB rounds doubles. */
export function roundNumber(value: number, digits = 0): number {
  const rounded = (x: number) => (x < 0 || Object.is(x, -0) ? -Math.floor(-x + 0.5) : Math.floor(x + 0.5));
  if (!Number.isFinite(value)) return digits < 0 ? 0 : value;
  if (digits === 0) {
    const whole = Math.trunc(value);
    return Math.abs(value - whole) >= 0.5 ? whole + Math.sign(value) : whole;
  }
  const factor = 10 ** Math.abs(digits);
  if (digits < 0) {
    const result = rounded(value / factor) * factor;
    return Number.isFinite(result) ? result : 0;
  }
  const result = rounded(value * factor) / factor;
  return Number.isFinite(result) ? result : value;
}

/** A whole number to tens, hundreds …, half away from zero. A fraction, of a field that has drifted, is rounded to one before. */
function roundWhole(value: Whole, zeros: number): Whole | null {
  if (typeof value === 'number' && !Number.isFinite(value)) return null;
  if (zeros > 19) return 0;
  const whole = BigInt(typeof value === 'number' ? roundHalfEven(value) : value);
  const unit = 10n ** BigInt(zeros);
  const half = whole < 0n ? -unit / 2n : unit / 2n;
  return fromBigInt(((whole + half) / unit) * unit);
}

/** Digits beyond all that a number has mean what the last of them mean. */
const digitsSql = (digits: Expression | undefined): string =>
  String(Math.max(-400, Math.min(400, Number(literalOf(digits)))));

function unary(name: string, apply: (value: number) => number | null, aliases?: string[]): ScalarFunction {
  return { name, aliases, signatures: [numberSignature(1, apply, undefined, { sql: tried(name) })] };
}

/** Of an infinity there is no sine. */
const ofFinite = (apply: (value: number) => number) => (value: number) =>
  Math.abs(value) === Infinity ? null : apply(value);

export const arithmetic: readonly ScalarFunction[] = [
  {
    name: '+',
    aliases: ['add'],
    signatures: [
      integerSignature(
        2,
        (a, b) => a + b,
        (a, b) => a + b,
        infix('+'),
        { sql: args => `TRY(${infix('+')(args)})` },
      ),
      numberSignature(2, (a, b) => a + b, infix('+'), { sql: infix('+') }),
      ...timeSignatures('+'),
      {
        parameters: ['integer'],
        result: 'integer',
        scalar: (a: Whole) => a,
        emit: args => args[0]!,
        sql: args => args[0]!,
      },
      numberSignature(
        1,
        a => a,
        args => args[0]!,
      ),
    ],
  },
  {
    name: '-',
    aliases: ['subtract'],
    signatures: [
      integerSignature(
        2,
        (a, b) => a - b,
        (a, b) => a - b,
        infix('-'),
        { sql: args => `TRY(${infix('-')(args)})` },
      ),
      numberSignature(2, (a, b) => a - b, infix('-'), { sql: infix('-') }),
      ...timeSignatures('-'),
      integerSignature(
        1,
        a => 0 - a,
        a => -a,
        args => `(0 - ${args[0]})`,
        { sql: args => `TRY(-(${args[0]}))` },
      ),
      numberSignature(
        1,
        a => -a,
        args => `(-${args[0]})`,
        { sql: args => `(-(${args[0]}))` },
      ),
    ],
  },
  {
    name: '*',
    aliases: ['multiply'],
    signatures: [
      integerSignature(
        2,
        (a, b) => a * b,
        (a, b) => a * b,
        args => `(${args.join(' * ')} + 0)`,
        { sql: args => `TRY(${infix('*')(args)})` },
      ),
      numberSignature(2, (a, b) => a * b, infix('*'), { sql: infix('*') }),
    ],
  },
  {
    name: '/',
    signatures: [numberSignature(2, (a, b) => a / b, infix('/'), { sql: infix('/') })],
  },
  {
    name: '//',
    aliases: ['divide'],
    signatures: [
      integerSignature(
        2,
        (a, b) => Math.trunc(a / b),
        (a, b) => a / b,
        args =>
          `(Number.isInteger(${args[0]}) && Number.isInteger(${args[1]}) ? Math.trunc(${args.join(' / ')}) + 0 : ${args.join(' / ')})`,
        {
          emitNull: args => `${args[1]} === 0`,
          scalar: (a: Whole, b: Whole) => {
            if (Number(b) === 0) return null;
            if ((typeof a === 'number' && typeof b === 'number') || isDouble(a) || isDouble(b)) {
              const quotient = Number(a) / Number(b);
              return [a, b].every(value => Number.isInteger(Number(value)))
                ? Math.trunc(quotient) + 0
                : quotient;
            }
            return fromBigInt(BigInt(a) / BigInt(b));
          },
          // Whole numbers among the doubles of a field that has drifted are divided as such.
          sql: args =>
            namedSql(
              args,
              (a, b) =>
                `CASE WHEN ${a} = trunc(${a}) AND ${b} = trunc(${b}) THEN trunc(TRY(${a} // ${b})) ELSE TRY(${a} // ${b}) END`,
            ),
        },
      ),
    ],
  },
  {
    name: '%',
    aliases: ['mod', 'fmod'],
    signatures: [
      integerSignature(
        2,
        (a, b) => a % b,
        (a, b) => a % b,
        args => `(${args.join(' % ')} + 0)`,
        {
          emitNull: args => `${args[1]} === 0`,
          scalar: (a: Whole, b: Whole) => {
            if (Number(b) === 0) return null;
            if (typeof a === 'number' && typeof b === 'number') return (a % b) + 0;
            if (isDouble(a) || isDouble(b)) return (Number(a) % Number(b)) + 0;
            // An overflow to DuckDB, as the quotient is.
            if (fromBigInt(BigInt(a) / BigInt(b)) === null) return null;
            return fromBigInt(BigInt(a) % BigInt(b));
          },
          sql: args => `TRY(${args[0]} % nullif(${args[1]}, 0))`,
        },
      ),
      numberSignature(2, (a, b) => a % b, infix('%'), { sql: infix('%') }),
    ],
  },
  {
    name: 'pow',
    aliases: ['power', '^', '**'],
    signatures: [numberSignature(2, power, undefined, { sql: tried('pow') })],
  },
  {
    name: 'abs',
    aliases: ['@'],
    signatures: [
      integerSignature(
        1,
        Math.abs,
        a => (a < 0n ? -a : a),
        args => `Math.abs(${args[0]})`,
        { sql: tried('abs') },
      ),
      numberSignature(1, Math.abs, args => `Math.abs(${args[0]})`),
    ],
  },
  {
    name: 'sign',
    signatures: [
      numberSignature(1, value => Math.sign(value) || 0, undefined, {
        result: 'integer',
        sql: args => `sign(${args[0]})::BIGINT`,
      }),
    ],
  },
  {
    name: 'round',
    signatures: [
      {
        parameters: ['integer'],
        result: 'integer',
        scalar: (a: Whole) => a,
        emit: args => args[0]!,
        sql: args => args[0]!,
      },
      numberSignature(1, value => roundNumber(value)),
      {
        parameters: ['integer', 'integer'],
        constant: [1],
        result: 'integer',
        scalar: (value: Whole, digits: Whole) =>
          Number(digits) >= 0 ? value : roundWhole(value, -Number(digits)),
        sql: (args, expressions) =>
          Number(literalOf(expressions[1])) >= 0
            ? args[0]!
            : `TRY_CAST(round(TRY_CAST(${args[0]} AS HUGEINT), ${digitsSql(expressions[1])}) AS BIGINT)`,
      },
      {
        parameters: ['number', 'integer'],
        constant: [1],
        result: 'number',
        scalar: (value: Whole, digits: Whole) => roundNumber(Number(value), Number(digits)),
        sql: (args, expressions) => `round(${args[0]}::DOUBLE, ${digitsSql(expressions[1])})`,
      },
    ],
  },
  {
    name: 'floor',
    signatures: [
      {
        parameters: ['integer'],
        result: 'integer',
        scalar: (a: Whole) => a,
        emit: args => args[0]!,
        sql: args => args[0]!,
      },
      numberSignature(1, Math.floor, args => `Math.floor(${args[0]})`),
    ],
  },
  {
    name: 'ceil',
    aliases: ['ceiling'],
    signatures: [
      {
        parameters: ['integer'],
        result: 'integer',
        scalar: (a: Whole) => a,
        emit: args => args[0]!,
        sql: args => args[0]!,
      },
      numberSignature(1, Math.ceil, args => `Math.ceil(${args[0]})`),
    ],
  },
  {
    name: 'trunc',
    signatures: [
      {
        parameters: ['integer'],
        result: 'integer',
        scalar: (a: Whole) => a,
        emit: args => args[0]!,
        sql: args => args[0]!,
      },
      numberSignature(1, Math.trunc, args => `Math.trunc(${args[0]})`),
    ],
  },
  unary('sqrt', value => (value < 0 ? null : Math.sqrt(value))),
  {
    name: 'cbrt',
    signatures: [numberSignature(1, cubeRoot, undefined, { sql: args => cubeRootSql(args[0]!) })],
  },
  unary('exp', Math.exp),
  unary('ln', value => (value <= 0 ? null : Math.log(value))),
  unary('log2', value => (value <= 0 ? null : Math.log2(value))),
  {
    name: 'log10',
    signatures: [
      numberSignature(1, value => (value <= 0 ? null : Math.log10(value)), undefined, {
        sql: tried('log10'),
      }),
    ],
  },
  {
    name: 'log',
    signatures: [
      numberSignature(1, value => (value <= 0 ? null : Math.log10(value)), undefined, { sql: tried('log') }),
      numberSignature(2, (base, value) => logarithm(base, value), undefined, { sql: tried('log') }),
    ],
  },
  unary('sin', ofFinite(Math.sin)),
  unary('cos', ofFinite(Math.cos)),
  unary('tan', ofFinite(Math.tan)),
  unary('degrees', value => value * (180 / Math.PI)),
  unary('radians', value => value * (Math.PI / 180)),
  { name: 'pi', signatures: [{ parameters: [], result: 'number', scalar: () => Math.PI }] },
];

/** What a double is multiplied by to be split behind its first 18 bits: the root of a cube that is exact has no more. */
const splitter = 2 ** 35 + 1;

/** Every library rounds the last digit its own way; the root of an exact cube is exact here, so that it can be compared and rounded. */
function cubeRoot(value: number): number {
  const root = Math.cbrt(value);
  const short = root * splitter - (root * splitter - root);
  return short * short * short === value ? short : root;
}

const cubeRootSql = (value: string): string =>
  namedSql([`${value}::DOUBLE`], own => {
    const [root, scaled] = [`cbrt(${own})`, `(cbrt(${own}) * ${splitter})`];
    const short = `(${scaled} - (${scaled} - ${root}))`;
    return `CASE WHEN ${short} * ${short} * ${short} = ${own} THEN ${short} ELSE ${root} END`;
  });

/** C's pow: 1 to any power is 1, and so is −1 to an infinite one. */
function power(base: number, exponent: number): number {
  if (base === 1 || (base === -1 && !Number.isFinite(exponent) && !Number.isNaN(exponent))) return 1;
  return base ** exponent;
}

function logarithm(base: number, value: number): number | null {
  if (base <= 0 || value <= 0) return null;
  const divisor = Math.log10(base);
  return divisor === 0 ? null : Math.log10(value) / divisor;
}
