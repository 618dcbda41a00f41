// What an expression of one dictionary column gives for each code, computed once. Lives as long as the dictionary's
// generation and the generations of the lookup tables it reads; bounded by the dictionary, and by the length of its texts.
import type { Scalar } from '../functions/function.ts';
import type { Expression } from '../plan.ts';
import { type Dictionary, dictionaryTextMax, textLengthOf } from '../vector.ts';
import type { ComputedTexts } from './computed-texts.ts';
import { type Evaluator, evaluator, type LookupContext } from './evaluate.ts';

export class CodeMemo {
  /** By code: 0 not computed yet, 1 a value, 2 NULL. */
  states = new Uint8Array(0);
  /** By code: numbers (booleans as 0 and 1) or texts. */
  values: Float64Array | Scalar[];
  /** The result where the column is NULL; booleans as 0 and 1. */
  ofNull: string | number | null = null;
  /** A whole number beyond 53 bits came out: the batch needs the exact path. */
  exact = false;
  private readonly numeric: boolean;
  private readonly evaluate: Evaluator;
  private readonly tables: () => number[];
  private readonly asText: boolean;
  private textLength = 0;
  private dictionary: Dictionary | undefined;
  private generations: number[] = [];
  private readonly texts: ComputedTexts | undefined;

  constructor(
    expression: Expression,
    leaf: Expression & { kind: 'field' },
    context?: LookupContext,
    texts?: ComputedTexts,
  ) {
    this.texts = texts;
    texts?.onForget(() => this.forget());
    this.numeric = expression.type !== 'text' && expression.type !== 'any';
    this.values = this.numeric ? new Float64Array(0) : [];
    this.asText = leaf.type === 'text';
    this.evaluate = evaluator(expression, context);
    this.tables = () => (context?.lookups ?? []).map(({ table }) => context!.table(table).generation);
  }

  /** Makes room for every code of the dictionary; forgets all when it, or a lookup table, has changed, or its texts are too long. */
  prepare(dictionary: Dictionary): void {
    const generations = [dictionary.generation, ...this.tables()];
    const changed =
      dictionary !== this.dictionary ||
      this.textLength > dictionaryTextMax ||
      generations.some((generation, index) => generation !== this.generations[index]);
    if (changed) {
      this.forget();
      this.dictionary = dictionary;
      this.generations = generations;
      this.exact = false;
      this.ofNull = this.plain(this.evaluate({ field: () => null }) as Scalar);
    }
    const size = dictionary.size();
    if (this.states.length >= size) return;
    const capacity = Math.max(64, size * 2);
    const states = new Uint8Array(capacity);
    states.set(this.states);
    this.states = states;
    if (this.values instanceof Float64Array) {
      const values = new Float64Array(capacity);
      values.set(this.values);
      this.values = values;
    }
  }

  private forget(): void {
    this.dictionary = undefined;
    this.textLength = 0;
    this.states = new Uint8Array(0);
    this.values = this.numeric ? new Float64Array(0) : [];
  }

  fill(code: number): void {
    const read = this.dictionary!.value(code);
    const value = this.plain(this.evaluate({ field: () => (this.asText ? String(read) : read) }) as Scalar);
    this.states[code] = value === null ? 2 : 1;
    if (value === null) return;
    this.values[code] = value;
    const length = textLengthOf(value);
    this.textLength += length;
    if (length > 0) this.texts?.add(length);
  }

  private plain(value: Scalar): string | number | null {
    if (typeof value === 'bigint') {
      this.exact = true;
      return Number(value);
    }
    return typeof value === 'boolean' && this.numeric ? Number(value) : (value as string | number | null);
  }
}
