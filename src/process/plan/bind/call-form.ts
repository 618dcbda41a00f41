// How a call is written beside its arguments: what changes its meaning and cannot be followed is refused here, so that nothing of the
// text is passed over.
import type { Source } from '../refusal.ts';
import type { ExpressionNode } from './parse-tree.ts';

/** DuckDB's own functions; the parser writes `main` by itself. */
const ownSchemas = new Set(['', 'main', 'pg_catalog']);

/** Refuses what no function of views takes: `x.f()`, a schema, names of arguments, states. */
export function refuseCallForm(source: Source, node: ExpressionNode, position: number | undefined): void {
  const name = node.function_name === 'count_star' ? 'count' : node.function_name!;
  const { schema = '', catalog = '' } = node;
  if (catalog || !ownSchemas.has(schema.toLowerCase())) {
    source.refuse(
      position,
      `${[catalog, schema, name].filter(Boolean).join('.')}(…): a function of views stands in no schema and behind no value.`,
      `Write ${name}(${schema}${node.children?.length ? ', …' : ''}), or ${name}(…).`,
    );
  }
  if (node.export_state) {
    source.refuse(
      position,
      'EXPORT_STATE gives the inside of an aggregate.',
      'Leave it out; a view merges by itself.',
    );
  }
  const named = node.is_operator ? undefined : node.children?.find(child => child.alias);
  if (named) {
    source.refuse(
      position,
      `Arguments have no names in views, and one of ${name} is named "${named.alias}".`,
      'Write the values in their order.',
    );
  }
}

/** Refuses what only aggregates take. */
export function refuseAggregateForm(
  source: Source,
  node: ExpressionNode,
  position: number | undefined,
): void {
  const form = node.distinct
    ? 'DISTINCT'
    : node.filter
      ? 'FILTER'
      : node.order_bys?.orders?.length
        ? 'ORDER BY'
        : undefined;
  if (form === undefined) return;
  source.refuse(
    position,
    `${node.function_name} is no aggregate and takes no ${form}.`,
    'Leave it out, or put it into an aggregate around: sum(…) FILTER (WHERE …).',
  );
}
