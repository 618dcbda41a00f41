// From DuckDB's parse tree to expressions of the plan: names are resolved by the caller, functions by their signatures, and
// a field without a known type takes the type of its use.

import { castScalar, intervalLengthUs, scalarTypeOf, sqlTypeOf } from '../functions/cast.ts';
import { commonType } from '../functions/comparison.ts';
import type { ScalarFunction, Signature } from '../functions/function.ts';
import { literalOf } from '../functions/function.ts';
import {
  parameterType,
  resolveSignature,
  scalarFunction,
  scalarFunctionNames,
} from '../functions/registry.ts';
import { nearestFunction } from '../near-name.ts';
import type { Expression, ScalarType } from '../plan.ts';
import type { Source } from '../refusal.ts';
import { aggregateNames } from './aggregates.ts';
import { refuseAggregateForm, refuseCallForm } from './call-form.ts';
import { asText, coerced, isOpen } from './coercion.ts';
import { columnName } from './column-name.ts';
import { constantProblem } from './constant-argument.ts';
import { sizeOf } from './expression-size.ts';
import { folded, literal, literalScalar, literalValue } from './literal.ts';
import { otherForm } from './other-names.ts';
import type { ExpressionNode, TypeNode } from './parse-tree.ts';

/** Deepest nesting of an expression, so that no text makes the planner run out of stack. */
export const expressionDepthMax = 200;
/** The same of what it stands for, where a conversion may be around each part that is written. */
const meantDepthMax = 2 * expressionDepthMax;
/** Parts of all expressions of a view, columns of subqueries and aliases written out wherever they are named. */
export const expressionPartsMax = 250_000;

export interface Scope {
  /** The column of a name as written, qualified or not. Refuses what it does not know. */
  column(names: readonly string[], node: ExpressionNode): Expression;
  /** Takes a node before it is bound as an expression: aggregates, group expressions, aliases. */
  intercept?(node: ExpressionNode, bind: (node: ExpressionNode) => Expression): Expression | undefined;
  /** DuckDB's type of a list, struct or map, which only passes through; undefined for what can be computed with. */
  nested?(expression: Expression): string | undefined;
}

const comparisonNames: Record<string, string> = {
  COMPARE_EQUAL: '=',
  COMPARE_NOTEQUAL: '<>',
  COMPARE_LESSTHAN: '<',
  COMPARE_LESSTHANOREQUALTO: '<=',
  COMPARE_GREATERTHAN: '>',
  COMPARE_GREATERTHANOREQUALTO: '>=',
  COMPARE_DISTINCT_FROM: 'is distinct from',
  COMPARE_NOT_DISTINCT_FROM: 'is not distinct from',
};

const operatorNames: Record<string, string> = {
  OPERATOR_IS_NULL: 'is null',
  OPERATOR_IS_NOT_NULL: 'is not null',
  OPERATOR_NOT: 'not',
  OPERATOR_COALESCE: 'coalesce',
  COMPARE_IN: 'in',
  COMPARE_NOT_IN: 'not in',
};

const clockFunctions = new Set([
  'now',
  'current_timestamp',
  'get_current_timestamp',
  'transaction_timestamp',
  'current_date',
  'today',
  'current_time',
  'get_current_time',
  'current_localtime',
  'current_localtimestamp',
  'localtimestamp',
  'localtime',
  'age',
]);
/** Functions that write any value as text by themselves. */
const joinsText = new Set(['||', 'concat', 'concat_ws']);
const unrepeatable = new Set(['random', 'uuid', 'gen_random_uuid', 'uuidv4', 'uuidv7', 'setseed', 'nextval']);

/** Functions that are a path into a field. */
const extractions = new Set([
  '->',
  '->>',
  'json_extract',
  'json_extract_string',
  'struct_extract',
  'array_extract',
  'list_extract',
]);

/** Whether a name is none of the scalar functions that views have, nor one that they refuse with its own reason. */
export function isUnknownFunction(name: string): boolean {
  const key = name.toLowerCase();
  return ![clockFunctions, unrepeatable, extractions].some(names => names.has(key)) && !scalarFunction(key);
}

export class ExpressionBinder {
  private readonly source: Source;
  private readonly scope: Scope;
  private depth = 0;

  constructor(source: Source, scope: Scope) {
    this.source = source;
    this.scope = scope;
  }

  /** The character position of a node, or of the first part of it that has one. */
  position(node: ExpressionNode): number | undefined {
    return positionOf(this.source, node);
  }

  /** Binds a node and makes it usable as `wanted`, where that is given. */
  bind(node: ExpressionNode, wanted?: ScalarType, what = 'This'): Expression {
    if (++this.depth > expressionDepthMax) {
      this.source.refuse(this.position(node), 'The expression is nested too deeply.', 'Write it flatter.');
    }
    // Each step counts, since an alias is bound anew wherever it is named.
    if (++this.source.parts > expressionPartsMax) this.refuseSize(node);
    try {
      const bound = this.scope.intercept?.(node, inner => this.bind(inner)) ?? folded(this.bindNode(node));
      this.checkSize(bound, node);
      return wanted === undefined ? bound : this.coerce(bound, wanted, node, what);
    } finally {
      this.depth--;
    }
  }

  private checkSize(bound: Expression, node: ExpressionNode): void {
    const { parts, depth } = sizeOf(bound);
    if (depth > meantDepthMax) {
      this.source.refuse(
        this.position(node),
        'The expression is nested too deeply: it is made of columns that are made of others, many times over.',
        'Compute it in fewer steps.',
      );
    }
    if (this.source.parts + parts > expressionPartsMax) this.refuseSize(node);
    if (this.depth === 1) this.source.parts += parts;
  }

  private refuseSize(node: ExpressionNode): never {
    return this.source.refuse(
      this.position(node),
      `The expressions have more than ${expressionPartsMax} parts, where each column of a subquery and each alias is written out.`,
      'Name a computed column less often, or compute it in a pipeline.',
    );
  }

  private bindNode(node: ExpressionNode): Expression {
    switch (node.class) {
      case 'COLUMN_REF':
        return this.bindColumn(node);
      case 'CONSTANT':
        return literal(this.source, node);
      case 'COMPARISON': {
        const name = comparisonNames[node.type];
        if (name) return this.call(name, [this.bind(node.left!), this.bind(node.right!)], node);
        break;
      }
      case 'CONJUNCTION':
        return this.call(
          node.type === 'CONJUNCTION_OR' ? 'or' : 'and',
          (node.children ?? []).map(child => this.bind(child)),
          node,
        );
      case 'BETWEEN': {
        const input = this.bind(node.input!);
        const lower = this.call('>=', [input, this.bind(node.lower!)], node);
        return this.call('and', [lower, this.call('<=', [input, this.bind(node.upper!)], node)], node);
      }
      case 'OPERATOR':
        return this.bindOperator(node);
      case 'CASE':
        return this.bindCase(node);
      case 'CAST':
        return this.bindCast(node);
      case 'FUNCTION':
        return this.bindFunction(node);
      case 'WINDOW':
        this.source.refuse(
          this.position(node),
          `${node.function_name ?? 'A function'} OVER (…) looks at other rows.`,
          'Compute it over the view in SQL, where windows are rows.',
        );
        break;
      case 'SUBQUERY':
        this.source.refuse(
          this.position(node),
          'A subquery inside an expression cannot be kept up to date.',
          'Join a lookup table, or make the subquery a view and combine the two in SQL.',
        );
        break;
      case 'STAR':
        this.source.refuse(this.position(node), '* is not a value.', 'Name the columns that you group by.');
        break;
      case 'PARAMETER':
        // DuckDB does not say where it stands.
        this.source.refuse(
          this.position(node) ?? this.source.text.search(/[$?]/),
          'A view has no parameters.',
          'Write the value.',
        );
    }
    return this.source.refuse(
      this.position(node),
      `${node.class.toLowerCase()} expressions are not supported in views.`,
      'See docs/views.md for what views can compute.',
    );
  }

  private bindColumn(node: ExpressionNode): Expression {
    const names = node.column_names!;
    if (names.length === 1 && clockFunctions.has(names[0]!.toLowerCase())) this.refuseClock(names[0]!, node);
    return this.scope.column(names, node);
  }

  private bindOperator(node: ExpressionNode): Expression {
    const children = node.children ?? [];
    if (node.type === 'ARRAY_EXTRACT' || node.type === 'STRUCT_EXTRACT') {
      return this.bindExtract(node, children[0]!, children[1]!);
    }
    const name = operatorNames[node.type];
    if (!name) {
      if (node.type === 'OPERATOR_TRY') return this.bind(children[0]!);
      this.source.refuse(
        this.position(node),
        `The operator ${node.type.toLowerCase()} is not supported in views.`,
        'See docs/views.md for what views can compute.',
      );
    }
    return this.call(
      name,
      children.map(child => this.bind(child)),
      node,
    );
  }

  /** `a['b']`, `a ->> 'b'`, `a ->> '$.b.c'`: a longer path of the same field. */
  private bindExtract(
    node: ExpressionNode,
    from: ExpressionNode,
    key: ExpressionNode,
    type?: ScalarType,
  ): Expression {
    const base = this.bind(from);
    const name = literalOf(this.bind(key));
    if (base.kind !== 'field' || typeof name !== 'string') {
      this.source.refuse(
        this.position(node) ?? this.position(key),
        'Only a key of a nested object can be taken out of a field.',
        "Write field.key, field['key'] or field ->> '$.key'.",
      );
    }
    const keys = name.startsWith('$.') ? name.slice(2).split('.') : [name.replace(/^\$$/, '')];
    if (keys.some(part => part === '' || /[[\]*"]/.test(part))) {
      this.source.refuse(this.position(key), `"${name}" is not a plain path.`, "Write '$.a.b'.");
    }
    return { kind: 'field', path: [...base.path, ...keys], type: type ?? 'any' };
  }

  private bindCase(node: ExpressionNode): Expression {
    const branches = (node.case_checks ?? []).map(check => ({
      when: this.bind(check.when_expr, 'boolean', 'A CASE condition'),
      value: this.bind(check.then_expr),
    }));
    const otherwise: Expression = node.else_expr
      ? this.bind(node.else_expr)
      : { kind: 'literal', type: 'any', value: null };
    const results = [...branches.map(branch => branch.value), otherwise];
    const type = this.unify(results, node, 'The branches of a CASE');
    return {
      kind: 'case',
      branches: branches.map(({ when, value }) => ({ when, value: coerced(value, type)! })),
      otherwise: coerced(otherwise, type)!,
      type,
    };
  }

  /** The type several results share; a field of unknown type takes that of the others. */
  private unify(results: readonly Expression[], node: ExpressionNode, what: string): ScalarType {
    const known = results.filter(
      result => result.type !== 'any' && !(result.kind === 'literal' && result.value === null),
    );
    if (known.length === 0) return 'any';
    const common = commonType(known.map(result => result.type));
    const type = common === 'integer' && results.some(isOpen) ? 'number' : common;
    const nested = results.map(result => this.scope.nested?.(result)).filter(name => name !== undefined);
    if (type === 'any' || nested.length > 0 || results.some(result => coerced(result, type) === undefined)) {
      this.source.refuse(
        this.position(node),
        `${what} have different types: ${[...new Set([...known.map(typeName), ...nested])].join(', ')}.`,
        'CAST them to one type.',
      );
    }
    return type;
  }

  private bindCast(node: ExpressionNode): Expression {
    const target = node.cast_type!;
    const child = this.bind(node.child!);
    const name = castName(target);
    const type = name === undefined ? undefined : scalarTypeOf(name);
    if (name === undefined || type === undefined) {
      this.source.refuse(
        this.position(node) ?? this.position(node.child!),
        `A view cannot cast to ${target.id}.`,
        'It computes with BOOLEAN, whole numbers, DOUBLE, DECIMAL, VARCHAR, TIMESTAMP, DATE and fixed INTERVALs.',
      );
    }
    if (child.kind === 'literal') {
      const value = castScalar(literalScalar(child), child.type, name);
      if (value === null && child.value !== null) {
        if (node.try_cast) return { kind: 'literal', type, value: null };
        this.source.refuse(this.position(node.child!), ...literalProblem(String(child.value), name, type));
      }
      return literalValue(type, value);
    }
    this.refuseNested(child, type, node, 'CAST');
    // Of a field it says what values are read as that are of another type one day.
    if (child.type === type && child.kind !== 'field' && ['boolean', 'text', 'time'].includes(type)) {
      return child;
    }
    if (name === 'DOUBLE' || name === 'VARCHAR' || name === 'BOOLEAN' || name === 'TIMESTAMP') {
      // A field without a known type is read as the type right away.
      if (child.kind === 'field' && child.type === 'any') return { ...child, type };
    }
    // Texts that come into the field later are not lost, and a whole number is its digits either way.
    if (child.kind === 'field' && child.type === 'integer' && name === 'VARCHAR') return { ...child, type };
    if (child.type === 'any' && child.kind === 'field') {
      const read = type === 'integer' ? 'number' : type === 'date' ? 'time' : type;
      return this.call(
        'cast',
        [
          { ...child, type: read },
          { kind: 'literal', type: 'text', value: name },
        ],
        node,
      );
    }
    return this.call('cast', [child, { kind: 'literal', type: 'text', value: name }], node);
  }

  private bindFunction(node: ExpressionNode): Expression {
    const name = node.function_name!.toLowerCase();
    const children = node.children ?? [];
    if (clockFunctions.has(name)) this.refuseClock(name, node);
    if (unrepeatable.has(name)) {
      this.source.refuse(
        this.position(node),
        `${name}() gives another value each time, so a view of it could not be rebuilt.`,
        'Put the value into the event where it is made.',
      );
    }
    if (!isUnknownFunction(name)) {
      refuseCallForm(this.source, node, this.position(node));
      refuseAggregateForm(this.source, node, this.position(node));
    }
    if ((name === '->>' || name === 'json_extract_string') && children.length === 2) {
      return this.bindExtract(node, children[0]!, children[1]!, 'text');
    }
    if ((name === '->' || name === 'json_extract') && children.length === 2) {
      return this.bindExtract(node, children[0]!, children[1]!);
    }
    if (name === 'struct_extract' || name === 'array_extract') {
      return this.bindExtract(node, children[0]!, children[1]!);
    }
    return this.call(
      name,
      children.map(child => this.bind(child)),
      node,
    );
  }

  refuseUnknown(name: string, node: ExpressionNode): never {
    const form = otherForm(name);
    if (form !== undefined) {
      this.source.refuse(
        this.position(node),
        `${/^\w+$/.test(name) ? `The function ${name}` : `The operator ${name}`} is not available in views.`,
        form,
      );
    }
    const near = nearestFunction([...scalarFunctionNames(), ...aggregateNames()], name.toLowerCase());
    return this.source.refuse(
      this.position(node),
      `The function ${name} is not available in views.`,
      near === undefined
        ? 'See docs/views.md for the list; a pipeline in TypeScript can compute anything.'
        : `Did you mean ${near}? See docs/views.md for the list.`,
    );
  }

  private refuseClock(name: string, node: ExpressionNode): never {
    this.source.refuse(
      this.position(node),
      `${name} is the time of asking; a view is kept for all times.`,
      'Leave it out and ask the view for a range of time.',
    );
  }

  /** A call with its arguments brought to the types of the signature that fits them. */
  call(name: string, args: readonly Expression[], node: ExpressionNode): Expression {
    const entry = scalarFunction(name);
    if (!entry) this.refuseUnknown(name, node);
    if (joinsText.has(entry.name)) {
      args = args.map(arg => (arg.type === 'any' || arg.type === 'text' ? arg : asText(arg)));
    }
    const signature = resolveSignature(entry, args);
    if (!signature) this.refuseArguments(name, entry, args, node);
    this.checkConstants(entry.name, signature, args, node);
    const converted = args.map((arg, index) =>
      this.coerce(arg, parameterType(signature, index)!, node.children?.[index] ?? node, name),
    );
    // A plan names the function alone: whatever reads it has to come to this very signature.
    if (resolveSignature(entry, converted) !== signature) this.refuseArguments(name, entry, converted, node);
    const type = typeof signature.result === 'string' ? signature.result : signature.result(converted);
    return { kind: 'call', function: entry.name, args: converted, type };
  }

  private refuseArguments(
    name: string,
    entry: ScalarFunction,
    args: readonly Expression[],
    node: ExpressionNode,
  ): never {
    if (node.class !== 'FUNCTION' || node.is_operator) this.refuseOperands(entry, args, node);
    const takes = [...new Set(entry.signatures.map(one => one.parameters.join(', ')))].slice(0, 4);
    const fits = ({ parameters, optional = 0, variadic }: Signature): boolean =>
      args.length >= parameters.length - optional && (variadic || args.length <= parameters.length);
    if (!entry.signatures.some(fits)) {
      this.source.refuse(
        this.position(node),
        `${name} is given ${args.length === 1 ? '1 argument' : `${args.length} arguments`}.`,
        `It takes (${takes.join(') or (')}).`,
      );
    }
    return this.source.refuse(
      this.position(node),
      `${name}(${args.map(typeName).join(', ')}) does not exist.`,
      `It takes (${takes.join(') or (')}); CAST the arguments.`,
    );
  }

  /** In the words of SQL: DOUBLE // BIGINT. */
  private refuseOperands(entry: ScalarFunction, args: readonly Expression[], node: ExpressionNode): never {
    const operator = entry.name.toUpperCase();
    const written = (types: readonly string[]): string => {
      if (/IN$/.test(operator)) return `${types[0]} ${operator} (${types.slice(1).join(', ')})`;
      return types.length === 1 ? `${operator} ${types[0]}` : types.join(` ${operator} `);
    };
    const given = args.map(arg =>
      arg.kind === 'literal' && arg.value === null ? 'NULL' : sqlTypeOf(arg.type),
    );
    const takes = entry.signatures
      .filter(({ parameters }) => parameters.length === args.length)
      .map(({ parameters }) => written(parameters.map(sqlTypeOf)));
    if (entry.name === '//' && args.every(arg => arg.type === 'number' || arg.type === 'integer')) {
      const quotient = (node.children ?? []).map(columnName).join(' / ');
      this.source.refuse(
        this.position(node),
        `${written(given)} does not exist in views.`,
        `It takes whole numbers: write floor(${quotient}), or ${quotient}, which is what // of fractions gives in DuckDB.`,
      );
    }
    const some = takes.length > 0 ? takes.slice(0, 4).join(' or ') : 'values of one type';
    return this.source.refuse(
      this.position(node),
      `${written(given)} does not exist in views.`,
      `There is ${some}; CAST what it stands between.`,
    );
  }

  private checkConstants(
    name: string,
    signature: Signature,
    args: readonly Expression[],
    node: ExpressionNode,
  ): void {
    for (const index of signature.constant ?? []) {
      const arg = args[index];
      if (arg === undefined) continue;
      const child = node.children?.[index] ?? node;
      const value = literalOf(arg);
      if (value === undefined || value === null) {
        this.source.refuse(
          this.position(child) ?? this.position(node),
          `Argument ${index + 1} of ${name} must be a literal.`,
          'Write the value itself.',
        );
      }
      const problem = constantProblem(name, index, value, args);
      if (problem) this.source.refuse(this.position(child) ?? this.position(node), ...problem);
    }
  }

  private refuseNested(expression: Expression, wanted: ScalarType, node: ExpressionNode, what: string): void {
    const nested = wanted === 'any' ? undefined : this.scope.nested?.(expression);
    if (nested === undefined) return;
    this.source.refuse(
      this.position(node),
      `${what} takes ${article(wanted)}, and this is ${nested}.`,
      'Leave it as it is, and compute with it in SQL over the view.',
    );
  }

  coerce(expression: Expression, wanted: ScalarType, node: ExpressionNode, what: string): Expression {
    this.refuseNested(expression, wanted, node, what);
    const result = coerced(expression, wanted);
    if (result) return result;
    return this.source.refuse(
      this.position(node),
      `${what} takes ${article(wanted)}, and this is ${article(typeName(expression))}.`,
      wanted === 'number' || wanted === 'integer'
        ? 'Write TRY_CAST(… AS DOUBLE).'
        : `CAST it, or compare it with a value.`,
    );
  }
}

/** Why a literal is no value of a type, and what to write. */
function literalProblem(text: string, name: string, type: ScalarType): [string, string] {
  if (type === 'interval') {
    return intervalLengthUs(text) === null
      ? [
          `'${text}' is not an interval of fixed length.`,
          "Write days, hours, minutes or seconds: INTERVAL '30 days'.",
        ]
      : [
          `'${text}' is longer than the intervals of views, which have 2^53 microseconds.`,
          'Write at most 104,249 days.',
        ];
  }
  return [
    `'${text}' is no ${name}.`,
    type === 'time' || type === 'date'
      ? 'Write a time of ISO 8601, from 1684-07-28 to 2255-06-05.'
      : 'Mend the literal.',
  ];
}

function castName(type: TypeNode): string | undefined {
  if (type.id === 'DECIMAL') return `DECIMAL(${type.type_info?.width ?? 18}, ${type.type_info?.scale ?? 3})`;
  return type.id;
}

function typeName(expression: Expression): string {
  return expression.kind === 'literal' && expression.value === null ? 'null' : expression.type;
}

function article(type: string): string {
  const names: Record<string, string> = { any: 'any value', text: 'text', integer: 'a whole number' };
  return names[type] ?? `a ${type}`;
}

export function positionOf(source: Source, node: ExpressionNode): number | undefined {
  const own = source.fromBytes(node.query_location);
  if (own !== undefined) return own;
  const parts = [node.child, node.left, node.input, node.right, ...(node.children ?? [])];
  for (const part of parts) {
    const position = part && positionOf(source, part);
    if (position !== undefined) return position;
  }
  return undefined;
}
