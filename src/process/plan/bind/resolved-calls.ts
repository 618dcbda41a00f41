// A plan names its functions and leaves the signature to the types of the arguments: every call must have one.
import { resolveSignature, scalarFunction } from '../functions/registry.ts';
import { operandsOf } from '../operands.ts';
import type { Expression, SourcePlan } from '../plan.ts';

/** The expressions below the aggregation. */
export function expressionsOf({ lookups, filter, groups, aggregates }: SourcePlan): Expression[] {
  const on = lookups.flatMap(lookup => lookup.on.map(({ expression }) => expression));
  const inAggregates = aggregates.flatMap(({ args, filter: own }) => [...args, ...(own ? [own] : [])]);
  return [...on, ...(filter ? [filter] : []), ...groups, ...inAggregates];
}

/** The first call, innermost first, that no signature fits. */
export function unresolvedCall(expression: Expression): (Expression & { kind: 'call' }) | undefined {
  for (const operand of operandsOf(expression)) {
    const call = unresolvedCall(operand);
    if (call) return call;
  }
  if (expression.kind !== 'call') return undefined;
  const entry = scalarFunction(expression.function);
  return entry && resolveSignature(entry, expression.args) ? undefined : expression;
}
