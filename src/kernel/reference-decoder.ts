// Columns from NDJSON by JsonScanner and JSON.parse, a value at a time. The oracle of the compiled decoder.
import { foldedName } from '../core/folded-name.ts';
import { murmur128Text } from '../core/hash.ts';
import { epochLiteral, epochToUs } from '../core/time.ts';
import { parseTimeUs } from '../core/time-text.ts';
import { checkFields } from './check-fields.ts';
import { JsonScanner, ScanError, type Span } from './json-scanner.ts';
import type { Column, DecodeResult, Decoder, DecoderOptions, FieldSpec } from './kernel.ts';
import { cell } from './kernel.ts';
import { linesOf } from './reference-lines.ts';
import { canonicalNumber, isWellFormed } from './scalar-text.ts';

type Scalar = string | number | boolean;

/** Codes in order of first appearance; a string and a number of the same text are two entries. */
class ReferenceDictionary {
  readonly values: Scalar[] = [];
  private readonly codes = new Map<Scalar, number>();
  private readonly maxEntries: number;

  constructor(maxEntries: number) {
    this.maxEntries = maxEntries;
  }

  /** The code, or `undefined` where the dictionary is full. */
  code(value: Scalar): number | undefined {
    const known = this.codes.get(value);
    if (known !== undefined || this.values.length >= this.maxEntries) return known;
    this.codes.set(value, this.values.length);
    return this.values.push(value) - 1;
  }
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const encoder = new TextEncoder();

/** The object's key spans, or none where [start, end) is not one valid object. */
function membersOf(bytes: Uint8Array, { start, end }: Span): Map<string, Span> {
  const scanner = new JsonScanner(bytes, start, end);
  try {
    scanner.whitespace();
    if (scanner.peek() !== 0x7b) return new Map();
    const members = scanner.members(0);
    scanner.whitespace();
    return scanner.at === end ? members : new Map();
  } catch (thrown) {
    if (thrown instanceof ScanError) return new Map();
    throw thrown;
  }
}

/** The last of the members whose key is `key` but for the case of ASCII letters. */
function memberFolded(members: ReadonlyMap<string, Span>, key: string): Span | undefined {
  let found: Span | undefined;
  for (const [other, span] of members) {
    if (foldedName(other) === foldedName(key) && span.start >= (found?.start ?? 0)) found = span;
  }
  return found;
}

function emptyValues(kind: FieldSpec['kind'], rows: number): Column['values'] {
  if (kind === 'f64' || kind === 'time') return new Float64Array(rows);
  if (kind === 'i64') return new BigInt64Array(rows);
  if (kind === 'bool') return new Uint8Array(rows);
  return new Uint32Array(kind === 'slice' ? 0 : kind === 'hash' ? rows * 4 : rows);
}

/** The scalar that `dict` and `hash` key, or `undefined` where they leave it to the caller. */
function keyedScalar(value: unknown, raw: string): Scalar | undefined {
  if (typeof value === 'string') return isWellFormed(value) ? value : undefined;
  if (typeof value === 'number') {
    const text = canonicalNumber(raw);
    return text === undefined ? undefined : Number(text);
  }
  return typeof value === 'boolean' ? value : undefined;
}

export class ReferenceDecoder implements Decoder {
  readonly fields: readonly FieldSpec[];
  private readonly input: () => Uint8Array;
  private readonly maxRows: number;
  private readonly maxEntries: number;
  private readonly dictionaries: ReferenceDictionary[];

  constructor(input: () => Uint8Array, fields: readonly FieldSpec[], options: DecoderOptions = {}) {
    checkFields(fields);
    this.input = input;
    this.fields = fields;
    this.maxRows = options.maxRows ?? 16_384;
    this.maxEntries = options.maxDictionaryEntries ?? 1_048_576;
    this.dictionaries = fields.map(() => new ReferenceDictionary(this.maxEntries));
  }

  decode(position: number, length: number): DecodeResult {
    const bytes = this.input().subarray(0, position + length);
    const lines: Span[] = [];
    let consumed = 0;
    for (const line of linesOf(bytes, position, position + length)) {
      if (!line.isWhole || lines.length === this.maxRows) break;
      lines.push(line);
      consumed = line.next - position;
    }
    const columns = this.fields.map(
      (spec): Column => ({
        spec,
        state: new Uint8Array(lines.length),
        values: emptyValues(spec.kind, lines.length),
        start: new Uint32Array(lines.length),
        end: new Uint32Array(lines.length),
      }),
    );
    lines.forEach((line, row) => {
      columns.forEach((column, index) => {
        const { isExact, path } = column.spec;
        const [first, ...below] = path;
        const members = membersOf(bytes, line);
        let span = isExact ? members.get(first!) : memberFolded(members, first!);
        for (const key of below) span = span && membersOf(bytes, span).get(key);
        if (span) this.convert(bytes, span, column, index, row);
      });
    });
    return { rows: lines.length, consumed, columns };
  }

  private convert(bytes: Uint8Array, span: Span, column: Column, index: number, row: number): void {
    const raw = decoder.decode(bytes.subarray(span.start, span.end));
    const value: unknown = JSON.parse(raw);
    column.start[row] = span.start;
    column.end[row] = span.end;
    if (value === null) {
      column.state[row] = cell.null;
      return;
    }
    column.state[row] = this.store(value, raw, column, index, row) ? cell.value : cell.other;
  }

  /** Writes the value; false where the kind does not hold it. */
  private store(value: unknown, raw: string, column: Column, index: number, row: number): boolean {
    const { values } = column;
    switch (column.spec.kind) {
      case 'slice':
        return true;
      case 'f64':
        if (typeof value !== 'number') return false;
        values[row] = value;
        return true;
      case 'bool':
        if (typeof value !== 'boolean') return false;
        values[row] = value ? 1 : 0;
        return true;
      case 'i64': {
        if (!/^-?\d+(\.0+)?$/.test(raw)) return false;
        const whole = BigInt(raw.split('.')[0]!);
        if (BigInt.asIntN(64, whole) !== whole) return false;
        (values as BigInt64Array)[row] = whole;
        return true;
      }
      case 'time': {
        const timeUs =
          typeof value === 'number'
            ? epochToUs(epochLiteral(raw))
            : typeof value === 'string'
              ? parseTimeUs(value)
              : undefined;
        if (timeUs === undefined) return false;
        values[row] = timeUs;
        return true;
      }
      case 'dict': {
        const scalar = keyedScalar(value, raw);
        const code = scalar === undefined ? undefined : this.dictionaries[index]!.code(scalar);
        if (code === undefined) return false;
        values[row] = code;
        return true;
      }
      case 'hash': {
        const scalar = keyedScalar(value, raw);
        if (scalar === undefined) return false;
        const hash = murmur128Text(typeof scalar === 'string' ? scalar : JSON.stringify(scalar));
        (values as Uint32Array).set([hash.h1Low, hash.h1High, hash.h2Low, hash.h2High], row * 4);
        return true;
      }
    }
  }

  dictionaryValue(index: number, code: number): Scalar {
    return this.dictionaries[index]!.values[code]!;
  }

  dictionarySize(index: number): number {
    return this.dictionaries[index]!.values.length;
  }

  dictionaryIsText(index: number, from: number, to: number): boolean {
    return this.dictionaries[index]!.values.slice(from, to).every(value => typeof value === 'string');
  }

  dictionaryBytes(index: number, code: number, target: Uint8Array, at: number, max: number): number {
    const value = this.dictionaries[index]!.values[code]!;
    if (typeof value !== 'string') return -1;
    const bytes = encoder.encode(value);
    if (bytes.length > max) return -1;
    target.set(bytes, at);
    return bytes.length;
  }

  resetDictionary(index: number): void {
    this.dictionaries[index] = new ReferenceDictionary(this.maxEntries);
  }

  free(): void {}
}
