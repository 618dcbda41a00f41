// Parts of a URL, absolute (`https://host/path?q`) or as an access log has it (`/path?q`). Each is defined by regular
// expressions, so that it means the same here and in DuckDB, where it is a macro.
import type { Scalar, ScalarFunction, Signature } from './function.ts';
import { compileRegex } from './regex.ts';
import { lowerCase } from './text.ts';

const beforeHost = '^(?:[A-Za-z][A-Za-z0-9+.-]*:)?//';
const hostPattern = `${beforeHost}(?:[^/?#]*@)?(\\[[^\\]/?#]*\\]|[^/?#:]*)`;
/** What is behind a host is the path, where there is one. */
const hostedPathPattern = `${beforeHost}[^/?#]*([^?#]*)`;
const pathPattern = '^[^/?#]*(/[^?#]*)';
const barePattern = '^([^:/?#]*)(?:[?#]|$)';

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

const parameterPattern = (name: string) =>
  `^[^?#]*\\?(?:[^#]*?&)??${name.replace(/[^A-Za-z0-9_]/g, character => `\\x{${character.codePointAt(0)!.toString(16)}}`)}(?:=([^&#]*))?(?:[&#]|$)`;

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

const quote = (text: string) => `'${text.replaceAll("'", "''")}'`;
const extractSql = (pattern: string, value: string) => `regexp_extract(${value}, ${quote(pattern)}, 1, 's')`;
const hostSql = (value: string) => `nullif(lower(${extractSql(hostPattern, value)}), '')`;
const matchesSql = (pattern: string, value: string) => `regexp_matches(${value}, ${quote(pattern)}, 's')`;
const pathSql = (value: string) =>
  `CASE WHEN ${matchesSql(beforeHost, value)} THEN coalesce(nullif(${extractSql(hostedPathPattern, value)}, ''), '/') ` +
  `WHEN ${matchesSql(pathPattern, value)} THEN ${extractSql(pathPattern, value)} ELSE ${extractSql(barePattern, value)} END`;
const decodeSql = (text: string) =>
  `coalesce(TRY(url_decode(replace(${text}, '+', ' '))), replace(${text}, '+', ' '))`;

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

/** Statements that give DuckDB the functions it lacks, so that a view's SELECT runs in the workbench as it is. */
export const urlMacros: readonly string[] = [
  `CREATE OR REPLACE TEMP MACRO url_host(url) AS ${hostSql('url')}`,
  `CREATE OR REPLACE TEMP MACRO url_path(url) AS ${pathSql('url')}`,
  `CREATE OR REPLACE TEMP MACRO url_parameter(url, name) AS (${[
    `WITH found AS (SELECT regexp_extract_all(${extractSql('^[^?#]*[?]([^#]*)', 'url')}, '[^&]+') AS pairs)`,
    `SELECT ${decodeSql("regexp_replace(pair, '^[^=]*=?', '')")} FROM (SELECT unnest(pairs) AS pair FROM found) WHERE split_part(pair, '=', 1) = name LIMIT 1`,
  ].join(' ')})`,
];
