// Regular expressions in RE2's syntax and with RE2's guarantee: time linear in the text, whatever the pattern. Patterns are
// literals, so that a wrong one is refused when the view is defined.
import { RE2JS } from 're2js';
import type { Scalar, ScalarFunction, Signature } from './function.ts';
import { isSurelyTooLong, withinLength, withinLengthSql } from './text-length.ts';

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

/** The last group that DuckDB extracts. */
export const extractGroupMax = 9;

/** Whether `(?<name>…)`, which DuckDB's RE2 does not know, stands in a pattern: not quoted, escaped or in a class. */
export function hasShortGroupName(pattern: string): boolean {
  const parts = /\\Q.*?(?:\\E|$)|\\.|\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\]|\(\?</gs;
  return Array.from(pattern.matchAll(parts)).some(([part]) => part === '(?<');
}

/**
 * Whether a character stands behind `$` or before `^`, where none can be but with the option m. DuckDB takes such a pattern for one without
 * the anchor.
 */
export function hasLostAnchor(pattern: string): boolean {
  if (/\(\?[a-z]*m/.test(pattern)) return false;
  const parts =
    /\(\?(?:P<\w+>|[a-zA-Z-]*:?)|\\[bBAz]|\\Q.*?(?:\\E|$)|\\.|\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\]/gs;
  const plain = pattern.replace(parts, part => (part[0] === '(' ? '(' : /^\\[bBAz]$/.test(part) ? '' : 'x'));
  return /(?:[^(|)^$:?*+}]|\.\*)\^|\$[^)|$?*+{]/s.test(plain);
}

function extract(value: string, pattern: string, group = 0, options = ''): Scalar {
  const matcher = compileRegex(pattern, options).matcher(value);
  if (!matcher.find() || group < 0 || group > matcher.groupCount()) return '';
  return matcher.group(group) ?? '';
}

interface Rewrite {
  /** Texts and numbers of groups, up to the first backslash that is before neither a digit nor another one: there RE2 stops. */
  parts: (string | number)[];
  isValid: boolean;
  groupMax: number;
}

const rewrites = new Map<string, Rewrite>();

function rewriteOf(replacement: string): Rewrite {
  const known = rewrites.get(replacement);
  if (known) return known;
  const parts = (/^(?:[^\\]|\\[\d\\])*/.exec(replacement)![0].match(/[^\\]+|\\./g) ?? []).map(part => {
    if (part[0] !== '\\') return part;
    return part === '\\\\' ? '\\' : Number(part[1]);
  });
  const groups = [...replacement.matchAll(/\\(?:(\d)|.)/gs)].map(match => Number(match[1] ?? 0));
  const isValid = /^(?:[^\\]|\\[\d\\])*$/.test(replacement);
  const rewrite = { parts, isValid, groupMax: Math.max(0, ...groups) };
  if (rewrites.size >= cacheMax) rewrites.clear();
  rewrites.set(replacement, rewrite);
  return rewrite;
}

function replaceAllOrFirst(value: string, pattern: string, replacement: string, options = ''): string | null {
  const isGlobal = options.includes('g');
  const matcher = compileRegex(pattern, options.replaceAll('g', '')).matcher(value);
  const { parts, isValid, groupMax } = rewriteOf(replacement);
  if (groupMax > matcher.groupCount() || (!isGlobal && !isValid)) return withinLength(value);
  let result = '';
  let end = 0;
  for (let isFirst = true; matcher.find(); isFirst = false) {
    // Where a match ended, nothing is no further match.
    if (!isFirst && matcher.start() === end && matcher.end() === end) continue;
    result += value.slice(end, matcher.start());
    for (const part of parts) result += typeof part === 'string' ? part : (matcher.group(part) ?? '');
    end = matcher.end();
    if (isSurelyTooLong(result.length)) return withinLength(result);
    if (!isGlobal) break;
  }
  return withinLength(result + value.slice(end));
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
    signatures: [
      {
        ...signature(['text', 'text', 'text', 'text'], 1, 'text', replaceAllOrFirst),
        sql: args =>
          withinLengthSql(
            [`regexp_replace(${args.join(', ')})`],
            own => `length(${own})`,
            own => own,
          ),
      },
    ],
  },
];
