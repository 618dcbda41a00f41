// One column of the output: how its value of a row is written. Texts are escaped once for each code of their dictionary.
import type { Column } from '../../kernel/kernel.ts';
import { cell } from '../../kernel/kernel.ts';
import { type ColumnFunction, compileColumn } from '../plan/expression/compile.ts';
import { evaluator, type LookupContext } from '../plan/expression/evaluate.ts';
import type { Scalar } from '../plan/functions/function.ts';
import type { Expression, ScalarType } from '../plan/plan.ts';
import type { ColumnSource, Dictionary, DictionaryValue, Vector } from '../plan/vector.ts';
import { jsonText, LineWriter } from './line-writer.ts';

/** Bytes of escaped texts kept for one column. */
const textBytesMax = 32 * 1024 * 1024;

/** What a batch offers to a column. */
export interface OutputBatch {
  /** The rows that the filter took. */
  selected: ColumnSource;
  /** The kernel's columns and its input region. */
  columns: readonly Column[];
  input: Uint8Array;
}

export interface OutputColumn {
  prepare(batch: OutputBatch): void;
  /** Writes the value of selected row `i`, which is row `row` of the batch. */
  write(writer: LineWriter, i: number, row: number): void;
}

/** A field's own JSON, or null where it is absent. */
export class CopiedColumn implements OutputColumn {
  /** Which of the kernel's columns. */
  index = -1;
  private input: Uint8Array = new Uint8Array(0);
  private state: Uint8Array = new Uint8Array(0);
  private start: Uint32Array = new Uint32Array(0);
  private end: Uint32Array = new Uint32Array(0);

  prepare({ columns, input }: OutputBatch): void {
    const { state, start, end } = columns[this.index]!;
    this.input = input;
    this.state = state;
    this.start = start;
    this.end = end;
  }

  write(writer: LineWriter, _i: number, row: number): void {
    if (this.state[row]! === cell.absent) writer.null();
    else writer.copy(this.input, this.start[row]!, this.end[row]!);
  }

  isAbsent(row: number): boolean {
    return this.state[row] === cell.absent;
  }

  /** Where the value stands in the input, if it is there. */
  startAt(row: number): number {
    return this.start[row]!;
  }

  endAt(row: number): number {
    return this.end[row]!;
  }
}

/** The column of an expression's values. What depends on one field of text alone is computed and written out once for each. */
export function computedColumn(expression: Expression, context: LookupContext): OutputColumn {
  const leaf = onlyText(expression);
  if (leaf === undefined) return new ComputedColumn(compileColumn(expression, context), expression.type);
  return new MemoisedColumn(expression, leaf);
}

type Field = Expression & { kind: 'field' };

/** The field of text that is all an expression reads, if so; a lookup table may change, so it counts as more. */
function onlyText(expression: Expression): Field | undefined {
  const fields = new Map<string, Field>();
  let others = 0;
  const visit = (node: Expression): void => {
    if (node.kind === 'field') fields.set(JSON.stringify(node), node);
    else if (node.kind === 'call') node.args.forEach(visit);
    else if (node.kind === 'case') {
      for (const { when, value } of node.branches) [when, value].forEach(visit);
      visit(node.otherwise);
    } else if (node.kind !== 'literal') others++;
  };
  visit(expression);
  const [field] = fields.values();
  return others === 0 && fields.size === 1 && field!.type === 'text' ? field : undefined;
}

class MemoisedColumn implements OutputColumn {
  private readonly leaf: Field;
  private readonly texts: EscapedTexts;
  private readonly ofNull: Uint8Array;
  private vector!: Vector & { kind: 'dictionary' };

  constructor(expression: Expression, leaf: Field) {
    this.leaf = leaf;
    const evaluate = evaluator(expression);
    const writer = new LineWriter();
    const written = (read: string | null): Uint8Array => {
      writer.reset();
      writeScalar(writer, evaluate({ field: () => read }) as Scalar, expression.type);
      return writer.written();
    };
    this.ofNull = written(null).slice();
    this.texts = new EscapedTexts(value => written(String(value)));
  }

  prepare({ selected }: OutputBatch): void {
    const vector = selected.field(this.leaf.path, this.leaf.type);
    if (vector.kind !== 'dictionary') throw new Error('a text is in a dictionary');
    this.vector = vector;
    this.texts.prepare(vector.dictionary);
  }

  write(writer: LineWriter, i: number): void {
    if (this.vector.valid[i] === 0) writer.copy(this.ofNull, 0, this.ofNull.length);
    else this.texts.write(writer, this.vector.codes[i]!);
  }
}

function writeScalar(writer: LineWriter, value: Scalar, type: ScalarType): void {
  if (value === null) writer.null();
  else if (typeof value === 'bigint') writer.ascii(String(value));
  else if (typeof value === 'number' && type === 'date') writer.date(value);
  else if (typeof value === 'number' && type === 'time') writer.time(value);
  else if (typeof value === 'number') writer.number(value);
  else if (typeof value === 'boolean') writer.boolean(value);
  else {
    const text = jsonText(value);
    writer.copy(text, 0, text.length);
  }
}

/** Values computed for every row. */
class ComputedColumn implements OutputColumn {
  private readonly compute: ColumnFunction;
  private readonly isDate: boolean;
  private readonly texts = new EscapedTexts(jsonText);
  private vector!: Vector;

  constructor(compute: ColumnFunction, type: ScalarType) {
    this.compute = compute;
    this.isDate = type === 'date';
  }

  prepare({ selected }: OutputBatch): void {
    this.vector = this.compute(selected);
    if (this.vector.kind === 'dictionary') this.texts.prepare(this.vector.dictionary);
  }

  write(writer: LineWriter, i: number): void {
    const { vector } = this;
    if (vector.valid[i] === 0) {
      writer.null();
      return;
    }
    switch (vector.kind) {
      case 'number':
        writer.number(vector.values[i]!);
        break;
      case 'time':
        if (this.isDate) writer.date(vector.values[i]!);
        else writer.time(vector.values[i]!);
        break;
      case 'integer': {
        const double = vector.doubles?.get(i);
        if (double === undefined) writer.ascii(String(vector.values[i]));
        else writer.number(double);
        break;
      }
      case 'boolean':
        writer.boolean(vector.values[i] === 1);
        break;
      case 'dictionary':
        this.texts.write(writer, vector.codes[i]!);
        break;
      case 'hash':
        throw new Error('a hash is no result');
    }
  }
}

/** The JSON of something about each of a dictionary's values, one after another, each made when it is first written. */
class EscapedTexts {
  private readonly textOf: (value: DictionaryValue) => Uint8Array;
  private dictionary: Dictionary | undefined;
  private generation = -1;
  private bytes = new Uint8Array(0);
  private used = 0;
  /** By code: where its text begins, plus one; 0 while it has not been made. */
  private starts = new Uint32Array(0);
  private ends = new Uint32Array(0);

  /** `textOf` answers bytes that are copied at once. */
  constructor(textOf: (value: DictionaryValue) => Uint8Array) {
    this.textOf = textOf;
  }

  prepare(dictionary: Dictionary): void {
    const { generation } = dictionary;
    if (dictionary !== this.dictionary || generation !== this.generation || this.used > textBytesMax) {
      this.dictionary = dictionary;
      this.generation = generation;
      this.used = 0;
      this.starts.fill(0);
    }
    const size = dictionary.size();
    if (this.starts.length >= size) return;
    const [starts, ends] = [new Uint32Array(size * 2), new Uint32Array(size * 2)];
    starts.set(this.starts);
    ends.set(this.ends);
    this.starts = starts;
    this.ends = ends;
  }

  write(writer: LineWriter, code: number): void {
    if (this.starts[code] === 0) this.make(code);
    writer.copy(this.bytes, this.starts[code]! - 1, this.ends[code]!);
  }

  private make(code: number): void {
    const text = this.textOf(this.dictionary!.value(code));
    if (this.used + text.length > this.bytes.length) {
      const longer = new Uint8Array(Math.max(this.used + text.length, this.bytes.length * 2, 1024));
      longer.set(this.bytes.subarray(0, this.used));
      this.bytes = longer;
    }
    this.bytes.set(text, this.used);
    this.starts[code] = this.used + 1;
    this.used += text.length;
    this.ends[code] = this.used;
  }
}
