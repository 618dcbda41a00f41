// From a view's file to its plan. DuckDB parses the SQL; this file decides what the SELECT means as a standing query and
// refuses, with place, reason and a suggestion, what cannot be kept incrementally in bounded memory.
import { murmur128Text } from '../../core/hash.ts';
import type { ViewColumn, ViewDefinition } from '../view.ts';
import { type AggregateRule, aggregateRule, countDistinctRule, refusedAggregates } from './aggregates.ts';
import { coerced, ExpressionBinder } from './bind-expression.ts';
import { columnName } from './column-name.ts';
import { sqlTypeOf } from './functions/cast.ts';
import { scalarFunction } from './functions/registry.ts';
import type { ExpressionNode, Modifier, ParseResult, QueryNode } from './parse-tree.ts';
import type { Aggregate, Expression, Plan, ScalarType, SourcePlan } from './plan.ts';
import { Source } from './refusal.ts';
import { type Catalog, firstPosition, type Input, RelationBinder, withCtes } from './relation.ts';
import { parseViewFile } from './view-file.ts';

export interface PlanOptions extends Catalog {
  /** DuckDB's `json_serialize_sql` of the text, parsed from JSON or not. */
  parseSql: (sql: string) => Promise<string | ParseResult>;
}

/** Longest text of a view, and most columns of its result. */
export const viewTextMax = 100_000;
export const outputsMax = 200;

/**
 * The plan of a view. Throws `view-syntax` (400) for text that is not SQL or a wrong header, `view-refused` (400) for SQL that
 * cannot be kept; both with context {view, position, line, column, reason}.
 */
export async function planView(definition: ViewDefinition, options: PlanOptions): Promise<Plan> {
  const source = new Source(definition.name, definition.text);
  if (definition.text.length > viewTextMax) {
    source.refuse(viewTextMax, `The text is longer than ${viewTextMax} characters.`, 'Split the view.');
  }
  const header = parseViewFile(definition.name, definition.text);
  const parsed = await options.parseSql(definition.text);
  const query = statement(source, typeof parsed === 'string' ? (JSON.parse(parsed) as ParseResult) : parsed);
  const select = new SelectBinder(source, options, query).plan();
  if (header.window.kind === 'session') {
    for (const by of header.window.by) {
      const output = select.outputs.find(({ name }) => name.toLowerCase() === by.toLowerCase());
      if (output?.expression.kind !== 'group') {
        source.refuse(
          header.positions['session'],
          `Sessions by "${by}" need it in GROUP BY and in the SELECT list.`,
          `Add ${by} to both.`,
        );
      }
    }
    header.window.by = header.window.by.map(
      by => select.outputs.find(({ name }) => name.toLowerCase() === by.toLowerCase())!.name,
    );
  }
  const { positions: _, ...window } = header;
  const meaning = { window: header.window, maxGroups: header.maxGroups, ...select };
  return {
    name: definition.name,
    version: hashOf(meaning),
    sql: definition.text,
    ...window,
    ...select,
  };
}

function hashOf(meaning: unknown): string {
  const { h1High, h1Low } = murmur128Text(JSON.stringify(meaning));
  return [h1High, h1Low].map(word => (word >>> 0).toString(16).padStart(8, '0')).join('');
}

function statement(source: Source, parsed: ParseResult): QueryNode {
  if (parsed.error) {
    const message = parsed.error_message ?? 'The SQL does not parse.';
    if (parsed.error_type === 'not implemented') {
      source.refuse(
        selectStart(source.text),
        'A view is one SELECT.',
        'Write SELECT … FROM a stream GROUP BY …',
      );
    }
    // DuckDB counts characters here.
    const position =
      parsed.position === undefined
        ? undefined
        : [...source.text].slice(0, Number(parsed.position)).join('').length;
    source.syntax(position, capital(message), 'Mend the SQL; the workbench shows it with the same parser.');
  }
  const statements = parsed.statements ?? [];
  if (statements.length === 0) {
    source.syntax(source.text.length, 'The file has no SELECT.', 'Write SELECT … FROM a stream GROUP BY …');
  }
  if (statements.length > 1) {
    source.refuse(
      firstPosition(source, statements[1]!.node),
      'A view is one SELECT, and this is a second statement.',
      'Put it into a file of its own.',
    );
  }
  return statements[0]!.node;
}

const capital = (text: string) =>
  `${text[0]!.toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`;

function selectStart(text: string): number {
  const match = /^(\s*--[^\n]*\n|\s)*/.exec(text);
  return match![0].length;
}

type Selected = Pick<Plan, 'sources' | 'outputs' | 'having' | 'order' | 'limit'>;

class SelectBinder {
  private readonly source: Source;
  private readonly options: PlanOptions;
  private readonly query: QueryNode;
  private inputs: Input[] = [];
  /** Binders over each input's fields: below the aggregation. */
  private below: ExpressionBinder[] = [];
  private groupNodes: ExpressionNode[] = [];
  private groups: Expression[][] = [];
  private aggregates: Aggregate[][] = [];
  private aggregateTypes: { rule: AggregateRule; types: ScalarType[]; type: ScalarType; list: boolean }[] =
    [];
  private bindingAlias = new Set<string>();

  constructor(source: Source, options: PlanOptions, query: QueryNode) {
    this.source = source;
    this.options = options;
    this.query = query;
  }

  plan(): Selected {
    const { query, source } = this;
    this.refuseShapes();
    const relations = new RelationBinder(source, this.options);
    this.inputs = relations.inputs(query.from_table, withCtes(query, new Map()));
    this.below = this.inputs.map(
      input =>
        new ExpressionBinder(source, {
          ...relations.scopeOf(input),
          intercept: (node, bind) => this.interceptBelow(node, input, bind),
        }),
    );
    const filters = this.inputs.map((input, index) => {
      const where = query.where_clause && this.below[index]!.bind(query.where_clause, 'boolean', 'WHERE');
      if (!where) return input.filter;
      return input.filter
        ? ({ kind: 'call', function: 'and', args: [input.filter, where], type: 'boolean' } as Expression)
        : where;
    });
    this.groupNodes = this.findGroups();
    this.groups = this.below.map(binder => this.groupNodes.map(node => this.bindGroup(binder, node)));
    this.aggregates = this.inputs.map(() => []);
    const outputs = this.bindOutputs();
    const having = query.having && this.bindAbove(query.having, 'boolean', 'HAVING');
    const order = this.bindOrder(outputs);
    const limit = this.bindLimit();
    if (this.groups[0]!.length === 0 && this.aggregates[0]!.length === 0) {
      source.refuse(
        firstPosition(source, query),
        'A view aggregates; this SELECT keeps every event.',
        'Add aggregates such as count(*) and GROUP BY, or ask the stream itself in SQL.',
      );
    }
    const sources: SourcePlan[] = this.inputs.map((input, index) => ({
      stream: input.stream,
      view: input.view,
      lookups: input.lookups,
      ...(filters[index] ? { filter: filters[index] } : {}),
      groups: this.groups[index]!,
      aggregates: this.aggregates[index]!,
    }));
    return {
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

  private groupPosition(): number | undefined {
    const first = this.query.group_expressions?.[0];
    return first && this.position(first);
  }

  private position(node: ExpressionNode): number | undefined {
    return (this.below[0] ?? new ExpressionBinder(this.source, { column: () => unreachable() })).position(
      node,
    );
  }

  private selectItem(alias: string): ExpressionNode | undefined {
    return this.query.select_list!.find(node => node.alias?.toLowerCase() === alias.toLowerCase());
  }

  /** The select item that a bare name means: an alias, unless the stream is known to have the column or it is its own. */
  private aliased(node: ExpressionNode, input: Input): ExpressionNode | undefined {
    if (node.class !== 'COLUMN_REF' || node.column_names!.length !== 1) return undefined;
    const name = node.column_names![0]!;
    const item = this.selectItem(name);
    if (!item || item === node || this.bindingAlias.has(name.toLowerCase())) return undefined;
    if (input.knows(name) || mentions(item, name)) return undefined;
    return item;
  }

  private interceptBelow(
    node: ExpressionNode,
    input: Input,
    bind: (node: ExpressionNode) => Expression,
  ): Expression | undefined {
    if (node.class === 'FUNCTION' && isAggregate(node)) {
      this.source.refuse(
        this.source.fromBytes(node.query_location),
        `${node.function_name} is an aggregate and cannot stand here.`,
        'Put conditions on aggregates into HAVING; aggregates of aggregates into a view over this view.',
      );
    }
    const item = this.aliased(node, input);
    return item && this.withAlias(node.column_names![0]!, () => bind(item));
  }

  private withAlias<T>(name: string, run: () => T): T {
    const key = name.toLowerCase();
    this.bindingAlias.add(key);
    try {
      return run();
    } finally {
      this.bindingAlias.delete(key);
    }
  }

  private findGroups(): ExpressionNode[] {
    const { query, source } = this;
    const items = query.select_list!;
    if (query.aggregate_handling === 'FORCE_AGGREGATES') {
      return items.filter(node => !hasAggregate(node) && node.class !== 'CONSTANT');
    }
    return (query.group_expressions ?? []).map((node): ExpressionNode => {
      if (node.class !== 'CONSTANT') return node;
      const index = Number(node.value?.value);
      const item = Number.isInteger(index) ? items[index - 1] : undefined;
      if (item === undefined) {
        return source.refuse(
          this.position(node),
          `GROUP BY ${node.value?.value}: there are ${items.length} columns.`,
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
    const bound = node.alias ? this.withAlias(node.alias, () => binder.bind(node)) : binder.bind(node);
    if (bound.type === 'interval') {
      this.source.refuse(
        this.position(node),
        'An interval cannot be grouped by.',
        'Write epoch(…), which is in seconds.',
      );
    }
    return bound;
  }

  private bindOutputs(): Plan['outputs'] {
    const { source, query } = this;
    const items = query.select_list!;
    if (items.length > outputsMax) {
      source.refuse(this.position(items[outputsMax]!), `More than ${outputsMax} columns.`, 'Split the view.');
    }
    const outputs: Plan['outputs'] = [];
    for (const node of items) {
      const expression = node.alias
        ? this.withAlias(node.alias, () => this.bindAbove(node))
        : this.bindAbove(node);
      if (expression.type === 'interval') {
        source.refuse(
          this.position(node),
          'An interval cannot be a result.',
          'Write epoch(…), which is in seconds.',
        );
      }
      const name = columnName(node);
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

  private viewColumn(name: string, expression: Expression): ViewColumn {
    const role = expression.kind === 'group' ? 'group' : 'value';
    const column: ViewColumn = { name, type: this.sqlType(expression), role };
    const approximate = aggregateIndexes(expression)
      .map(index => this.aggregateTypes[index]!.rule.approximate)
      .find(text => text !== undefined);
    if (approximate) column.approximate = approximate;
    return column;
  }

  private sqlType(expression: Expression): string {
    if (expression.kind === 'aggregate') {
      const { rule, types, list } = this.aggregateTypes[expression.index]!;
      return rule.sqlType(types, list);
    }
    return sqlTypeOf(expression.type);
  }

  /** Binds above the aggregation: groups and aggregates are the columns there. */
  private bindAbove(node: ExpressionNode, wanted?: ScalarType, what = 'This'): Expression {
    const binder = new ExpressionBinder(this.source, {
      column: (names, at) =>
        this.source.refuse(
          this.position(at),
          `"${names.join('.')}" is neither grouped by nor inside an aggregate.`,
          `Add it to GROUP BY, or write first(${names.at(-1)}), last(…), max(…).`,
        ),
      intercept: (inner, bind) => this.interceptAbove(inner, bind),
    });
    return binder.bind(node, wanted, what);
  }

  private interceptAbove(
    node: ExpressionNode,
    bind: (node: ExpressionNode) => Expression,
  ): Expression | undefined {
    if (node.class === 'FUNCTION' && isAggregate(node)) return this.bindAggregate(node);
    if (node.class === 'CONSTANT') return undefined;
    if (isTupleExtract(node)) return this.bindListItem(node, bind);
    if (!hasAggregate(node)) {
      const index = this.groupIndex(node);
      if (index >= 0) return { kind: 'group', index, type: this.groups[0]![index]!.type };
    }
    const item = this.aliased(node, this.inputs[0]!);
    return item && this.withAlias(node.column_names![0]!, () => bind(item));
  }

  private groupIndex(node: ExpressionNode): number {
    const same = this.groupNodes.indexOf(node);
    if (same >= 0) return same;
    if (this.groups[0]!.length === 0) return -1;
    let bound: Expression;
    try {
      bound = this.below[0]!.bind(node);
    } catch {
      return -1;
    }
    const text = JSON.stringify(bound);
    return this.groups[0]!.findIndex(group => JSON.stringify(group) === text);
  }

  /** `approx_quantile(x, [0.5, 0.9])[1]`: one item of a list that an aggregate gives. */
  private bindListItem(
    node: ExpressionNode,
    bind: (node: ExpressionNode) => Expression,
  ): Expression | undefined {
    const [list, index] = node.children!;
    if (!hasAggregate(list!)) return undefined;
    const base = bind(list!);
    const at = index!.value?.value;
    if (base.kind !== 'aggregate' || !this.aggregateTypes[base.index]!.list || !Number.isInteger(at)) {
      this.source.refuse(
        this.position(node),
        'Only an item of approx_quantile(x, […]) can be taken, by its number.',
        'Write approx_quantile(x, 0.95) for one quantile.',
      );
    }
    const aggregate = this.aggregates[0]![base.index]!;
    const fractions = aggregate.parameters[0] as number[];
    const fraction = fractions[(at as number) - 1];
    if (fraction === undefined) {
      this.source.refuse(
        this.position(index!),
        `The list has ${fractions.length} items.`,
        'Items are numbered from 1.',
      );
    }
    return this.addAggregate(
      this.aggregates.map(list => ({ ...list[base.index]!, parameters: [fraction] })),
      { ...this.aggregateTypes[base.index]!, type: 'number', list: false },
    );
  }

  private bindAggregate(node: ExpressionNode): Expression {
    const name = node.function_name!.toLowerCase();
    const position = this.position(node);
    const children = [...(node.children ?? [])];
    let rule = aggregateRule(name);
    if (!rule) {
      this.source.refuse(
        position,
        `${node.function_name} cannot be kept incrementally.`,
        refusedAggregates[name] ?? 'See docs/views.md for the aggregates of views.',
      );
    }
    if (node.distinct && !rule.distinctIsSame) {
      if (rule.function !== 'count' || children.length === 0) {
        this.source.refuse(
          position,
          `${node.function_name}(DISTINCT …) needs every value of the window.`,
          'count(DISTINCT x) and approx_count_distinct(x) can be kept.',
        );
      }
      rule = countDistinctRule;
    }
    const spelled = this.ordered(node, rule, children);
    rule = spelled.rule;
    const required = rule.parameters?.length ?? 0;
    const isCountStar = rule.function === 'count' && children.length === 0;
    const least = isCountStar ? 0 : rule.args.length + required - (rule.optional ?? 0);
    if (children.length < least || children.length > rule.args.length + required) {
      const takes = [...rule.args.map((_, index) => 'xyz'[index]!), ...(rule.parameters ?? [])];
      this.source.refuse(
        position,
        `${node.function_name} is given ${children.length} arguments.`,
        rule.function === 'count_distinct'
          ? "Join several values to one: count(DISTINCT concat_ws('|', a, b))."
          : `Write ${rule.names[0]}(${takes.join(', ')}).`,
      );
    }
    const argNodes = children.slice(0, rule.args.length);
    const parameterNodes = children.slice(rule.args.length);
    const bound: Aggregate[] = this.below.map(binder => {
      const args = argNodes.map((child, index) => this.bindArgument(binder, rule!, child, index));
      const aggregate: Aggregate = {
        function: rule!.function,
        args,
        parameters: parameterNodes.map((child, index) =>
          this.bindParameter(binder, rule!.parameters![index]!, child, args[0]!),
        ),
      };
      if (rule!.function === 'sample' && aggregate.parameters.length === 0) aggregate.parameters = [100];
      if (node.filter) aggregate.filter = binder.bind(node.filter, 'boolean', 'FILTER');
      // count of something that is never NULL is count(*).
      if (rule!.function === 'count' && args[0]?.kind === 'literal' && args[0].value !== null)
        aggregate.args = [];
      return aggregate;
    });
    const types = bound[0]!.args.map(arg => arg.type);
    const list = Array.isArray(bound[0]!.parameters[0]) && rule.function === 'approx_quantile';
    return this.addAggregate(bound, { rule, types, type: list ? 'any' : rule.type(types), list });
  }

  private bindArgument(
    binder: ExpressionBinder,
    rule: AggregateRule,
    child: ExpressionNode,
    index: number,
  ): Expression {
    const wanted = rule.args[index]!;
    const bound = binder.bind(child, wanted, rule.names[0] ?? 'count(DISTINCT)');
    if (bound.type === 'interval') {
      this.source.refuse(
        this.position(child),
        'An interval cannot be aggregated.',
        'Write epoch(…), in seconds.',
      );
    }
    // What is ordered by must be one kind of value.
    const ordering =
      rule.function === 'arg_min' || rule.function === 'arg_max'
        ? index === 1
        : ['min', 'max'].includes(rule.function);
    if (ordering && bound.type === 'any')
      return coerced(bound, bound.kind === 'field' ? guessOrder(bound) : 'number') ?? bound;
    return bound;
  }

  /** `first(x ORDER BY y)` as arg_min, and ORDER BY where it changes nothing. */
  private ordered(
    node: ExpressionNode,
    rule: AggregateRule,
    children: ExpressionNode[],
  ): { rule: AggregateRule } {
    const orders = node.order_bys?.orders ?? [];
    if (orders.length === 0) return { rule };
    if (rule.function !== 'first' && rule.function !== 'last') {
      if (['list', 'sample', 'approx_quantile'].includes(rule.function)) {
        this.source.refuse(
          this.position(node),
          `${node.function_name} has no order.`,
          'Leave ORDER BY out of the aggregate.',
        );
      }
      return { rule };
    }
    if (orders.length > 1) {
      this.source.refuse(this.position(orders[1]!.expression), 'Ordered by two things.', 'Order by one.');
    }
    const descending = orders[0]!.type === 'DESCENDING';
    const by = this.below[0]!.bind(orders[0]!.expression);
    const smallest = (rule.function === 'first') !== descending;
    if (by.kind === 'event-time') return { rule: aggregateRule(smallest ? 'first' : 'last')! };
    children.push(orders[0]!.expression);
    return { rule: aggregateRule(smallest ? 'arg_min' : 'arg_max')! };
  }

  private bindParameter(
    binder: ExpressionBinder,
    kind: 'fraction' | 'count' | 'value' | 'bounds',
    node: ExpressionNode,
    subject: Expression,
  ): string | number | number[] {
    const position = this.position(node);
    const isList = node.class === 'FUNCTION' && node.function_name === 'list_value';
    const numbers = (isList ? (node.children ?? []) : [node]).map(child => {
      const bound = binder.bind(child);
      if (bound.kind !== 'literal' || bound.value === null) {
        this.source.refuse(
          this.position(child) ?? position,
          'This must be a literal.',
          'Write the value itself.',
        );
      }
      return bound;
    });
    const values = numbers.map(bound => Number(bound.value));
    if (kind === 'value') {
      const [bound] = numbers;
      if (isList) this.source.refuse(position, 'One value is asked for.', 'Write one aggregate for each.');
      const typed = subject.type === 'any' ? bound! : (coerced(bound!, subject.type) ?? bound!);
      const value = (typed as { value: string | number | boolean }).value;
      return typeof value === 'boolean' ? String(value) : value;
    }
    if (kind === 'count') {
      if (isList || !Number.isInteger(values[0]) || values[0]! < 1 || values[0]! > 10_000) {
        this.source.refuse(
          position,
          'This must be a whole number from 1 to 10,000.',
          'Write for instance 10.',
        );
      }
      return values[0]!;
    }
    if (kind === 'fraction') {
      if (values.length === 0 || values.length > 100 || values.some(value => !(value >= 0 && value <= 1))) {
        this.source.refuse(
          position,
          'Quantiles are fractions from 0 to 1.',
          'Write 0.5, or [0.5, 0.95, 0.99].',
        );
      }
      return isList ? values : values[0]!;
    }
    if (
      !isList ||
      values.length === 0 ||
      values.length > 1000 ||
      values.some((value, index) => !(value > (values[index - 1] ?? -Infinity)))
    ) {
      this.source.refuse(
        position,
        'The bounds of a histogram are a growing list of numbers.',
        'Write histogram(x, [10, 100, 1000]).',
      );
    }
    return values;
  }

  private addAggregate(
    bound: Aggregate[],
    described: { rule: AggregateRule; types: ScalarType[]; type: ScalarType; list: boolean },
  ): Expression {
    const texts = bound.map(aggregate => JSON.stringify(aggregate));
    let index = this.aggregates[0]!.findIndex((_, at) =>
      this.aggregates.every((list, input) => JSON.stringify(list[at]) === texts[input]),
    );
    if (index < 0) {
      index = this.aggregates[0]!.length;
      for (const [input, aggregate] of bound.entries()) this.aggregates[input]!.push(aggregate);
      this.aggregateTypes.push(described);
    }
    return { kind: 'aggregate', index, type: described.type };
  }

  private bindOrder(outputs: Plan['outputs']): Plan['order'] {
    const modifier = this.query.modifiers?.find(({ type }) => type === 'ORDER_MODIFIER');
    return (modifier?.orders ?? []).map(order => {
      const node = order.expression;
      let expression: Expression | undefined;
      if (node.class === 'CONSTANT') {
        expression = outputs[Number(node.value?.value) - 1]?.expression;
        if (!expression) {
          this.source.refuse(
            this.position(node),
            `ORDER BY ${node.value?.value}: there are ${outputs.length} columns.`,
            'Name a column or its position.',
          );
        }
      } else if (node.class === 'COLUMN_REF' && node.column_names!.length === 1) {
        const name = node.column_names![0]!.toLowerCase();
        expression = outputs.find(output => output.name.toLowerCase() === name)?.expression;
      }
      return {
        expression: expression ?? this.bindAbove(node),
        descending: order.type === 'DESCENDING',
        nullsFirst: order.null_order === 'NULLS FIRST',
      };
    });
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
    const count = modifier.limit?.value?.value;
    if (!Number.isInteger(count) || (count as number) < 1) {
      this.source.refuse(
        this.limitPosition(modifier),
        'LIMIT takes a number of rows.',
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
    return count as number;
  }

  private limitPosition(modifier: Modifier): number | undefined {
    return modifier.limit && this.position(modifier.limit);
  }
}

/** min and max of a field of unknown type compare numbers, unless its name says that it is a time. */
function guessOrder(field: Expression & { kind: 'field' }): ScalarType {
  return /(^|_)(time|timestamp|date|datetime|at)$|^@timestamp$/i.test(field.path.at(-1)!) ? 'time' : 'number';
}

function isAggregate(node: ExpressionNode): boolean {
  const name = node.function_name!.toLowerCase();
  if (node.is_operator || (scalarFunction(name) && !node.distinct && !node.filter)) return false;
  return (
    aggregateRule(name) !== undefined || name in refusedAggregates || node.distinct === true || !!node.filter
  );
}

function isTupleExtract(node: ExpressionNode): boolean {
  return (
    node.type === 'ARRAY_EXTRACT' ||
    node.function_name === 'list_extract' ||
    node.function_name === 'array_extract'
  );
}

function parts(node: ExpressionNode): ExpressionNode[] {
  const checks = (node.case_checks ?? []).flatMap(check => [check.when_expr, check.then_expr]);
  return [
    node.left,
    node.right,
    node.child,
    node.input,
    node.lower,
    node.upper,
    node.else_expr,
    ...checks,
    ...(node.children ?? []),
  ].filter(part => part !== undefined);
}

function hasAggregate(node: ExpressionNode): boolean {
  if (node.class === 'FUNCTION' && isAggregate(node)) return true;
  return parts(node).some(hasAggregate);
}

function mentions(node: ExpressionNode, name: string): boolean {
  if (node.class === 'COLUMN_REF' && node.column_names![0]!.toLowerCase() === name.toLowerCase()) return true;
  return parts(node).some(part => mentions(part, name));
}

function aggregateIndexes(expression: Expression): number[] {
  if (expression.kind === 'aggregate') return [expression.index];
  if (expression.kind === 'call') return expression.args.flatMap(aggregateIndexes);
  if (expression.kind === 'case') {
    const inner = expression.branches.flatMap(({ when, value }) => [when, value]);
    return [...inner, expression.otherwise].flatMap(aggregateIndexes);
  }
  return [];
}

function unreachable(): never {
  throw new Error('a position needs no column');
}
