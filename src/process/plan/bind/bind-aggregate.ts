// Aggregates of a SELECT: which they are, over what, with which parameters; the same one written twice is kept once.
import type { Aggregate, Expression, ScalarType } from '../plan.ts';
import type { Source } from '../refusal.ts';
import { type AggregateRule, aggregateRule, countDistinctRule, refusedAggregates } from './aggregates.ts';
import type { ExpressionBinder } from './bind-expression.ts';
import { refuseCallForm } from './call-form.ts';
import { castOf, coerced } from './coercion.ts';
import { wholeConstant } from './node-shape.ts';
import type { ExpressionNode } from './parse-tree.ts';

/** What is known of an aggregate beside the plan: its rule, the types of its arguments and of its value. */
export interface DescribedAggregate {
  rule: AggregateRule;
  types: ScalarType[];
  type: ScalarType;
  list: boolean;
}

export class AggregateBinder {
  /** For each input, its aggregates; an index means the same in all. */
  readonly aggregates: Aggregate[][];
  readonly described: DescribedAggregate[] = [];
  private readonly source: Source;
  private readonly below: readonly ExpressionBinder[];
  private readonly asItIs: (bound: Expression) => Expression;

  /** `asItIs`: a field without the type that its stream has shown so far, for what takes any value. */
  constructor(source: Source, below: readonly ExpressionBinder[], asItIs: (bound: Expression) => Expression) {
    this.source = source;
    this.below = below;
    this.asItIs = asItIs;
    this.aggregates = below.map(() => []);
  }

  private position(node: ExpressionNode): number | undefined {
    return this.below[0]!.position(node);
  }

  bind(node: ExpressionNode): Expression {
    const name = node.function_name!.toLowerCase();
    const position = this.position(node);
    refuseCallForm(this.source, node, position);
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
        `${node.function_name} is given ${children.length === 1 ? '1 argument' : `${children.length} arguments`}.`,
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
          this.bindParameter(binder, rule!.parameters![index]!, child, args[0]!, position),
        ),
      };
      const [asked] = aggregate.parameters;
      // A value that JSON has not as itself is text in the plan, so the field must say what it is.
      if (rule!.function === 'approx_frequency' && typeof asked === 'string' && args[0]!.type === 'any') {
        const { type } = binder.bind(parameterNodes[0]!);
        if (type === 'boolean' || type === 'integer') args[0] = coerced(args[0]!, type) ?? args[0]!;
      }
      if (rule!.function === 'sample' && aggregate.parameters.length === 0) aggregate.parameters = [100];
      if (node.filter) aggregate.filter = binder.bind(node.filter, 'boolean', 'FILTER');
      return aggregate;
    });
    // count of something that is never NULL is count(*), where all inputs have that.
    const isConstant = ({ args: [arg] }: Aggregate): boolean => arg?.kind === 'literal' && arg.value !== null;
    if (rule.function === 'count' && bound.every(isConstant)) for (const one of bound) one.args = [];
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
    const given = counting.has(rule.function) ? this.asItIs(binder.bind(child)) : binder.bind(child);
    // As in DuckDB: how many are true.
    const plain = rule.function === 'sum' && given.type === 'boolean' ? castOf(given, 'integer') : given;
    // Whole numbers stay whole, literals beyond 2^53 too.
    const isWhole = plain.type === 'integer' && wanted === 'number';
    const bound = isWhole ? plain : binder.coerce(plain, wanted, child, rule.names[0] ?? 'count(DISTINCT)');
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
      if (rule.function === 'arg_min' || rule.function === 'arg_max') {
        this.source.refuse(
          this.position(orders[0]!.expression) ?? this.position(node),
          `${node.function_name} is ordered by its second argument; of equal ones ${rule.function === 'arg_min' ? 'the least' : 'the greatest'} value counts.`,
          'Leave ORDER BY out of the aggregate.',
        );
      }
      // It changes nothing, but must be something.
      for (const order of orders) this.below[0]!.bind(order.expression);
      return { rule };
    }
    if (orders.length > 1) {
      this.source.refuse(this.position(orders[1]!.expression), 'Ordered by two things.', 'Order by one.');
    }
    const descending = orders[0]!.type === 'DESCENDING';
    if (orders[0]!.null_order === (rule.function === 'first' ? 'NULLS FIRST' : 'NULLS LAST')) {
      this.source.refuse(
        this.position(orders[0]!.expression) ?? this.position(node),
        `${node.function_name} leaves out events without a value to order by.`,
        `Leave ${orders[0]!.null_order} out.`,
      );
    }
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
    around: number | undefined,
  ): string | number | number[] {
    const position = this.position(node) ?? around;
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
      this.described.push(described);
    }
    return { kind: 'aggregate', index, type: described.type };
  }

  /** `approx_quantile(x, [0.5, 0.9])[1]`: one item of a list that an aggregate gives. */
  bindListItem(node: ExpressionNode, bind: (node: ExpressionNode) => Expression): Expression | undefined {
    const [list, index] = node.children!;
    const base = bind(list!);
    const at = wholeConstant(index);
    if (base.kind !== 'aggregate' || !this.described[base.index]!.list || at === undefined) {
      this.source.refuse(
        this.position(node),
        'Only an item of approx_quantile(x, […]) can be taken, by its number.',
        'Write approx_quantile(x, 0.95) for one quantile.',
      );
    }
    const aggregate = this.aggregates[0]![base.index]!;
    const fractions = aggregate.parameters[0] as number[];
    const fraction = fractions[at - 1];
    if (fraction === undefined) {
      this.source.refuse(
        this.position(index!),
        `The list has ${fractions.length} items.`,
        'Items are numbered from 1.',
      );
    }
    return this.addAggregate(
      this.aggregates.map(list => ({ ...list[base.index]!, parameters: [fraction] })),
      { ...this.described[base.index]!, type: 'number', list: false },
    );
  }
}

/** Aggregates that ask of a value only whether it is there, or which it is. */
const counting: ReadonlySet<string> = new Set(['count', 'count_distinct', 'approx_count_distinct']);

/** min and max of a field of unknown type compare numbers, unless its name says that it is a time. */
function guessOrder(field: Expression & { kind: 'field' }): ScalarType {
  return /(^|_)(time|timestamp|date|datetime|at)$|^@timestamp$/i.test(field.path.at(-1)!) ? 'time' : 'number';
}
