// NDJSON: each line one object. Good lines stay where they are as long as nothing before them goes; from the first
// gap on, whole runs of them move down.
import { errorAt, errorReason, passValue, passWhitespace, refuse } from './check-exact';
import { passObjectInLine } from './check-fast';
import { bytesAfterValue, lineTooLong, notAnObject } from './reasons';
import { findLineFeed } from './scan';

/** A refused line, told to the host while its bytes are still in place. Positions are absolute. */
@external("env", "refused")
declare function refused(line: f64, start: usize, end: usize, position: usize, reason: u32): void;

let acceptedCount: u32 = 0;
let refusedCount: u32 = 0;

export function accepted(): u32 {
  return acceptedCount;
}
export function rejected(): u32 {
  return refusedCount;
}
export function resetCounts(): void {
  acceptedCount = 0;
  refusedCount = 0;
}
export function acceptOne(): void {
  acceptedCount++;
}

/** Counts a refusal; the host hears of the first `maxErrors`. */
export function report(line: f64, start: usize, end: usize, position: usize, reason: u32, maxErrors: u32): void {
  if (refusedCount < maxErrors) refused(line, start, end, position, reason);
  refusedCount++;
}

export function afterByteOrderMark(start: usize, end: usize): usize {
  return end - start >= 3 && (load<u32>(start) & 0xffffff) == 0xbfbbef ? start + 3 : start;
}

/** True where [start, end) is whitespace, an object, whitespace; else errorAt and errorReason are set. */
function isObjectLine(start: usize, end: usize): bool {
  let at = passWhitespace(start, end);
  if (at >= end || load<u8>(at) != 0x7b) {
    refuse(at, end, notAnObject);
    return false;
  }
  at = passValue(at, end);
  if (at == 0) return false;
  at = passWhitespace(at, end);
  if (at < end) {
    refuse(at, end, bytesAfterValue);
    return false;
  }
  return true;
}

/** Validates and compacts [start, start + length); the bytes left. The byte behind the input must be writable. */
export function validate(start: usize, length: u32, maxLineBytes: u32, maxErrors: u32): u32 {
  resetCounts();
  if (length == 0) return 0;
  const inputEnd = start + length;
  let end = inputEnd;
  const spare = load<u8>(inputEnd);
  if (load<u8>(inputEnd - 1) != 0x0a) {
    store<u8>(inputEnd, 0x0a);
    end++;
  }
  let at = afterByteOrderMark(start, inputEnd);
  let out = start;
  /** The lines from here to `at` are good and not yet moved. */
  let run = at;
  let lines: f64 = 0;
  while (at < end) {
    const lineStart = at;
    lines++;
    if (load<u8>(at) == 0x7b) {
      const after = passObjectInLine(at);
      if (after != 0 && load<u8>(after) == 0x0a && after - lineStart <= usize(maxLineBytes)) {
        acceptedCount++;
        at = after + 1;
        continue;
      }
    }
    const lineFeed = findLineFeed(at, end);
    at = lineFeed + 1;
    const hasReturn = lineFeed > lineStart && load<u8>(lineFeed - 1) == 0x0d;
    const lineEnd = hasReturn ? lineFeed - 1 : lineFeed;
    const isBlank = passWhitespace(lineStart, lineEnd) == lineEnd;
    let isGood = false;
    if (!isBlank) {
      if (lineEnd - lineStart > usize(maxLineBytes)) refuse(lineStart + maxLineBytes, lineEnd, lineTooLong);
      else isGood = isObjectLine(lineStart, lineEnd);
      if (isGood) acceptedCount++;
      else report(lines, lineStart, lineEnd, errorAt(), errorReason(), maxErrors);
    }
    if (isGood && !hasReturn) continue;
    const keepTo = isGood ? lineEnd : lineStart;
    if (out != run) memory.copy(out, run, keepTo - run);
    out += keepTo - run;
    if (isGood) store<u8>(out++, 0x0a);
    run = at;
  }
  if (out != run) memory.copy(out, run, end - run);
  out += end - run;
  // Where the line feed put behind the input is no part of the result, the caller's byte goes back.
  if (out <= inputEnd) store<u8>(inputEnd, spare);
  return u32(out - start);
}
