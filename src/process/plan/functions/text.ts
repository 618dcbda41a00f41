// Text functions. Characters are code points, as in DuckDB; positions count from 1.
import { roundHalfEven } from './cast.ts';
import { namedSql, type Scalar, type ScalarFunction, type Signature } from './function.ts';
import { likeMatcher } from './like.ts';
import { countText } from './made-texts.ts';
import {
  isAscii,
  isSurelyTooLong,
  lengthOf,
  textLengthMax,
  withinLength,
  withinLengthSql,
} from './text-length.ts';

type Apply = (...values: never[]) => Scalar;

function text(
  name: string,
  parameters: Signature['parameters'],
  result: Signature['result'],
  scalar: Apply,
  extra: Partial<Signature> & { aliases?: readonly string[] } = {},
): ScalarFunction {
  const { aliases, ...signature } = extra;
  return { name, aliases, signatures: [{ parameters, result, scalar, ...signature }] };
}

/** Positions beyond 32 bits are errors of substr and left in DuckDB, and NULL here. */
const positionMax = 2 ** 32 - 1;

/**
 * A function whose whole numbers are lengths or positions: those beyond 32 bits come as the next one, which is behind the end of every
 * text. A fraction, of a field that has drifted, is rounded.
 */
function withPositions(scalar: Apply): Apply {
  const apply = scalar as (...values: Scalar[]) => Scalar;
  return ((...values: Scalar[]) => {
    const args: Scalar[] = [];
    for (const value of values) {
      if (typeof value === 'string') args.push(value);
      else if (typeof value === 'number' && !(Math.abs(value) < 2 ** 63)) return null;
      else args.push(Math.max(-positionMax - 1, Math.min(positionMax + 1, roundHalfEven(Number(value)))));
    }
    return apply(...args);
  }) as Apply;
}

const positionSql = (value: string): string => `TRY_CAST(${value} AS BIGINT)`;

/** Characters whose other case JavaScript writes as several: Unicode's simple mapping, which DuckDB uses. */
const simpleUpper: Record<string, string> = { ß: 'ẞ', ᾳ: 'ᾼ', ῃ: 'ῌ', ῳ: 'ῼ' };
for (const start of [0x1f80, 0x1f90, 0x1fa0]) {
  for (let code = start; code < start + 8; code++) {
    simpleUpper[String.fromCharCode(code)] = String.fromCharCode(code + 8);
  }
}
const simpleLower: Record<string, string> = { İ: 'i' };

/** One character at a time, as DuckDB maps case: one without a single other case stays as it is. */
function mapCase(
  value: string,
  convert: (character: string) => string,
  simple: Readonly<Record<string, string>>,
): string {
  if (isAscii(value)) return convert(value);
  let result = '';
  for (const character of value) {
    const converted = convert(character);
    const isOne = converted.length === 1 || [...converted].length === 1;
    result += isOne ? converted : (simple[character] ?? character);
  }
  return result;
}

export const lowerCase = (value: string) => mapCase(value, character => character.toLowerCase(), simpleLower);
const upperCase = (value: string) => mapCase(value, character => character.toUpperCase(), simpleUpper);

/** Made when first needed: it takes as long as reading this whole folder. */
let graphemes: Intl.Segmenter | undefined;

/** By grapheme cluster, so that accents stay on their letters. */
function reverse(value: string): string {
  if (isAscii(value)) return [...value].reverse().join('');
  graphemes ??= new Intl.Segmenter('en', { granularity: 'grapheme' });
  return Array.from(graphemes.segment(value), ({ segment }) => segment)
    .reverse()
    .join('');
}

function substring(value: string, start: number, length?: number): string | null {
  if (Math.abs(start) > positionMax || Math.abs(length ?? 0) > positionMax) return null;
  const characters = isAscii(value) ? value : [...value];
  const size = characters.length;
  let from = start > 0 ? start - 1 : start < 0 ? size + start : -1;
  let to = length === undefined ? size : from + length;
  if (length !== undefined && length < 0) [from, to] = [to, from];
  [from, to] = [Math.max(0, from), Math.min(size, to)];
  if (from >= to) return '';
  const part = characters.slice(from, to);
  return typeof part === 'string' ? part : part.join('');
}

function splitPart(value: string, separator: string, index: number): string {
  const parts = separator === '' ? [...value] : value.split(separator);
  if (index === 0) return '';
  return (index > 0 ? parts[index - 1] : parts[parts.length + index]) ?? '';
}

function trimSet(value: string, set: string, left: boolean, right: boolean): string {
  const characters = [...value];
  const wanted = new Set(set);
  let [from, to] = [0, characters.length];
  while (left && from < to && wanted.has(characters[from]!)) from++;
  while (right && to > from && wanted.has(characters[to - 1]!)) to--;
  return characters.slice(from, to).join('');
}

/** Unicode's space separators: what trim without a set takes off. Tabs and newlines stay. */
const spaces =
  ' \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000';

function trimming(name: string, left: boolean, right: boolean): ScalarFunction {
  return {
    name,
    signatures: [
      {
        parameters: ['text', 'text'],
        optional: 1,
        result: 'text',
        scalar: (value: string, set = spaces) => trimSet(value, set, left, right),
      },
    ],
  };
}

function pad(value: string, length: number, filler: string, left: boolean): string | null {
  const characters = [...value];
  const size = Math.max(0, length);
  if (size > textLengthMax) return null;
  if (characters.length >= size) return characters.slice(0, size).join('');
  const filling = [...filler];
  if (filling.length === 0) return null;
  countText(size);
  let added = '';
  for (let index = 0; index < size - characters.length; index++) added += filling[index % filling.length];
  return left ? added + value : value + added;
}

function padSql(name: string, [value, length, filler]: readonly string[]): string {
  const size = namedSql(
    [positionSql(length!)],
    own => `CASE WHEN ${own} <= ${textLengthMax} THEN greatest(${own}, 0)::INTEGER END`,
  );
  return `TRY(${name}(${value}, ${size}, ${filler}))`;
}

function repeated(value: string, count: number): string | null {
  const times = Math.max(0, count);
  if (lengthOf(value) * times > textLengthMax) return null;
  countText(value.length * times);
  return value.repeat(times);
}

const repeatSql = (value: string, count: string): string =>
  namedSql(
    [value, positionSql(count)],
    (own, times) =>
      `CASE WHEN ${own} = '' AND ${times} IS NOT NULL THEN '' WHEN length(${own}) * ${times}::DOUBLE <= ${textLengthMax} THEN repeat(${own}, ${times}) END`,
  );

function indexOf(value: string, part: string): number {
  const at = value.indexOf(part);
  if (at <= 0) return at + 1;
  return isAscii(value) ? at + 1 : [...value.slice(0, at)].length + 1;
}

/** The text that `||` and concat make of a value. */
function spelled(value: Scalar): string {
  return String(value);
}

function joined(values: readonly Scalar[], separator: string): string | null {
  const texts = values.filter(value => value !== null).map(spelled);
  const units = texts.reduce((sum, { length }) => sum + length, separator.length * (texts.length - 1));
  return isSurelyTooLong(units) ? null : withinLength(texts.join(separator));
}

/** Characters of texts, behind each of which stands a separator. */
const lengthsSql = (texts: readonly string[], separator = ''): string =>
  `list_sum([${texts.map(text => `coalesce(length(${text})${separator && ` + length(${separator})`}, 0)`).join(', ')}])`;

function replaced(value: string, from: string, to: string): string | null {
  if (from === '') return withinLength(value);
  let units = value.length;
  for (let at = value.indexOf(from); at >= 0; at = value.indexOf(from, at + from.length)) {
    units += to.length - from.length;
  }
  return isSurelyTooLong(units) ? null : withinLength(value.replaceAll(from, () => to));
}

const replacedLengthSql = (value: string, from: string, to: string): string =>
  `length(${value}) + CASE WHEN ${from} = '' THEN 0 ELSE ` +
  `(length(${value}) - length(replace(${value}, ${from}, ''))) / length(${from}) * (length(${to}) - length(${from})) END`;

function like(
  name: string,
  aliases: readonly string[],
  insensitive: boolean,
  negated: boolean,
): ScalarFunction {
  const operator = `${negated ? 'NOT ' : ''}${insensitive ? 'ILIKE' : 'LIKE'}`;
  return {
    name,
    aliases,
    signatures: [
      {
        parameters: ['text', 'text', 'text'],
        optional: 1,
        constant: [1, 2],
        result: 'boolean',
        scalar: (value: string, pattern: string, escapeCharacter = '') => {
          const matches = insensitive
            ? likeMatcher(lowerCase(pattern), escapeCharacter)(lowerCase(value))
            : likeMatcher(pattern, escapeCharacter)(value);
          return matches !== negated;
        },
        sql: args => `(${args[0]} ${operator} ${args[1]}${args[2] ? ` ESCAPE ${args[2]}` : ''})`,
      },
    ],
  };
}

export const textFunctions: readonly ScalarFunction[] = [
  text('lower', ['text'], 'text', lowerCase, { aliases: ['lcase'] }),
  text('upper', ['text'], 'text', upperCase, { aliases: ['ucase'] }),
  trimming('trim', true, true),
  trimming('ltrim', true, false),
  trimming('rtrim', false, true),
  text('length', ['text'], 'integer', lengthOf, {
    aliases: ['len', 'char_length', 'character_length'],
  }),
  text('strlen', ['text'], 'integer', (value: string) => Buffer.byteLength(value)),
  text('reverse', ['text'], 'text', reverse),
  text('substr', ['text', 'integer', 'integer'], 'text', withPositions(substring as Apply), {
    optional: 1,
    aliases: ['substring'],
    sql: ([value, ...positions]) => `TRY(substr(${[value, ...positions.map(positionSql)].join(', ')}))`,
  }),
  text(
    'left',
    ['text', 'integer'],
    'text',
    withPositions(((value: string, count: number) => {
      if (count > positionMax) return null;
      const characters = [...value];
      return characters.slice(0, count < 0 ? Math.max(0, characters.length + count) : count).join('');
    }) as Apply),
    { sql: args => `TRY("left"(${args[0]}, ${positionSql(args[1]!)}))` },
  ),
  text(
    'right',
    ['text', 'integer'],
    'text',
    withPositions(((value: string, count: number) => {
      const characters = [...value];
      const from = count < 0 ? Math.min(characters.length, -count) : Math.max(0, characters.length - count);
      return characters.slice(from).join('');
    }) as Apply),
    { sql: args => `"right"(${args[0]}, ${positionSql(args[1]!)})` },
  ),
  text(
    'lpad',
    ['text', 'integer', 'text'],
    'text',
    withPositions(((value: string, length: number, filler: string) =>
      pad(value, length, filler, true)) as Apply),
    { sql: args => padSql('lpad', args) },
  ),
  text(
    'rpad',
    ['text', 'integer', 'text'],
    'text',
    withPositions(((value: string, length: number, filler: string) =>
      pad(value, length, filler, false)) as Apply),
    { sql: args => padSql('rpad', args) },
  ),
  text('repeat', ['text', 'integer'], 'text', withPositions(repeated as Apply), {
    sql: args => repeatSql(args[0]!, args[1]!),
  }),
  text('split_part', ['text', 'text', 'integer'], 'text', withPositions(splitPart as Apply), {
    sql: args => `split_part(${args[0]}, ${args[1]}, ${positionSql(args[2]!)})`,
  }),
  text('replace', ['text', 'text', 'text'], 'text', replaced, {
    sql: args => withinLengthSql(args, replacedLengthSql, (...own) => `replace(${own.join(', ')})`),
  }),
  text('starts_with', ['text', 'text'], 'boolean', (value: string, part: string) => value.startsWith(part), {
    aliases: ['prefix', '^@'],
  }),
  text('ends_with', ['text', 'text'], 'boolean', (value: string, part: string) => value.endsWith(part), {
    aliases: ['suffix'],
  }),
  text('contains', ['text', 'text'], 'boolean', (value: string, part: string) => value.includes(part)),
  text('strpos', ['text', 'text'], 'integer', indexOf, { aliases: ['instr', 'position'] }),
  text('ascii', ['text'], 'integer', (value: string) => value.codePointAt(0) ?? 0, {
    sql: args => `ascii(${args[0]})::BIGINT`,
  }),
  {
    name: '||',
    signatures: [
      {
        parameters: ['text', 'text'],
        result: 'text',
        scalar: (a: Scalar, b: Scalar) => withinLength(spelled(a) + spelled(b)),
        sql: args =>
          withinLengthSql(
            args,
            (a, b) => `length(${a}) + length(${b})`,
            (a, b) => `${a} || ${b}`,
          ),
      },
    ],
  },
  {
    name: 'concat',
    signatures: [
      {
        parameters: ['text'],
        variadic: true,
        result: 'text',
        nulls: 'own',
        scalar: ((...values: Scalar[]) => joined(values, '')) as Signature['scalar'],
        sql: args =>
          withinLengthSql(
            args,
            (...own) => lengthsSql(own),
            (...own) => `concat(${own.join(', ')})`,
          ),
      },
    ],
  },
  {
    name: 'concat_ws',
    signatures: [
      {
        parameters: ['text', 'text'],
        variadic: true,
        result: 'text',
        nulls: 'own',
        scalar: ((separator: Scalar, ...values: Scalar[]) =>
          separator === null ? null : joined(values, spelled(separator))) as Signature['scalar'],
        sql: args =>
          withinLengthSql(
            args,
            (separator, ...own) => `${lengthsSql(own, separator)} - length(${separator})`,
            (...own) => `concat_ws(${own.join(', ')})`,
          ),
      },
    ],
  },
  like('like', ['~~', 'like_escape'], false, false),
  like('not like', ['!~~', 'not_like_escape'], false, true),
  like('ilike', ['~~*', 'ilike_escape'], true, false),
  like('not ilike', ['!~~*', 'not_ilike_escape'], true, true),
];
