// How large an expression is once what it names is put into it: a column of a subquery stands for the expression under it, so that a short
// text can mean an endless one. Expressions share their parts and are never changed, so each is measured once.
import { operandsOf } from '../operands.ts';
import type { Expression } from '../plan.ts';

export interface ExpressionSize {
  /** All its parts, itself included. */
  parts: number;
  depth: number;
}

const known = new WeakMap<Expression, ExpressionSize>();

export function sizeOf(expression: Expression): ExpressionSize {
  let size = known.get(expression);
  if (!size) {
    size = { parts: 1, depth: 1 };
    for (const child of operandsOf(expression)) {
      const inner = sizeOf(child);
      size.parts += inner.parts;
      size.depth = Math.max(size.depth, inner.depth + 1);
    }
    known.set(expression, size);
  }
  return size;
}
