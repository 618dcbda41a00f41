// Plain NDJSON validation and array splitting for the reference kernel. The structure is decided by
// JsonScanner, line by line.
import { JsonScanner, ScanError, type Span } from './json-scanner.ts';
import type { LineError, ValidateResult } from './kernel.ts';
import { defaultMaxErrors, defaultMaxLineBytes, type LineReason } from './line-reasons.ts';

const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/** Collects refused lines, the first `maxErrors` in detail. */
export class Rejections {
  readonly errors: LineError[] = [];
  readonly rejectedLines: Uint8Array[] = [];
  rejected = 0;
  private readonly bytes: Uint8Array;
  private readonly maxErrors: number;

  constructor(bytes: Uint8Array, maxErrors: number) {
    this.bytes = bytes;
    this.maxErrors = maxErrors;
  }

  add(line: number, start: number, end: number, position: number, reason: LineReason): void {
    this.rejected++;
    if (this.errors.length >= this.maxErrors) return;
    this.errors.push({ line, position: position - start, reason, start, end });
    this.rejectedLines.push(this.bytes.slice(start, end));
  }
}

/** Where the first line starts: after a byte order mark, if there is one. */
export function afterByteOrderMark(bytes: Uint8Array, length: number): number {
  return length >= 3 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
}

/**
 * Lines of [start, length): content without "\n" and without one "\r" before it; `isWhole` where a "\n" ended
 * it.
 */
export function* linesOf(bytes: Uint8Array, start: number, length: number) {
  for (let number = 1, at = start; at < length; number++) {
    const found = bytes.indexOf(lineFeed, at);
    const isWhole = found >= 0 && found < length;
    const stop = isWhole ? found : length;
    const end = stop > at && bytes[stop - 1] === carriageReturn ? stop - 1 : stop;
    yield { number, start: at, end, isWhole, next: stop + 1 };
    at = stop + 1;
  }
}

/** Throws ScanError unless [start, end) is whitespace, one object, whitespace. */
function checkObject(bytes: Uint8Array, start: number, end: number): void {
  const scanner = new JsonScanner(bytes, start, end);
  scanner.whitespace();
  if (scanner.peek() !== 0x7b) throw new ScanError(scanner.at, 'not an object');
  scanner.value(0);
  scanner.whitespace();
  if (scanner.at < end) throw new ScanError(scanner.at, 'bytes after the value');
}

function isBlank(bytes: Uint8Array, start: number, end: number): boolean {
  const scanner = new JsonScanner(bytes, start, end);
  scanner.whitespace();
  return scanner.at >= end;
}

export function referenceValidate(
  input: Uint8Array,
  length: number,
  options: { maxErrors?: number; maxLineBytes?: number } = {},
): ValidateResult {
  const maxLineBytes = options.maxLineBytes ?? defaultMaxLineBytes;
  const before = input.slice(0, length);
  const rejections = new Rejections(before, options.maxErrors ?? defaultMaxErrors);
  let count = 0;
  let output = 0;
  for (const { number, start, end } of linesOf(before, afterByteOrderMark(before, length), length)) {
    if (isBlank(before, start, end)) continue;
    try {
      if (end - start > maxLineBytes) throw new ScanError(start + maxLineBytes, 'longer than the line limit');
      checkObject(before, start, end);
    } catch (thrown) {
      if (!(thrown instanceof ScanError)) throw thrown;
      rejections.add(number, start, end, thrown.position, thrown.reason);
      continue;
    }
    input.set(before.subarray(start, end), output);
    output += end - start;
    input[output++] = lineFeed;
    count++;
  }
  const { errors, rejected, rejectedLines } = rejections;
  return { count, length: output, errors, rejected, rejectedLines };
}

export function referenceArrayToNdjson(
  input: Uint8Array,
  length: number,
  options: { maxErrors?: number } = {},
): ValidateResult & { output: Uint8Array } {
  const rejections = new Rejections(input, options.maxErrors ?? defaultMaxErrors);
  const output: number[] = [];
  let count = 0;
  let element = 1;
  const scanner = new JsonScanner(input, afterByteOrderMark(input, length), length);

  const keep = ({ start, end }: Span): void => {
    // Inside strings no raw newline is legal, so each one here stands between tokens.
    for (const byte of input.subarray(start, end)) {
      output.push(byte === lineFeed || byte === carriageReturn ? 0x20 : byte);
    }
    output.push(lineFeed);
    count++;
  };

  /** Passes one element and keeps it if it is an object. */
  const take = (): void => {
    const isObject = scanner.peek() === 0x7b;
    const span = scanner.value(0);
    if (isObject) keep(span);
    else rejections.add(element, span.start, span.end, span.start, 'not an object');
    element++;
  };

  const expectEnd = (): void => {
    scanner.whitespace();
    if (scanner.at < length) throw new ScanError(scanner.at, 'bytes after the value');
  };

  scanner.whitespace();
  let elementStart = scanner.at;
  try {
    if (scanner.peek() === 0x7b) {
      const object = scanner.value(0);
      expectEnd();
      keep(object);
    } else if (scanner.peek() === 0x5b) {
      scanner.at++;
      scanner.whitespace();
      elementStart = scanner.at;
      if (scanner.peek() === 0x5d) scanner.at++;
      else {
        for (;;) {
          take();
          elementStart = scanner.at;
          scanner.whitespace();
          if (scanner.peek() === 0x5d) break;
          scanner.expect(',');
          scanner.whitespace();
          elementStart = scanner.at;
        }
        scanner.at++;
      }
      elementStart = scanner.at;
      expectEnd();
    } else {
      throw new ScanError(scanner.at, scanner.at < length ? 'not an array or object' : 'unexpected end');
    }
  } catch (thrown) {
    if (!(thrown instanceof ScanError)) throw thrown;
    rejections.add(element, elementStart, length, thrown.position, thrown.reason);
  }
  const { errors, rejected, rejectedLines } = rejections;
  return { count, length: output.length, errors, rejected, rejectedLines, output: Uint8Array.from(output) };
}
