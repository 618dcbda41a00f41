// The code generator behind compile.ts: an expression becomes the body of one loop. Every name in the text is made here;
// everything of the user's (literals, patterns, paths) is reached through the bound array `$`.

import { literalScalar } from '../bind/literal.ts';
import type { Scalar, Signature } from '../functions/function.ts';
import { resolveSignature, scalarFunction } from '../functions/registry.ts';
import type { Expression, ScalarType } from '../plan.ts';
import type { ColumnSource, GrowingDictionary, Vector } from '../vector.ts';
import { CodeMemo } from './code-memo.ts';
import type { ComputedTexts } from './computed-texts.ts';
import { evaluator, type LookupContext } from './evaluate.ts';

export interface ResultArrays {
  readonly dictionary: GrowingDictionary;
  numbers: Float64Array;
  booleans: Uint8Array;
  codes: Uint32Array;
  valid: Uint8Array;
}

export interface GeneratedLoop {
  /** False where the batch needs the exact path: a whole number beyond 53 bits came in or out. Nothing is then to be read. */
  run(source: ColumnSource, result: ResultArrays): boolean;
}

/** A value inside the loop: a local for it and the condition under which it is NULL. */
interface Local {
  value: string;
  isNull: string;
}

type Leaf = Expression & { kind: 'field' | 'event-time' };
type LoopFunction = (bound: unknown[], inputs: LoopInput[], result: ResultArrays, rows: number) => boolean;

interface LoopInput {
  values: ArrayLike<unknown>;
  valid: Uint8Array;
  codes: Uint32Array;
  states: Uint8Array;
  memo: CodeMemo | undefined;
}

const textual = (type: ScalarType) => type === 'text' || type === 'any';

export class CodeGenerator {
  private readonly context: LookupContext | undefined;
  private readonly texts: ComputedTexts | undefined;
  private readonly bound: unknown[] = [];
  private readonly prepare: ((source: ColumnSource) => LoopInput | undefined)[] = [];
  private readonly head: string[] = [];
  private readonly leaves = new Map<string, Local & { load: string }>();
  private names = 0;
  /** A whole number beyond 53 bits is written in the expression: only the exact path computes with it. */
  private exact = false;

  constructor(context?: LookupContext, texts?: ComputedTexts) {
    this.context = context;
    this.texts = texts;
  }

  generate(expression: Expression): GeneratedLoop {
    const body: string[] = [];
    const result = this.node(expression, body);
    if (this.exact) return { run: () => false };
    const store = this.store(expression.type, result);
    const text = [
      '"use strict";',
      'const valid = result.valid, dictionary = result.dictionary;',
      'const numbers = result.numbers, booleans = result.booleans, codes = result.codes;',
      ...this.head,
      'let over = false;',
      'for (let row = 0; row < rows; row++) {',
      ...body,
      store,
      '}',
      'return !over;',
    ].join('\n');
    const loop = new Function('$', 'inputs', 'result', 'rows', text) as LoopFunction;
    const { bound, prepare } = this;
    return {
      run(source, arrays) {
        const inputs: LoopInput[] = [];
        for (const load of prepare) {
          const input = load(source);
          if (!input) return false;
          inputs.push(input);
        }
        return loop(bound, inputs, arrays, source.rows) && !inputs.some(input => input.memo?.exact);
      },
    };
  }

  private store(type: ScalarType, { value, isNull }: Local): string {
    if (type === 'boolean')
      return `if (${isNull}) { valid[row] = 0; booleans[row] = 0; } else { valid[row] = 1; booleans[row] = ${value}; }`;
    const target = textual(type) ? `codes[row] = dictionary.intern(${value})` : `numbers[row] = ${value}`;
    return `if (${isNull}) valid[row] = 0; else { valid[row] = 1; ${target}; }`;
  }

  private name(prefix: string): string {
    return `${prefix}${this.names++}`;
  }

  private bind(value: unknown): string {
    this.bound.push(value);
    return `$[${this.bound.length - 1}]`;
  }

  private constant(value: unknown): string {
    const name = this.name('k');
    this.head.push(`const ${name} = ${this.bind(value)};`);
    return name;
  }

  private node(expression: Expression, body: string[]): Local {
    if (expression.kind === 'literal') return this.literal(expression);
    const leaves = leavesOf(expression, this.context);
    if (leaves.length === 0) {
      return this.scalar(evaluator(expression, this.context)({}) as Scalar);
    }
    if (leaves.length === 1 && leaves[0]!.kind === 'field' && textual(leaves[0]!.type)) {
      return this.memoised(expression, leaves[0] as Expression & { kind: 'field' }, body);
    }
    switch (expression.kind) {
      case 'field':
      case 'event-time':
        return this.leaf(expression, body);
      case 'case':
        return this.caseOf(expression, body);
      case 'call':
        return this.call(expression, body);
      case 'lookup':
        return this.lookup(expression, body);
      default:
        throw new Error(`${expression.kind} is above the aggregation`);
    }
  }

  private literal(expression: Expression & { kind: 'literal' }): Local {
    return this.scalar(literalScalar(expression));
  }

  private scalar(value: Scalar): Local {
    if (typeof value === 'bigint') this.exact = true;
    if (value === null || typeof value === 'bigint') return { value: '0', isNull: 'true' };
    return { value: this.constant(typeof value === 'boolean' ? Number(value) : value), isNull: 'false' };
  }

  /** A column of numbers, times or booleans, read at the row. A column with 64-bit values needs the exact path. */
  private leaf(expression: Leaf, body: string[]): Local {
    const key = JSON.stringify(expression);
    let known = this.leaves.get(key);
    if (!known) {
      const index = this.prepare.length;
      this.prepare.push(source => {
        const vector: Vector =
          expression.kind === 'field' ? source.field(expression.path, expression.type) : source.eventTime();
        if (vector.kind === 'integer' || vector.kind === 'dictionary' || vector.kind === 'hash')
          return undefined;
        return { ...noInput, values: vector.values, valid: vector.valid };
      });
      const [values, valid] = [this.name('c'), this.name('p')];
      this.head.push(`const ${values} = inputs[${index}].values, ${valid} = inputs[${index}].valid;`);
      known = { value: `${values}[row]`, isNull: `(${valid}[row] === 0)`, load: '' };
      this.leaves.set(key, known);
    }
    const [value, isNull] = [this.name('v'), this.name('n')];
    body.push(`const ${value} = ${known.value}, ${isNull} = ${known.isNull};`);
    return { value, isNull };
  }

  /** A subexpression of one dictionary column: computed once for each code. */
  private memoised(expression: Expression, leaf: Expression & { kind: 'field' }, body: string[]): Local {
    const index = this.prepare.length;
    const memo = new CodeMemo(expression, leaf, this.context, this.texts);
    this.prepare.push(source => {
      const vector = source.field(leaf.path, leaf.type);
      if (vector.kind !== 'dictionary') return undefined;
      memo.prepare(vector.dictionary);
      return { values: memo.values, valid: vector.valid, codes: vector.codes, states: memo.states, memo };
    });
    const [input, value, isNull, code] = [this.name('i'), this.name('v'), this.name('n'), this.name('d')];
    this.head.push(
      `const ${input} = inputs[${index}], ${input}v = ${input}.values, ${input}p = ${input}.valid;`,
    );
    this.head.push(
      `const ${input}c = ${input}.codes, ${input}s = ${input}.states, ${input}m = ${input}.memo;`,
    );
    this.head.push(`const ${input}n = ${input}m.ofNull, ${input}z = ${input}n === null;`);
    body.push(
      `let ${value}, ${isNull};`,
      `if (${input}p[row] === 0) { ${isNull} = ${input}z; ${value} = ${input}n; } else {`,
      `const ${code} = ${input}c[row];`,
      `if (${input}s[${code}] === 0) ${input}m.fill(${code});`,
      `${isNull} = ${input}s[${code}] === 2; ${value} = ${input}v[${code}]; }`,
    );
    return { value, isNull };
  }

  private caseOf(expression: Expression & { kind: 'case' }, body: string[]): Local {
    const [value, isNull] = [this.name('v'), this.name('n')];
    body.push(`let ${value}, ${isNull};`);
    for (const { when, value: outcome } of expression.branches) {
      const condition = this.node(when, body);
      body.push(`if (!${condition.isNull} && ${condition.value} === 1) {`);
      const result = this.node(outcome, body);
      body.push(`${value} = ${result.value}; ${isNull} = ${result.isNull};`, '} else {');
    }
    const result = this.node(expression.otherwise, body);
    body.push(`${value} = ${result.value}; ${isNull} = ${result.isNull};`);
    body.push('}'.repeat(expression.branches.length));
    return { value, isNull };
  }

  private call(expression: Expression & { kind: 'call' }, body: string[]): Local {
    const signature = resolveSignature(scalarFunction(expression.function)!, expression.args)!;
    if (expression.function === 'coalesce') return this.coalesce(expression.args, body);
    const args = expression.args.map(arg => this.node(arg, body));
    const [value, isNull] = [this.name('v'), this.name('n')];
    switch (expression.function) {
      case 'and':
      case 'or': {
        const deciding = expression.function === 'and' ? 0 : 1;
        const decided = args.map(arg => `(!${arg.isNull} && ${arg.value} === ${deciding})`).join(' || ');
        const unknown = args.map(arg => arg.isNull).join(' || ');
        const found = this.name('f');
        body.push(`const ${found} = ${decided}, ${isNull} = !${found} && (${unknown});`);
        body.push(`const ${value} = ${found} ? ${deciding} : ${1 - deciding};`);
        return { value, isNull };
      }
      case 'is null':
      case 'is not null': {
        const [yes, no] = expression.function === 'is null' ? [1, 0] : [0, 1];
        body.push(`const ${value} = ${args[0]!.isNull} ? ${yes} : ${no};`);
        return { value, isNull: 'false' };
      }
    }
    if (signature.emit) return this.inline(expression, signature, args, body);
    const results = args.map((arg, index) => {
      const plain = expression.args[index]!.type === 'boolean' ? `(${arg.value} === 1)` : arg.value;
      return signature.nulls === 'own' ? `(${arg.isNull} ? null : ${plain})` : plain;
    });
    const apply = this.constant(signature.scalar);
    const called = `${apply}(${results.join(', ')})`;
    const skip = signature.nulls === 'own' ? 'false' : args.map(arg => arg.isNull).join(' || ') || 'false';
    body.push(`let ${value} = ${skip} ? null : ${called};`, `const ${isNull} = ${value} === null;`);
    if (expression.type === 'boolean') body.push(`${value} = ${value} === true ? 1 : 0;`);
    else if (!textual(expression.type)) {
      body.push(
        `if (${isNull}) ${value} = 0; else if (typeof ${value} === 'bigint') { over = true; ${value} = 0; }`,
      );
    }
    return { value, isNull };
  }

  private inline(
    expression: Expression & { kind: 'call' },
    signature: Signature,
    args: Local[],
    body: string[],
  ): Local {
    const [value, isNull] = [this.name('v'), this.name('n')];
    const values = args.map(arg => arg.value);
    const nulls = args.map(arg => arg.isNull).filter(one => one !== 'false');
    if (signature.emitNull) nulls.push(`(${signature.emitNull(values)})`);
    const careful = expression.args.some(mayBeNaN) ? nanSafe[expression.function] : undefined;
    let code = careful ? careful(values[0]!, values[1]!) : signature.emit!(values);
    if (expression.type === 'boolean' && expression.function !== 'not') code = `(${code} ? 1 : 0)`;
    body.push(
      `const ${isNull} = ${nulls.join(' || ') || 'false'};`,
      `const ${value} = ${isNull} ? 0 : ${code};`,
    );
    if (expression.type === 'integer' && !['hour', 'minute', 'second'].includes(expression.function)) {
      body.push(`if (${value} > 9007199254740991 || ${value} < -9007199254740991) over = true;`);
    }
    return { value, isNull };
  }

  private coalesce(args: readonly Expression[], body: string[]): Local {
    const [value, isNull] = [this.name('v'), this.name('n')];
    body.push(`let ${value} = 0, ${isNull} = true;`);
    for (const arg of args) {
      body.push(`if (${isNull}) {`);
      const local = this.node(arg, body);
      body.push(`${value} = ${local.value}; ${isNull} = ${local.isNull}; }`);
    }
    return { value, isNull };
  }

  /** A lookup by several fields: the interpreter's way, with the keys computed here. */
  private lookup(expression: Expression & { kind: 'lookup' }, body: string[]): Local {
    const { table, on } = this.context!.lookups[expression.lookup]!;
    const keys = on.map(one => this.node(one.expression, body));
    const names = on.map(one => one.column);
    const { context } = this;
    const find = this.constant((...values: Scalar[]): Scalar => {
      const loaded = context!.table(table);
      const row = loaded.find(names, values as Exclude<Scalar, null>[]);
      return row < 0 ? null : loaded.value(row, expression.column);
    });
    const [value, isNull] = [this.name('v'), this.name('n')];
    const given = keys.map((key, index) =>
      on[index]!.expression.type === 'boolean' ? `(${key.value} === 1)` : key.value,
    );
    const missing = keys.map(key => key.isNull).join(' || ');
    body.push(
      `let ${value} = ${missing} ? null : ${find}(${given.join(', ')});`,
      `const ${isNull} = ${value} === null;`,
    );
    if (expression.type === 'boolean') body.push(`${value} = ${value} === true ? 1 : 0;`);
    else if (!textual(expression.type)) {
      body.push(
        `if (${isNull}) ${value} = 0; else if (typeof ${value} === 'bigint') { over = true; ${value} = 0; }`,
      );
    }
    return { value, isNull };
  }
}

const noInput = {
  codes: new Uint32Array(0),
  states: new Uint8Array(0),
  memo: undefined,
};

/** The distinct fields under an expression, those of its lookups' keys included. */
function leavesOf(expression: Expression, context: LookupContext | undefined): Leaf[] {
  const found = new Map<string, Leaf>();
  const visit = (node: Expression): void => {
    switch (node.kind) {
      case 'field':
      case 'event-time':
        found.set(JSON.stringify(node), node);
        break;
      case 'call':
        node.args.forEach(visit);
        break;
      case 'case':
        for (const { when, value: outcome } of node.branches) {
          visit(when);
          visit(outcome);
        }
        visit(node.otherwise);
        break;
      case 'lookup':
        for (const { expression: key } of context!.lookups[node.lookup]!.on) visit(key);
    }
  };
  visit(expression);
  return [...found.values()];
}

/** Whether a value can be NaN, which compares as DuckDB's and not as JavaScript's. JSON has none, so fields cannot. */
function mayBeNaN(expression: Expression): boolean {
  return expression.type === 'number' && expression.kind !== 'field' && expression.kind !== 'literal';
}

/** Comparisons where NaN equals itself and is above every number. */
const nanSafe: Record<string, (a: string, b: string) => string> = {
  '=': (a, b) => `(${a} === ${b} || (${a} !== ${a} && ${b} !== ${b}))`,
  '<>': (a, b) => `!(${a} === ${b} || (${a} !== ${a} && ${b} !== ${b}))`,
  '<': (a, b) => `(${a} < ${b} || (${b} !== ${b} && ${a} === ${a}))`,
  '>': (a, b) => `(${a} > ${b} || (${a} !== ${a} && ${b} === ${b}))`,
  '<=': (a, b) => `(${a} <= ${b} || ${b} !== ${b})`,
  '>=': (a, b) => `(${a} >= ${b} || ${a} !== ${a})`,
};
