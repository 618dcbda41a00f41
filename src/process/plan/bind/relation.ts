// What stands behind FROM: streams, views, lookup tables, UNION ALL of them, and subqueries or CTEs that only rename and
// filter. Each becomes a list of inputs, one for every stream, whose columns are expressions over the stream's own fields.
import type { Expression, ScalarType } from '../plan.ts';
import type { Source } from '../refusal.ts';
import { ExpressionBinder } from './bind-expression.ts';
import type { Catalog } from './catalog.ts';
import { converted } from './coercion.ts';
import { columnName } from './column-name.ts';
import { byPath, conjunction, type Input, refuseTableForm, scopeOf } from './input.ts';
import { LookupJoin } from './lookup-join.ts';
import { hasAggregate, isPlainStar } from './node-shape.ts';
import type { QueryNode, TableNode } from './parse-tree.ts';
import { streamInput } from './stream-input.ts';

const inputsMax = 32;
/** What a join is called that is written from the other side; others are the same. */
const otherSide: Record<string, string> = { LEFT: 'RIGHT', RIGHT: 'LEFT' };

export class RelationBinder {
  private readonly source: Source;
  private readonly catalog: Catalog;

  constructor(source: Source, catalog: Catalog) {
    this.source = source;
    this.catalog = catalog;
  }

  /** The inputs of a FROM clause; `around` is the place of what it belongs to. */
  inputs(table: TableNode | undefined, ctes: ReadonlyMap<string, QueryNode>, around?: number): Input[] {
    const position = this.source.fromBytes(table?.query_location) ?? around;
    if (table?.type !== undefined) refuseTableForm(this.source, table, position);
    switch (table?.type) {
      case 'BASE_TABLE': {
        const isPlain = !table.schema_name && !table.catalog_name;
        const cte = isPlain ? ctes.get(table.table_name!.toLowerCase()) : undefined;
        if (cte) return this.named(this.ofQuery(cte, without(ctes, table.table_name!)), table);
        return [streamInput(this.source, this.catalog, table)];
      }
      case 'SUBQUERY':
        return this.named(this.ofQuery(table.subquery!.node, ctes), table);
      case 'JOIN':
        return this.join(table, ctes);
      case undefined:
      case 'EMPTY':
        return this.source.refuse(position, 'A view reads a stream.', 'Write FROM and its name.');
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
    const ctes = withCtes(this.source, query, outer);
    if (query.type === 'SET_OPERATION_NODE') return this.union(query, ctes);
    const first = query.select_list?.[0];
    const position = first && this.source.fromBytes(first.query_location);
    if (query.type === 'RECURSIVE_CTE_NODE') {
      const recursive = this.source.text.slice(this.source.start).search(/\brecursive\b/i);
      this.source.refuse(
        recursive < 0 ? undefined : this.source.start + recursive,
        'WITH RECURSIVE reads its own result.',
        'Write WITH, and a SELECT that reads a stream.',
      );
    }
    if (query.type !== 'SELECT_NODE') {
      this.source.refuse(position, 'This kind of query is not supported in views.', 'Write a SELECT.');
    }
    const aggregates =
      query.group_expressions?.length ||
      query.having ||
      query.aggregate_handling === 'FORCE_AGGREGATES' ||
      query.select_list!.some(hasAggregate);
    if (aggregates || query.modifiers?.length || query.qualify || query.sample) {
      this.source.refuse(
        position,
        'A subquery of a view can only rename, compute and filter.',
        'Make the inner query a view of its own and select from it.',
      );
    }
    return this.inputs(query.from_table, ctes, position).map(input => this.project(query, input));
  }

  private project(query: QueryNode, input: Input): Input {
    const binder = new ExpressionBinder(this.source, scopeOf(this.source, input));
    const columns: { name: string; expression: Expression }[] = [];
    let star = false;
    for (const node of query.select_list!) {
      if (node.class === 'STAR') {
        if (!isPlainStar(node) || query.select_list!.length > 1) {
          this.source.refuse(
            binder.position(node),
            '* with other columns, EXCLUDE, REPLACE or RENAME hides what a stream may grow to have.',
            'Name the columns, or write * alone.',
          );
        }
        if (node.relation_name && node.relation_name.toLowerCase() !== input.named) {
          this.source.refuse(
            binder.position(node),
            `${node.relation_name}.* is not all that stands under FROM.`,
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
    result.isOpen = false;
    result.knows = name => byName.has(name.toLowerCase()) || name.toLowerCase() === '_time';
    result.column = names => byPath(byName, names);
    return result;
  }

  /** The parts of a UNION ALL, however it is nested. */
  private parts(query: QueryNode, ctes: ReadonlyMap<string, QueryNode>): Input[] {
    if (query.type !== 'SET_OPERATION_NODE') return this.ofQuery(query, ctes);
    const isUnion = query.setop_type === 'UNION' || query.setop_type === 'UNION_BY_NAME';
    if (!isUnion || !query.setop_all) {
      this.source.refuse(
        firstPosition(this.source, query),
        `${query.setop_type!.replaceAll('_', ' ')}${query.setop_all ? ' ALL' : ''} compares whole streams.`,
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
    const all = [...this.parts(query.left!, ctes), ...this.parts(query.right!, ctes)];
    return query.setop_type === 'UNION_BY_NAME' ? this.byName(query, all) : all;
  }

  /** The parts with the columns of all of them, in the order in which they are first named: what a part lacks is NULL there. */
  private byName(query: QueryNode, inputs: Input[]): Input[] {
    if (inputs.every(({ columns }) => columns === undefined)) return inputs;
    const names = new Map<string, string>();
    for (const { columns } of inputs) {
      if (columns === undefined) {
        this.source.refuse(
          firstPosition(this.source, query),
          '* in one part of a UNION ALL BY NAME and names in another.',
          'Name the columns in each part.',
        );
      }
      for (const { name } of columns) if (!names.has(name.toLowerCase())) names.set(name.toLowerCase(), name);
    }
    return inputs.map(input => {
      const own = new Map(input.columns!.map(column => [column.name.toLowerCase(), column.expression]));
      const columns = [...names].map(([key, name]) => ({
        name,
        expression: own.get(key) ?? ({ kind: 'literal', type: 'any', value: null } satisfies Expression),
      }));
      return { ...input, columns };
    });
  }

  private union(query: QueryNode, ctes: ReadonlyMap<string, QueryNode>): Input[] {
    const inputs = this.parts(query, ctes);
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
    const types = names.map((name, index) => {
      const own = lists.map(list => list![index]!.expression.type);
      const type = unionType(own);
      if (type !== undefined) return type;
      return this.source.refuse(
        firstPosition(this.source, query),
        `The parts of a UNION ALL have different types in "${name}": ${[...new Set(own)].join(', ')}.`,
        'CAST them to one type.',
      );
    });
    return inputs.map((input, at) => {
      const columns = names.map((name, index) => ({
        name,
        expression: converted(lists[at]![index]!.expression, types[index]!),
      }));
      const byName = new Map(columns.map(column => [column.name.toLowerCase(), column.expression]));
      return { ...input, columns, column: (path: readonly string[]) => byPath(byName, path) };
    });
  }

  private named(inputs: Input[], table: TableNode): Input[] {
    const alias = (table.alias || table.table_name)?.toLowerCase();
    return inputs.map(input => ({
      ...input,
      named: alias,
      column: (names, node) =>
        names.length > 1 && names[0]!.toLowerCase() === alias
          ? input.column(names.slice(1), node)
          : input.column(names, node),
    }));
  }

  private join(table: TableNode, ctes: ReadonlyMap<string, QueryNode>): Input[] {
    const meant = (name: string): string => this.catalog.meant?.(name) ?? name;
    const lookups = (name: string) =>
      ctes.has(name.toLowerCase()) ? undefined : this.catalog.lookups?.(meant(name));
    const isLookup = (side: TableNode | undefined): boolean =>
      side?.type === 'BASE_TABLE' && !side.schema_name && lookups(side.table_name!) !== undefined;
    const isTurned = isLookup(table.left) && !isLookup(table.right);
    const type = table.join_type!;
    const turned = isTurned
      ? { ...table, left: table.right!, right: table.left!, join_type: otherSide[type] ?? type }
      : table;
    const join = new LookupJoin(this.source, turned, meant, lookups);
    return this.inputs(turned.left, ctes).map(left => join.joined(left));
  }
}

/** DuckDB's type of a column whose parts have these; undefined where it has none. */
function unionType(types: readonly ScalarType[]): ScalarType | undefined {
  const known = new Set(types.filter(type => type !== 'any'));
  const isAmong = (...some: ScalarType[]): boolean => [...known].every(type => some.includes(type));
  if (known.size <= 1) return [...known][0] ?? 'any';
  if (known.has('text')) return 'text';
  if (isAmong('boolean', 'integer', 'number')) return known.has('number') ? 'number' : 'integer';
  return isAmong('time', 'date') ? 'time' : undefined;
}

export function withCtes(
  source: Source,
  query: QueryNode,
  outer: ReadonlyMap<string, QueryNode>,
): ReadonlyMap<string, QueryNode> {
  const own = query.cte_map?.map ?? [];
  const renamed = own.find(({ value }) => value.aliases?.length);
  if (renamed) {
    const [name] = renamed.value.aliases!;
    // DuckDB does not say where it stands.
    const listed = /[\w"]+\s*\([^()]*\)\s*as\b/i.exec(source.text.slice(source.start));
    source.refuse(
      listed ? source.start + listed.index : undefined,
      `Column names after the name of a CTE are not supported in views.`,
      `Name the columns with AS in the subquery: WITH ${renamed.key} AS (SELECT … AS ${name}).`,
    );
  }
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
