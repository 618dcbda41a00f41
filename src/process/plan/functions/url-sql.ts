// The parts of a URL as DuckDB computes them: the regular expressions that define them, and SQL of these.

const beforeHost = '^(?:[A-Za-z][A-Za-z0-9+.-]*:)?//';
export const hostPattern = `${beforeHost}(?:[^/?#]*@)?(\\[[^\\]/?#]*\\]|[^/?#:]*)`;
/** What is behind a host is the path, where there is one. */
export const hostedPathPattern = `${beforeHost}[^/?#]*([^?#]*)`;
export const pathPattern = '^[^/?#]*(/[^?#]*)';
export const barePattern = '^([^:/?#]*)(?:[?#]|$)';

export const parameterPattern = (name: string) =>
  `^[^?#]*\\?(?:[^#]*?&)??${name.replace(/[^A-Za-z0-9_]/g, character => `\\x{${character.codePointAt(0)!.toString(16)}}`)}(?:=([^&#]*))?(?:[&#]|$)`;

const quote = (text: string) => `'${text.replaceAll("'", "''")}'`;
export const extractSql = (pattern: string, value: string) =>
  `regexp_extract(${value}, ${quote(pattern)}, 1, 's')`;
export const hostSql = (value: string) => `nullif(lower(${extractSql(hostPattern, value)}), '')`;
export const matchesSql = (pattern: string, value: string) =>
  `regexp_matches(${value}, ${quote(pattern)}, 's')`;
export const pathSql = (value: string) =>
  `CASE WHEN ${matchesSql(beforeHost, value)} THEN coalesce(nullif(${extractSql(hostedPathPattern, value)}, ''), '/') ` +
  `WHEN ${matchesSql(pathPattern, value)} THEN ${extractSql(pathPattern, value)} ELSE ${extractSql(barePattern, value)} END`;
export const decodeSql = (text: string) =>
  `coalesce(TRY(url_decode(replace(${text}, '+', ' '))), replace(${text}, '+', ' '))`;

/** Statements that give DuckDB the functions it lacks, so that a view's SELECT runs in the workbench as it is. */
export const urlMacros: readonly string[] = [
  `CREATE OR REPLACE TEMP MACRO url_host(url) AS ${hostSql('url')}`,
  `CREATE OR REPLACE TEMP MACRO url_path(url) AS ${pathSql('url')}`,
  `CREATE OR REPLACE TEMP MACRO url_parameter(url, name) AS (${[
    `WITH found AS (SELECT regexp_extract_all(${extractSql('^[^?#]*[?]([^#]*)', 'url')}, '[^&]+') AS pairs)`,
    `SELECT ${decodeSql("regexp_replace(pair, '^[^=]*=?', '')")} FROM (SELECT unnest(pairs) AS pair FROM found) WHERE split_part(pair, '=', 1) = name LIMIT 1`,
  ].join(' ')})`,
];
