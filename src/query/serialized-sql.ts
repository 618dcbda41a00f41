// DuckDB's json_serialize_sql writes a number beyond doubles (1e400) as a bare Infinity, which is no JSON.

/** A bare infinity as a constant's value. Inside of a text the quotes have backslashes before them. */
const infinity = /"value":(-?)Infinity\b/g;

/** The tree that json_serialize_sql wrote, infinities as the numbers they are. */
export function parseSerializedSql(text: string): unknown {
  return JSON.parse(text.replace(infinity, '"value":$11e999'));
}
