// The learned schema of a stream: which fields its events have had, and the narrowest SQL type that holds every
// value seen. Types only widen, and widening never loses a value: what fits no common scalar becomes JSON text.
import { foldedName } from '../core/folded-name.ts';

/**
 * Types a field can have in SQL. Whole numbers beyond 64 bits with a sign are DECIMAL(38,0), for DuckDB writes HUGEINT to Parquet as
 * DOUBLE. Objects, arrays and mixtures are JSON (text that keeps the value exactly).
 */
export type FieldType = 'BOOLEAN' | 'BIGINT' | 'DECIMAL(38,0)' | 'DOUBLE' | 'VARCHAR' | 'JSON';

export interface Field {
  name: string;
  type: FieldType;
  /** Of a BIGINT: some of its values have digits that a double would lose, so that it must not become one. */
  isLong?: boolean;
  /** Of a JSON: nothing but null has been seen, which says nothing of the type, so that any other takes its place. */
  isUntyped?: boolean;
}

/** What is known of a field's values. */
export type FieldKind = Omit<Field, 'name'>;

export interface Schema {
  /** In order of first appearance. */
  fields: Field[];
  /** Grows by one with each change. */
  version: number;
}

export const emptySchema: Schema = { fields: [], version: 0 };

/** More fields than this in one stream: the rest are left out of the columns. */
export const maxFields = 2000;

/** The narrowest type that holds every value of both. */
function widen(a: FieldType, b: FieldType): FieldType {
  if (a === b) return a;
  const pair = new Set([a, b]);
  if (pair.has('BIGINT') && pair.has('DECIMAL(38,0)')) return 'DECIMAL(38,0)';
  if (pair.has('BIGINT') && pair.has('DOUBLE')) return 'DOUBLE';
  return 'JSON';
}

/** As `widen`, for what is known of two fields; the name stays that of whoever asks. */
export function widenFields(a: FieldKind, b: FieldKind): FieldKind {
  if (a.isUntyped) return kindOf(b);
  if (b.isUntyped) return kindOf(a);
  const isLong = a.isLong === true || b.isLong === true;
  const type = widen(a.type, b.type);
  if (type === 'DOUBLE' && isLong) return { type: 'JSON' };
  return type === 'BIGINT' && isLong ? { type, isLong } : { type };
}

function kindOf({ type, isLong, isUntyped }: FieldKind): FieldKind {
  return { type, ...(isLong ? { isLong } : {}), ...(isUntyped ? { isUntyped } : {}) };
}

/** DuckDB's name of a detected type → ours. */
export function fieldType(duckdbType: string): FieldType {
  switch (duckdbType) {
    case 'BOOLEAN':
    case 'BIGINT':
    case 'DOUBLE':
    case 'VARCHAR':
      return duckdbType;
    case 'UUID':
    case 'DATE':
    case 'TIME':
    case 'TIMESTAMP':
    case 'TIMESTAMP WITH TIME ZONE':
      return 'VARCHAR';
    case 'UBIGINT':
    case 'HUGEINT':
      return 'DECIMAL(38,0)';
    default:
      return 'JSON';
  }
}

/**
 * The union of two schemas. Names that differ only in the case of ASCII letters are one column in SQL, so the first spelling stays and
 * the type widens to hold both.
 */
export function mergeSchema(known: Schema, fields: readonly Field[]): Schema {
  const merged = known.fields.map(field => ({ ...field }));
  const places = new Map(merged.map((field, index) => [foldedName(field.name), index]));
  let changed = false;
  for (const field of fields) {
    const place = places.get(foldedName(field.name));
    if (place === undefined) {
      if (merged.length >= maxFields) continue;
      places.set(foldedName(field.name), merged.length);
      merged.push({ ...field });
      changed = true;
    } else {
      const { name, type, isLong, isUntyped } = merged[place]!;
      const widened = widenFields(merged[place]!, field);
      if (type !== widened.type || isLong !== widened.isLong || isUntyped !== widened.isUntyped) {
        merged[place] = { name, ...widened };
        changed = true;
      }
    }
  }
  return changed ? { fields: merged, version: known.version + 1 } : known;
}
