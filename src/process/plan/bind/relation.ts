// What stands behind FROM: streams, views, lookup tables, UNION ALL of them, and subqueries or CTEs that only rename and
// filter. Each becomes a list of inputs, one for every stream, whose columns are expressions over the stream's own fields.
import { parseDuration } from '../../../core/duration.ts';
import { scalarTypeOf, sqlTypeOf } from '../functions/cast.ts';
import { commonType } from '../functions/comparison.ts';
import type { Expression, Lookup, ScalarType } from '../plan.ts';
import type { Source } from '../refusal.ts';
import { findColumn, locate, type SqlColumn } from '../sql/column-type.ts';
import { ExpressionBinder } from './bind-expression.ts';
import { coerced } from './coercion.ts';
import { columnName } from './column-name.ts';
import { type KnownView, viewAndResolution } from './over-view.ts';
import type { ExpressionNode, QueryNode, TableNode } from './parse-tree.ts';

/** What is known about names, from whoever asks for the plan. */
export interface Catalog {
  /** The columns learned of a stream so far; undefined or empty: nothing is known, and uses decide the types. */
  schema?: (stream: string) => readonly SqlColumn[] | undefined;
  /** The columns of a lookup table; undefined: there is no such table. */
  lookups?: (table: string) => readonly SqlColumn[] | undefined;
  /** A view by its name; undefined: there is no such view. */
  views?: (view: string) => KnownView | undefined;
}

/** One stream under FROM. */
export interface Input {
  stream: string;
  view: boolean;
  /** The resolution of the view that was asked for. */
  everyMs?: number;
  /** Where it stands in the text. */
  position?: number;
  lookups: Lookup[];
  filter?: Expression;
  /** The column of a name, or undefined where this input has none of it. */
  column(names: readonly string[], node: ExpressionNode): Expression | undefined;
  /** Whether the name is known to be a column (by schema, not by guess). */
  knows(name: string): boolean;
  /** The type that the stream has shown for a field so far. */
  shown?(path: readonly string[]): ScalarType | undefined;
  /** The columns by position where they are known: of a subquery with a list. */
  columns?: { name: string; expression: Expression }[];
}

const inputsMax = 32;
/** What a view's rows have beside its result. */
const windowColumns: readonly SqlColumn[] = [
  { name: 'window_start', type: 'TIMESTAMP' },
  { name: 'window_end', type: 'TIMESTAMP' },
];

const isTime = (path: readonly string[]): boolean => path.length === 1 && path[0]!.toLowerCase() === '_time';

function resolutionOf(source: Source, position: number | undefined, every: string): number {
  try {
    return parseDuration(every);
  } catch {
    return source.refuse(position, `"${every}" is no resolution.`, 'Write for instance FROM "requests@1m".');
  }
}

export class RelationBinder {
  private readonly source: Source;
  private readonly catalog: Catalog;

  constructor(source: Source, catalog: Catalog) {
    this.source = source;
    this.catalog = catalog;
  }

  /** The inputs of a FROM clause. */
  inputs(table: TableNode | undefined, ctes: ReadonlyMap<string, QueryNode>): Input[] {
    const position = this.source.fromBytes(table?.query_location);
    if (table?.sample) {
      this.source.refuse(position, 'A table sample differs each time.', 'Use the aggregate sample(x, n).');
    }
    switch (table?.type) {
      case 'BASE_TABLE': {
        const cte = ctes.get(table.table_name!.toLowerCase());
        if (cte) return this.named(this.ofQuery(cte, without(ctes, table.table_name!)), table);
        return [this.stream(table)];
      }
      case 'SUBQUERY':
        return this.named(this.ofQuery(table.subquery!.node, ctes), table);
      case 'JOIN':
        return this.join(table, ctes);
      case undefined:
      case 'EMPTY':
        return this.source.refuse(position ?? 0, 'A view reads a stream.', 'Write FROM and its name.');
      default:
        return this.source.refuse(
          position,
          `${table!.type.toLowerCase().replaceAll('_', ' ')} is not something a view can follow.`,
          'Read a stream, another view, or a stream joined with a lookup table of the project folder.',
        );
    }
  }

  /** The inputs of a subquery without aggregates. */
  ofQuery(query: QueryNode, outer: ReadonlyMap<string, QueryNode>): Input[] {
    const ctes = withCtes(query, outer);
    if (query.type === 'SET_OPERATION_NODE') return this.union(query, ctes);
    const first = query.select_list?.[0];
    const position = first && this.source.fromBytes(first.query_location);
    if (query.type !== 'SELECT_NODE') {
      this.source.refuse(position, 'This kind of query is not supported in views.', 'Write a SELECT.');
    }
    const aggregates =
      query.group_expressions?.length || query.having || query.aggregate_handling === 'FORCE_AGGREGATES';
    if (aggregates || query.modifiers?.length || query.qualify || query.sample) {
      this.source.refuse(
        position,
        'A subquery of a view can only rename, compute and filter.',
        'Make the inner query a view of its own and select from it.',
      );
    }
    return this.inputs(query.from_table, ctes).map(input => this.project(query, input));
  }

  private project(query: QueryNode, input: Input): Input {
    const binder = new ExpressionBinder(this.source, this.scopeOf(input));
    const columns: { name: string; expression: Expression }[] = [];
    let star = false;
    for (const node of query.select_list!) {
      if (node.class === 'STAR') {
        if (node.exclude_list?.length || node.replace_list?.length || query.select_list!.length > 1) {
          this.source.refuse(
            binder.position(node),
            '* with other columns, EXCLUDE or REPLACE hides what a stream may grow to have.',
            'Name the columns, or write * alone.',
          );
        }
        star = true;
      } else columns.push({ name: columnName(node), expression: binder.bind(node) });
    }
    const filter = query.where_clause && binder.bind(query.where_clause, 'boolean', 'WHERE');
    const result: Input = { ...input, filter: conjunction(input.filter, filter) };
    if (star) return result;
    const byName = new Map(columns.map(column => [column.name.toLowerCase(), column.expression]));
    result.columns = columns;
    result.knows = name => byName.has(name.toLowerCase()) || name.toLowerCase() === '_time';
    result.column = names => byPath(byName, names);
    return result;
  }

  private union(query: QueryNode, ctes: ReadonlyMap<string, QueryNode>): Input[] {
    if (query.setop_type !== 'UNION' || !query.setop_all) {
      this.source.refuse(
        firstPosition(this.source, query),
        `${query.setop_type}${query.setop_all ? ' ALL' : ''} compares whole streams.`,
        'UNION ALL of streams can be kept.',
      );
    }
    if (query.modifiers?.length) {
      this.source.refuse(
        firstPosition(this.source, query),
        'A subquery of a view can only rename, compute and filter.',
        'Put ORDER BY and LIMIT outside.',
      );
    }
    const inputs = [...this.ofQuery(query.left!, ctes), ...this.ofQuery(query.right!, ctes)];
    if (inputs.length > inputsMax) {
      this.source.refuse(
        firstPosition(this.source, query),
        `More than ${inputsMax} streams.`,
        'Collect them into one stream.',
      );
    }
    const lists = inputs.map(input => input.columns);
    if (lists.every(list => list === undefined)) return inputs;
    const names = lists[0]?.map(column => column.name);
    if (!names || lists.some(list => list?.length !== names.length)) {
      this.source.refuse(
        firstPosition(this.source, query),
        'The parts of a UNION ALL have different columns.',
        'Name the same number of columns in each part.',
      );
    }
    // A column has one type in all parts; a field of unknown type takes it.
    const types = names.map((_, index) => commonOf(lists.map(list => list![index]!.expression)));
    return inputs.map((input, at) => {
      const columns = names.map((name, index) => {
        const own = lists[at]![index]!.expression;
        return { name, expression: coerced(own, types[index]!) ?? own };
      });
      const byName = new Map(columns.map(column => [column.name.toLowerCase(), column.expression]));
      return { ...input, columns, column: (path: readonly string[]) => byPath(byName, path) };
    });
  }

  private stream(table: TableNode): Input {
    const name = table.table_name!;
    const position = this.source.fromBytes(table.query_location);
    if (table.schema_name || table.catalog_name) {
      this.source.refuse(position, 'A stream has no schema.', `Write FROM "${name}".`);
    }
    if (this.catalog.lookups?.(name)) {
      this.source.refuse(
        position,
        `"${name}" is a lookup table, which has no time.`,
        `Write FROM a stream JOIN ${name} ON …`,
      );
    }
    if (name === this.source.name) {
      this.source.refuse(position, 'A view cannot read itself.', 'Name a stream or another view.');
    }
    const { base, every } = viewAndResolution(name);
    const view = this.catalog.views?.(name) ?? (every ? this.catalog.views?.(base) : undefined);
    const isAt = view !== undefined && this.catalog.views?.(name) === undefined;
    const viewColumns = view && [...view.columns, ...windowColumns];
    const columns = viewColumns ?? this.catalog.schema?.(name) ?? [];
    const alias = (table.alias ?? name).toLowerCase();
    const field = (path: readonly string[], node?: ExpressionNode): Expression => {
      if (viewColumns && !isTime(path) && !findColumn(viewColumns, path[0]!)) {
        this.source.refuse(
          this.source.fromBytes(node?.query_location) ?? position,
          `The view "${base}" has no column "${path[0]}".`,
          `It has ${viewColumns.map(column => column.name).join(', ')}.`,
        );
      }
      if (path.length === 1 && path[0]!.toLowerCase() === '_time')
        return { kind: 'event-time', type: 'time' };
      const found = locate(columns, path);
      const steps = found ? [...found.steps, ...found.rest] : [...path];
      const spelled = found && steps.length === path.length ? steps : [...path];
      return { kind: 'field', path: spelled, type: (found && scalarTypeOf(found.type)) ?? 'any' };
    };
    return {
      stream: isAt ? base : name,
      view: view !== undefined,
      ...(isAt ? { everyMs: resolutionOf(this.source, position, every!) } : {}),
      ...(position === undefined ? {} : { position }),
      lookups: [],
      knows: column => findColumn(columns, column) !== undefined || column.toLowerCase() === '_time',
      ...(view
        ? {}
        : {
            shown: (path: readonly string[]) => {
              const found = locate(columns, path);
              return found && scalarTypeOf(found.type);
            },
          }),
      column: (names, node) => {
        if (names.length > 1 && names[0]!.toLowerCase() === alias && !findColumn(columns, names[0]!)) {
          return field(names.slice(1), node);
        }
        return field(names, node);
      },
    };
  }

  private named(inputs: Input[], table: TableNode): Input[] {
    const alias = (table.alias ?? table.table_name)?.toLowerCase();
    if (table.column_name_alias?.length) {
      this.source.refuse(
        this.source.fromBytes(table.query_location),
        'Column names after a table alias are not supported in views.',
        'Name the columns with AS in the subquery.',
      );
    }
    return inputs.map(input => ({
      ...input,
      column: (names, node) =>
        names.length > 1 && names[0]!.toLowerCase() === alias
          ? input.column(names.slice(1), node)
          : input.column(names, node),
    }));
  }

  private join(table: TableNode, ctes: ReadonlyMap<string, QueryNode>): Input[] {
    const right = table.right!;
    const name = right.table_name ?? '';
    const position =
      this.source.fromBytes(right.query_location) ?? this.source.fromBytes(table.query_location);
    const columns =
      right.type === 'BASE_TABLE' && !ctes.has(name.toLowerCase()) ? this.catalog.lookups?.(name) : undefined;
    if (!columns) {
      this.source.refuse(
        position,
        right.type === 'BASE_TABLE'
          ? `"${name}" is no lookup table of the project, and two streams cannot be joined in a view.`
          : 'Only a lookup table can be joined.',
        'Put a CSV, JSON or Parquet file of this name into the folder lookups/ of the project, or join in SQL or in a pipeline.',
      );
    }
    if (table.ref_type !== 'REGULAR' || (table.join_type !== 'INNER' && table.join_type !== 'LEFT')) {
      this.source.refuse(
        this.source.fromBytes(table.query_location) ?? position,
        `A ${table.ref_type === 'REGULAR' ? table.join_type : table.ref_type} join cannot be kept.`,
        `Write JOIN ${name} ON … or LEFT JOIN ${name} ON …`,
      );
    }
    const alias = (right.alias ?? name).toLowerCase();
    return this.inputs(table.left, ctes).map(left => this.joinOne(table, left, name, alias, columns));
  }

  private joinOne(
    table: TableNode,
    left: Input,
    name: string,
    alias: string,
    columns: readonly SqlColumn[],
  ): Input {
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
    const binder = new ExpressionBinder(this.source, this.scopeOf(input));
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
      'Write ON table.key = event.field [AND …], and put other conditions into WHERE.',
    );
  }

  /** The event's side is read as the key's type; a value that does not spell one matches nothing. */
  private condition(other: Expression, key: Expression & { kind: 'lookup' }): Lookup['on'][number] {
    const { column, type } = key;
    const same = coerced(other, type);
    if (same) return { column, expression: same };
    if (other.kind === 'field') return { column, expression: { ...other, type } };
    const name: Expression = { kind: 'literal', type: 'text', value: sqlTypeOf(type) };
    return { column, expression: { kind: 'call', function: 'cast', args: [other, name], type } };
  }

  scopeOf(input: Input) {
    return {
      column: (names: readonly string[], node: ExpressionNode): Expression =>
        input.column(names, node) ??
        this.source.refuse(
          this.source.fromBytes(node.query_location),
          `There is no column "${names.join('.')}" in this subquery.`,
          `It has ${input.columns?.map(column => column.name).join(', ') ?? 'other columns'}.`,
        ),
    };
  }
}

function byPath(columns: ReadonlyMap<string, Expression>, names: readonly string[]): Expression | undefined {
  const [first, ...rest] = names;
  const found = columns.get(first!.toLowerCase());
  // The event's own time stays reachable through a subquery.
  if (!found && names.length === 1 && first!.toLowerCase() === '_time')
    return { kind: 'event-time', type: 'time' };
  if (!found || rest.length === 0) return found;
  return found.kind === 'field' ? { ...found, path: [...found.path, ...rest] } : undefined;
}

function commonOf(expressions: readonly Expression[]): ScalarType {
  const known = expressions.map(expression => expression.type).filter(type => type !== 'any');
  return commonType(known);
}

function usesLookup(expression: Expression, lookup: number): boolean {
  if (expression.kind === 'lookup') return expression.lookup === lookup;
  if (expression.kind === 'call') return expression.args.some(arg => usesLookup(arg, lookup));
  return false;
}

export function conjunction(a: Expression | undefined, b: Expression | undefined): Expression | undefined {
  if (!a || !b) return a ?? b;
  return { kind: 'call', function: 'and', args: [a, b], type: 'boolean' };
}

export function withCtes(
  query: QueryNode,
  outer: ReadonlyMap<string, QueryNode>,
): ReadonlyMap<string, QueryNode> {
  const own = query.cte_map?.map ?? [];
  return new Map([...outer, ...own.map(({ key, value }) => [key.toLowerCase(), value.query.node] as const)]);
}

function without(ctes: ReadonlyMap<string, QueryNode>, name: string): ReadonlyMap<string, QueryNode> {
  return new Map([...ctes].filter(([key]) => key !== name.toLowerCase()));
}

export function firstPosition(source: Source, query: QueryNode): number | undefined {
  const node = query.type === 'SET_OPERATION_NODE' ? query.left : undefined;
  if (node) return firstPosition(source, node);
  const first = query.select_list?.[0];
  return first && source.fromBytes(first.query_location);
}
