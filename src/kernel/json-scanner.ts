// RFC 8259 by recursive descent over bytes: where each value of a document begins and ends, or the first byte
// that JSON.parse would refuse. Plain and slow on purpose: the oracle of the compiled validator and decoder.
import { type LineReason, maxDepth } from './line-reasons.ts';

/** Thrown inside the reference kernel only; it becomes a LineError. */
export class ScanError extends Error {
  /** Absolute position of the refused byte; the end where the text stops too early. */
  readonly position: number;
  readonly reason: LineReason;

  constructor(position: number, reason: LineReason) {
    super(reason);
    this.position = position;
    this.reason = reason;
  }
}

export interface Span {
  start: number;
  end: number;
}

const code = (text: string): number => text.charCodeAt(0);
const quote = code('"');
const backslash = code('\\');
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39;
const isHexDigit = (byte: number): boolean => isDigit(byte) || ((byte | 32) >= 97 && (byte | 32) <= 102);

/** Bytes of the UTF-8 sequence at `at`, or 0 where there is no valid one (Unicode 15, table 3-7). */
export function utf8Length(bytes: Uint8Array, at: number, end: number): number {
  const lead = bytes[at]!;
  const isTail = (offset: number, low = 0x80, high = 0xbf): boolean =>
    at + offset < end && bytes[at + offset]! >= low && bytes[at + offset]! <= high;
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead <= 0xdf) return isTail(1) ? 2 : 0;
  if (lead >= 0xe0 && lead <= 0xef) {
    const low = lead === 0xe0 ? 0xa0 : 0x80;
    const high = lead === 0xed ? 0x9f : 0xbf;
    return isTail(1, low, high) && isTail(2) ? 3 : 0;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    const low = lead === 0xf0 ? 0x90 : 0x80;
    const high = lead === 0xf4 ? 0x8f : 0xbf;
    return isTail(1, low, high) && isTail(2) && isTail(3) ? 4 : 0;
  }
  return 0;
}

export class JsonScanner {
  private readonly bytes: Uint8Array;
  private readonly end: number;
  at: number;

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.bytes = bytes;
    this.at = start;
    this.end = end;
  }

  private fail(position: number, reason: LineReason): never {
    if (position >= this.end) throw new ScanError(this.end, 'unexpected end');
    throw new ScanError(position, reason);
  }

  /** The byte at the cursor; -1 at the end. */
  peek(): number {
    return this.at < this.end ? this.bytes[this.at]! : -1;
  }

  whitespace(): void {
    while ([0x20, 0x09, 0x0a, 0x0d].includes(this.peek())) this.at++;
  }

  expect(character: string): void {
    if (this.peek() !== code(character)) this.fail(this.at, 'unexpected byte');
    this.at++;
  }

  /** Passes one value; `depth` is the number of containers around it. */
  value(depth: number): Span {
    const start = this.at;
    const first = this.peek();
    if (first === code('{')) this.members(depth);
    else if (first === code('[')) this.elements(depth);
    else if (first === quote) this.string();
    else if (first === code('-') || isDigit(first)) this.number();
    else if (first === code('t')) this.literal('true');
    else if (first === code('f')) this.literal('false');
    else if (first === code('n')) this.literal('null');
    else this.fail(start, 'unexpected byte');
    return { start, end: this.at };
  }

  /** Passes an object; the span of each key's last value, in order of first appearance. */
  members(depth: number): Map<string, Span> {
    if (depth >= maxDepth) this.fail(this.at, 'nested deeper than 64');
    const spans = new Map<string, Span>();
    this.expect('{');
    this.whitespace();
    if (this.peek() === code('}')) {
      this.at++;
      return spans;
    }
    for (;;) {
      const key = this.string();
      this.whitespace();
      this.expect(':');
      this.whitespace();
      spans.set(JSON.parse(decoder.decode(this.bytes.subarray(key.start, key.end))), this.value(depth + 1));
      this.whitespace();
      if (this.peek() === code('}')) break;
      this.expect(',');
      this.whitespace();
    }
    this.at++;
    return spans;
  }

  private elements(depth: number): void {
    if (depth >= maxDepth) this.fail(this.at, 'nested deeper than 64');
    this.expect('[');
    this.whitespace();
    if (this.peek() === code(']')) {
      this.at++;
      return;
    }
    for (;;) {
      this.value(depth + 1);
      this.whitespace();
      if (this.peek() === code(']')) break;
      this.expect(',');
      this.whitespace();
    }
    this.at++;
  }

  private string(): Span {
    const start = this.at;
    this.expect('"');
    for (;;) {
      const byte = this.peek();
      if (byte < 0x20) this.fail(this.at, 'control character in string');
      if (byte === quote) break;
      if (byte === backslash) this.escape();
      else {
        const length = utf8Length(this.bytes, this.at, this.end);
        if (length === 0) this.fail(this.at, 'invalid UTF-8');
        this.at += length;
      }
    }
    this.at++;
    return { start, end: this.at };
  }

  private escape(): void {
    this.at++;
    const byte = this.peek();
    if (byte === code('u')) {
      for (let i = 0; i < 4; i++) {
        this.at++;
        if (!isHexDigit(this.peek())) this.fail(this.at, 'bad escape');
      }
    } else if (!'"\\/bfnrt'.includes(String.fromCharCode(byte))) this.fail(this.at, 'bad escape');
    this.at++;
  }

  private digits(): void {
    if (!isDigit(this.peek())) this.fail(this.at, 'bad number');
    while (isDigit(this.peek())) this.at++;
  }

  private number(): void {
    if (this.peek() === code('-')) this.at++;
    if (this.peek() === code('0')) {
      this.at++;
      if (isDigit(this.peek())) this.fail(this.at, 'bad number');
    } else this.digits();
    if (this.peek() === code('.')) {
      this.at++;
      this.digits();
    }
    if (this.peek() === code('e') || this.peek() === code('E')) {
      this.at++;
      if (this.peek() === code('+') || this.peek() === code('-')) this.at++;
      this.digits();
    }
  }

  private literal(text: string): void {
    for (const character of text) this.expect(character);
  }
}
