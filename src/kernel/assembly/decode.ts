// NDJSON to columns in two steps over blocks of rows small enough to stay in cache: walk.ts finds where the wanted
// values are, then each column is converted in a loop of its own.
import { convert } from './convert';
import { Decoder, fieldOf, Node } from './plan';
import { afterLastLineFeed, findLineFeed } from './scan';
import { clearBelow, startWalk, walkLine } from './walk';

const blockRows: u32 = 256;

let decodedTo: usize = 0;

/** Where the last decode stopped. */
export function decodeEnd(): usize {
  return decodedTo;
}

/** Every cell of rows [from, to) becomes absent. */
function clearRows(decoder: Decoder, from: u32, to: u32): void {
  const rows = to - from;
  for (let i: u32 = 0; i < decoder.fieldCount; i++) {
    const field = fieldOf(decoder, i);
    memory.fill(field.state + from, 0, rows);
    memory.fill(field.start + (usize(from) << 2), 0, rows << 2);
    memory.fill(field.end + (usize(from) << 2), 0, rows << 2);
  }
}

/** Decodes whole lines of [at, at + length); the rows. Positions are told relative to `input`. */
export function decode(decoder: Decoder, input: usize, at: usize, length: u32): u32 {
  const end = afterLastLineFeed(at, at + length);
  const root = changetype<Node>(decoder.root);
  let row: u32 = 0;
  startWalk(input);
  while (row < decoder.maxRows && at < end) {
    const first = row;
    const last = min(first + blockRows, decoder.maxRows);
    clearRows(decoder, first, last);
    while (row < last && at < end) {
      const lineFeed = walkLine(root, at, row);
      if (lineFeed != 0) at = lineFeed + 1;
      else {
        clearBelow(root, row);
        at = findLineFeed(at, end) + 1;
      }
      row++;
    }
    for (let i: u32 = 0; i < decoder.fieldCount; i++) convert(fieldOf(decoder, i), input, first, row);
  }
  decodedTo = at;
  return row;
}
