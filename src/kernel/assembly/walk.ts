// Where a line's wanted values are. Every member of every wanted object is passed, so that the last of duplicate keys
// wins; but a key costs one comparison where the objects of a stream look alike: each node remembers the keys
// that came before, text and colon, in order, and expects them again. Values are only bounded here, not read.
// The caller makes sure that a "\n" follows: nothing passes one, in or out of strings.
import { Field, findChild, maxPredictions, Node, predictionShift } from './plan';
import { scratchOf } from './memory';
import { noText, unescape } from './text';

/** State of a cell between walk and conversion: a string with escapes. All others are 0. */
export const cellEscaped: u32 = 9;

/** Predictions tried beyond the next one, for keys that are sometimes left out. */
const lookAhead: u32 = 4;

let inputStart: usize = 0;
let row: u32 = 0;
/** Numbers rows across calls; at a wrap the worst is clearing what is clear. */
let rowSerial: u32 = 0;
let sawEscape: u32 = 0;

export function startWalk(input: usize): void {
  inputStart = input;
}

// @ts-ignore: decorator
@inline function passSpace(at: usize): usize {
  while (true) {
    const byte: u32 = load<u8>(at);
    if (byte == 0x20 || byte == 0x09 || byte == 0x0d) at++;
    else return at;
  }
}

// @ts-ignore: decorator
@inline function stringStops(at: usize): i32 {
  const bytes = v128.load(at);
  return i8x16.bitmask(
    v128.or(
      i8x16.eq(bytes, i8x16.splat(0x22)),
      v128.or(i8x16.eq(bytes, i8x16.splat(0x5c)), i8x16.eq(bytes, i8x16.splat(0x0a))),
    ),
  );
}

/** From a backslash or "\n" inside a string; past the closing quote, or 0. */
function passEscaped(at: usize): usize {
  sawEscape = cellEscaped;
  while (true) {
    const byte: u32 = load<u8>(at);
    if (byte == 0x22) return at + 1;
    if (byte == 0x0a) return 0;
    if (byte == 0x5c) {
      if (load<u8>(at, 1) == 0x0a) return 0;
      at += 2;
    }
    let mask = stringStops(at);
    while (mask == 0) {
      at += 16;
      mask = stringStops(at);
    }
    at += ctz(mask);
  }
}

/** From behind the opening quote; past the closing one, or 0. */
// @ts-ignore: decorator
@inline function passString(at: usize): usize {
  let mask = stringStops(at);
  while (mask == 0) {
    at += 16;
    mask = stringStops(at);
  }
  at += ctz(mask);
  return load<u8>(at) == 0x22 ? at + 1 : passEscaped(at);
}

/** To the first byte behind a number or a literal. */
// @ts-ignore: decorator
@inline function passScalar(at: usize): usize {
  while (true) {
    const bytes = v128.load(at);
    const mask = i8x16.bitmask(
      v128.or(
        i8x16.lt_s(bytes, i8x16.splat(0x21)),
        v128.or(i8x16.eq(bytes, i8x16.splat(0x2c)), i8x16.eq(v128.or(bytes, i8x16.splat(0x20)), i8x16.splat(0x7d))),
      ),
    );
    if (mask != 0) return at + ctz(mask);
    at += 16;
  }
}

/** Past the container that begins at `at`, or 0. Brackets are only counted: the input was validated. */
function passContainer(at: usize): usize {
  let depth: u32 = 0;
  while (true) {
    const bytes = v128.load(at);
    // Bit 5 folds square brackets onto curly ones.
    const folded = v128.or(bytes, i8x16.splat(0x20));
    const mask = i8x16.bitmask(
      v128.or(
        v128.or(i8x16.eq(folded, i8x16.splat(0x7b)), i8x16.eq(folded, i8x16.splat(0x7d))),
        v128.or(i8x16.eq(bytes, i8x16.splat(0x22)), i8x16.eq(bytes, i8x16.splat(0x0a))),
      ),
    );
    if (mask == 0) {
      at += 16;
      continue;
    }
    at += ctz(mask);
    const byte: u32 = load<u8>(at);
    if (byte == 0x0a) return 0;
    at++;
    if (byte == 0x22) {
      at = passString(at);
      if (at == 0) return 0;
    } else if ((byte | 0x20) == 0x7b) depth++;
    else if (--depth == 0) return at;
  }
}

let matchedNode: usize = 0;

/** Reads a key that was not expected and expects it from now on at `index`; to its value, or 0. */
function passNewKey(node: Node, at: usize, index: u32): usize {
  const start = at;
  if (load<u8>(at) != 0x22) return 0;
  sawEscape = 0;
  at = passString(at + 1);
  if (at == 0) return 0;
  const keyStart = start + 1;
  const keyBytes = u32(at - keyStart - 1);
  if (sawEscape == 0) matchedNode = findChild(node, keyStart, keyBytes);
  else {
    const text = scratchOf(keyBytes);
    const length = unescape(keyStart, keyStart + keyBytes, text);
    matchedNode = length == noText ? 0 : findChild(node, text, length);
  }
  at = passSpace(at);
  if (load<u8>(at) != 0x3a) return 0;
  at = passSpace(at + 1);
  const length = u32(at - start);
  if (length > 32) return at;
  const count = node.predictionCount;
  if (index > count) index = count;
  const slot = node.predictions + (usize(index) << predictionShift);
  if (count < maxPredictions) {
    // The expected key may come on the next line again, so it stays, one later.
    memory.copy(slot + (1 << predictionShift), slot, (count - index) << predictionShift);
    node.predictionCount = count + 1;
  }
  v128.store(slot, v128.load(start));
  v128.store(slot, v128.load(start + 16), 16);
  store<u32>(slot, length, 32);
  store<u32>(slot, length >= 16 ? 0xffff : (1 << length) - 1, 36);
  store<u32>(slot, u32(matchedNode), 40);
  return at;
}

/** Whether the bytes at `at` are the prediction's text. */
// @ts-ignore: decorator
@inline function isPredicted(slot: usize, at: usize): bool {
  const mask = load<u32>(slot, 36);
  if ((i8x16.bitmask(i8x16.eq(v128.load(at), v128.load(slot))) & mask) != mask) return false;
  const length = load<u32>(slot, 32);
  if (length <= 16) return true;
  const rest: u32 = (1 << (length - 16)) - 1;
  return (i8x16.bitmask(i8x16.eq(v128.load(at, 16), v128.load(slot, 16))) & rest) == rest;
}

/** Makes every cell below a node absent again. */
export function clearBelow(node: Node, at: u32): void {
  let child = node.child;
  while (child != 0) {
    const below = changetype<Node>(child);
    let field = below.field;
    while (field != 0) {
      store<u32>(changetype<Field>(field).end + (usize(at) << 2), 0);
      store<u8>(changetype<Field>(field).state + at, 0);
      field = changetype<Field>(field).next;
    }
    clearBelow(below, at);
    child = below.sibling;
  }
}

// @ts-ignore: decorator
@inline function keep(node: Node, start: usize, end: usize): void {
  let field = node.field;
  while (field != 0) {
    const column = changetype<Field>(field);
    store<u32>(column.start + (usize(row) << 2), u32(start - inputStart));
    store<u32>(column.end + (usize(row) << 2), u32(end - inputStart));
    store<u8>(column.state + row, sawEscape);
    field = column.next;
  }
}

/** Before a node's value: where this row had one already, what was found below it goes. */
function prepareBelow(node: Node): void {
  if (node.seenRow == rowSerial) clearBelow(node, row);
  node.seenRow = rowSerial;
}

/** From behind an object's opening brace; past its closing one, or 0. Recursion is bounded by the paths' length. */
function passMembers(node: Node, at: usize): usize {
  if (load<u8>(at) <= 0x20) at = passSpace(at);
  if (load<u8>(at) == 0x7d) return at + 1;
  const predictions = node.predictions;
  let index: u32 = 0;
  while (true) {
    let slot = predictions + (usize(index) << predictionShift);
    let childAt: usize;
    let isExpected = isPredicted(slot, at);
    if (!isExpected) {
      const last = min(index + lookAhead, maxPredictions - 1);
      for (let next = index + 1; next <= last; next++) {
        const candidate = predictions + (usize(next) << predictionShift);
        if (isPredicted(candidate, at)) {
          index = next;
          slot = candidate;
          isExpected = true;
          break;
        }
      }
    }
    if (isExpected) {
      childAt = load<u32>(slot, 40);
      at += load<u32>(slot, 32);
    } else {
      at = passNewKey(node, at, index);
      if (at == 0) return 0;
      childAt = matchedNode;
    }
    // A key too long to be expected takes no place.
    if (index < node.predictionCount && index < maxPredictions - 1) index++;
    if (load<u8>(at) <= 0x20) at = passSpace(at);
    const valueStart = at;
    let byte: u32 = load<u8>(at);
    const child = changetype<Node>(childAt);
    if (childAt != 0 && child.child != 0) prepareBelow(child);
    sawEscape = 0;
    if (byte == 0x22) at = passString(at + 1);
    else if (byte == 0x7b && childAt != 0 && child.child != 0) {
      at = passMembers(child, at + 1);
      sawEscape = 0;
    } else if (byte == 0x7b || byte == 0x5b) {
      at = passContainer(at);
      sawEscape = 0;
    } else at = passScalar(at);
    if (at == 0) return 0;
    if (childAt != 0) keep(child, valueStart, at);
    byte = load<u8>(at);
    if (byte <= 0x20) {
      at = passSpace(at);
      byte = load<u8>(at);
    }
    if (byte == 0x2c) {
      at++;
      if (load<u8>(at) <= 0x20) at = passSpace(at);
    } else return byte == 0x7d ? at + 1 : 0;
  }
}

/** Finds the wanted values of the line at `at` for row `toRow`; to its "\n", or 0 where it is no object. */
export function walkLine(root: Node, at: usize, toRow: u32): usize {
  row = toRow;
  rowSerial++;
  if (load<u8>(at) != 0x7b) {
    at = passSpace(at);
    if (load<u8>(at) != 0x7b) return 0;
  }
  at = passMembers(root, at + 1);
  if (at == 0 || load<u8>(at) == 0x0a) return at;
  at = passSpace(at);
  return load<u8>(at) == 0x0a ? at : 0;
}
