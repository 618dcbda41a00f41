// A field of an event as SQL over the stream's learned columns, with the meaning that the engine gives it: the text of the
// value is read as the type of the use, and what cannot be is NULL.
import { epochTimeSql, jsonTimeSql, textTimeSql } from '../../../core/time-sql.ts';
import { scalarTypeOf, sqlTypeOf } from '../functions/cast.ts';
import type { ScalarType } from '../plan.ts';
import { anyOfColumn, anyOfJson, integerOfColumn, integerOfJson, numberText, textOfJson } from './any-sql.ts';
import { locate, type SqlColumn } from './column-type.ts';

export const quoteName = (name: string): string => `"${name.replaceAll('"', '""')}"`;
export const quoteText = (text: string): string => `'${text.replaceAll("'", "''").replaceAll('\0', '')}'`;

/** Whether a field has values that a column of whole numbers cannot have. */
export function isBeyondIntegers(columns: readonly SqlColumn[], path: readonly string[]): boolean {
  return isMixed(columns, path) || locate(columns, path)?.type === 'DECIMAL(38,0)';
}

/** Whether a field is kept as JSON because its values have been of several types. */
export function isMixed(columns: readonly SqlColumn[], path: readonly string[]): boolean {
  const found = locate(columns, path);
  return found !== undefined && (found.rest.length > 0 || found.type === 'JSON');
}

/**
 * The field of `alias`'s row as a value of `type`; `any` is the column as it is. With `asStruct`, for `any` and `integer`, it is a
 * struct of any-sql.ts. A field never seen is NULL.
 */
export function fieldSql(
  columns: readonly SqlColumn[],
  alias: string,
  path: readonly string[],
  type: ScalarType,
  asStruct = false,
): string {
  const found = locate(columns, path);
  if (!found) return asStruct ? 'NULL' : `NULL::${type === 'any' ? 'VARCHAR' : sqlTypeOf(type)}`;
  const base = `${alias}.${found.steps.map(quoteName).join('.')}`;
  if (found.rest.length > 0 || found.type === 'JSON') {
    const jsonPath = `$${found.rest.map(key => `."${key.replaceAll('"', '\\"')}"`).join('')}`;
    if (asStruct) return (type === 'any' ? anyOfJson : integerOfJson)(base, quoteText(jsonPath));
    const text = `json_extract_string(${base}, ${quoteText(jsonPath)})`;
    if (type === 'text' || type === 'boolean') return fromText(textOfJson(base, quoteText(jsonPath)), type);
    if (type !== 'time' && type !== 'date') return fromText(text, type);
    const time = jsonTimeSql(`json_type(${base}, ${quoteText(jsonPath)})`, text);
    return type === 'date' ? `CAST(${time} AS DATE)` : time;
  }
  if (!asStruct) return converted(base, found.type, type);
  return (type === 'any' ? anyOfColumn : integerOfColumn)(base);
}

function converted(base: string, sqlType: string, wanted: ScalarType): string {
  if (wanted === 'any') return base;
  const type = scalarTypeOf(sqlType);
  if (type === undefined) return fromText(`CAST(${base} AS VARCHAR)`, wanted);
  const isDouble = type === 'number' && sqlType !== 'DECIMAL(38,0)';
  const text = type === 'text' ? base : isDouble ? numberText(base) : `CAST(${base} AS VARCHAR)`;
  switch (wanted) {
    case 'number':
      if (type === 'integer' || type === 'number') return `${base}::DOUBLE`;
      return type === 'text' ? fromText(base, wanted) : 'NULL::DOUBLE';
    case 'integer':
      // A column that has widened to fractions keeps them.
      if (type === 'number') return `${base}::DOUBLE`;
      if (type === 'integer') return sqlType === 'BIGINT' ? base : `TRY_CAST(${base} AS BIGINT)`;
      return type === 'text' ? fromText(base, wanted) : 'NULL::BIGINT';
    case 'time':
    case 'date': {
      const isTime = type === 'time' || type === 'date';
      const time = isTime
        ? `CAST(${base} AS TIMESTAMP)`
        : type === 'integer' || type === 'number'
          ? epochTimeSql(`${base}::DOUBLE`, base)
          : textTimeSql(text);
      return wanted === 'date' ? `CAST(${time} AS DATE)` : time;
    }
    default:
      return type === wanted ? base : fromText(text, wanted);
  }
}

function fromText(text: string, wanted: ScalarType): string {
  switch (wanted) {
    case 'number':
    case 'integer': {
      const value = `TRY_CAST(${text} AS DOUBLE)`;
      return `CASE WHEN isfinite(${value}) THEN ${value} END`;
    }
    case 'boolean':
      return `TRY_CAST(${text} AS BOOLEAN)`;
    case 'time':
      return textTimeSql(text);
    case 'date':
      return `CAST(${textTimeSql(text)} AS DATE)`;
    default:
      return text;
  }
}
