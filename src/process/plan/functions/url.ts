// Parts of a URL, absolute (`https://host/path?q`) or as an access log has it (`/path?q`). Each is defined by regular
// expressions, so that it means the same here and in DuckDB, where it is a macro.
import type { Scalar, ScalarFunction, Signature } from './function.ts';
import { compileRegex } from './regex.ts';
import { lowerCase } from './text.ts';
import {
  barePattern,
  decodeSql,
  extractSql,
  hostedPathPattern,
  hostPattern,
  hostSql,
  matchesSql,
  parameterPattern,
  pathPattern,
  pathSql,
} from './url-sql.ts';

function group(pattern: string, value: string): string | undefined {
  const matcher = compileRegex(pattern, 's').matcher(value);
  return matcher.find() ? (matcher.group(1) ?? '') : undefined;
}

function host(value: string): Scalar {
  return lowerCase(group(hostPattern, value) ?? '') || null;
}

function path(value: string): Scalar {
  const hosted = group(hostedPathPattern, value);
  // A host without a path has that of its root, as in browsers.
  if (hosted !== undefined) return hosted || '/';
  return group(pathPattern, value) ?? group(barePattern, value) ?? '';
}

function parameter(value: string, name: string): Scalar {
  const found = group(parameterPattern(name), value);
  if (found === undefined) return null;
  return decode(found.replaceAll('+', ' '));
}

/** Percent-decoding; a text that does not decode to UTF-8 stays as it is. */
function decode(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text.replace(/%(?![0-9A-Fa-f]{2})/g, '%25'));
  } catch {
    return text;
  }
}

export const urlFunctions: readonly ScalarFunction[] = [
  {
    name: 'url_host',
    signatures: [
      {
        parameters: ['text'],
        result: 'text',
        scalar: host as Signature['scalar'],
        sql: args => hostSql(args[0]!),
      },
    ],
  },
  {
    name: 'url_path',
    signatures: [
      {
        parameters: ['text'],
        result: 'text',
        scalar: path as Signature['scalar'],
        sql: args => pathSql(args[0]!),
      },
    ],
  },
  {
    name: 'url_parameter',
    signatures: [
      {
        parameters: ['text', 'text'],
        constant: [1],
        result: 'text',
        scalar: parameter as Signature['scalar'],
        sql: (args, expressions) => {
          const name = expressions[1]!.kind === 'literal' ? String(expressions[1]!.value) : '';
          const pattern = parameterPattern(name);
          return `CASE WHEN ${matchesSql(pattern, args[0]!)} THEN ${decodeSql(extractSql(pattern, args[0]!))} END`;
        },
      },
    ],
  },
];
