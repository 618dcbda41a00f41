// DuckDB's names of types, nested ones included: what type a path into a stream's columns has.
import { findNamed } from '../../../core/folded-name.ts';

export interface SqlColumn {
  name: string;
  /** DuckDB's name of the type: BIGINT, VARCHAR, STRUCT(a BIGINT, "b c" VARCHAR), JSON, VARCHAR[] … */
  type: string;
  /** By which share of itself a number may differ between the engine and a batch, in the rows of a view below; absent where it is exact. */
  share?: number;
}

/** Events, or a lookup table, as SQL sees them. */
export interface SqlRelation {
  /** A table, or a query in parentheses. */
  from: string;
  /** Its columns; for events without `_time TIMESTAMP`, which it must have. */
  columns: readonly SqlColumn[];
}

/** The relation of a stream (or of a view's finest windows, for a view over a view); `source` is its number in the plan. */
export type SourceRelations = (stream: string, source: number) => SqlRelation;

/** The members of a STRUCT type, or undefined for another type. */
export function structMembers(type: string): SqlColumn[] | undefined {
  if (!/^STRUCT\(/i.test(type) || !type.endsWith(')')) return undefined;
  const members: SqlColumn[] = [];
  for (const part of splitTop(type.slice(type.indexOf('(') + 1, -1))) {
    const match = /^(?:"((?:[^"]|"")*)"|(\S+))\s+(.*)$/s.exec(part.trim());
    if (match) members.push({ name: match[1]?.replaceAll('""', '"') ?? match[2]!, type: match[3]! });
  }
  return members;
}

function splitTop(text: string): string[] {
  const parts: string[] = [];
  let [depth, start, quoted] = [0, 0, false];
  for (let index = 0; index < text.length; index++) {
    const character = text[index];
    if (character === '"') quoted = !quoted;
    else if (quoted) continue;
    else if (character === '(') depth++;
    else if (character === ')') depth--;
    else if (character === ',' && depth === 0) {
      parts.push(text.slice(start, index));
      start = index + 1;
    }
  }
  return [...parts, text.slice(start)];
}

/** A column, or a member, by name: as spelled, else the one that differs only in case. */
export const findColumn: (columns: readonly SqlColumn[], name: string) => SqlColumn | undefined = findNamed;

/**
 * Where a path of keys leads in a stream's columns: the column, the members on the way, and the rest that lies inside a
 * JSON column. Undefined where there is no such column or member.
 */
export function locate(
  columns: readonly SqlColumn[],
  path: readonly string[],
): { steps: string[]; type: string; rest: string[] } | undefined {
  let members: readonly SqlColumn[] = columns;
  const steps: string[] = [];
  for (let index = 0; index < path.length; index++) {
    const found = findColumn(members, path[index]!);
    if (!found) return undefined;
    steps.push(found.name);
    const rest = path.slice(index + 1);
    if (rest.length === 0) return { steps, type: found.type, rest };
    const inner = structMembers(found.type);
    if (!inner) return /^JSON$/i.test(found.type) ? { steps, type: 'JSON', rest: [...rest] } : undefined;
    members = inner;
  }
  return undefined;
}
