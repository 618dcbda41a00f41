// Which whole numbers may lie beyond 64 bits: sums, which DuckDB has as HUGEINT, and what passes one on as it is.
import type { Expression } from './plan.ts';

/** Functions that give one of their arguments, or a whole number as it is. */
const passing = new Set(['coalesce', 'nullif', 'greatest', 'least', 'round', 'floor', 'ceil', 'trunc']);

/** Functions of whole numbers that compute, exactly to 64 bits, and are NULL beyond. */
const computing = new Set(['+', '-', '*', '//', '%', 'abs']);

/** Whether the value of an expression may be beyond 64 bits; `isWide` says so of an aggregate. */
export function isWideValue(expression: Expression, isWide: (aggregate: number) => boolean): boolean {
  if (expression.type !== 'integer') return false;
  const passes = (inner: Expression): boolean => isWideValue(inner, isWide);
  switch (expression.kind) {
    case 'aggregate':
      return isWide(expression.index);
    case 'case':
      return passes(expression.otherwise) || expression.branches.some(({ value }) => passes(value));
    case 'call': {
      const { function: name, args } = expression;
      return (passing.has(name) || (name === '+' && args.length === 1)) && args.some(passes);
    }
    default:
      return false;
  }
}

/** Whether DuckDB computes a call in more than 64 bits, where a view has NULL beyond. */
export function isComputedWide(
  call: Expression & { kind: 'call' },
  isWide: (aggregate: number) => boolean,
): boolean {
  if (call.type !== 'integer' || !computing.has(call.function)) return false;
  return call.args.some(
    arg => isWideValue(arg, isWide) || (arg.kind === 'call' && isComputedWide(arg, isWide)),
  );
}
