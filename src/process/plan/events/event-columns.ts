// From the kernel's columns to vectors. Values that the kernel did not take as the wanted type are decoded here, exactly: what
// the text of the value can be read as is taken ("12" as a number, 200 as text), anything else is NULL and counted.

import { eventTimeFields, timeOf } from '../../../core/event-time.ts';
import { murmur128Text } from '../../../core/hash.ts';
import { wellFormed } from '../../../core/surrogates.ts';
import {
  type Column,
  cell,
  type DecodeResult,
  type Decoder,
  type FieldSpec,
} from '../../../kernel/kernel.ts';
import { dayUs } from '../functions/calendar.ts';
import { booleanFromText, numberFromText } from '../functions/cast.ts';
import type { ScalarType, SourcePlan } from '../plan.ts';
import { type ColumnSource, dictionaryTextMax, type Vector } from '../vector.ts';
import { FieldDictionary } from './field-dictionary.ts';
import { type FieldUse, fieldSpecs, fieldUses, timeSpecs, useKey } from './fields.ts';
import { nestedText } from './nested-text.ts';

/** Entries of a field's dictionary before it starts a new generation; below the kernel's own bound. */
const dictionaryEntriesMax = 1_000_000;

/** Which columns of a decoder hold what. */
interface Layout {
  fields: FieldSpec[];
  uses: { key: string; use: FieldUse; column: number }[];
  times: number[];
}

/** The arrays of one use, as long as the longest batch so far. */
interface Buffers {
  valid: Uint8Array;
  numbers: Float64Array;
  bytes: Uint8Array;
  words: Uint32Array;
  /** Set where a batch has whole numbers beyond 2^53. */
  whole: BigInt64Array | undefined;
}

/**
 * The columns of one stream's batches for some plans. Make a decoder of `fields`, `attach` it, then for every decoded batch
 * `load`; the vectors are copies and valid until the next load. `load` answers 'again' where the time of an event may be in a
 * field that the decoder left out: make a decoder of the new `fields`, attach it, and decode the same bytes again. While
 * `fieldsChanged` is true a decoder of the (fewer) `fields` would be faster.
 */
export class EventColumns implements ColumnSource {
  rows = 0;
  /** Values that could not be used as the type that a use wants, since the start. */
  mismatched = 0;
  /** Rows of the batch with such values, by use. */
  private readonly misread = new Map<string, number[]>();
  private readonly uses: FieldUse[];
  private wanted: Layout;
  private layout: Layout;
  private timeDepthSettled = false;
  private decoder: Decoder | undefined;
  private dictionaries = new Map<string, FieldDictionary>();
  private readonly buffers = new Map<string, Buffers>();
  private readonly vectors = new Map<string, Vector>();
  private times = new Float64Array(0);
  private ones = new Uint8Array(0);
  private generation = 0;

  private readonly textOf: (text: string) => string;

  /** `keepsHalves`: texts are passed on with halves of surrogate pairs in them; else each is U+FFFD, as it is wherever a text is stored. */
  constructor(sources: readonly SourcePlan[], { keepsHalves = false } = {}) {
    this.textOf = keepsHalves ? text => text : wellFormed;
    this.uses = fieldUses(sources);
    this.layout = this.wanted = layOut(this.uses, eventTimeFields.length);
  }

  /** What the next decoder should read. */
  get fields(): readonly FieldSpec[] {
    return this.wanted.fields;
  }

  get fieldsChanged(): boolean {
    return this.wanted !== this.layout;
  }

  /** Takes a decoder made of `fields`; its dictionaries start anew. */
  attach(decoder: Decoder): void {
    this.decoder = decoder;
    this.layout = this.wanted;
    this.generation++;
    this.dictionaries = new Map();
    for (const { key, use, column } of this.layout.uses) {
      if (use.as !== 'text' && use.as !== 'any') continue;
      const dictionary = new FieldDictionary(decoder, column, use.as === 'text');
      dictionary.generation = this.generation;
      this.dictionaries.set(key, dictionary);
    }
  }

  /**
   * Takes a decoded batch. `input` is the kernel's input region as it was decoded; `appendTimeUs` is the time of events that
   * have none. Must come before any other call of the kernel.
   */
  load(result: DecodeResult, input: Uint8Array, appendTimeUs: number | Float64Array): 'ok' | 'again' {
    this.rows = result.rows;
    this.misread.clear();
    if (!this.loadTimes(result, input, appendTimeUs)) return 'again';
    const late: (() => void)[] = [];
    for (const { key, use, column } of this.layout.uses) {
      const buffers = this.buffersOf(key, use.as, result.rows);
      const finish = this.copy(key, use, result.columns[column]!, buffers, input);
      if (finish) late.push(finish);
    }
    // The kernel's arrays are copied, so its dictionaries may be asked now.
    for (const finish of late) finish();
    return 'ok';
  }

  field(path: readonly string[], type: ScalarType): Vector {
    return this.vector(useKey(path, type));
  }

  hash(path: readonly string[]): Vector {
    return this.vector(useKey(path, 'hash'));
  }

  presence(path: readonly string[]): Vector {
    return this.vector(useKey(path, 'presence'));
  }

  eventTime(): Vector {
    const { rows } = this;
    return { kind: 'time', rows, values: this.times.subarray(0, rows), valid: this.ones.subarray(0, rows) };
  }

  private vector(key: string): Vector {
    const vector = this.vectors.get(key);
    if (!vector) throw new Error(`a field that the plans do not use: ${key}`);
    return vector;
  }

  private loadTimes(result: DecodeResult, input: Uint8Array, appendTimeUs: number | Float64Array): boolean {
    const { rows } = result;
    if (this.times.length < rows) {
      this.times = new Float64Array(rows);
      this.ones = new Uint8Array(rows).fill(1);
    }
    const columns = this.layout.times.map(index => result.columns[index]!);
    const first = columns[0]!;
    let deepest: number | undefined = 1;
    if (haveAllValues(first.state, rows)) {
      this.times.set((first.values as Float64Array).subarray(0, rows));
    } else {
      deepest = this.timesByRow(columns, rows, input, appendTimeUs);
      if (deepest === undefined) {
        this.wanted = layOut(this.uses, eventTimeFields.length);
        return false;
      }
    }
    // The first batch shows how far down the list a stream keeps its time; fewer fields are faster to decode.
    if (rows > 0 && !this.timeDepthSettled) {
      this.timeDepthSettled = true;
      if (deepest < columns.length) this.wanted = layOut(this.uses, deepest);
    }
    return true;
  }

  /** Takes each event's time from the first of the columns that has one; answers how far down the list that led. */
  private timesByRow(
    columns: readonly Column[],
    rows: number,
    input: Uint8Array,
    appendTimeUs: number | Float64Array,
  ): number | undefined {
    let deepest = 1;
    for (let row = 0; row < rows; row++) {
      let timeUs: number | undefined;
      let depth = 0;
      while (timeUs === undefined && depth < columns.length) {
        const column = columns[depth++]!;
        const state = column.state[row];
        if (state === cell.value) timeUs = (column.values as Float64Array)[row]!;
        else if (state === cell.other) timeUs = timeOf(JSON.parse(rawText(column, row, input)));
      }
      if (timeUs === undefined) {
        if (columns.length < eventTimeFields.length) return undefined;
        timeUs = typeof appendTimeUs === 'number' ? appendTimeUs : appendTimeUs[row]!;
      }
      if (depth > deepest) deepest = depth;
      this.times[row] = timeUs;
    }
    return deepest;
  }

  private buffersOf(key: string, as: FieldUse['as'], rows: number): Buffers {
    const known = this.buffers.get(key);
    if (known && known.valid.length >= rows) return known;
    const isWords = as === 'text' || as === 'any' || as === 'hash';
    const isBytes = as === 'boolean' || as === 'presence';
    const buffers: Buffers = {
      valid: new Uint8Array(rows),
      numbers: new Float64Array(isWords || isBytes ? 0 : rows),
      bytes: new Uint8Array(isBytes ? rows : 0),
      words: new Uint32Array(isWords ? (as === 'hash' ? rows * 4 : rows) : 0),
      whole: undefined,
    };
    this.buffers.set(key, buffers);
    return buffers;
  }

  /** Copies what the kernel decoded and decodes the rest; returns what has to wait for the dictionaries. */
  private copy(
    key: string,
    use: FieldUse,
    column: Column,
    buffers: Buffers,
    input: Uint8Array,
  ): (() => void) | undefined {
    const { rows } = this;
    const valid = buffers.valid.subarray(0, rows);
    const others = rowsToDecode(column.state, valid, rows);
    switch (use.as) {
      case 'text':
      case 'any':
        return this.copyCodes(key, column, buffers.words, valid, others, input);
      case 'hash': {
        const words = buffers.words.subarray(0, rows * 4);
        words.set((column.values as Uint32Array).subarray(0, rows * 4));
        for (const row of others) {
          const value = String(this.scalarOf(rawText(column, row, input)));
          const { h1Low, h1High, h2Low, h2High } = murmur128Text(value);
          words.set([h1Low, h1High, h2Low, h2High], row * 4);
          valid[row] = 1;
        }
        this.vectors.set(key, { kind: 'hash', rows, words, valid });
        return undefined;
      }
      case 'presence': {
        for (const row of others) valid[row] = 1;
        this.vectors.set(key, { kind: 'boolean', rows, values: valid, valid });
        return undefined;
      }
      case 'boolean': {
        const values = buffers.bytes.subarray(0, rows);
        values.set((column.values as Uint8Array).subarray(0, rows));
        for (const row of others) {
          const value = JSON.parse(rawText(column, row, input));
          const read = typeof value === 'object' ? null : booleanFromText(String(value));
          this.take(key, read !== null, valid, row);
          values[row] = read ? 1 : 0;
        }
        this.vectors.set(key, { kind: 'boolean', rows, values, valid });
        return undefined;
      }
      default:
        this.copyNumbers(key, use.as, column, buffers, valid, others, input);
        return undefined;
    }
  }

  private copyNumbers(
    key: string,
    as: FieldUse['as'],
    column: Column,
    buffers: Buffers,
    valid: Uint8Array,
    others: readonly number[],
    input: Uint8Array,
  ): void {
    const { rows } = this;
    const values = buffers.numbers.subarray(0, rows);
    values.set((column.values as Float64Array).subarray(0, rows));
    const isTime = as === 'time' || as === 'date';
    const whole = new Map<number, bigint>();
    if (!isTime) {
      dropSigns(values);
      others = [...others, ...beyondDoubles(values, valid, as)];
    }
    for (const row of others) {
      const raw = rawText(column, row, input);
      const value: unknown = JSON.parse(raw);
      const read = isTime ? (timeOf(value) ?? null) : numberOf(value);
      this.take(key, read !== null, valid, row);
      values[row] = (read ?? 0) + 0;
      if (as === 'integer' && read !== null && !Number.isSafeInteger(read)) {
        const exact = /^"?\s*([+-]?\d+)\s*"?$/.exec(raw)?.[1];
        if (exact && BigInt.asIntN(64, BigInt(exact)) === BigInt(exact)) whole.set(row, BigInt(exact));
      }
    }
    if (as === 'date') {
      for (let row = 0; row < rows; row++) values[row] = Math.floor(values[row]! / dayUs) * dayUs;
    }
    if (whole.size === 0) {
      this.vectors.set(key, { kind: isTime ? 'time' : 'number', rows, values, valid });
      return;
    }
    buffers.whole = buffers.whole && buffers.whole.length >= rows ? buffers.whole : new BigInt64Array(rows);
    const exact = buffers.whole.subarray(0, rows);
    // Where the field has drifted, doubles stand among whole numbers.
    const doubles = new Map<number, number>();
    for (let row = 0; row < rows; row++) {
      const value = values[row]!;
      const digits = valid[row] === 0 ? 0n : whole.get(row);
      const isSafe = Number.isSafeInteger(value);
      exact[row] = digits ?? (isSafe ? BigInt(value) : 0n);
      if (digits === undefined && !isSafe) doubles.set(row, value);
    }
    this.vectors.set(key, { kind: 'integer', rows, values: exact, doubles, valid });
  }

  private copyCodes(
    key: string,
    column: Column,
    words: Uint32Array,
    valid: Uint8Array,
    others: readonly number[],
    input: Uint8Array,
  ): () => void {
    const { rows } = this;
    const dictionary = this.dictionaries.get(key)!;
    const codes = words.subarray(0, rows);
    codes.set((column.values as Uint32Array).subarray(0, rows));
    const raw = others.map(row => rawText(column, row, input));
    return () => {
      dictionary.grow();
      dictionary.translate(codes);
      for (const [index, row] of others.entries()) {
        codes[row] = dictionary.add(this.scalarOf(raw[index]!));
        valid[row] = 1;
      }
      this.vectors.set(key, { kind: 'dictionary', rows, codes, valid, dictionary });
    };
  }

  /**
   * A value as it is, from its JSON text: a nested one is the text, and a whole number that a double would round is its digits,
   * so that different values stay different.
   */
  private scalarOf(raw: string): string | number | boolean {
    const value: unknown = JSON.parse(raw);
    if (typeof value === 'object') return nestedText(raw, value);
    if (typeof value === 'string') return this.textOf(value);
    if (typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(raw)) return raw;
    return value as number | boolean;
  }

  /** Some dictionary is to start anew before the next batch is decoded. */
  get isFull(): boolean {
    for (const dictionary of this.dictionaries.values()) {
      if (dictionary.size() >= dictionaryEntriesMax) return true;
    }
    return this.hasLongTexts;
  }

  private get hasLongTexts(): boolean {
    let length = 0;
    for (const dictionary of this.dictionaries.values()) length += dictionary.textLength;
    return length > dictionaryTextMax;
  }

  /**
   * Starts new dictionaries for fields whose are full, and for all where their texts are too long together. To be called between
   * batches, when no code of the last one is needed.
   */
  renewDictionaries(): void {
    const areAll = this.hasLongTexts;
    for (const { key, column } of this.layout.uses) {
      const dictionary = this.dictionaries.get(key);
      if (!dictionary || (!areAll && dictionary.size() < dictionaryEntriesMax)) continue;
      this.decoder!.resetDictionary(column);
      for (const other of this.layout.uses) {
        if (other.column === column) this.dictionaries.get(other.key)?.clear();
      }
    }
  }

  /** Lets go of all values. To be called when no code is needed, and the decoder is freed. */
  forget(): void {
    for (const dictionary of this.dictionaries.values()) dictionary.clear();
  }

  private take(key: string, readable: boolean, valid: Uint8Array, row: number): void {
    valid[row] = readable ? 1 : 0;
    if (readable) return;
    this.mismatched++;
    const rows = this.misread.get(key);
    if (rows) rows.push(row);
    else this.misread.set(key, [row]);
  }

  /** Whether the batch has values that a use (by `useKey`) could be made of; undefined where it has none of any kind. */
  hasRead(key: string): boolean | undefined {
    if (this.vectors.get(key)?.valid.subarray(0, this.rows).includes(1)) return true;
    return this.misread.has(key) ? false : undefined;
  }

  /** Events of the batch with a value that one of these uses (by `useKey`) could not be made of. */
  mismatchedEvents(keys: readonly string[]): number {
    if (this.misread.size === 0) return 0;
    const rows = keys.flatMap(key => this.misread.get(key) ?? []);
    return rows.length < 2 ? rows.length : new Set(rows).size;
  }
}

function layOut(uses: readonly FieldUse[], timeDepth: number): Layout {
  const { specs, column } = fieldSpecs(uses);
  const times = timeSpecs(timeDepth);
  return {
    fields: [...specs, ...times],
    uses: uses.map(use => {
      const key = useKey(use.path, use.as);
      return { key, use, column: column.get(key)! };
    }),
    times: times.map((_, index) => specs.length + index),
  };
}

function haveAllValues(state: Uint8Array, rows: number): boolean {
  for (let row = 0; row < rows; row++) if (state[row] !== cell.value) return false;
  return true;
}

/** Notes which rows have a value; answers those whose value the kernel did not take. */
function rowsToDecode(state: Uint8Array, valid: Uint8Array, rows: number): number[] {
  const others: number[] = [];
  for (let row = 0; row < rows; row++) {
    valid[row] = state[row] === cell.value ? 1 : 0;
    if (state[row] === cell.other) others.push(row);
  }
  return others;
}

/** Rows whose number is infinite as a double, or for whole numbers rounded: their text is read again. */
function beyondDoubles(values: Float64Array, valid: Uint8Array, as: FieldUse['as']): number[] {
  const limit = as === 'integer' ? Number.MAX_SAFE_INTEGER : Number.MAX_VALUE;
  const rows: number[] = [];
  for (let row = 0; row < values.length; row++) {
    if (valid[row] === 1 && !(Math.abs(values[row]!) <= limit)) rows.push(row);
  }
  return rows;
}

/** The history keeps no sign of zero, and 1 / -0 is not 1 / 0. */
function dropSigns(values: Float64Array): void {
  for (let row = 0; row < values.length; row++) values[row]! += 0;
}

function numberOf(value: unknown): number | null {
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  const read = typeof value === 'string' ? numberFromText(value) : null;
  return read !== null && Number.isFinite(read) ? read : null;
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

function rawText(column: Column, row: number, input: Uint8Array): string {
  return decoder.decode(input.subarray(column.start[row], column.end[row]));
}
