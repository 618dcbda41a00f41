// One JSON array of objects, or one object over several lines, to NDJSON. The output has at least one byte
// more than the input.
import { splat } from './splat';
import { errorAt, errorReason, passValue, passWhitespace, refuse } from './check-exact';
import { passObjectAcrossLines } from './check-fast';
import { bytesAfterValue, notAnArrayOrObject, notAnObject, unexpectedByte } from './reasons';
import { acceptOne, afterByteOrderMark, report, resetCounts } from './validate';

/** Copies an element with its line breaks as spaces, and ends the line; the end of what was written. */
function copyElement(from: usize, to: usize, out: usize): usize {
  const length = to - from;
  // Writing whole vectors: the output region has room for 16 bytes more.
  for (let i: usize = 0; i < length; i += 16) {
    const bytes = v128.load(from + i);
    const isBreak = v128.or(i8x16.eq(bytes, splat(0x0a)), i8x16.eq(bytes, splat(0x0d)));
    v128.store(out + i, v128.bitselect(splat(0x20), bytes, isBreak));
  }
  store<u8>(out + length, 0x0a);
  return out + length + 1;
}

let elementNumber: f64 = 0;
let outEnd: usize = 0;

/** Past the object that starts here, or 0. */
function passObject(at: usize, end: usize): usize {
  const after = passObjectAcrossLines(at);
  // The NUL behind the input stops the fast check at the end at the latest.
  return after != 0 ? after : passValue(at, end);
}

function keepObject(from: usize, to: usize): void {
  outEnd = copyElement(from, to, outEnd);
  acceptOne();
}

/** Passes one element and keeps it if it is an object; past it, or 0. */
function passElement(at: usize, end: usize, maxErrors: u32): usize {
  if (at >= end) return refuse(at, end, unexpectedByte);
  const isObject = load<u8>(at) == 0x7b;
  const after = isObject ? passObject(at, end) : passValue(at, end);
  if (after == 0) return 0;
  if (isObject) keepObject(at, after);
  else report(elementNumber, at, after, at, notAnObject, maxErrors);
  elementNumber++;
  return after;
}

/** Where the element that is being read began, for what is refused. */
let elementStart: usize = 0;

function passElements(at: usize, end: usize, maxErrors: u32): usize {
  at = passWhitespace(at + 1, end);
  elementStart = at;
  if (at < end && load<u8>(at) == 0x5d) return at + 1;
  while (true) {
    at = passElement(at, end, maxErrors);
    if (at == 0) return 0;
    elementStart = at;
    at = passWhitespace(at, end);
    if (at < end && load<u8>(at) == 0x5d) return at + 1;
    if (at >= end || load<u8>(at) != 0x2c) return refuse(at, end, unexpectedByte);
    at = passWhitespace(at + 1, end);
    elementStart = at;
  }
}

/** True where only whitespace is left; else it is refused. */
function isEnd(at: usize, end: usize): bool {
  at = passWhitespace(at, end);
  if (at < end) refuse(at, end, bytesAfterValue);
  return at == end;
}

/** One object, kept where nothing follows it: what does may be its own, after a bracket too many. */
function passOneObject(at: usize, end: usize): bool {
  const after = passObject(at, end);
  if (after == 0 || !isEnd(after, end)) return false;
  keepObject(at, after);
  return true;
}

function passArray(at: usize, end: usize, maxErrors: u32): bool {
  const after = passElements(at, end, maxErrors);
  if (after == 0) return false;
  elementStart = after;
  return isEnd(after, end);
}

function passDocument(start: usize, end: usize, maxErrors: u32): void {
  const at = passWhitespace(afterByteOrderMark(start, end), end);
  elementStart = at;
  const first = at < end ? load<u8>(at) : 0;
  if (first == 0x7b && passOneObject(at, end)) return;
  if (first == 0x5b && passArray(at, end, maxErrors)) return;
  if (first != 0x7b && first != 0x5b) refuse(at, end, notAnArrayOrObject);
  report(elementNumber, elementStart, end, errorAt(), errorReason(), maxErrors);
}

/** Bytes written to `out`. The byte behind the input is changed and put back. */
export function arrayToNdjson(start: usize, length: u32, out: usize, maxErrors: u32): u32 {
  resetCounts();
  elementNumber = 1;
  outEnd = out;
  const end = start + length;
  const spare = load<u8>(end);
  store<u8>(end, 0);
  passDocument(start, end, maxErrors);
  store<u8>(end, spare);
  return u32(outEnd - out);
}
