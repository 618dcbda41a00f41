// Literals: from DuckDB's constants, exactly, and calls of literals that are literals themselves.
import type { Scalar } from '../functions/function.ts';
import { resolveSignature, scalarFunction } from '../functions/registry.ts';
import type { Expression, ScalarType } from '../plan.ts';
import type { Source } from '../refusal.ts';
import type { ConstantValue, ExpressionNode, TypeNode } from './parse-tree.ts';

/** Calls of literals with a literal result are computed now: INTERVAL 5 MINUTE is one. */
export function folded(expression: Expression): Expression {
  if (expression.kind !== 'call' || expression.args.length === 0) return expression;
  if (!expression.args.every(arg => arg.kind === 'literal')) return expression;
  const folds = /^(to_\w+|trunc|cast|-|\+|\*)$/.test(expression.function);
  if (!folds) return expression;
  const signature = resolveSignature(scalarFunction(expression.function)!, expression.args);
  const values = expression.args.map(arg => (arg.kind === 'literal' ? literalScalar(arg) : null));
  if (!signature || values.includes(null)) return expression;
  const value = (signature.scalar as (...scalars: Scalar[]) => Scalar)(...values);
  return value === null || (typeof value === 'number' && !Number.isFinite(value))
    ? expression
    : literalValue(expression.type, value);
}

/** A literal's value as expressions compute with it: integers beyond 2^53 are stored as text and are bigints here. */
export function literalScalar(expression: Expression & { kind: 'literal' }): Scalar {
  return expression.type === 'integer' && typeof expression.value === 'string'
    ? BigInt(expression.value)
    : expression.value;
}

export function literalValue(type: ScalarType, value: Scalar): Expression {
  return { kind: 'literal', type, value: typeof value === 'bigint' ? String(value) : value };
}

/** The literal of a constant node. Refuses types that views do not compute with. */
export function literal(source: Source, node: ExpressionNode): Expression {
  const { type, is_null, value } = node.value as ConstantValue;
  if (is_null) return { kind: 'literal', type: 'any', value: null };
  const position = source.fromBytes(node.query_location);
  switch (type.id) {
    case 'BOOLEAN':
      return { kind: 'literal', type: 'boolean', value: value as boolean };
    case 'VARCHAR':
      // An empty text may be left out of the tree as empty.
      return { kind: 'literal', type: 'text', value: (value as string | undefined) ?? '' };
    case 'DECIMAL':
      return { kind: 'literal', type: 'number', value: unscaled(value, type, source, position) };
    case 'FLOAT':
    case 'DOUBLE':
      if (!Number.isFinite(value)) {
        return source.refuse(
          position,
          'This number is beyond those that doubles hold.',
          'Write one up to 1.7976931348623157e308.',
        );
      }
      return { kind: 'literal', type: 'number', value: value as number };
    case 'TINYINT':
    case 'SMALLINT':
    case 'INTEGER':
      return { kind: 'literal', type: 'integer', value: value as number };
    case 'BIGINT': {
      if (Number.isSafeInteger(value)) return { kind: 'literal', type: 'integer', value: value as number };
      // JSON.parse has rounded it; the text has it exactly.
      const digits = /^[+-]?\s*[\d_]+/.exec(source.text.slice(position))?.[0]?.replace(/[\s_+]/g, '');
      if (digits) return literalValue('integer', BigInt(digits));
      break;
    }
    case 'HUGEINT':
    case 'UHUGEINT': {
      const digits = /^[+-]?\s*[\d_]+/.exec(source.text.slice(position))?.[0]?.replace(/[\s_]/g, '');
      if (digits) return { kind: 'literal', type: 'number', value: Number(digits) };
    }
  }
  return source.refuse(
    position,
    `A literal of type ${type.id} is not supported in views.`,
    'Write a number or a text.',
  );
}

function unscaled(value: unknown, type: TypeNode, source: Source, position: number | undefined): number {
  const written = /^[+-]?\s*(\d[\d_]*\.?[\d_]*|\.\d[\d_]*)([eE][+-]?\d+)?/.exec(
    source.text.slice(position ?? 0),
  );
  if (position !== undefined && written) return Number(written[0].replace(/[\s_]/g, ''));
  return Number(`${value}e-${type.type_info?.scale ?? 0}`);
}
