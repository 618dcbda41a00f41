// Regular expressions in RE2's syntax and with RE2's guarantee: time linear in the text, whatever the pattern. Patterns are
// literals, so that a wrong one is refused when the view is defined.
import { RE2JS } from 're2js';
import type { Scalar, ScalarFunction, Signature } from './function.ts';

const cacheMax = 1000;
const cache = new Map<string, RE2JS>();

/** A compiled pattern; options are letters as DuckDB takes them: c, i, m/n/p, s, l. Throws what re2js throws. */
export function compileRegex(pattern: string, options = ''): RE2JS {
  const key = `${options}\0${pattern}`;
  let regex = cache.get(key);
  if (!regex) {
    if (cache.size >= cacheMax) cache.clear();
    let flags = 0;
    for (const option of options) {
      if (option === 'i') flags |= RE2JS.CASE_INSENSITIVE;
      else if (option === 's') flags |= RE2JS.DOTALL;
    }
    regex = RE2JS.compile(options.includes('l') ? RE2JS.quote(pattern) : pattern, flags);
    cache.set(key, regex);
  }
  return regex;
}

function extract(value: string, pattern: string, group = 0, options = ''): Scalar {
  const matcher = compileRegex(pattern, options).matcher(value);
  if (!matcher.find() || group < 0 || group > matcher.groupCount()) return '';
  return matcher.group(group) ?? '';
}

function replaceAllOrFirst(value: string, pattern: string, replacement: string, options = ''): string {
  const regex = compileRegex(pattern, options.replace('g', ''));
  const matcher = regex.matcher(value);
  let [result, end] = ['', 0];
  while (matcher.find()) {
    result += value.slice(end, matcher.start());
    result += replacement.replace(/\\(\d|\\)/g, (_, digit: string) =>
      digit === '\\'
        ? '\\'
        : Number(digit) <= matcher.groupCount()
          ? (matcher.group(Number(digit)) ?? '')
          : '',
    );
    end = matcher.end();
    if (!options.includes('g')) break;
  }
  return result + value.slice(end);
}

function signature(
  parameters: Signature['parameters'],
  optional: number,
  result: Signature['result'],
  scalar: (...values: never[]) => Scalar,
): Signature {
  return { parameters, optional, result, scalar, constant: parameters.map((_, index) => index).slice(1) };
}

export const regexFunctions: readonly ScalarFunction[] = [
  {
    name: 'regexp_matches',
    signatures: [
      signature(['text', 'text', 'text'], 1, 'boolean', (value: string, pattern: string, options = '') =>
        compileRegex(pattern, options).matcher(value).find(),
      ),
    ],
  },
  {
    name: 'regexp_full_match',
    aliases: ['~'],
    signatures: [
      signature(['text', 'text', 'text'], 1, 'boolean', (value: string, pattern: string, options = '') =>
        compileRegex(pattern, options).matcher(value).matches(),
      ),
    ],
  },
  {
    name: 'regexp_extract',
    signatures: [
      {
        ...signature(['text', 'text', 'integer', 'text'], 2, 'text', extract),
        sql: args =>
          `regexp_extract(${[args[0], args[1], ...(args[2] ? [`(${args[2]})::INTEGER`] : []), ...args.slice(3)].join(', ')})`,
      },
    ],
  },
  {
    name: 'regexp_replace',
    signatures: [signature(['text', 'text', 'text', 'text'], 1, 'text', replaceAllOrFirst)],
  },
];
