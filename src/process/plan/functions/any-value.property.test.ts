import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { constantProblem } from '../bind/constant-argument.ts';
import { literalValue } from '../bind/literal.ts';
import { compileColumn, exactColumn, vectorOf } from '../expression/compile.ts';
import type { Expression, ScalarType } from '../plan.ts';
import { type ColumnSource, scalarAt, type Vector } from '../vector.ts';
import type { Scalar, Signature } from './function.ts';
import { parameterType, resolveSignature, scalarFunction, scalarFunctions } from './registry.ts';

const seed = Number(process.env['MILLRACE_SEED'] ?? 20_261_130);
const runs = Number(process.env['MILLRACE_ROUNDS'] ?? 4000);

const numbers = [0, -0, 1, -1, 0.5, -2.5, 7, 1e15 + 0.5, 2 ** 53, -(2 ** 60), 1e19, 1e300, -1e308, 5e-324];
const texts = [
  '',
  'a',
  '12',
  '-3.5',
  ' ',
  'nan',
  'inf',
  '1e400',
  '9007199254740993',
  '2026-01-01',
  'true',
  '/p?q=%zz',
  '%_',
  '\ud800',
  'é😀',
];
const times = [0, 1, -1, 1_767_225_600_000_001, -9_000_000_000_000_000, 9_007_199_254_740_991];
/** What a field of a type may give: whole numbers that have drifted are fractions and larger ones too. */
const values: Record<'integer' | 'number' | 'text' | 'boolean' | 'time' | 'any', Scalar[]> = {
  integer: [...numbers, 9007199254740993n, -(2n ** 63n), 2n ** 63n - 1n],
  number: numbers,
  text: texts,
  boolean: [true, false],
  time: times,
  any: [...texts, ...numbers, true, false],
};
const fields = Object.keys(values) as (keyof typeof values)[];
const rows = Array.from({ length: 8 }, (_, row) => row);

const constants: Scalar[] = [
  'day',
  'epoch',
  'year',
  'week',
  'a',
  '^(\\w)',
  '',
  '!',
  '%a_',
  '%Y-%m-%d %H',
  'g',
  'BIGINT',
  'INTEGER',
  'DOUBLE',
  'VARCHAR',
  'TIMESTAMP',
  'DATE',
  'BOOLEAN',
  'DECIMAL(10, 2)',
  'UTINYINT',
  'FLOAT',
  'INTERVAL',
  0,
  1,
  3,
  -2,
  9007199254740993n,
];

type Random = <T>(items: readonly T[]) => T;

const typeOf = (value: Scalar): ScalarType =>
  typeof value === 'string' ? 'text' : typeof value === 'boolean' ? 'boolean' : 'integer';

function leaf(type: ScalarType, pick: Random): Expression | undefined {
  const field = fields.find(one => one === type);
  if (type === 'date') return undefined;
  if (type === 'interval') return literalValue('interval', pick([0, 1, -60e6, 86_400e6, 9e15]));
  if (pick([0, 1, 2, 3, 4]) === 0 && type !== 'any') return literalValue(type, pick(values[field!]));
  return { kind: 'field', path: [field!, String(pick([0, 1]))], type };
}

/** A call of the function, as the binder makes it; undefined where it would refuse it. */
function call(name: string, signature: Signature, depth: number, pick: Random): Expression | undefined {
  const least = signature.parameters.length - (signature.optional ?? 0);
  const most = signature.parameters.length + (signature.variadic ? 2 : 0);
  const count = pick([least, most]);
  const args: Expression[] = [];
  for (let index = 0; index < count; index++) {
    const wanted = parameterType(signature, index)!;
    if (signature.constant?.includes(index)) {
      const value = pick(constants);
      if (typeOf(value) !== wanted || constantProblem(name, index, value as string, args)) return undefined;
      args.push(literalValue(wanted, value));
    } else {
      const arg = expression(wanted, depth - 1, pick);
      if (!arg) return undefined;
      args.push(arg);
    }
  }
  if (resolveSignature(scalarFunction(name)!, args) !== signature) return undefined;
  const type = typeof signature.result === 'string' ? signature.result : signature.result(args);
  return { kind: 'call', function: name, args, type };
}

const all = scalarFunctions.flatMap(({ name, signatures }) =>
  signatures.map(signature => ({ name, signature })),
);

function expression(wanted: ScalarType, depth: number, pick: Random): Expression | undefined {
  if (depth <= 0 || pick([0, 1, 2]) === 0) return leaf(wanted, pick);
  for (let tried = 0; tried < 40; tried++) {
    const { name, signature } = pick(all);
    if (typeof signature.result === 'string' && signature.result !== wanted) continue;
    const made = call(name, signature, depth, pick);
    if (made?.type === wanted) return made;
  }
  return leaf(wanted, pick);
}

function sourceOf(pick: Random): ColumnSource {
  const columns = new Map(
    fields.flatMap(type =>
      [0, 1].map(at => {
        const column = rows.map(() => pick([null, ...values[type], ...values[type]]));
        return [`${type}${at}`, vectorOf(column, type)] as [string, Vector];
      }),
    ),
  );
  const get = (path: readonly string[]) => columns.get(path.join(''))!;
  return { rows: rows.length, field: get, hash: get, presence: get, eventTime: () => columns.get('time0')! };
}

/** What a value of the type may be, so that no accumulator meets another. */
const isOf = (value: Scalar, type: ScalarType): boolean => {
  if (value === null || type === 'any') return value !== undefined;
  if (type === 'text') return typeof value === 'string';
  if (type === 'boolean') return typeof value === 'boolean';
  if (type === 'time' || type === 'date') return typeof value === 'number' && Math.abs(value) <= 8.64e18;
  return typeof value === 'number' || typeof value === 'bigint';
};

describe('functions', () => {
  it(`throw for no value of an event, compiled or interpreted (seed ${seed})`, { timeout: 120_000 }, () => {
    const shown = (value: unknown) =>
      JSON.stringify(value, (_, item) => (typeof item === 'bigint' ? `${item}n` : item));
    fc.assert(
      fc.property(fc.infiniteStream(fc.nat(1e6)), stream => {
        const pick: Random = items => items[stream.next().value! % items.length]!;
        const { name, signature } = pick(all);
        const made = call(name, signature, 3, pick);
        if (!made || made.type === 'interval') return;
        const source = sourceOf(pick);
        for (const column of [compileColumn(made), exactColumn(made)]) {
          let vector: ReturnType<typeof column>;
          try {
            vector = column(source);
          } catch (thrown) {
            throw new Error(`${shown(made)}: ${String(thrown)}`);
          }
          for (const row of rows) {
            const value = scalarAt(vector, row);
            expect(isOf(value, made.type), `${shown(made)} gives ${shown(value) ?? value}`).toBe(true);
          }
        }
      }),
      { seed, numRuns: runs },
    );
  });
});
