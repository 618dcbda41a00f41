// Laws: a kernel accepts exactly what JSON.parse accepts, decodes the values that JSON.parse gives, and the
// compiled kernel equals the reference in every result.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Rng } from '../core/rng.ts';
import { cell } from './kernel.ts';
import {
  accessLogBoth,
  arrayBoth,
  compiled,
  decodeBoth,
  everyKind,
  reference,
  validateBoth,
} from './testing/compare.ts';
import { fill, kernels, toBytes, toText } from './testing/kernels.ts';
import { mutate } from './testing/mutate.ts';
import { seed } from './testing/rounds.ts';

const check = <T extends [unknown, ...unknown[]]>(property: fc.IProperty<T>, numRuns: number): void =>
  fc.assert(property as fc.IProperty<unknown>, { numRuns, seed });

/** JSON text of any value, with blanks, escapes and number spellings that JSON.stringify does not use. */
const spelling = fc.letrec(tie => ({
  string: fc
    .array(
      fc.oneof(
        fc.string({ unit: 'grapheme', maxLength: 20 }).map(text => JSON.stringify(text).slice(1, -1)),
        fc
          .string({ unit: fc.constantFrom(...'0123456789abcdefABCDEF'), minLength: 4, maxLength: 4 })
          .map(h => `\\u${h}`),
        fc.constantFrom(
          '\\n',
          '\\/',
          '\\"',
          '\\\\',
          '\\b',
          '\\ud83d\\ude00',
          '\\ud800',
          '\\udc00x',
          '\u2028',
          '\x7f',
        ),
      ),
      { maxLength: 4 },
    )
    .map(parts => `"${parts.join('')}"`),
  number: fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }).map(value => JSON.stringify(value)),
    fc.integer().map(String),
    fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }).map(String),
    fc
      .tuple(
        fc.bigInt({ min: 0n, max: 10n ** 25n }),
        fc.bigInt({ min: 0n, max: 10n ** 12n }),
        fc.integer({ min: -340, max: 320 }),
      )
      .map(([whole, fraction, exponent]) => `${whole}.${fraction}e${exponent}`),
    fc
      .tuple(fc.integer({ min: -9, max: 99999 }), fc.stringMatching(/^[0-9]{1,12}$/))
      .map(([a, b]) => `${a}.${b}`),
    fc.constantFrom('-0', '0.0', '1e400', '-1E+2', '9007199254740993', '1e-400', '0.000001', '0.0000001'),
  ),
  time: fc.oneof(
    fc.date({ noInvalidDate: true }).map(date => JSON.stringify(date)),
    fc
      .tuple(
        fc.constantFrom(
          '2015-05-17',
          '2016-02-29',
          '2015-02-29',
          '+02015-05-17',
          '0001-01-01',
          '2255-06-05',
          '1684-01-01',
          '20150517',
          '20150229',
        ),
        fc.constantFrom(
          '',
          't10:05:03',
          'T24:00:00',
          'T24:00:60',
          'T24:00:00.0000001',
          'T24:00:00.1',
          'T24:01',
          'T1005',
          ' 100503',
          't100503,25',
          'T2400',
          'T240000.0',
          'T240060',
          'T2401',
          'T10050',
          'T9999',
          'T10:05',
          ' 10:05:03',
          'T23:59:60',
          'T24:00',
          'T10:05:03.5',
          'T10:05:03,1234567890',
          'T10',
        ),
        fc.constantFrom(
          '',
          'Z',
          'z',
          ' UTC',
          '+02',
          '-0530',
          ' +05:30',
          '+24:00',
          '\u00a0Z',
          '\u3000',
          'ZZ',
          '-',
        ),
      )
      .map(parts => JSON.stringify(parts.join(''))),
    fc.constantFrom(
      '"17/May/2015:10:05:03 +0200"',
      '"31/Feb/2015:10:05:03 +0200"',
      '"17/May/2015:10:05:03 0200"',
      '"17/May/2015:24:00:00 +0000"',
      '"17/may/2015:10:05:03 +0000"',
      '"\\u00317/May/2015:10:05:03 +0200"',
    ),
    fc.integer({ min: 0, max: 4e9 }).map(String),
    fc.maxSafeInteger().map(String),
    fc.bigInt({ min: 10n ** 16n, max: 10n ** 19n + 9n }).map(String),
    fc
      .tuple(
        fc.bigInt({ min: 10n ** 16n, max: 10n ** 18n }),
        fc.constantFrom('.0', '.9', '9.5', 'e0', '.5e1'),
      )
      .map(parts => parts.join('')),
    fc.double({ min: 0, max: 1e19, noNaN: true }).map(value => JSON.stringify(value)),
  ),
  blank: fc.constantFrom('', '', '', '', ' ', '  ', '\t', '\r'),
  scalar: fc.oneof(tie('string'), tie('number'), tie('time'), fc.constantFrom('true', 'false', 'null')),
  value: fc.oneof({ depthSize: 'small' }, tie('scalar'), tie('array'), tie('object')),
  array: fc
    .tuple(fc.array(tie('value'), { maxLength: 3 }), tie('blank'))
    .map(([values, blank]) => `[${blank}${values.join(`${blank},${blank}`)}${blank}]`),
  member: fc
    .tuple(
      fc.oneof(
        fc.constantFrom('"a"', '"A"', '"b"', '"a.b"', '"__proto__"', '"\\u0061"', `"${'k'.repeat(40)}"`),
        // Node 26's JSON.parse, having met the key "\\\\", then reads the key "\\u0061" as if it were that: no oracle there.
        tie('string').filter(key => key !== '"\\\\"'),
      ),
      tie('blank'),
      tie('value'),
    )
    .map(([key, blank, value]) => `${key}${blank}:${blank}${value}`),
  object: fc
    .tuple(fc.array(tie('member'), { maxLength: 5 }), tie('blank'))
    .map(([members, blank]) => `{${blank}${members.join(`${blank},${blank}`)}${blank}}`),
}));
const object = spelling.object as fc.Arbitrary<string>;
const ndjson = fc.array(object, { maxLength: 6 }).map(lines => lines.map(line => `${line}\n`).join(''));
const paths = [
  ['a'],
  ['A'],
  ['b'],
  ['a', 'b'],
  ['A', 'b'],
  ['a', 'A'],
  ['a', 'a'],
  ['a.b'],
  ['__proto__'],
  ['b', 'a', 'b'],
  ['k'.repeat(40)],
];

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** What JSON.parse makes of bytes. */
function parse(bytes: Uint8Array): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(strict.decode(bytes)) };
  } catch {
    return undefined;
  }
}

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

const isEvent = (parsed: { value: unknown } | undefined): boolean =>
  typeof parsed?.value === 'object' &&
  parsed.value !== null &&
  !Array.isArray(parsed.value) &&
  depthOf(parsed.value) <= 64;

describe.each(kernels)('$name kernel', ({ create }) => {
  const kernel = create();

  test('a line is accepted exactly when JSON.parse accepts it as an object', () => {
    const rng = new Rng(seed);
    check(
      fc.property(object, fc.boolean(), (text, isDamaged) => {
        const source = toBytes(text);
        const line = (isDamaged ? mutate(rng, source) : source).filter(
          byte => byte !== 0x0a && byte !== 0xef,
        );
        const length = fill(kernel, line);
        const { count, rejected } = kernel.validate(length);
        const isBlank =
          toText(line).trim() === '' && parse(line) === undefined && /^[ \t\r]*$/.test(toText(line));
        expect([count, rejected]).toEqual(isBlank ? [0, 0] : isEvent(parse(line)) ? [1, 0] : [0, 1]);
      }),
      2000,
    );
  });

  test('values equal those of JSON.parse', () => {
    const decoder = kernel.decoder([
      { path: ['a'], kind: 'f64' },
      { path: ['a'], kind: 'dict' },
      { path: ['a'], kind: 'slice' },
      { path: ['a', 'b'], kind: 'slice' },
    ]);
    check(
      fc.property(object, text => {
        const length = fill(kernel, `${text}\n`);
        const { columns } = decoder.decode(0, length);
        const [number, code, slice, nested] = columns;
        const at = (column = slice!): unknown =>
          column.state[0] === cell.absent
            ? undefined
            : JSON.parse(toText(kernel.input(0).slice(column.start[0], column.end[0])));
        const event = JSON.parse(text) as Record<string, unknown>;
        const spelled = ['a', 'A'].filter(key => Object.hasOwn(event, key));
        // Which of both came last JSON.parse does not tell.
        fc.pre(spelled.length < 2);
        const wanted = spelled.length > 0 ? event[spelled[0]!] : undefined;
        if (wanted !== null) expect(at()).toEqual(wanted);
        expect(slice!.state[0] === cell.null).toBe(wanted === null);
        if (number!.state[0] === cell.value) expect(number!.values[0]).toBe(wanted);
        else if (number!.state[0] === cell.other) expect(at(number)).toEqual(wanted);
        if (code!.state[0] === cell.value)
          expect(decoder.dictionaryValue(1, code!.values[0] as number)).toEqual(wanted === 0 ? 0 : wanted);
        const isObject = typeof wanted === 'object' && wanted !== null && !Array.isArray(wanted);
        const below =
          isObject && Object.hasOwn(wanted, 'b') ? (wanted as Record<string, unknown>)['b'] : undefined;
        if (below !== null) expect(at(nested)).toEqual(below);
      }),
      2000,
    );
  });
});

describe('the compiled kernel equals the reference', () => {
  const exact = ['a', 'A', 'b'].flatMap(key =>
    everyKind([[key]]).map(field => ({ ...field, isExact: true })),
  );
  const fields = [...everyKind(paths), ...exact];

  test('validating NDJSON, whole or damaged', () => {
    const rng = new Rng(seed);
    check(
      fc.property(ndjson, fc.boolean(), (text, isDamaged) => {
        const bytes = toBytes(text);
        validateBoth(isDamaged ? mutate(rng, bytes) : bytes, { maxErrors: 5, maxLineBytes: 300 });
      }),
      800,
    );
  });

  test('decoding times, and what is nearly one', () => {
    const time = spelling.time as fc.Arbitrary<string>;
    const character = fc.constantFrom('0', '9', 'T', 't', ' ', ':', '-', '+', 'Z', '.', '/', '\u00a0', '');
    const near = fc.tuple(time, fc.nat(30), character, fc.nat(2)).map(([text, place, inserted, cut]) => {
      const at = Math.min(1 + place, text.length - 1);
      return text.slice(0, at) + inserted + text.slice(Math.min(at + cut, text.length - 1));
    });
    const isJson = (text: string): boolean => parse(toBytes(text)) !== undefined;
    check(
      fc.property(fc.array(fc.oneof(time, near.filter(isJson)), { maxLength: 50 }), times =>
        decodeBoth(toBytes(times.map(text => `{"v":${text}}\n`).join('')), [{ path: ['v'], kind: 'time' }]),
      ),
      400,
    );
  });

  test('decoding every kind of column', () => {
    check(
      fc.property(ndjson, text => decodeBoth(toBytes(text), fields)),
      300,
    );
  });

  test('decoding whatever is left of damaged NDJSON after validation', () => {
    const rng = new Rng(seed);
    check(
      fc.property(ndjson, text => {
        const length = fill(reference, mutate(rng, toBytes(text)));
        const left = reference.validate(length).length;
        decodeBoth(reference.input(0).slice(0, left), fields);
      }),
      300,
    );
  });

  test('splitting arrays, whole or damaged', () => {
    const rng = new Rng(seed);
    check(
      fc.property(
        fc.array(spelling.value as fc.Arbitrary<string>, { maxLength: 5 }),
        fc.boolean(),
        (values, isDamaged) => {
          const bytes = toBytes(`[\n${values.join(',\r\n')}\n]`);
          arrayBoth(isDamaged ? mutate(rng, bytes) : bytes);
        },
      ),
      600,
    );
  });

  test('one object over several lines, whole or damaged, alone or with something behind it', () => {
    const rng = new Rng(seed);
    const tail = fc.constantFrom('', '\n', ' \r\n\t', '}', '{}', '\n{"a":1}\n', ',', '#', '\0', '\u00e9');
    check(
      fc.property(spelling.object as fc.Arbitrary<string>, tail, fc.boolean(), (object, after, isDamaged) => {
        const bytes = toBytes(`\n${object.replace(/^\{/, '{\n')}${after}`);
        arrayBoth(isDamaged ? mutate(rng, bytes) : bytes);
        for (const kernel of [reference, compiled]) {
          const { count, rejected } = kernel.arrayToNdjson(fill(kernel, bytes));
          expect([count, rejected]).toEqual(after.trim() === '' ? [1, 0] : [0, 1]);
        }
      }),
      600,
    );
  });

  test('converting access logs, whole or damaged', () => {
    const rng = new Rng(seed);
    const lines = toBytes(
      '1.2.3.4 - - [17/May/2015:10:05:03 +0000] "GET /a?b=c HTTP/1.1" 200 2326 "http://x/" "Mozilla/5.0 (X11; \\"é\\")"\n' +
        'a:80 ::1 - u v [29/Feb/2016:23:59:59 -0730] "\\x16\\x03" 400 - "-" "\\xc3\\xa9 \\xe2\\x82"\n' +
        '1.2.3.4, ::1,5.6.7.8, a - - [29/Feb/2016:23:59:59 -0730] "get / http/1.1" 200 -\n' +
        '9.9.9.9 - - [01/Jan/1970:00:00:00 +0100] "-" 000 0\n',
    );
    check(
      fc.property(
        fc.constantFrom('common', 'combined', 'vhost'),
        fc.boolean(),
        fc.nat(3),
        (variant, last, rounds) => {
          let bytes: Uint8Array = lines;
          for (let i = 0; i < rounds; i++) bytes = mutate(rng, bytes);
          accessLogBoth(bytes, variant, last);
        },
      ),
      800,
    );
  });

  test('grouping random tuples', () => {
    // Small words are found in another way than others where they are the only column.
    const word = fc.oneof(fc.integer({ min: 0, max: 6 }), fc.constantFrom(4095, 4096, 0xffffffff));
    const tuples = fc.integer({ min: 1, max: 4 }).chain(width =>
      fc.tuple(
        fc.constant(width),
        fc.array(fc.array(word, { minLength: width, maxLength: width }), {
          maxLength: 400,
        }),
        fc.nat(50),
      ),
    );
    check(
      fc.property(tuples, ([width, rows, maxGroups]) => {
        const keys = Array.from({ length: width }, (_, i) => Uint32Array.from(rows, row => row[i]!));
        const mask = Uint8Array.from(rows, row => (row[0] === 3 ? 0 : 1));
        const [wanted, seen] = [reference, compiled].map(kernel => {
          const grouper = kernel.grouper(width, { maxGroups });
          const ids = [
            Array.from(grouper.assign(keys, rows.length, mask)),
            Array.from(grouper.assign(keys, rows.length)),
          ];
          const tuplesSeen = Array.from({ length: grouper.size() }, (_, id) => Array.from(grouper.key(id)));
          grouper.reset();
          const again = Array.from(grouper.assign(keys, rows.length));
          grouper.free();
          return { ids, tuplesSeen, again };
        });
        expect(seen).toEqual(wanted);
      }),
      300,
    );
  });

  test('hashing bytes of every length', () => {
    const rng = new Rng(seed);
    for (let length = 0; length < 200; length++) {
      const bytes = Uint8Array.from({ length: length + 3 }, () => rng.below(256));
      for (const kernel of [reference, compiled]) fill(kernel, bytes);
      expect(compiled.hash(3, length + 3)).toEqual(reference.hash(3, length + 3));
    }
  });
});
