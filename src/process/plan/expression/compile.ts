// Expressions as column functions. Arithmetic, comparisons and logic become one generated loop over typed arrays; whatever
// depends on one dictionary column only is computed once for each code and remembered. The generated text is made of the
// plan's structure alone: literals, functions and arrays are bound arguments. Whole numbers that leave 53 bits send the batch
// through `evaluate.ts`, which is exact to 64.

import { lighterUse } from '../events/fields.ts';
import type { Scalar } from '../functions/function.ts';
import type { Aggregate, Expression, ScalarType, SourcePlan } from '../plan.ts';
import { type ColumnSource, dictionaryTextMax, GrowingDictionary, scalarAt, type Vector } from '../vector.ts';
import { ComputedTexts } from './computed-texts.ts';
import { evaluator, type LookupContext, type Value } from './evaluate.ts';
import { CodeGenerator, type ResultArrays } from './generate.ts';

export type ColumnFunction = (source: ColumnSource) => Vector;

export interface CompiledAggregate {
  aggregate: Aggregate;
  args: ColumnFunction[];
  /** 1 where the aggregate takes the row. */
  filter?: (source: ColumnSource) => Uint8Array;
}

export interface CompiledSource {
  /** 1 where the row passes WHERE and the inner joins; absent: all do. */
  filter?: (source: ColumnSource) => Uint8Array;
  groups: ColumnFunction[];
  aggregates: CompiledAggregate[];
  /** To be told where a batch begins. */
  texts: ComputedTexts;
}

/** Entries of a result dictionary before another one follows: what was gathered by its codes may still ask it for their values. */
const dictionaryEntriesMax = 1_048_576;

const isFull = (dictionary: GrowingDictionary): boolean =>
  dictionary.size() > dictionaryEntriesMax || dictionary.textLength > dictionaryTextMax;

/** The column functions of a source. Each owns its result arrays: valid until its next call. */
export function compileSource(plan: SourcePlan, table?: LookupContext['table']): CompiledSource {
  const context = { lookups: plan.lookups, table: table ?? missingTable };
  const texts = new ComputedTexts();
  return {
    ...(plan.filter ? { filter: compileFilter(plan.filter, context, texts) } : {}),
    groups: plan.groups.map(group => compileColumn(group, context, texts)),
    aggregates: plan.aggregates.map(aggregate => ({
      aggregate,
      args: aggregate.args.map(arg => compileArgument(aggregate, arg, context, texts)),
      ...(aggregate.filter ? { filter: compileFilter(aggregate.filter, context, texts) } : {}),
    })),
    texts,
  };
}

function missingTable(name: string): never {
  throw new Error(`lookup table ${name} is not loaded`);
}

/** Aggregates that only ask whether there is a value, or which of two are equal, read less of a field. */
function compileArgument(
  aggregate: Aggregate,
  arg: Expression,
  context: LookupContext,
  texts: ComputedTexts,
): ColumnFunction {
  const lighter = lighterUse(aggregate.function, arg);
  if (lighter) return source => source[lighter.as](lighter.path);
  return compileColumn(arg, context, texts);
}

/** The mask of a condition: 1 where it is true, 0 where it is false or NULL. */
export function compileFilter(
  condition: Expression,
  context?: LookupContext,
  texts?: ComputedTexts,
): (source: ColumnSource) => Uint8Array {
  const column = compileColumn(condition, context, texts);
  let mask = new Uint8Array(0);
  return source => {
    const vector = column(source);
    if (vector.kind !== 'boolean') throw new Error('a condition is boolean');
    if (mask.length < vector.rows) mask = new Uint8Array(vector.rows);
    const { values, valid } = vector;
    for (let row = 0; row < vector.rows; row++) mask[row] = values[row]! & valid[row]!;
    return mask.length === vector.rows ? mask : mask.subarray(0, vector.rows);
  };
}

/** The column function of an expression over events. */
export function compileColumn(
  expression: Expression,
  context?: LookupContext,
  texts?: ComputedTexts,
): ColumnFunction {
  if (expression.kind === 'field') {
    const { path, type } = expression;
    return source => source.field(path, type);
  }
  if (expression.kind === 'event-time') return source => source.eventTime();
  const generated = new CodeGenerator(context, texts).generate(expression);
  const exact = exactColumn(expression, context, texts);
  const result = new ResultColumn(expression.type, texts);
  return source => {
    result.reserve(source.rows);
    return generated.run(source, result) ? result.vector(source.rows) : exact(source);
  };
}

/** The arrays that a generated loop writes. */
export class ResultColumn implements ResultArrays {
  readonly type: ScalarType;
  dictionary: GrowingDictionary;
  private readonly texts: ComputedTexts | undefined;
  numbers = new Float64Array(0);
  booleans = new Uint8Array(0);
  codes = new Uint32Array(0);
  valid = new Uint8Array(0);

  constructor(type: ScalarType, texts?: ComputedTexts) {
    this.type = type;
    this.texts = texts;
    this.dictionary = new GrowingDictionary(texts?.add);
    texts?.onForget(() => this.begin());
  }

  private begin(): void {
    this.dictionary = new GrowingDictionary(this.texts?.add);
  }

  reserve(rows: number): void {
    if (isFull(this.dictionary)) this.begin();
    if (this.valid.length >= rows) return;
    this.valid = new Uint8Array(rows);
    if (this.type === 'boolean') this.booleans = new Uint8Array(rows);
    else if (this.type === 'text' || this.type === 'any') this.codes = new Uint32Array(rows);
    else this.numbers = new Float64Array(rows);
  }

  vector(rows: number): Vector {
    const valid = this.valid.subarray(0, rows);
    if (this.type === 'boolean')
      return { kind: 'boolean', rows, values: this.booleans.subarray(0, rows), valid };
    if (this.type === 'text' || this.type === 'any') {
      return {
        kind: 'dictionary',
        rows,
        codes: this.codes.subarray(0, rows),
        valid,
        dictionary: this.dictionary,
      };
    }
    const kind = this.type === 'time' || this.type === 'date' ? 'time' : 'number';
    return { kind, rows, values: this.numbers.subarray(0, rows), valid };
  }
}

/** The same column by the interpreter: a row at a time, exact over 64 bits. */
export function exactColumn(
  expression: Expression,
  context?: LookupContext,
  texts?: ComputedTexts,
): ColumnFunction {
  const evaluate = evaluator(expression, context);
  let dictionary: GrowingDictionary;
  const begin = (): void => {
    dictionary = new GrowingDictionary(texts?.add);
  };
  begin();
  texts?.onForget(begin);
  return source => {
    let row = 0;
    const at = {
      field: (path: readonly string[], type: ScalarType) => fieldAt(source, path, type, row),
      eventTimeUs: () => scalarAt(source.eventTime(), row) as number | null,
    };
    if (isFull(dictionary)) begin();
    const values: Value[] = [];
    for (row = 0; row < source.rows; row++) {
      const value = evaluate(at);
      // Of equal texts only one is kept.
      values.push(typeof value === 'string' ? dictionary.value(dictionary.intern(value)) : value);
    }
    return vectorOf(values as Scalar[], expression.type, dictionary);
  };
}

function fieldAt(source: ColumnSource, path: readonly string[], type: ScalarType, row: number): Scalar {
  const value = scalarAt(source.field(path, type), row);
  return type === 'text' && value !== null ? String(value) : value;
}

/** Scalars as a vector of an expression's type. */
export function vectorOf(
  values: readonly Scalar[],
  type: ScalarType,
  dictionary = new GrowingDictionary(),
): Vector {
  const rows = values.length;
  const valid = Uint8Array.from(values, value => (value === null ? 0 : 1));
  if (type === 'boolean') {
    return {
      kind: 'boolean',
      rows,
      values: Uint8Array.from(values, value => (value === true ? 1 : 0)),
      valid,
    };
  }
  if (type === 'text' || type === 'any') {
    const codes = Uint32Array.from(values, value =>
      value === null ? 0 : dictionary.intern(typeof value === 'bigint' ? String(value) : value),
    );
    return { kind: 'dictionary', rows, codes, valid, dictionary };
  }
  if (type === 'integer' && values.some(value => typeof value === 'bigint')) {
    // A fraction can stand among whole numbers where a field's type has drifted.
    const doubles = new Map<number, number>();
    const whole = BigInt64Array.from(values, (value, row) => {
      if (typeof value === 'bigint') return value;
      if (value === null || Number.isSafeInteger(value)) return BigInt(Number(value ?? 0));
      doubles.set(row, Number(value));
      return 0n;
    });
    return { kind: 'integer', rows, values: whole, doubles, valid };
  }
  const kind = type === 'time' || type === 'date' ? 'time' : 'number';
  return { kind, rows, values: Float64Array.from(values, value => Number(value ?? 0)), valid };
}
