// From SQL to the plan of a projection. DuckDB parses; what needs other events (aggregates, GROUP BY, ORDER BY …) is refused
// with place, reason and a suggestion, in the way of views.

import { eventTimeFields } from '../../core/event-time.ts';
import { ExpressionBinder, positionOf } from '../plan/bind/bind-expression.ts';
import { columnName } from '../plan/bind/column-name.ts';
import { conjunction, type Input, scopeOf } from '../plan/bind/input.ts';
import { isAggregate, isPlainStar, mentions } from '../plan/bind/node-shape.ts';
import type { ExpressionNode, ParseResult, QueryNode } from '../plan/bind/parse-tree.ts';
import { firstPosition, RelationBinder, withCtes } from '../plan/bind/relation.ts';
import { outputsMax } from '../plan/bind/select.ts';
import { sqlTypeOf } from '../plan/functions/cast.ts';
import { hashOf, type PlanOptions, statement, viewTextMax } from '../plan/parse.ts';
import type { Expression } from '../plan/plan.ts';
import { Source } from '../plan/refusal.ts';
import type { ViewDefinition } from '../view.ts';
import type { ProjectionPlan, ProjectionSource, ProjectionValue } from './projection-plan.ts';

/**
 * The plan of a projection. Comments before the SELECT are the caller's. Throws `view-syntax` (400) for text that is no SQL and
 * `view-refused` (400) for SQL that is no projection; both with context {view: the name, position, line, column, reason}.
 */
export async function planProjection(
  definition: ViewDefinition,
  options: Omit<PlanOptions, 'views'>,
): Promise<ProjectionPlan> {
  const { name, text } = definition;
  const source = new Source(name, text);
  if (text.length > viewTextMax) {
    source.refuse(viewTextMax, `The text is longer than ${viewTextMax} characters.`, 'Split the SELECT.');
  }
  const parsed = await options.parseSql(text);
  const query = statement(source, typeof parsed === 'string' ? (JSON.parse(parsed) as ParseResult) : parsed);
  const selected = new ProjectionBinder(source, options, query).plan();
  return { name, version: hashOf(selected), sql: text, ...selected };
}

interface Item {
  name: string;
  node: ExpressionNode | undefined;
  expression?: Expression;
}

class ProjectionBinder {
  private readonly source: Source;
  private readonly options: Omit<PlanOptions, 'views'>;
  private readonly query: QueryNode;
  private readonly binding = new Set<string>();

  constructor(source: Source, options: Omit<PlanOptions, 'views'>, query: QueryNode) {
    this.source = source;
    this.options = options;
    this.query = query;
  }

  plan(): Omit<ProjectionPlan, 'name' | 'version' | 'sql'> {
    const { query, source } = this;
    this.refuseShapes();
    if (!query.from_table || query.from_table.type === 'EMPTY') {
      source.refuse(
        firstPosition(source, query),
        'This SELECT reads no stream.',
        'Write FROM and the name of a stream.',
      );
    }
    const relations = new RelationBinder(source, this.options);
    const inputs = relations.inputs(query.from_table, withCtes(source, query, new Map()));
    const lists = inputs.map(input => this.items(input));
    const { hasAll, items: first } = lists[0]!;
    if (lists.some(list => list.hasAll !== hasAll || list.items.length !== first.length)) {
      source.refuse(
        firstPosition(source, query),
        'The parts of the UNION ALL have different columns.',
        'Name the columns in each part.',
      );
    }
    const columns: ProjectionPlan['columns'] = [];
    const sources = inputs.map((input, at): ProjectionSource => {
      const binder = this.binderOf(input);
      const where = query.where_clause && binder.bind(query.where_clause, 'boolean', 'WHERE');
      const filter = conjunction(input.filter, where);
      const values = lists[at]!.items.map(item => {
        const expression = item.expression ?? this.bindItem(binder, item);
        if (at === 0) columns.push(this.column(item, expression, input, columns));
        return projected(expression, item, input);
      });
      return { stream: input.stream, lookups: input.lookups, ...(filter ? { filter } : {}), values };
    });
    const at = columns.findIndex(({ name }) => name === eventTimeFields[0]);
    const timed = sources.every(({ values }) => {
      const value = values[at];
      return value?.kind === 'computed' && value.expression.kind === 'event-time';
    });
    return { hasAll, columns, sources, keepsTime: hasAll || timed };
  }

  private refuseShapes(): void {
    const { query, source } = this;
    const at = firstPosition(source, query);
    if (query.type === 'SET_OPERATION_NODE') {
      source.refuse(
        at,
        `${query.setop_type} stands around whole queries here.`,
        'Write SELECT … FROM (SELECT … FROM a UNION ALL SELECT … FROM b).',
      );
    }
    if (query.type !== 'SELECT_NODE') source.refuse(at, 'This is no SELECT.', 'Write SELECT … FROM …');
    const needsOthers =
      query.group_expressions?.length || query.having || query.aggregate_handling === 'FORCE_AGGREGATES';
    if (needsOthers) {
      source.refuse(at, 'GROUP BY and HAVING put events together.', 'Make it a view, which keeps windows.');
    }
    if (query.modifiers?.length || query.qualify || query.sample) {
      source.refuse(
        at,
        'DISTINCT, ORDER BY, LIMIT, QUALIFY and samples look at other events.',
        'Leave them out: every event is taken by itself, in the order of the stream.',
      );
    }
  }

  /** The select list over one input: * over a list of columns is these columns, over a stream it is whole events. */
  private items(input: Input): { hasAll: boolean; items: Item[] } {
    const { source, query } = this;
    let hasAll = false;
    const items: Item[] = [];
    for (const node of query.select_list!) {
      if (node.class !== 'STAR') items.push({ name: columnName(node), node });
      else if (!isPlainStar(node)) {
        source.refuse(
          positionOf(source, node),
          'EXCLUDE, REPLACE and RENAME are not supported here.',
          'A column named beside * takes the place of the event’s own: SELECT *, lower(path) AS path.',
        );
      } else if (node.relation_name && node.relation_name.toLowerCase() !== input.named) {
        source.refuse(
          positionOf(source, node),
          `${node.relation_name}.* is not all that stands under FROM.`,
          'Name the columns, or write *.',
        );
      } else if (input.columns) {
        items.push(...input.columns.map(({ name, expression }) => ({ name, node: undefined, expression })));
      } else hasAll = true;
    }
    if (items.length > outputsMax) {
      source.refuse(firstPosition(source, query), `More than ${outputsMax} columns.`, 'Name fewer.');
    }
    return { hasAll, items };
  }

  private binderOf(input: Input): ExpressionBinder {
    return new ExpressionBinder(this.source, {
      ...scopeOf(this.source, input),
      intercept: (node, bind) => {
        if (node.class === 'FUNCTION' && isAggregate(node)) {
          this.source.refuse(
            this.source.fromBytes(node.query_location),
            `${node.function_name} is an aggregate, and here every event is taken by itself.`,
            'Make it a view, which keeps windows.',
          );
        }
        return this.aliased(node, input, bind);
      },
    });
  }

  /** A bare name that is an alias of the select list, unless the stream is known to have it or it is the item's own. */
  private aliased(
    node: ExpressionNode,
    input: Input,
    bind: (node: ExpressionNode) => Expression,
  ): Expression | undefined {
    if (node.class !== 'COLUMN_REF' || node.column_names!.length !== 1) return undefined;
    const name = node.column_names![0]!;
    const key = name.toLowerCase();
    const item = this.query.select_list!.find(({ alias }) => alias?.toLowerCase() === key);
    if (!item || item === node || this.binding.has(key)) return undefined;
    if (input.knows(name) || mentions(item, name)) return undefined;
    return this.within(name, () => bind(item));
  }

  private within<T>(name: string, run: () => T): T {
    const key = name.toLowerCase();
    this.binding.add(key);
    try {
      return run();
    } finally {
      this.binding.delete(key);
    }
  }

  private bindItem(binder: ExpressionBinder, item: Item): Expression {
    const { node } = item;
    return node!.alias ? this.within(node!.alias, () => binder.bind(node!)) : binder.bind(node!);
  }

  private column(
    item: Item,
    expression: Expression,
    input: Input,
    known: ProjectionPlan['columns'],
  ): ProjectionPlan['columns'][number] {
    const position = item.node && positionOf(this.source, item.node);
    if (expression.type === 'interval') {
      this.source.refuse(position, 'An interval cannot be a result.', 'Write epoch(…), which is in seconds.');
    }
    let { name } = item;
    // A bare column has the spelling that the stream knows it by.
    const spelled = expression.kind === 'field' && !item.node?.alias ? expression.path.at(-1)! : name;
    if (spelled.toLowerCase() === name.toLowerCase()) name = spelled;
    if (known.some(other => other.name.toLowerCase() === name.toLowerCase())) {
      this.source.refuse(position, `Two columns are named "${name}".`, 'Give one of them an AS name.');
    }
    const asIs = projected(expression, item, input).kind === 'as-is';
    return { name, type: asIs && expression.type === 'any' ? 'JSON' : sqlTypeOf(expression.type) };
  }
}

/** A field of the stream named by itself is passed on as it is; where a cast or a UNION ALL gave it a type, it is read as that. */
function projected(expression: Expression, { node }: Item, input: Input): ProjectionValue {
  const isNamed = node?.class === 'COLUMN_REF' && input.columns === undefined;
  if (expression.kind === 'field' && (isNamed || expression.type === 'any')) {
    return { kind: 'as-is', path: expression.path };
  }
  return { kind: 'computed', expression };
}
