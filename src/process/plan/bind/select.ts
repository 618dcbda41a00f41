// The SELECT of a view as a standing query: inputs, filters, groups, aggregates, and what is computed above them.
import { findNamed } from '../../../core/folded-name.ts';
import { rowColumns, type ViewColumn } from '../../view.ts';
import { sqlTypeOf } from '../functions/cast.ts';
import { isNear } from '../near-name.ts';
import type { Expression, Plan, ScalarType, SourcePlan } from '../plan.ts';
import type { Source } from '../refusal.ts';
import { isWideValue } from '../wide-values.ts';
import { AggregateBinder } from './bind-aggregate.ts';
import { ExpressionBinder, isUnknownFunction, positionOf } from './bind-expression.ts';
import type { Catalog } from './catalog.ts';
import { columnName } from './column-name.ts';
import { conjunction, type Input, scopeOf } from './input.ts';
import {
  aggregateIndexes,
  hasAggregate,
  isAggregate,
  isTupleExtract,
  looksBeyondTheEvent,
  wholeConstant,
} from './node-shape.ts';
import type { ExpressionNode, Modifier, QueryNode } from './parse-tree.ts';
import { firstPosition, RelationBinder, withCtes } from './relation.ts';
import { expressionsOf, unresolvedCall } from './resolved-calls.ts';
import { type Place, SelectAliases } from './select-aliases.ts';

/** Most columns of a view's result. */
export const outputsMax = 200;

/** The part of a plan that the SELECT says. */
export type Selected = Pick<Plan, 'sources' | 'outputs' | 'having' | 'order' | 'limit'>;

export class SelectBinder {
  private readonly source: Source;
  private readonly options: Catalog;
  private readonly query: QueryNode;
  private inputs: Input[] = [];
  /** Binders over each input's fields: below the aggregation. */
  private below: ExpressionBinder[] = [];
  private groupNodes: ExpressionNode[] = [];
  private groups: Expression[][] = [];
  private aggregates!: AggregateBinder;
  private aliases!: SelectAliases;

  constructor(source: Source, options: Catalog, query: QueryNode) {
    this.source = source;
    this.options = options;
    this.query = query;
  }

  plan(): Selected & { positions: (number | undefined)[]; aliases: string[] } {
    const { query, source } = this;
    this.refuseShapes();
    const relations = new RelationBinder(source, this.options);
    if (!query.from_table || query.from_table.type === 'EMPTY') {
      source.refuse(firstPosition(source, query), 'A view reads a stream.', 'Write FROM and its name.');
    }
    this.inputs = relations.inputs(query.from_table, withCtes(source, query, new Map()));
    this.aliases = new SelectAliases(source, query.select_list!, this.inputs, this.options.aliases);
    this.below = this.inputs.map(input => this.binderBelow(input, 'other'));
    const filters = this.inputs.map(input => {
      const binder = this.binderBelow(input, 'where');
      const where = query.where_clause && binder.bind(query.where_clause, 'boolean', 'WHERE');
      return conjunction(input.filter, where);
    });
    this.groupNodes = this.findGroups();
    this.groups = this.below.map(binder => this.groupNodes.map(node => this.bindGroup(binder, node)));
    this.aggregates = new AggregateBinder(
      source,
      this.inputs.map(input => this.binderBelow(input)),
      bound => this.asItIs(bound),
    );
    if (this.groupNodes.length === 0 && !query.select_list!.some(looksBeyondTheEvent)) {
      // What is wrong in itself is said first.
      for (const node of query.select_list!) if (node.class !== 'STAR') this.below[0]!.bind(node);
      source.refuse(
        firstPosition(source, query),
        'A view aggregates; this SELECT keeps every event.',
        'Add aggregates such as count(*) and GROUP BY, or ask the stream itself in SQL.',
      );
    }
    const outputs = this.bindOutputs();
    const having = query.having && this.bindAbove(query.having, 'having', 'boolean', 'HAVING');
    const order = this.bindOrder(outputs);
    const limit = this.bindLimit();
    const sources: SourcePlan[] = this.inputs.map((input, index) => ({
      stream: input.stream,
      ...(input.written === undefined ? {} : { written: input.written }),
      view: input.view,
      ...(input.everyMs === undefined ? {} : { everyMs: input.everyMs }),
      lookups: input.lookups,
      ...(filters[index] ? { filter: filters[index] } : {}),
      groups: this.groups[index]!,
      aggregates: this.aggregates.aggregates[index]!,
    }));
    this.aliases.refuseUnknown();
    this.refuseUnresolved(
      sources,
      [...outputs, ...order].map(({ expression }) => expression).concat(having ?? []),
    );
    return {
      positions: this.inputs.map(input => input.position),
      aliases: [...this.aliases.taken],
      sources,
      outputs,
      ...(having ? { having } : {}),
      order,
      ...(limit === undefined ? {} : { limit }),
    };
  }

  private refuseShapes(): void {
    const { query, source } = this;
    const at = firstPosition(source, query);
    if (query.type === 'SET_OPERATION_NODE') {
      source.refuse(
        at,
        `${query.setop_type} of whole results would leave two rows for one group.`,
        'Write SELECT … FROM (SELECT … FROM a UNION ALL SELECT … FROM b) GROUP BY …',
      );
    }
    if (query.type !== 'SELECT_NODE') source.refuse(at, 'A view is one SELECT.', 'Write SELECT … FROM …');
    if ((query.group_sets?.length ?? 0) > 1) {
      source.refuse(
        this.groupPosition(),
        'Grouping sets, ROLLUP and CUBE are several groupings at once.',
        'Write one view for each grouping.',
      );
    }
    if (query.qualify) {
      source.refuse(
        this.position(query.qualify) ?? at,
        'QUALIFY filters by a function over other rows.',
        'Use ORDER BY … LIMIT for the top of each window.',
      );
    }
    if (query.sample) source.refuse(at, 'A sample differs each time.', 'Use the aggregate sample(x, n).');
    for (const modifier of query.modifiers ?? []) {
      if (modifier.type === 'DISTINCT_MODIFIER') {
        source.refuse(at, 'SELECT DISTINCT keeps no aggregate.', 'Write GROUP BY ALL instead of DISTINCT.');
      }
    }
  }

  /** No plan may hold a call that means nothing to what reads it. */
  private refuseUnresolved(sources: readonly SourcePlan[], above: readonly Expression[]): void {
    const call = [...sources.flatMap(expressionsOf), ...above].map(unresolvedCall).find(one => one);
    if (call === undefined) return;
    this.source.refuse(
      firstPosition(this.source, this.query),
      `${call.function}(${call.args.map(({ type }) => type).join(', ')}) does not exist.`,
      'CAST the arguments.',
    );
  }

  private get groupsAll(): boolean {
    return this.query.aggregate_handling === 'FORCE_AGGREGATES';
  }

  private groupPosition(): number | undefined {
    const first = this.query.group_expressions?.[0];
    return first && this.position(first);
  }

  private position(node: ExpressionNode): number | undefined {
    return positionOf(this.source, node);
  }

  /** Binds over an input's fields; without a place inside of an aggregate, where no alias is known. */
  private binderBelow(input: Input, place?: Place): ExpressionBinder {
    return new ExpressionBinder(this.source, {
      ...scopeOf(this.source, input),
      intercept: (node, bind) => this.interceptBelow(node, place, bind),
    });
  }

  private interceptBelow(
    node: ExpressionNode,
    place: Place | undefined,
    bind: (node: ExpressionNode) => Expression,
  ): Expression | undefined {
    if (node.class === 'FUNCTION' && isAggregate(node)) {
      this.source.refuse(
        this.source.fromBytes(node.query_location),
        `${node.function_name === 'count_star' ? 'count(*)' : node.function_name} is an aggregate and cannot stand here.`,
        'Put conditions on aggregates into HAVING; aggregates of aggregates into a view over this view.',
      );
    }
    const item = place && this.aliases.meant(node, place);
    return item && this.aliases.within(item, () => bind(item));
  }

  private findGroups(): ExpressionNode[] {
    const { query, source } = this;
    const items = query.select_list!;
    if (this.groupsAll) {
      return items.filter(node => !this.aliases.reachesAggregate(node) && node.class !== 'CONSTANT');
    }
    return (query.group_expressions ?? []).map((node): ExpressionNode => {
      if (node.class !== 'CONSTANT') return node;
      const index = wholeConstant(node);
      if (index === undefined) {
        const text = node.value?.type.id === 'VARCHAR' ? String(node.value.value) : undefined;
        return source.refuse(
          this.position(node),
          `GROUP BY ${columnName(node)}: this is the same for every event.`,
          text && this.aliases.find(text)
            ? `Write GROUP BY ${text}.`
            : 'Name a column or its position, or leave it out.',
        );
      }
      const item = items[index - 1];
      if (item === undefined) {
        return source.refuse(
          this.position(node),
          `GROUP BY ${index}: there are ${items.length} columns.`,
          'Name a column or its position.',
        );
      }
      if (hasAggregate(item)) {
        source.refuse(
          this.position(node),
          `GROUP BY ${index}: column ${index} is an aggregate.`,
          'Group by a column without one.',
        );
      }
      return item;
    });
  }

  private bindGroup(binder: ExpressionBinder, node: ExpressionNode): Expression {
    const bound = this.aliases.within(node, () => binder.bind(node));
    if (bound.type === 'interval') {
      this.source.refuse(
        this.position(node),
        'An interval cannot be grouped by.',
        'Write epoch(…), which is in seconds.',
      );
    }
    return this.asItIs(bound);
  }

  /**
   * A field is grouped by, and counted, as it is, whatever type its stream has shown so far: a value of another type is a group of its
   * own, and not lost. Several inputs agree on a type instead.
   */
  private asItIs(bound: Expression): Expression {
    if (bound.kind !== 'field' || this.inputs.length !== 1) return bound;
    return this.inputs[0]!.shown?.(bound.path) === bound.type ? { ...bound, type: 'any' } : bound;
  }

  private bindOutputs(): Plan['outputs'] {
    const { source, query } = this;
    const items = query.select_list!;
    if (items.length > outputsMax) {
      source.refuse(this.position(items[outputsMax]!), `More than ${outputsMax} columns.`, 'Split the view.');
    }
    const outputs: Plan['outputs'] = [];
    for (const node of items) {
      const expression = this.aliases.within(node, () => this.bindAbove(node, 'other'));
      if (expression.type === 'interval') {
        source.refuse(
          this.position(node),
          'An interval cannot be a result.',
          'Write epoch(…), which is in seconds.',
        );
      }
      const name = this.outputName(node, expression);
      if (rowColumns.has(name.toLowerCase())) {
        source.refuse(
          this.position(node),
          `Rows of a view have a column "${name}" of their own.`,
          `Give it another name: … AS event_${name.replace(/^_/, '')}.`,
        );
      }
      if (outputs.some(output => output.name.toLowerCase() === name.toLowerCase())) {
        source.refuse(
          this.position(node),
          `Two columns are named "${name}".`,
          'Give one of them an AS name.',
        );
      }
      outputs.push({ name, expression, column: this.viewColumn(name, expression) });
    }
    return outputs;
  }

  /** DuckDB's name; a bare column has the spelling that the stream knows it by. */
  private outputName(node: ExpressionNode, expression: Expression): string {
    const group = expression.kind === 'group' ? this.groups[0]![expression.index]! : undefined;
    const name = columnName(node);
    if (node.alias || node.class !== 'COLUMN_REF' || group?.kind !== 'field') return name;
    const known = group.path.at(-1)!;
    return known.toLowerCase() === name.toLowerCase() ? known : name;
  }

  private viewColumn(name: string, expression: Expression): ViewColumn {
    const role = expression.kind === 'group' ? 'group' : 'value';
    const column: ViewColumn = { name, type: this.sqlType(expression), role };
    const approximate = aggregateIndexes(expression)
      .map(index => this.aggregates.described[index]!.rule.approximate)
      .find(text => text !== undefined);
    if (approximate) column.approximate = approximate;
    return column;
  }

  private sqlType(expression: Expression): string {
    if (expression.kind === 'aggregate') return this.aggregateType(expression.index);
    const isWide = isWideValue(expression, index => this.aggregateType(index) === 'HUGEINT');
    return isWide ? 'HUGEINT' : sqlTypeOf(expression.type);
  }

  private aggregateType(index: number): string {
    const { rule, types, list } = this.aggregates.described[index]!;
    return rule.sqlType(types, list);
  }

  /** Binds above the aggregation: groups and aggregates are the columns there. */
  private bindAbove(node: ExpressionNode, place: Place, wanted?: ScalarType, what = 'This'): Expression {
    const binder = new ExpressionBinder(this.source, {
      column: (names, at) => {
        this.refuseSlip(names);
        const near = this.nearResult(names);
        return this.source.refuse(
          this.position(at),
          `"${names.join('.')}" is neither grouped by nor inside an aggregate.`,
          near === undefined
            ? `Add it to GROUP BY, or write first(${names.at(-1)}), last(…), max(…).`
            : `Did you mean ${near}? If not, add it to GROUP BY, or write first(${names.at(-1)}).`,
        );
      },
      intercept: (inner, bind) => this.interceptAbove(inner, place, bind),
      nested: expression => {
        const type = expression.kind === 'aggregate' ? this.sqlType(expression) : '';
        return /\]$|^(MAP|STRUCT)\b/.test(type) ? type : undefined;
      },
    });
    return binder.bind(node, wanted, what);
  }

  /** What is grouped by, or named in the SELECT, that an unknown name is but for a slip. */
  private nearResult(names: readonly string[]): string | undefined {
    const [meant] = names;
    if (names.length !== 1 || this.inputs[0]!.knows(meant!)) return undefined;
    const known = [...this.groupNodes, ...this.query.select_list!].flatMap(node => [
      ...(node.alias ? [node.alias] : []),
      ...(node.class === 'COLUMN_REF' && node.column_names!.length === 1 ? node.column_names! : []),
    ]);
    return known.find(name => name !== meant && name.length > 2 && isNear(name, meant!));
  }

  /** A group by a field that is not known and is nearly the column that was not grouped by: a slip there, most likely. */
  private refuseSlip(names: readonly string[]): void {
    const [meant] = names;
    if (names.length !== 1 || !this.inputs[0]!.knows(meant!)) return;
    const slip = this.groupNodes.find(({ class: kind, column_names: [name = '', ...rest] = [] }) => {
      return (
        kind === 'COLUMN_REF' && rest.length === 0 && !this.inputs[0]!.knows(name) && isNear(meant!, name)
      );
    });
    if (!slip) return;
    this.source.refuse(
      this.position(slip),
      `GROUP BY ${slip.column_names![0]}: the SELECT has "${meant}", and no event had a field of this name.`,
      `Write GROUP BY ${meant}.`,
    );
  }

  private interceptAbove(
    node: ExpressionNode,
    place: Place,
    bind: (node: ExpressionNode) => Expression,
  ): Expression | undefined {
    if (node.class === 'FUNCTION' && isAggregate(node)) return this.aggregates.bind(node);
    if (node.class === 'CONSTANT') return undefined;
    if (node.class === 'FUNCTION' && isUnknownFunction(node.function_name!)) {
      this.below[0]!.refuseUnknown(node.function_name!, node);
    }
    if (isTupleExtract(node) && hasAggregate(node)) return this.aggregates.bindListItem(node, bind);
    const aliased = (): Expression | undefined => {
      const item = this.aliases.meant(node, place);
      return item && this.aliases.within(item, () => bind(item));
    };
    // As in DuckDB: the groups of GROUP BY ALL have no names but those of the SELECT.
    if (place === 'having' && this.groupsAll) return aliased() ?? this.grouped(node);
    return this.grouped(node) ?? aliased();
  }

  private grouped(node: ExpressionNode): Expression | undefined {
    const index = hasAggregate(node) ? -1 : this.groupIndex(node);
    return index < 0 ? undefined : { kind: 'group', index, type: this.groups[0]![index]!.type };
  }

  private groupIndex(node: ExpressionNode): number {
    const same = this.groupNodes.indexOf(node);
    if (same >= 0) return same;
    if (this.groups[0]!.length === 0) return -1;
    let bound: Expression;
    try {
      bound = this.asItIs(this.below[0]!.bind(node));
    } catch {
      return -1;
    }
    const text = JSON.stringify(bound);
    return this.groups[0]!.findIndex(group => JSON.stringify(group) === text);
  }

  private bindOrder(outputs: Plan['outputs']): Plan['order'] {
    const modifier = this.query.modifiers?.find(({ type }) => type === 'ORDER_MODIFIER');
    return (modifier?.orders ?? []).flatMap(({ expression: node, type, null_order }) => {
      // ORDER BY ALL: by each column in turn.
      const isAll = node.class === 'STAR' && node.columns && !node.expr;
      const by = isAll ? outputs.map(({ expression }) => expression) : [this.bindOrderItem(node, outputs)];
      return by.map(expression => ({
        expression,
        descending: type === 'DESCENDING',
        nullsFirst: null_order === 'NULLS FIRST',
      }));
    });
  }

  private bindOrderItem(node: ExpressionNode, outputs: Plan['outputs']): Expression {
    if (node.class === 'CONSTANT') {
      const output = outputs[(wholeConstant(node) ?? 0) - 1];
      if (output) return output.expression;
      this.source.refuse(
        this.position(node),
        `ORDER BY ${columnName(node)}: there are ${outputs.length} columns.`,
        'Name a column or its position.',
      );
    }
    if (node.class === 'COLUMN_REF' && node.column_names!.length === 1) {
      const output = findNamed(outputs, node.column_names![0]!);
      if (output) return output.expression;
    }
    return this.bindAbove(node, 'other');
  }

  private bindLimit(): number | undefined {
    const modifiers = this.query.modifiers ?? [];
    const percent = modifiers.find(({ type }) => type === 'LIMIT_PERCENT_MODIFIER');
    if (percent) {
      this.source.refuse(
        this.limitPosition(percent),
        'LIMIT in percent is not supported.',
        'Write a number of rows.',
      );
    }
    const modifier = modifiers.find(({ type }) => type === 'LIMIT_MODIFIER');
    if (!modifier) return undefined;
    if (modifier.offset) {
      this.source.refuse(
        this.position(modifier.offset),
        'OFFSET hides the top of each window.',
        'Leave it out; a panel or a query can page.',
      );
    }
    const count = wholeConstant(modifier.limit);
    if (count === undefined || count < 1) {
      this.source.refuse(
        this.limitPosition(modifier),
        'LIMIT takes a whole number of rows, 1 or more.',
        'Write for instance LIMIT 10.',
      );
    }
    if (!modifiers.some(({ type }) => type === 'ORDER_MODIFIER')) {
      this.source.refuse(
        this.limitPosition(modifier),
        'LIMIT without ORDER BY keeps arbitrary rows.',
        'Say which: ORDER BY count(*) DESC LIMIT 10.',
      );
    }
    return count;
  }

  private limitPosition(modifier: Modifier): number | undefined {
    return modifier.limit && this.position(modifier.limit);
  }
}
