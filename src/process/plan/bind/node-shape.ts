// Questions about nodes of the parse tree, and about bound expressions, that need no binding.
import { scalarFunction } from '../functions/registry.ts';
import { operandsOf } from '../operands.ts';
import type { Expression } from '../plan.ts';
import { aggregateRule, refusedAggregates } from './aggregates.ts';
import type { ExpressionNode } from './parse-tree.ts';

export function isAggregate(node: ExpressionNode): boolean {
  const name = node.function_name!.toLowerCase();
  if (node.is_operator || scalarFunction(name)) return false;
  return (
    aggregateRule(name) !== undefined ||
    Object.hasOwn(refusedAggregates, name) ||
    node.distinct === true ||
    !!node.filter
  );
}

/** A whole number written as one: a position or a count. 1.5 and 3.0 are none, nor is a text. */
export function wholeConstant(node: ExpressionNode | undefined): number | undefined {
  if (node?.class !== 'CONSTANT' || !node.value || node.value.is_null) return undefined;
  const { type, value } = node.value;
  const isWhole = ['TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT'].includes(type.id);
  return isWhole && Number.isSafeInteger(value) ? (value as number) : undefined;
}

/** Every column of what stands under FROM, none left out, replaced or renamed. */
export function isPlainStar(node: ExpressionNode): boolean {
  const changes = [node.exclude_list, node.qualified_exclude_list, node.replace_list, node.rename_list];
  return node.class === 'STAR' && !node.columns && changes.every(list => !list?.length);
}

export function isTupleExtract(node: ExpressionNode): boolean {
  return (
    node.type === 'ARRAY_EXTRACT' ||
    node.function_name === 'list_extract' ||
    node.function_name === 'array_extract'
  );
}

export function parts(node: ExpressionNode): ExpressionNode[] {
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
    // A subquery without a comparison has null for what stands before it.
  ].filter(part => part !== undefined && part !== null);
}

export function hasAggregate(node: ExpressionNode): boolean {
  if (node.class === 'FUNCTION' && isAggregate(node)) return true;
  return parts(node).some(hasAggregate);
}

/** Aggregates, and what is refused with a reason of its own. */
export function looksBeyondTheEvent(node: ExpressionNode): boolean {
  if (node.class === 'WINDOW' || node.class === 'SUBQUERY' || hasAggregate(node)) return true;
  return parts(node).some(looksBeyondTheEvent);
}

export function mentions(node: ExpressionNode, name: string): boolean {
  if (node.class === 'COLUMN_REF' && node.column_names![0]!.toLowerCase() === name.toLowerCase()) return true;
  return parts(node).some(part => mentions(part, name));
}

export function aggregateIndexes(expression: Expression): number[] {
  if (expression.kind === 'aggregate') return [expression.index];
  return operandsOf(expression).flatMap(aggregateIndexes);
}
