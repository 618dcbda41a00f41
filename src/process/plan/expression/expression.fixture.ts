// For tests only: random SQL expressions over a table of every type, with rows that hit the edges.
import fc from 'fast-check';

export const columns = [
  { name: 'i', type: 'BIGINT' },
  { name: 'j', type: 'BIGINT' },
  { name: 'x', type: 'DOUBLE' },
  { name: 'y', type: 'DOUBLE' },
  { name: 's', type: 'VARCHAR' },
  { name: 't', type: 'VARCHAR' },
  { name: 'b', type: 'BOOLEAN' },
  { name: 'c', type: 'BOOLEAN' },
  { name: 'd', type: 'TIMESTAMP' },
  { name: 'e', type: 'TIMESTAMP' },
] as const;

export interface Row {
  i: bigint | null;
  j: bigint | null;
  x: number | null;
  y: number | null;
  s: string | null;
  t: string | null;
  b: boolean | null;
  c: boolean | null;
  /** µs */
  d: number | null;
  e: number | null;
}

const nullable = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { freq: 6, nil: null });
const whole = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: -20, max: 20 }).map(BigInt) },
  { weight: 2, arbitrary: fc.maxSafeInteger().map(BigInt) },
  { weight: 1, arbitrary: fc.bigInt({ min: -(2n ** 63n) + 1n, max: 2n ** 63n - 1n }) },
);
const fraction = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: -80, max: 80 }).map(value => value / 8) },
  { weight: 2, arbitrary: fc.double({ min: -1e6, max: 1e6, noNaN: true }) },
  { weight: 1, arbitrary: fc.double({ noNaN: true, noDefaultInfinity: true }) },
);
const words = [
  '',
  ' ',
  'a',
  'b',
  'GET',
  'get',
  '/a/b?x=1&y=2',
  'https://User@Example.com:80/p/q?a=b#c',
  '12',
  '-3.5',
  ' 7 ',
  'true',
  'né',
  'É',
  '😀x',
  'ﬀ',
  'a,b,,c',
  '%_',
  'A%',
  "it's",
  '2026-01-01',
  'line\nbreak',
];
const word = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...words) },
  { weight: 1, arbitrary: fc.string({ maxLength: 8 }).map(text => text.replaceAll('\0', '')) },
);
/** 1900 to 2200, some on boundaries. */
const time = fc.oneof(
  fc.integer({ min: -2_208_988_800, max: 7_258_118_400 }).map(value => value * 1e6),
  fc.integer({ min: -25_000, max: 84_000 }).map(value => value * 86_400e6),
  fc.maxSafeInteger().map(value => Math.floor(value / 2)),
);

export const rows: fc.Arbitrary<Row[]> = fc.array(
  fc.record({
    i: nullable(whole),
    j: nullable(whole),
    x: nullable(fraction),
    y: nullable(fraction),
    s: nullable(word),
    t: nullable(word),
    b: nullable(fc.boolean()),
    c: nullable(fc.boolean()),
    d: nullable(time),
    e: nullable(time),
  }),
  { minLength: 12, maxLength: 12 },
);

/** Takes the greatest times beyond the range that the engine has. */
export const farInterval = "INTERVAL '40000 days'";

const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`;
const wordLiteral = fc.constantFrom(...words).map(quoted);
const small = fc.integer({ min: -4, max: 6 }).map(String);
const unit = fc.constantFrom(
  'year',
  'quarter',
  'month',
  'week',
  'day',
  'hour',
  'minute',
  'second',
  'millisecond',
  'microsecond',
);
const partUnit = fc.oneof(
  unit,
  fc.constantFrom('dow', 'isodow', 'doy', 'epoch', 'isoyear', 'yearweek', 'decade', 'century', 'millennium'),
);
const pattern = fc.constantFrom('a', '^[a-z]+$', '(\\w)(.)', '[0-9]+', '.', '', 'É|é', '^/([^/?]*)', '\\s');

/** Whole numbers that doubles do not have. */
const beyondDoubles = ['9007199254740993', '-9007199254740993', '4611686018427387905', '9223372036854775807'];

type Kind = 'int' | 'num' | 'text' | 'bool' | 'time';

/** SQL expressions by type, up to the given depth. Decimal literals are written as doubles (1.5e0), which is what they mean here. */
export const expressions = fc.letrec<Record<Kind, string>>(tie => {
  const call = (name: string, ...args: fc.Arbitrary<string>[]) =>
    fc.tuple(...args).map(values => `${name}(${values.join(', ')})`);
  const infix = (left: fc.Arbitrary<string>, operators: string[], right: fc.Arbitrary<string>) =>
    fc.tuple(left, fc.constantFrom(...operators), right).map(([a, op, b]) => `(${a} ${op} ${b})`);
  const any = fc.constantFrom<Kind>('int', 'num', 'text', 'bool', 'time').chain(kind => tie(kind));
  const conditional = (kind: Kind) => [
    fc
      .tuple(tie('bool'), tie(kind), tie(kind))
      .map(([when, a, b]) => `CASE WHEN ${when} THEN ${a} ELSE ${b} END`),
    fc.tuple(tie('bool'), tie(kind)).map(([when, a]) => `CASE WHEN ${when} THEN ${a} END`),
    call('coalesce', tie(kind), tie(kind)),
    call('nullif', tie(kind), tie(kind)),
    call('greatest', tie(kind), tie(kind)),
    call('least', tie(kind), tie(kind)),
  ];
  const leaf = (...texts: string[]) => fc.constantFrom(...texts);
  const of = (leaves: fc.Arbitrary<string>, nodes: fc.Arbitrary<string>[]) =>
    fc.oneof({ maxDepth: 3, depthSize: 'small', withCrossShrink: true }, leaves, ...nodes);
  const comparisons = ['=', '<>', '<', '<=', '>', '>='];
  return {
    int: of(fc.oneof(leaf('i', 'j'), fc.integer({ min: -9, max: 9 }).map(String), leaf(...beyondDoubles)), [
      infix(tie('int'), ['+', '-', '*', '//', '%'], tie('int')),
      call('abs', tie('int')),
      call('round', tie('int'), fc.integer({ min: -20, max: 2 }).map(String)),
      call('length', tie('text')),
      call('strlen', tie('text')),
      call('strpos', tie('text'), tie('text')),
      call('ascii', tie('text')),
      call('sign', tie('num')),
      call('date_diff', unit.map(quoted), tie('time'), tie('time')),
      fc.tuple(unit, tie('time')).map(([part, at]) => `extract(${part} FROM ${at})`),
      fc
        .tuple(
          fc.oneof(tie('num'), tie('text'), tie('bool')),
          leaf('BIGINT', 'INTEGER', 'SMALLINT', 'UTINYINT'),
        )
        .map(([value, type]) => `TRY_CAST(${value} AS ${type})`),
      call('epoch_ms', tie('time')),
      call('epoch_us', tie('time')),
      ...conditional('int'),
    ]),
    num: of(fc.oneof(leaf('x', 'y'), leaf('0e0', '1.5e0', '-2.25e0', '1e3')), [
      infix(tie('num'), ['+', '-', '*', '/', '%'], tie('num')),
      infix(tie('int'), ['/'], tie('int')),
      infix(tie('num'), ['+', '*'], tie('int')),
      ...['floor', 'ceil', 'round', 'trunc', 'abs', 'sqrt', 'ln', 'log10', 'exp', 'log2', 'cbrt'].map(name =>
        call(name, tie('num')),
      ),
      call('round', tie('num'), fc.integer({ min: -3, max: 5 }).map(String)),
      call('pow', tie('num'), fc.integer({ min: -2, max: 3 }).map(String)),
      call('date_part', partUnit.map(quoted), tie('time')),
      fc.tuple(tie('text')).map(([value]) => `TRY_CAST(${value} AS DOUBLE)`),
      fc.tuple(tie('int')).map(([value]) => `CAST(${value} AS DOUBLE)`),
      call('epoch', tie('time')),
      ...conditional('num'),
    ]),
    text: of(fc.oneof(leaf('s', 't'), wordLiteral), [
      infix(tie('text'), ['||'], tie('text')),
      ...['lower', 'upper', 'trim', 'ltrim', 'rtrim', 'reverse'].map(name => call(name, tie('text'))),
      call('trim', tie('text'), leaf("'a'", "' ,'")),
      call('substr', tie('text'), small, small),
      call('substr', tie('text'), tie('int')),
      call('"left"', tie('text'), small),
      call('"right"', tie('text'), small),
      call('split_part', tie('text'), leaf("','", "'/'", "''"), small),
      call('replace', tie('text'), tie('text'), tie('text')),
      call('concat', tie('text'), tie('text'), tie('text')),
      call('concat_ws', leaf("'-'"), tie('text'), tie('text')),
      call('lpad', tie('text'), leaf('3', '0'), leaf("'xy'", "'é'")),
      call('rpad', tie('text'), leaf('3', '9'), leaf("'xy'", "'é'")),
      call('repeat', tie('text'), leaf('0', '2', '-1')),
      call('regexp_extract', tie('text'), pattern.map(quoted)),
      call('regexp_extract', tie('text'), leaf("'(\\w)(.)'", "'^/([^/?]*)'"), leaf('0', '1')),
      call(
        'regexp_replace',
        tie('text'),
        pattern.map(quoted),
        leaf("'-'", "'\\0\\0'"),
        leaf("'g'", "'gi'", "''"),
      ),
      call('dayname', tie('time')),
      call('monthname', tie('time')),
      call('strftime', tie('time'), leaf("'%Y-%m-%d %H:%M:%S'", "'%a %b %j %p %I %f'", "'%G-%V %u %w %y'")),
      fc.tuple(fc.oneof(tie('int'), tie('bool'), tie('time'))).map(([v]) => `CAST(${v} AS VARCHAR)`),
      fc.tuple(tie('time'), tie('time')).map(([a, b]) => `CAST(${a} - ${b} AS VARCHAR)`),
      call('concat', tie('text'), infix(tie('time'), ['-'], tie('time'))),
      ...conditional('text'),
    ]),
    bool: of(fc.oneof(leaf('b', 'c'), leaf('true', 'false')), [
      infix(tie('bool'), ['AND', 'OR'], tie('bool')),
      tie('bool').map(value => `(NOT ${value})`),
      infix(tie('int'), comparisons, tie('int')),
      infix(tie('num'), comparisons, tie('num')),
      infix(tie('text'), comparisons, tie('text')),
      infix(tie('time'), comparisons, tie('time')),
      infix(tie('bool'), comparisons, tie('bool')),
      infix(tie('num'), comparisons, tie('int')),
      any.map(value => `(${value} IS NULL)`),
      any.map(value => `(${value} IS NOT NULL)`),
      infix(tie('int'), ['IS DISTINCT FROM', 'IS NOT DISTINCT FROM'], tie('int')),
      fc.tuple(tie('int'), tie('int'), tie('int')).map(([a, l, u]) => `(${a} BETWEEN ${l} AND ${u})`),
      fc.tuple(tie('text'), tie('text')).map(([a, l]) => `(${a} IN (${l}, 'a', NULL))`),
      fc.tuple(tie('int'), tie('int')).map(([a, l]) => `(${a} NOT IN (${l}, 1, 2))`),
      infix(
        tie('text'),
        ['LIKE', 'NOT LIKE', 'ILIKE'],
        leaf("'%a%'", "'_'", "'a%'", "'%é'", "''", "'%'", "'_%_'"),
      ),
      fc.tuple(tie('text')).map(([a]) => `(${a} LIKE '%!%%' ESCAPE '!')`),
      call('starts_with', tie('text'), tie('text')),
      call('ends_with', tie('text'), tie('text')),
      call('contains', tie('text'), tie('text')),
      call('regexp_matches', tie('text'), pattern.map(quoted)),
      call('regexp_full_match', tie('text'), pattern.map(quoted)),
      fc.tuple(fc.oneof(tie('text'), tie('int'))).map(([v]) => `TRY_CAST(${v} AS BOOLEAN)`),
      ...conditional('bool'),
    ]),
    time: of(fc.oneof(leaf('d', 'e'), leaf("TIMESTAMP '2024-02-29 12:34:56.789'")), [
      call('date_trunc', unit.map(quoted), tie('time')),
      infix(
        tie('time'),
        ['+', '-'],
        leaf("INTERVAL '90 minutes'", 'INTERVAL 3 DAY', "INTERVAL '1 hour 30 seconds'", farInterval),
      ),
      call('time_bucket', leaf("INTERVAL '5 minutes'", "INTERVAL '1 week'"), tie('time')),
      tie('time').map(value => `CAST(CAST(${value} AS DATE) AS TIMESTAMP)`),
      ...conditional('time'),
    ]),
  };
});
