// Lookup tables in the engine's memory. Invariants: a table never changes, another content is another table; a version of a
// view sees only tables that have the columns its plan was made with, in the same types, and keeps the one it has otherwise.
import { MillraceError } from '../../core/errors.ts';
import type { LookupContent, LookupValue } from '../engine.ts';
import type { LookupTable } from '../plan/expression/evaluate.ts';
import { scalarTypeOf } from '../plan/functions/cast.ts';
import type { Scalar } from '../plan/functions/function.ts';
import type { Expression, Plan, ScalarType } from '../plan/plan.ts';
import { findColumn, type SqlColumn } from '../plan/sql/column-type.ts';
import type { PositionRecord } from '../windows/partition-clock.ts';

/** Changes of tables remembered for each partition of a view, so that an audit can recompute with what was valid then. */
export const lookupUsesMax = 32;

/** A table over columns of values; finding is one hash look-up, after the first has made the index. */
export class MemoryLookupTable implements LookupTable {
  readonly generation: number;
  readonly name: string;
  readonly version: string;
  readonly columns: readonly SqlColumn[];
  private readonly values: ReadonlyMap<string, readonly LookupValue[]>;
  private readonly rows: number;
  private readonly indexes = new Map<string, Map<unknown, number>>();

  constructor(content: LookupContent, generation: number) {
    this.generation = generation;
    this.name = content.name;
    this.version = content.version;
    this.columns = content.columns;
    this.values = new Map(content.columns.map(({ name }, index) => [name, content.values[index]!]));
    this.rows = content.values[0]?.length ?? 0;
  }

  find(on: readonly string[], keys: readonly Exclude<Scalar, null>[]): number {
    const name = on.length === 1 ? on[0]! : JSON.stringify(on);
    let index = this.indexes.get(name);
    if (index === undefined) {
      index = this.indexOn(on);
      this.indexes.set(name, index);
    }
    return index.get(on.length === 1 ? plain(keys[0]!) : JSON.stringify(keys.map(tagged))) ?? -1;
  }

  /** The first row of a key counts; NULL equals nothing. */
  private indexOn(on: readonly string[]): Map<unknown, number> {
    const columns = on.map(name => this.values.get(name)!);
    const index = new Map<unknown, number>();
    for (let row = 0; row < this.rows; row++) {
      const keys = columns.map(column => column[row] as LookupValue);
      if (keys.includes(null)) continue;
      const key = keys.length === 1 ? plain(keys[0]!) : JSON.stringify(keys.map(tagged));
      if (!index.has(key)) index.set(key, row);
    }
    return index;
  }

  value(row: number, column: string): Scalar {
    return this.values.get(column)![row]!;
  }
}

/** Equal numbers are one key whether they came as bigint or number. */
function plain(value: Scalar): Scalar {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value === 0 ? 0 : value;
  return Number.isInteger(value) ? BigInt(value) : value;
}

/** For JSON, which has neither large whole numbers nor infinities. */
const tagged = (value: Scalar): string | number | boolean => {
  const key = plain(value) as Exclude<Scalar, null>;
  if (typeof key === 'string') return `s${key}`;
  return typeof key === 'bigint' || (typeof key === 'number' && !Number.isFinite(key)) ? `n${key}` : key;
};

/** The tables by name, and what each version of a view sees of them. */
export class LookupTables {
  private readonly tables = new Map<string, MemoryLookupTable>();
  /** Grows with each `set`. */
  generations = 0;
  /** Tables of the start that have been followed by another of the same name. */
  private earlier: MemoryLookupTable[] = [];

  /** Of contents of one name the last is in force; plans of the start that cannot read it see the last that they can. */
  constructor(contents: readonly LookupContent[] = []) {
    for (const content of contents) {
      const before = this.tables.get(content.name);
      if (before) this.earlier.unshift(before);
      this.set(content);
    }
  }

  set(content: LookupContent): void {
    this.tables.set(content.name, new MemoryLookupTable(content, ++this.generations));
  }

  /** The table in force and those before it, newest first. */
  all(name: string): MemoryLookupTable[] {
    const current = this.tables.get(name);
    const before = this.earlier.filter(table => table.name === name);
    return current ? [current, ...before] : before;
  }

  /** The plans of the start have their tables. */
  started(): void {
    this.earlier = [];
  }

  remove(name: string): void {
    this.tables.delete(name);
  }

  get(name: string): MemoryLookupTable | undefined {
    return this.tables.get(name);
  }

  names(): string[] {
    return [...this.tables.keys()];
  }

  columns(name: string): readonly SqlColumn[] | undefined {
    return this.tables.get(name)?.columns;
  }

  /** For one version of a view. */
  for(plan: Plan): PlanLookups {
    return new PlanLookups(plan, this);
  }
}

/** The lookup tables that one plan reads. */
export class PlanLookups {
  private readonly needs: Map<string, Map<string, ScalarType>>;
  private readonly tables: LookupTables;
  private readonly pinned = new Map<string, MemoryLookupTable>();

  constructor(plan: Plan, tables: LookupTables) {
    this.needs = lookupNeeds(plan);
    this.tables = tables;
    for (const name of this.needs.keys()) this.renew(name);
  }

  reads(name: string): boolean {
    return this.needs.has(name);
  }

  /** Takes the table of now where the plan can read it; answers whether that is another one. */
  renew(name: string): boolean {
    const needs = this.needs.get(name);
    const table = needs && this.tables.all(name).find(table => canRead(table, needs));
    if (!table || table === this.pinned.get(name)) return false;
    this.pinned.set(name, table);
    return true;
  }

  /** Throws `lookup-missing` (503) where the table has never been loaded in this form. */
  readonly table = (name: string): LookupTable => {
    const table = this.pinned.get(name);
    if (table) return table;
    throw new MillraceError('lookup-missing', `The lookup table "${name}" is not loaded.`, {
      status: 503,
      remedy: `Put its file back into the folder lookups/; the view goes on where it stopped.`,
    });
  };

  /** Writes down from which offset on the tables of a source are in use. */
  note(record: PositionRecord, tables: readonly string[]): void {
    for (const name of new Set(tables)) {
      const version = this.pinned.get(name)?.version;
      if (version === undefined) continue;
      const uses = (record.lookups ??= []);
      const last = uses.findLast(use => use.table === name);
      if (last?.version === version) continue;
      const from = record.offset ?? 0;
      if (last?.from === from) last.version = version;
      else uses.push({ table: name, version, from });
      const own = uses.filter(use => use.table === name);
      if (own.length > lookupUsesMax) uses.splice(uses.indexOf(own[0]!), 1);
    }
  }
}

function canRead(table: MemoryLookupTable, needs: ReadonlyMap<string, ScalarType>): boolean {
  for (const [column, type] of needs) {
    const found = findColumn(table.columns, column);
    if (found?.name !== column || !holds(type, scalarTypeOf(found.type) ?? 'any')) return false;
  }
  return true;
}

/** Columns of lookup tables that a plan reads, with the types it was made for. */
export function lookupNeeds(plan: Plan): Map<string, Map<string, ScalarType>> {
  const needs = new Map<string, Map<string, ScalarType>>();
  for (const source of plan.sources) {
    for (const { table } of source.lookups) if (!needs.has(table)) needs.set(table, new Map());
    const visit = (expression: Expression): void => {
      if (expression.kind === 'lookup') {
        needs.get(source.lookups[expression.lookup]!.table)!.set(expression.column, expression.type);
      } else if (expression.kind === 'call') expression.args.forEach(visit);
      else if (expression.kind === 'case') {
        for (const { when, value } of expression.branches) {
          visit(when);
          visit(value);
        }
        visit(expression.otherwise);
      }
    };
    for (const { table, on } of source.lookups) {
      for (const { column, expression } of on) {
        const known = needs.get(table)!;
        if (!known.has(column)) known.set(column, expression.type === 'integer' ? 'number' : expression.type);
        visit(expression);
      }
    }
    if (source.filter) visit(source.filter);
    source.groups.forEach(visit);
    for (const { args, filter } of source.aggregates) {
      args.forEach(visit);
      if (filter) visit(filter);
    }
  }
  return needs;
}

/** Whether values of the type found can stand where the plan has `planned`. */
const holds = (planned: ScalarType, found: ScalarType): boolean =>
  planned === found || planned === 'any' || (planned === 'number' && found === 'integer');
