// A stream joined with a lookup table: on equality of the table's columns with values of the event, so that each event meets the rows of
// one key. What cannot be kept so is refused.
import { scalarTypeOf, sqlTypeOf } from '../functions/cast.ts';
import { operandsOf } from '../operands.ts';
import type { Expression, Lookup } from '../plan.ts';
import type { Source } from '../refusal.ts';
import { findColumn, type SqlColumn } from '../sql/column-type.ts';
import { ExpressionBinder } from './bind-expression.ts';
import { coerced } from './coercion.ts';
import { conjunction, type Input, refuseTableForm, scopeOf } from './input.ts';
import type { ExpressionNode, TableNode } from './parse-tree.ts';

export class LookupJoin {
  private readonly source: Source;
  private readonly table: TableNode;
  private readonly name: string;
  private readonly alias: string;
  private readonly columns: readonly SqlColumn[];

  /** `meant` answers a table's own name, `lookups` the columns of one that the FROM clause may mean by a name. */
  constructor(
    source: Source,
    table: TableNode,
    meant: (name: string) => string,
    lookups: (name: string) => readonly SqlColumn[] | undefined,
  ) {
    this.source = source;
    this.table = table;
    const right = table.right!;
    const name = right.table_name ?? '';
    const position =
      this.source.fromBytes(right.query_location) ?? this.source.fromBytes(table.query_location);
    const columns = right.type === 'BASE_TABLE' ? lookups(name) : undefined;
    if (!columns) {
      this.source.refuse(
        position,
        right.type === 'BASE_TABLE'
          ? `"${name}" is no lookup table of the project, and two streams cannot be joined in a view.`
          : 'Only a lookup table can be joined.',
        'Put a CSV, JSON or Parquet file of this name into the folder lookups/ of the project, or join in SQL or in a pipeline.',
      );
    }
    const kind = table.ref_type === 'REGULAR' ? table.join_type! : table.ref_type!;
    if (kind !== 'INNER' && kind !== 'LEFT') {
      this.source.refuse(
        this.source.fromBytes(table.query_location) ?? position,
        kind === 'RIGHT' || kind === 'FULL'
          ? `Rows of ${name} that no event meets cannot be kept.`
          : `${/^[AEIOU]/.test(kind) ? 'An' : 'A'} ${kind} join cannot be kept.`,
        kind === 'ANTI'
          ? `Write LEFT JOIN ${name} ON …, and WHERE its key IS NULL.`
          : kind === 'SEMI'
            ? `Write JOIN ${name} ON …: of a key the first row counts.`
            : `Behind the stream write JOIN ${name} ON … or LEFT JOIN ${name} ON …`,
      );
    }
    refuseTableForm(this.source, right, position);
    if (right.schema_name || right.catalog_name) {
      this.source.refuse(position, 'A lookup table has no schema.', `Write JOIN ${name} ON …`);
    }
    this.name = meant(name);
    this.alias = (right.alias || name).toLowerCase();
    this.columns = columns;
  }

  /** The left side with the lookup table's columns. */
  joined(left: Input): Input {
    const { table, name, alias, columns } = this;
    const lookup = left.lookups.length;
    const join = table.join_type === 'LEFT' ? 'left' : 'inner';
    const own = (column: string): Expression => {
      const found = findColumn(columns, column)!;
      return { kind: 'lookup', lookup, column: found.name, type: scalarTypeOf(found.type) ?? 'any' };
    };
    const using = (table.using_columns ?? []).map(column => column.toLowerCase());
    const resolve = (names: readonly string[], node: ExpressionNode): Expression | undefined => {
      const position = this.source.fromBytes(node.query_location);
      if (names.length === 2 && names[0]!.toLowerCase() === alias) {
        if (findColumn(columns, names[1]!)) return own(names[1]!);
        this.source.refuse(
          position,
          `The lookup table ${name} has no column "${names[1]}".`,
          `It has ${columns.map(column => column.name).join(', ')}.`,
        );
      }
      if (names.length === 1 && findColumn(columns, names[0]!) && !using.includes(names[0]!.toLowerCase())) {
        if (left.knows(names[0]!)) {
          this.source.refuse(
            position,
            `"${names[0]}" is a column of ${left.stream} and of ${name}.`,
            `Write ${left.stream}.${names[0]} or ${alias}.${names[0]}.`,
          );
        }
        return own(names[0]!);
      }
      return left.column(names, node);
    };
    const input: Input = {
      ...left,
      named: undefined,
      knows: column => left.knows(column) || findColumn(columns, column) !== undefined,
      column: resolve,
    };
    const on: Lookup['on'] = [];
    if (using.length > 0) {
      for (const column of table.using_columns!) {
        const node: ExpressionNode = { class: 'COLUMN_REF', type: 'COLUMN_REF', column_names: [column] };
        if (!findColumn(columns, column)) {
          this.source.refuse(
            this.source.fromBytes(table.query_location),
            `The lookup table ${name} has no column "${column}".`,
            `It has ${columns.map(one => one.name).join(', ')}.`,
          );
        }
        on.push(this.condition(left.column([column], node)!, own(column) as Expression & { kind: 'lookup' }));
      }
    } else this.equalities(table.condition!, lookup, input, on);
    input.lookups = [...left.lookups, { table: name, join, on }];
    if (join === 'inner') {
      const key = own(on[0]!.column);
      input.filter = conjunction(left.filter, {
        kind: 'call',
        function: 'is not null',
        args: [key],
        type: 'boolean',
      });
    }
    return input;
  }

  private equalities(node: ExpressionNode, lookup: number, input: Input, on: Lookup['on']): void {
    if (node.class === 'CONJUNCTION' && node.type === 'CONJUNCTION_AND') {
      for (const child of node.children!) this.equalities(child, lookup, input, on);
      return;
    }
    const binder = new ExpressionBinder(this.source, scopeOf(this.source, input));
    if (node.class === 'COMPARISON' && node.type === 'COMPARE_EQUAL') {
      const sides = [binder.bind(node.left!), binder.bind(node.right!)] as const;
      for (const [key, other] of [sides, [sides[1], sides[0]] as const]) {
        if (key.kind === 'lookup' && key.lookup === lookup && !usesLookup(other, lookup)) {
          on.push(this.condition(other, key));
          return;
        }
      }
    }
    this.source.refuse(
      binder.position(node),
      'A lookup table is joined on equality of its columns with values of the event.',
      this.table.join_type === 'LEFT'
        ? `Write ON table.key = event.field [AND …], and put other conditions around what is taken of the table: CASE WHEN … THEN ${this.alias}.column END.`
        : 'Write ON table.key = event.field [AND …], and put other conditions into WHERE.',
    );
  }

  /** The event's side is read as the key's type; a value that does not spell one matches nothing. */
  private condition(other: Expression, key: Expression & { kind: 'lookup' }): Lookup['on'][number] {
    const { column, type } = key;
    const same = coerced(other, type);
    if (same) return { column, expression: same };
    if (other.kind === 'field') return { column, expression: { ...other, type } };
    const name: Expression = { kind: 'literal', type: 'text', value: sqlTypeOf(type) };
    const cast: Expression = { kind: 'call', function: 'cast', args: [other, name], type };
    return { column, expression: type === 'integer' && other.type === 'number' ? whole(other, cast) : cast };
  }
}

/** A number as a whole one where it is that: a cast rounds, and 2.5 is not the key 2. */
function whole(number: Expression, cast: Expression): Expression {
  const when: Expression = { kind: 'call', function: '=', args: [number, cast], type: 'boolean' };
  return {
    kind: 'case',
    branches: [{ when, value: cast }],
    otherwise: { kind: 'literal', type: 'integer', value: null },
    type: 'integer',
  };
}

function usesLookup(expression: Expression, lookup: number): boolean {
  if (expression.kind === 'lookup') return expression.lookup === lookup;
  return operandsOf(expression).some(operand => usesLookup(operand, lookup));
}
