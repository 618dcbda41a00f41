// Every function over extreme values of every type, in the engine and as the batch has it: nothing that an event holds makes
// the batch fail, and both say the same.
import { beforeAll, expect, test } from 'vitest';
import { constantProblem } from '../bind/constant-argument.ts';
import { literalValue } from '../bind/literal.ts';
import { compileColumn, exactColumn, vectorOf } from '../expression/compile.ts';
import { normal, same } from '../expression/expression-oracle.fixture.ts';
import { duckdb } from '../plan.fixture.ts';
import type { Expression, ScalarType } from '../plan.ts';
import type { SqlColumn } from '../sql/column-type.ts';
import { expressionSql } from '../sql/expression-sql.ts';
import { fieldSql, quoteText } from '../sql/field-sql.ts';
import { type ColumnSource, scalarAt } from '../vector.ts';
import { sqlTypeOf } from './cast.ts';
import type { Scalar, Signature } from './function.ts';
import { parameterType, resolveSignature, scalarFunction, scalarFunctions } from './registry.ts';

const dayUs = 86_400_000_000;
const most = Number.MAX_SAFE_INTEGER;
const times = [0, 1, -1, -3, 1_767_225_600_000_001, -1_767_225_600_000_001, 9e15, -9e15, most, -most];

/** So many of each, the first ones, where one, two or three arguments meet. */
const valuesMax = [0, 100, 13, 6];

type Values = Record<Exclude<ScalarType, 'any'>, readonly Scalar[]>;

const usual: Values = {
  integer: [
    ...[
      -1,
      2n ** 63n - 1n,
      -(2n ** 63n),
      0,
      3,
      1_000_001,
      -3,
      1,
      2 ** 31,
      -(2 ** 31) - 1,
      2 ** 32,
      9.3e12,
      -9.3e12,
    ],
    ...[most, -most, 2n ** 53n, 2n ** 53n + 1n, -(2n ** 53n) - 1n, 4611686018427387905n],
  ],
  number: [
    ...[-1, 1e300, Number.NaN, 0, -0, 1, 0.5, -0.5, -2.5, 1e15 + 0.5, most, -most, 2 ** 53 + 2, -(2 ** 63)],
    ...[9.3e12, -9.3e12, 1e19, -1e308, 5e-324, -5e-324, 1e39, Infinity, -Infinity],
  ],
  text: [
    ...[
      '',
      '9007199254740993',
      'é😀',
      'a',
      ' ',
      '-3.5',
      '-0',
      '1e400',
      '-1e400',
      '1e39',
      '1e-400',
      'nan',
      'inf',
    ],
    ...[
      '-Infinity',
      '170141183460469231731687303715884105728',
      '0x1F',
      'true',
      '/p?q=%zz&a=%ff+',
      '%_',
      '\\',
    ],
    ...['2026-01-01', '9999-12-31', '1684-07-28T00:12:25.259008Z', '1684-07-28T00:12:25.259009Z', 'infinity'],
    ...[
      '2255-06-05T23:47:34.740991Z',
      '2255-06-05T23:47:34.740992Z',
      '-290308-12-22',
      '1 day',
      '-00:00:00.5',
    ],
    ...['106751991168 days', '1 month', 'http://[::1', '//a', '(', 'a\nb', '😀'.repeat(40)],
  ],
  boolean: [true, false],
  time: times,
  date: [...new Set(times.map(us => Math.ceil(us / dayUs) * dayUs))].filter(us => us <= most),
  interval: [0, 1, -1, dayUs, -dayUs, 1.5 * dayUs, -1.5 * dayUs - 500_000, 3600e6, most, -most, 9e15],
};
/** A field that was one of whole numbers when the view was planned has come to have fractions, and is a column of doubles. */
const fractions = [
  2.5,
  -2.5,
  -1,
  9007199254740994,
  1e300,
  -1e300,
  0.5,
  -0.5,
  3.5,
  0,
  7,
  1e19,
  -(2 ** 63),
  2 ** 20,
  5e-324,
];
const drifted: Values = { ...usual, integer: fractions };
const types = Object.keys(usual) as (keyof Values)[];

const constants: Scalar[] = [
  ...[
    'day',
    'week',
    'month',
    'quarter',
    'year',
    'decade',
    'century',
    'millennium',
    'epoch',
    'yearweek',
    'us',
  ],
  ...[
    'hour',
    'isoyear',
    'dow',
    'a',
    '(a)|(b)?',
    '',
    '%a_',
    '%!%',
    '%Y-%m-%d %H:%M:%S.%f',
    '%G %V %j %y',
    'g',
  ],
  ...['TINYINT', 'BIGINT', 'HUGEINT', 'UBIGINT', 'DOUBLE', 'FLOAT', 'DECIMAL(10, 2)', 'DECIMAL(38, 10)'],
  ...['VARCHAR', 'TIMESTAMP', 'TIMESTAMP WITH TIME ZONE', 'DATE', 'BOOLEAN', 'INTERVAL'],
  ...[0, 1, 3, -2, 400, -400, 2 ** 40],
];

/** Where several are literals. */
const fewConstants: Scalar[] = ['a', '(a)|(b)?', '%a_', '', 'g', 0, 1];

const typeOf = (value: Scalar): ScalarType => (typeof value === 'string' ? 'text' : 'integer');

/** A field. One of numbers has a plus before it, since a field alone cannot be NaN. */
function fieldOf(type: ScalarType, place: number): Expression {
  const field: Expression = { kind: 'field', path: [`${type}${place}`], type };
  return type === 'number' ? { kind: 'call', function: '+', args: [field], type } : field;
}

const isNumber = (arg: Expression): arg is Expression & { kind: 'call' } =>
  arg.kind === 'call' && arg.type === 'number';

/** Numbers may be whole numbers as they are, which are other numbers to SQL. */
function asWhole(arg: Expression): Expression {
  return isNumber(arg)
    ? fieldOf('integer', Number((arg.args[0] as { path: string[] }).path[0]!.at(-1)))
    : arg;
}

/** Literals of which DuckDB makes an error whatever the event holds. */
function isRefused(name: string, place: number, value: Scalar): boolean {
  if (name === 'strftime') return value === '';
  if (name === 'regexp_extract' && place === 2) return typeof value === 'number' && (value < 0 || value > 1);
  return name.endsWith('like') && place === 2 && value !== '';
}

/** Calls of a function with fields for arguments, one for each choice of the literals that it takes. */
function calls(name: string, signature: Signature): Expression[] {
  const least = signature.parameters.length - (signature.optional ?? 0);
  const counts = [
    ...new Set([Math.max(least, 1), signature.parameters.length, signature.variadic ? 2 : least]),
  ];
  const several = (signature.constant?.length ?? 0) > 1;
  return counts.flatMap(count => {
    let lists: Expression[][] = [[]];
    for (let place = 0; place < count; place++) {
      const wanted = parameterType(signature, place) ?? 'text';
      const isConstant = signature.constant?.includes(place);
      lists = lists.flatMap(args => {
        if (!isConstant) return [[...args, fieldOf(wanted, place)]];
        return (several ? fewConstants : constants)
          .filter(value => typeOf(value) === wanted && !isRefused(name, place, value))
          .map(value => [...args, literalValue(wanted, value)]);
      });
    }
    return lists
      .flatMap(args => (args.some(isNumber) ? [args, args.map(asWhole)] : [args]))
      .filter(args => !args.some(({ type }) => type === 'any'))
      .filter(args =>
        args.every(
          (arg, at) => arg.kind !== 'literal' || !constantProblem(name, at, arg.value as string, args),
        ),
      )
      .filter(args => resolveSignature(scalarFunction(name)!, args) === signature)
      .map(args => {
        const type = typeof signature.result === 'string' ? signature.result : signature.result(args);
        return { kind: 'call', function: name, args, type } as Expression;
      })
      .filter(({ type }) => type !== 'any');
  });
}

type Row = Readonly<Record<string, Scalar>>;

/** Every combination of values of the fields. */
function rowsOf(call: Expression & { kind: 'call' }, values: Values): Row[] {
  const fields = call.args
    .map(arg => (arg.kind === 'call' ? arg.args[0]! : arg))
    .flatMap(arg => (arg.kind === 'field' ? [arg] : []));
  let rows: Row[] = [{}];
  for (const { path, type } of fields) {
    const all = values[type as keyof Values];
    const some = [null, ...all.slice(0, valuesMax[fields.length])];
    rows = rows.flatMap(row => some.map(value => ({ ...row, [path[0]!]: value })));
  }
  return rows;
}

function sourceOf(rows: readonly Row[]): ColumnSource {
  const field = ([name]: readonly string[], type: ScalarType) =>
    vectorOf(
      rows.map(row => row[name!]!),
      type,
    );
  const none = () => field(['none'], 'time');
  return { rows: rows.length, field, hash: none, presence: none, eventTime: none };
}

function literal(value: Scalar, type: string): string {
  if (value === null) return `NULL::${type}`;
  switch (type) {
    case 'TIMESTAMP':
    case 'DATE':
      return `make_timestamp((${value})::BIGINT)::${type}`;
    case 'INTERVAL':
      return `to_microseconds((${value})::BIGINT)`;
    default:
      return `${quoteText(Object.is(value, -0) ? '-0' : String(value))}::${type}`;
  }
}

const columnsOf = (values: Values) =>
  types.flatMap(type =>
    [0, 1, 2].map(place => ({
      name: `${type}${place}`,
      type: sqlTypeOf(type === 'integer' && values === drifted ? 'number' : type),
    })),
  );

/** What the batch answers. Rows are numbered, since a query may give them in any order. */
async function batch(
  expression: Expression,
  rows: readonly Row[],
  columns: readonly SqlColumn[],
): Promise<Scalar[]> {
  const names = Object.keys(rows[0]!);
  const typeOf = (name: string) => columns.find(column => column.name === name)!.type;
  const sql = expressionSql(expression, {
    field: (path, wanted) => fieldSql(columns, 'event', path, wanted),
    eventTime: () => 'NULL',
  });
  const lines = rows.map(
    (row, at) => `(${[at, ...names.map(name => literal(row[name]!, typeOf(name)))].join()})`,
  );
  const shown = expression.type === 'interval' ? `epoch_us(${sql})` : sql;
  const reader = await (await duckdb()).runAndReadAll(
    `SELECT ${shown} FROM (VALUES ${lines.join()}) event(${['_row', ...names].join()}) ORDER BY _row`,
  );
  return reader.getRows().map(row => normal(row[0]));
}

const shown = (value: unknown): string =>
  JSON.stringify(value, (_, item) =>
    typeof item === 'bigint' || (typeof item === 'number' && (!Number.isFinite(item) || Object.is(item, -0)))
      ? Object.is(item, -0)
        ? '-0'
        : `${item}`
      : item,
  );

/** Beyond 2^53, and of `//`, a column of doubles has other answers than the whole numbers that the engine still has. */
const isComparable = (call: Expression & { kind: 'call' }, row: Row): boolean =>
  call.function !== '//' &&
  Object.values(row).every(value => typeof value === 'string' || Math.abs(Number(value)) < 2 ** 53);

/** Where the engine, compiled and interpreted, and the batch differ. */
async function differences(call: Expression & { kind: 'call' }, values: Values): Promise<string[]> {
  const rows = rowsOf(call, values);
  const source = sourceOf(rows);
  const compiled = compileColumn(call)(source);
  const exact = exactColumn(call)(source);
  let answers: Scalar[];
  try {
    answers = await batch(call, rows, columnsOf(values));
  } catch (thrown) {
    return [`the batch fails: ${String(thrown).slice(0, 200)}`];
  }
  return rows.flatMap((row, at) => {
    const [a, b, c] = [scalarAt(compiled, at), scalarAt(exact, at), answers[at]!];
    const isNegativeZero =
      call.type === 'integer' && values === usual && (Object.is(a, -0) || Object.is(b, -0));
    if (values === drifted && !isComparable(call, row)) return [];
    if (same(a, b, call.type) && same(b, c, call.type) && !isNegativeZero) return [];
    return [shown({ row, compiled: a, interpreted: b, batch: c })];
  });
}

beforeAll(async () => {
  await (await duckdb()).run("SET TimeZone = 'UTC'");
});

const every = scalarFunctions.flatMap(({ name, signatures }) =>
  signatures.map(signature => ({ name, types: signature.parameters.join(', '), signature })),
);

const whole = every.filter(({ signature }) => signature.parameters.includes('integer'));

test.each([
  ...every.map(one => ({ ...one, of: 'extreme values', values: usual })),
  ...whole.map(one => ({ ...one, of: 'fractions that have drifted in', values: drifted })),
])(
  '$name($types) of $of is the same in the engine and in the batch',
  { timeout: 120_000 },
  async ({ name, signature, values }) => {
    const found: string[] = [];
    for (const call of calls(name, signature)) {
      if (call.kind !== 'call' || call.args.every(({ kind }) => kind === 'literal')) continue;
      const literals = call.args.flatMap(arg => (arg.kind === 'literal' ? [arg.value] : []));
      for (const one of (await differences(call, values)).slice(0, Number(process.env['SHOW'] ?? 3)))
        found.push(`${literals.join()} ${one}`);
    }
    expect(found).toEqual([]);
  },
);
