// Where a line's wanted values are. Every member of every wanted object is passed, so that the last of
// duplicate keys wins; but a key costs one comparison where the objects of a stream look alike: each node
// remembers the keys that came before, text and colon, in order, and expects them again. Values are only
// bounded here, not read. The caller makes sure that a "\n" follows: nothing passes one, in or out of
// strings.
import { splat } from './splat';
import { Field, findChild, findExactChild, maxPredictions, Node, predictionShift } from './plan';
import { scratchOf } from './memory';
import { noText, unescape } from './text';

/** State of a cell between walk and conversion: a string with escapes. All others are 0. */
export const cellEscaped: u32 = 9;

/** Predictions tried beyond the next one, for keys that are sometimes left out. */
const lookAhead: u32 = 4;
const predictionBytes: usize = 1 << predictionShift;

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
      i8x16.eq(bytes, splat(0x22)),
      v128.or(i8x16.eq(bytes, splat(0x5c)), i8x16.eq(bytes, splat(0x0a))),
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
        i8x16.lt_s(bytes, splat(0x21)),
        v128.or(i8x16.eq(bytes, splat(0x2c)), i8x16.eq(v128.or(bytes, splat(0x20)), splat(0x7d))),
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
    const folded = v128.or(bytes, splat(0x20));
    const mask = i8x16.bitmask(
      v128.or(
        v128.or(i8x16.eq(folded, splat(0x7b)), i8x16.eq(folded, splat(0x7d))),
        v128.or(i8x16.eq(bytes, splat(0x22)), i8x16.eq(bytes, splat(0x0a))),
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
let matchedExact: usize = 0;
/** The prediction to try next. */
let matchedSlot: usize = 0;

function matchKey(parent: Node, key: usize, length: u32): void {
  matchedNode = findChild(parent, key, length);
  matchedExact = parent.isFolded ? findExactChild(parent, key, length) : 0;
}

/**
 * Reads a separator and a key that were not expected and expects them from now on at `slot`; to the value, or
 * 0.
 */
function passNewKey(node: Node, at: usize, slot: usize): usize {
  const start = at;
  at = passSpace(at + 1);
  if (load<u8>(at) != 0x22) return 0;
  const keyStart = at + 1;
  sawEscape = 0;
  at = passString(keyStart);
  if (at == 0) return 0;
  const keyBytes = u32(at - keyStart - 1);
  if (sawEscape == 0) matchKey(node, keyStart, keyBytes);
  else {
    const text = scratchOf(keyBytes + 32);
    const length = unescape(keyStart, keyStart + keyBytes, text);
    if (length == noText) matchedNode = matchedExact = 0;
    else matchKey(node, text, length);
  }
  at = passSpace(at);
  if (load<u8>(at) != 0x3a) return 0;
  at = passSpace(at + 1);
  predict(node, slot, start, u32(at - start));
  return at;
}

/** Remembers a key's text; one too long for a prediction is read anew each time. */
function predict(node: Node, slot: usize, text: usize, length: u32): void {
  matchedSlot = slot;
  if (length > 32) return;
  const count = node.predictionCount;
  const end = node.predictions + (usize(count) << predictionShift);
  if (count < maxPredictions) {
    // The key expected here may come on the next line again, so it stays, one later.
    memory.copy(slot + predictionBytes, slot, end - slot);
    node.predictionCount = count + 1;
  } else if (slot == end) return;
  v128.store(slot, v128.load(text));
  v128.store(slot, v128.load(text, 16), 16);
  store<u32>(slot, length, 32);
  store<u32>(slot, length >= 16 ? 0xffff : (1 << length) - 1, 36);
  store<u32>(slot, u32(matchedNode), 40);
  store<u32>(slot, u32(matchedExact), 44);
  matchedSlot = slot + predictionBytes;
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

/** Around a node's value: where this row had one already, what was found below it goes. */
function prepareBelow(node: Node): void {
  if (node.seenRow == rowSerial) clearBelow(node, row);
  node.seenRow = rowSerial;
}

/** A later prediction that the bytes at `at` are, or 0. */
// @ts-ignore: decorator
@inline function findAhead(slot: usize, end: usize, at: usize): usize {
  for (let i: u32 = 0; i < lookAhead; i++) {
    slot += predictionBytes;
    if (slot >= end) return 0;
    if (isPredicted(slot, at)) return slot;
  }
  return 0;
}

/** A value that begins with a bracket or with blanks; past it, or 0. */
function passUnusualValue(at: usize, childAt: usize): usize {
  if (load<u8>(at) <= 0x20) at = passSpace(at);
  valueAt = at;
  const byte: u32 = load<u8>(at);
  if (byte == 0x22) return passString(at + 1);
  if (byte != 0x7b && byte != 0x5b) return byte <= 0x20 ? 0 : passScalar(at);
  if (byte == 0x5b || childAt == 0 || changetype<Node>(childAt).child == 0) {
    at = passContainer(at);
    sawEscape = 0;
    return at;
  }
  prepareBelow(changetype<Node>(childAt));
  const start = at;
  at = passMembers(changetype<Node>(childAt), at);
  valueAt = start;
  sawEscape = 0;
  return at;
}

let valueAt: usize = 0;

/** From an object's opening brace; past its closing one, or 0. Recursion is bounded by the paths' length. */
function passMembers(node: Node, at: usize): usize {
  let slot = node.predictions;
  let separator: u32 = 0x7b;
  while (true) {
    // At the separator before a member, which is part of its prediction, or behind the last one.
    let childAt: usize;
    let exactAt: usize;
    if (isPredicted(slot, at)) {
      childAt = load<u32>(slot, 40);
      exactAt = load<u32>(slot, 44);
      at += load<u32>(slot, 32);
      slot += predictionBytes;
    } else {
      if (load<u8>(at) <= 0x20) at = passSpace(at);
      if (load<u8>(at) == 0x7d) return separator == 0x2c ? at + 1 : 0;
      if (load<u8>(at) != separator) return 0;
      if (separator == 0x7b) {
        const inside = passSpace(at + 1);
        if (load<u8>(inside) == 0x7d) return inside + 1;
      }
      const end = node.predictions + (usize(node.predictionCount) << predictionShift);
      const ahead = isPredicted(slot, at) ? slot : findAhead(slot, end, at);
      if (ahead != 0) {
        childAt = load<u32>(ahead, 40);
        exactAt = load<u32>(ahead, 44);
        at += load<u32>(ahead, 32);
        slot = ahead + predictionBytes;
      } else {
        at = passNewKey(node, at, slot);
        if (at == 0) return 0;
        childAt = matchedNode;
        exactAt = matchedExact;
        slot = matchedSlot;
      }
    }
    separator = 0x2c;
    const byte: u32 = load<u8>(at);
    let valueStart = at;
    sawEscape = 0;
    if (byte == 0x22) {
      at = passString(at + 1);
      if (at == 0) return 0;
    } else if (byte > 0x20 && (byte | 0x20) != 0x7b) at = passScalar(at);
    else {
      at = passUnusualValue(at, childAt);
      if (at == 0) return 0;
      valueStart = valueAt;
    }
    if (childAt != 0) {
      const child = changetype<Node>(childAt);
      if (child.child != 0 && load<u8>(valueStart) != 0x7b) prepareBelow(child);
      keep(child, valueStart, at);
    }
    if (exactAt != 0) keep(changetype<Node>(exactAt), valueStart, at);
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
  at = passMembers(root, at);
  if (at == 0 || load<u8>(at) == 0x0a) return at;
  at = passSpace(at);
  return load<u8>(at) == 0x0a ? at : 0;
}
