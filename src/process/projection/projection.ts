// A projection at work: spans of NDJSON in, spans of NDJSON out. SELECT and WHERE run over columns; each event is taken by
// itself, so any cutting of the same stream into spans gives the same lines.
//
// Who calls: whoever reads a stream (a pipeline, a benchmark), in the kernel's thread. The events lie in the kernel's input
// region, as LogReader.read leaves them, and are valid NDJSON as the log holds it. One Projection serves one partition of one
// source of a plan; it owns a decoder, so `free` it. Nothing is kept from one span to the next but dictionaries, each bounded:
// what a run gives for the events at offsets [from, from + rows) depends on them alone, so an append of it whose producer
// counts input offsets is done once, wherever the reading begins again.
import { MillraceError } from '../../core/errors.ts';
import type { DecodeResult, Decoder, FieldSpec, Kernel } from '../../kernel/kernel.ts';
import { EventColumns } from '../plan/events/event-columns.ts';
import { compileFilter } from '../plan/expression/compile.ts';
import type { LookupTable } from '../plan/expression/evaluate.ts';
import type { SourcePlan } from '../plan/plan.ts';
import type { ColumnSource } from '../plan/vector.ts';
import { LineWriter } from './line-writer.ts';
import { CopiedColumn, computedColumn, type OutputColumn } from './output-column.ts';
import type { ProjectionPlan, ProjectionSource } from './projection-plan.ts';
import { SelectedColumns } from './selected-columns.ts';

export interface ProjectionOptions {
  kernel: Kernel;
  /** Which of the plan's sources the events are of; default 0. */
  source?: number;
  /** Loaded lookup tables by name; needed where the plan joins some. */
  table?: (name: string) => LookupTable;
  /** Bytes of output one `run` gives at most; default 4 MiB, what a log takes as one batch. */
  outputBytesMax?: number;
  /** Events one `run` takes at most; default 16,384. */
  rowsMax?: number;
}

export interface ProjectionResult {
  /** Events taken in, and the bytes of input that they were: go on behind them while `consumed` is less than the length. */
  rows: number;
  consumed: number;
  /** `count` lines, each ended by "\n". The projection's own memory: valid until its next `run`. */
  bytes: Uint8Array;
  count: number;
  /** Rows (in [0, rows)) whose line alone would be longer than `outputBytesMax`: they are not in the output. */
  tooLong: number[];
}

const outputBytesMaxDefault = 4 * 1024 * 1024;
const newline = 10;
const closing = 0x7d;
const opening = 0x7b;
const utf8 = new TextEncoder();

export class Projection {
  private readonly kernel: Kernel;
  private readonly plan: ProjectionPlan;
  private readonly outputBytesMax: number;
  private readonly rowsMax: number;
  private readonly events: EventColumns;
  private readonly filter: ((source: ColumnSource) => Uint8Array) | undefined;
  private readonly columns: OutputColumn[];
  /** Fields that are copied, or looked for beside *, in a slice each. */
  private readonly sliced: { path: string[]; column: CopiedColumn }[] = [];
  /** Beside *: the event's own values of the columns' names. */
  private readonly own: CopiedColumn[] = [];
  /** Before each value: `{"name":` or `,"name":`. */
  private readonly heads: Uint8Array[];
  private readonly selected = new SelectedColumns();
  private readonly writer = new LineWriter();
  private rowNumbers = new Uint32Array(0);
  private decoder: Decoder | undefined;
  private input: Uint8Array = new Uint8Array(0);

  constructor(plan: ProjectionPlan, options: ProjectionOptions) {
    const source = plan.sources[options.source ?? 0]!;
    this.plan = plan;
    this.kernel = options.kernel;
    this.outputBytesMax = options.outputBytesMax ?? outputBytesMaxDefault;
    this.rowsMax = options.rowsMax ?? 16_384;
    const context = { lookups: source.lookups, table: options.table ?? missingTable };
    this.events = new EventColumns([fieldsIn(source)], { keepsHalves: true });
    this.filter = source.filter && compileFilter(source.filter, context);
    this.columns = source.values.map(value =>
      value.kind === 'as-is' ? this.slice(value.path) : computedColumn(value.expression, context),
    );
    if (plan.hasAll) this.own = plan.columns.map(({ name }) => this.slice([name]));
    this.heads = plan.columns.map(({ name }, k) =>
      utf8.encode(`${k === 0 && !plan.hasAll ? '{' : ','}${JSON.stringify(name)}:`),
    );
  }

  private slice(path: string[]): CopiedColumn {
    const column = new CopiedColumn();
    this.sliced.push({ path, column });
    return column;
  }

  /** Values that could not be used as the type that an expression wants, since the start. */
  get mismatched(): number {
    return this.events.mismatched;
  }

  /**
   * Takes events of the kernel's input region [position, position + length): as many as fit into one decoding and one output.
   * Events without a time of their own have `appendTimeUs`, which is one time or one for each line.
   */
  run(position: number, length: number, appendTimeUs: number | Float64Array): ProjectionResult {
    this.writer.reset();
    const decoded = this.decode(position, length, appendTimeUs);
    if (decoded.rows === 0) {
      if (length > 0) throw new MillraceError('internal', `The kernel decoded nothing of ${this.plan.name}.`);
      return { rows: 0, consumed: 0, bytes: this.writer.written(), count: 0, tooLong: [] };
    }
    this.input = this.kernel.input(0);
    const count = this.select(decoded.rows);
    const isWhole = count === decoded.rows;
    const batch = {
      selected: isWhole ? this.events : this.selected,
      columns: decoded.columns,
      input: this.input,
    };
    for (const column of this.columns) column.prepare(batch);
    for (const column of this.own) column.prepare(batch);
    return this.write(decoded, position, isWhole ? undefined : this.rowNumbers, count);
  }

  private decode(position: number, length: number, appendTimeUs: number | Float64Array): DecodeResult {
    if (this.decoder === undefined || this.events.fieldsChanged) this.layOut();
    else this.events.renewDictionaries();
    for (;;) {
      const result = this.decoder!.decode(position, length);
      // Taken once: a kernel may look its memory up anew at each access.
      const columns = result.columns.map(({ spec, state, values, start, end }) => {
        return { spec, state, values, start, end };
      });
      const loaded = this.events.load({ ...result, columns }, this.kernel.input(0), appendTimeUs);
      if (loaded === 'ok') return result;
      this.layOut();
    }
  }

  private layOut(): void {
    this.decoder?.free();
    const fields: FieldSpec[] = [...this.events.fields];
    for (const { path, column } of this.sliced) {
      // Every kind of column tells where its value stands.
      let index = fields.findIndex(field => !field.isExact && isSamePath(field.path, path));
      if (index < 0) index = fields.push({ path, kind: 'slice' }) - 1;
      column.index = index;
    }
    this.decoder = this.kernel.decoder(fields, { maxRows: this.rowsMax });
    this.events.attach(this.decoder);
  }

  /** Finds the rows that the filter takes; answers how many. */
  private select(rows: number): number {
    if (this.filter === undefined) return rows;
    const mask = this.filter(this.events);
    if (this.rowNumbers.length < rows) this.rowNumbers = new Uint32Array(rows);
    const { rowNumbers } = this;
    let count = 0;
    for (let row = 0; row < rows; row++) {
      rowNumbers[count] = row;
      count += mask[row]!;
    }
    if (count < rows) this.selected.select(this.events, rowNumbers, count);
    return count;
  }

  private write(
    decoded: DecodeResult,
    position: number,
    rowNumbers: Uint32Array | undefined,
    selected: number,
  ): ProjectionResult {
    const { writer, outputBytesMax } = this;
    const tooLong: number[] = [];
    let { rows, consumed } = decoded;
    let count = 0;
    const lines = new Lines(this.input, position);
    for (let i = 0; i < selected; i++) {
      const row = rowNumbers === undefined ? i : rowNumbers[i]!;
      const before = writer.at;
      if (this.plan.hasAll) this.writeAll(i, row, lines.start(row), lines.start(row + 1) - 1);
      else this.writeColumns(i, row);
      writer.byte(newline);
      if (writer.at <= outputBytesMax) {
        count++;
        continue;
      }
      const size = writer.at - before;
      writer.at = before;
      if (size > outputBytesMax) tooLong.push(row);
      else {
        rows = row;
        consumed = new Lines(this.input, position).start(row) - position;
        break;
      }
    }
    return { rows, consumed, bytes: writer.written(), count, tooLong };
  }

  private writeColumns(i: number, row: number): void {
    const { writer, heads, columns } = this;
    for (let k = 0; k < columns.length; k++) {
      const head = heads[k]!;
      writer.copy(head, 0, head.length);
      columns[k]!.write(writer, i, row);
    }
    writer.byte(closing);
  }

  /** The event's bytes [start, end), with the columns in the places of its own values, or before its closing brace. */
  private writeAll(i: number, row: number, start: number, end: number): void {
    const { writer, columns, own, heads, input } = this;
    let at = start;
    const present = own.map((_, k) => k).filter(k => !own[k]!.isAbsent(row));
    present.sort((a, b) => own[a]!.startAt(row) - own[b]!.startAt(row));
    for (const k of present) {
      writer.copy(input, at, own[k]!.startAt(row));
      columns[k]!.write(writer, i, row);
      at = own[k]!.endAt(row);
    }
    if (present.length < columns.length) {
      const close = input.lastIndexOf(closing, end - 1);
      let last = close - 1;
      while (input[last]! <= 0x20) last--;
      writer.copy(input, at, close);
      at = close;
      let isFirst = input[last] === opening;
      for (let k = 0; k < columns.length; k++) {
        if (!own[k]!.isAbsent(row)) continue;
        const head = heads[k]!;
        writer.copy(head, isFirst ? 1 : 0, head.length);
        isFirst = false;
        columns[k]!.write(writer, i, row);
      }
    }
    writer.copy(input, at, end);
  }

  free(): void {
    this.decoder?.free();
    this.decoder = undefined;
  }
}

/** Where lines begin, found by going through them once. */
class Lines {
  private readonly input: Uint8Array;
  private row = 0;
  private at: number;

  constructor(input: Uint8Array, position: number) {
    this.input = input;
    this.at = position;
  }

  /** Rows must be asked for in ascending order. */
  start(row: number): number {
    for (; this.row < row; this.row++) this.at = this.input.indexOf(newline, this.at) + 1;
    return this.at;
  }
}

/** What the computed columns read, in the form that fields are found in. */
function fieldsIn(source: ProjectionSource): SourcePlan {
  const { stream, lookups, filter, values } = source;
  const groups = values.flatMap(value => (value.kind === 'computed' ? [value.expression] : []));
  return { stream, view: false, lookups, ...(filter ? { filter } : {}), groups, aggregates: [] };
}

function isSamePath(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((key, index) => key === b[index]);
}

function missingTable(name: string): never {
  throw new Error(`lookup table ${name} is not loaded`);
}
