// What an expression is directly made of: to walk a tree, whatever its leaves are.
import type { Expression } from './plan.ts';

/** In the order in which they are written; none of a leaf. */
export function operandsOf(expression: Expression): readonly Expression[] {
  switch (expression.kind) {
    case 'call':
      return expression.args;
    case 'case':
      return [...expression.branches.flatMap(({ when, value }) => [when, value]), expression.otherwise];
    default:
      return [];
  }
}
