// SQL over the lake's chunks: files of different ages have different columns and types; one SELECT shows them as one table.
import { foldedName } from '../core/folded-name.ts';
import type { Field } from './schema.ts';

export const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;
export const identifier = (text: string): string => `"${text.replaceAll('"', '""')}"`;

/** Column names that Millrace itself gives; an event's own fields of these names are not columns. */
export const givenColumns: ReadonlySet<string> = new Set(['_time', '_offset', '_partition']);

/** The fields of a schema that are columns of their own. */
export function columnFields(fields: readonly Field[]): Field[] {
  return fields.filter(field => !givenColumns.has(foldedName(field.name)));
}

/** The same without those of which only nulls have been seen. */
export function typedFields(fields: readonly Field[]): Field[] {
  return columnFields(fields).filter(field => !field.isUntyped);
}

/**
 * A SELECT over files of one schema, with its columns cast to the wanted ones (NULL where it lacks them). Untyped columns are NULL of no
 * type, which goes with any: the files do not have them.
 */
export function chunkSelect(
  files: readonly string[],
  have: readonly Field[],
  want: readonly Field[],
): string {
  const types = new Map(typedFields(have).map(field => [foldedName(field.name), field.type]));
  const columns = want.map(field => {
    const column = identifier(field.name);
    const type = types.get(foldedName(field.name));
    if (field.isUntyped) return `NULL AS ${column}`;
    if (type === undefined) return `NULL::${field.type} AS ${column}`;
    if (type === field.type) return column;
    return field.type === 'JSON'
      ? `to_json(${column}) AS ${column}`
      : `${column}::${field.type} AS ${column}`;
  });
  const list = files.map(quoted).join(', ');
  const names = ['_time', '_offset', ...columns].join(', ');
  return `SELECT ${names} FROM read_parquet([${list}], hive_partitioning = false)`;
}
