// Conversions that need no CAST: what DuckDB does by itself, and a field of unknown type taking the type of its use.
import { castScalar } from '../functions/cast.ts';
import type { Expression, ScalarType } from '../plan.ts';
import { literalScalar, literalValue } from './literal.ts';

/** The expression as `wanted`, or undefined where DuckDB would not convert it by itself. */
export function coerced(expression: Expression, wanted: ScalarType): Expression | undefined {
  const { type } = expression;
  if (type === wanted || wanted === 'any') return expression;
  if (expression.kind === 'literal') {
    if (expression.value === null) return { ...expression, type: wanted };
    // Beyond 2^53: a number is compared with as a double, as DuckDB does.
    if (type === 'integer' && wanted === 'number' && typeof expression.value === 'string') {
      return literalValue('number', Number(expression.value));
    }
    if (type === 'text') {
      const names: Partial<Record<ScalarType, string>> = {
        time: 'TIMESTAMP',
        date: 'DATE',
        integer: 'BIGINT',
        number: 'DOUBLE',
      };
      const name = names[wanted];
      const number = wanted === 'integer' ? castScalar(expression.value, type, 'DOUBLE') : null;
      if (typeof number === 'number' && !Number.isInteger(number)) return literalValue('number', number);
      const value = name === undefined ? null : castScalar(expression.value, type, name);
      return value === null ? undefined : literalValue(wanted, value);
    }
  }
  if (type === 'integer' && wanted === 'number') return expression;
  if (type === 'number' && wanted === 'integer' && expression.kind === 'literal') return expression;
  if (type === 'date' && wanted === 'time') return expression;
  if (type !== 'any') return undefined;
  switch (expression.kind) {
    case 'field':
      return { ...expression, type: wanted };
    case 'case': {
      const branches = expression.branches.map(({ when, value }) => ({
        when,
        value: coerced(value, wanted),
      }));
      const otherwise = coerced(expression.otherwise, wanted);
      if (!otherwise || branches.some(branch => !branch.value)) return undefined;
      return { ...expression, branches: branches as typeof expression.branches, otherwise, type: wanted };
    }
    case 'call':
      if (['coalesce', 'nullif', 'greatest', 'least'].includes(expression.function)) {
        const args = expression.args.map(arg => coerced(arg, wanted));
        if (args.includes(undefined)) return undefined;
        return { ...expression, args: args as Expression[], type: wanted };
      }
      return undefined;
    case 'lookup':
    case 'group':
    case 'aggregate':
      return castOf(expression, wanted);
    default:
      return undefined;
  }
}

/** The expression as a part of a UNION ALL whose column is of `type`: a number among texts is one. */
export function converted(expression: Expression, type: ScalarType): Expression {
  if (expression.type === type) return expression;
  const isNothing = expression.kind === 'literal' && expression.value === null;
  if (expression.type === 'any' || isNothing) return coerced(expression, type) ?? expression;
  const name = castNames[type];
  if (expression.kind === 'literal') {
    return literalValue(type, castScalar(literalScalar(expression), expression.type, name));
  }
  // Whole numbers are their digits, and fractions that come into the field later are not rounded.
  const isWhole = expression.kind === 'field' && expression.type === 'integer';
  return isWhole && (type === 'text' || type === 'number')
    ? { ...expression, type }
    : castOf(expression, type);
}

/** The cast has the very type that is wanted, so that the call around it resolves to the signature that was chosen. */
export function castOf(expression: Expression, wanted: ScalarType): Expression {
  return {
    kind: 'call',
    function: 'cast',
    args: [expression, { kind: 'literal', type: 'text', value: castNames[wanted] }],
    type: wanted,
  };
}

const castNames: Record<ScalarType, string> = {
  boolean: 'BOOLEAN',
  integer: 'BIGINT',
  number: 'DOUBLE',
  text: 'VARCHAR',
  time: 'TIMESTAMP',
  date: 'DATE',
  interval: 'INTERVAL',
  any: 'VARCHAR',
};

/** Whether a value above the aggregation, or of a lookup table, is of any type: as a whole number a fraction would be rounded. */
export function isOpen(expression: Expression): boolean {
  if (expression.type !== 'any') return false;
  switch (expression.kind) {
    case 'lookup':
    case 'group':
    case 'aggregate':
      return true;
    case 'call':
      return expression.args.some(isOpen);
    case 'case':
      return [expression.otherwise, ...expression.branches.map(({ value }) => value)].some(isOpen);
    default:
      return false;
  }
}

/** A value of any type as the text that || writes. */
export function asText(expression: Expression): Expression {
  if (expression.kind === 'literal') {
    const text = castScalar(literalScalar(expression), expression.type, 'VARCHAR');
    return { kind: 'literal', type: 'text', value: text as string | null };
  }
  const name: Expression = { kind: 'literal', type: 'text', value: 'VARCHAR' };
  return { kind: 'call', function: 'cast', args: [expression, name], type: 'text' };
}
