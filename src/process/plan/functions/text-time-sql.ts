// A text as a time in SQL, as the engine reads it.

/** A text as a time: DuckDB's cast to TIMESTAMP drops an offset from UTC, the engine heeds it. */
export function textTimeSql(text: string): string {
  const zoned = `regexp_matches(${text}, ':[0-9][0-9]([.,][0-9]+)? ?[+-][0-9][0-9](:?[0-9][0-9])?$')`;
  const dated = `regexp_matches(${text}, '^ *[+-]?[0-9]{4,6}-[0-9][0-9]-[0-9][0-9]')`;
  return `CASE WHEN NOT ${dated} THEN NULL WHEN ${zoned} THEN TRY_CAST(${text} AS TIMESTAMPTZ) AT TIME ZONE 'UTC' ELSE TRY_CAST(${text} AS TIMESTAMP) END`;
}
