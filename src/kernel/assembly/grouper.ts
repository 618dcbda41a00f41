// GROUP BY: tuples of 32-bit words to dense ids. Rows go in blocks: first all hashes and a touch of each
// slot, so that cache misses overlap, then the probes.
import { foldHash, wordHash } from './hash';
import { alloc, allocZeroed, capacityOf, free, resize } from './memory';

const masked: u32 = 0xffffffff;
const full: u32 = 0xfffffffe;
const blockRows: u32 = 128;
const firstSlots: u32 = 256;
/** Codes and pane numbers are small and dense; those below are found without hashing. */
const directWords: u32 = 4096;

const hashes = memory.data(128 * 4, 16);
/** Where the sums of touched slots go, so that the touching is not optimised away. */
const touched = memory.data(8, 8);

@unmanaged
export class Grouper {
  width: u32;
  maxGroups: u32;
  count: u32;
  slotMask: u32;
  /** u64 each: id + 1, 32 bits of hash above. 0 from a reset to the next rows: a grouper that rests has no tables. */
  slots: usize;
  /** width words a group. */
  tuples: usize;
  ids: usize;
  /** Pointers to the key columns of the current call. */
  columns: usize;
  /** Of groupers of one column: id + 1 by word, for words below `directWords`. */
  direct: usize;
}

export function newGrouper(width: u32, maxGroups: u32): Grouper {
  const grouper = changetype<Grouper>(allocZeroed(offsetof<Grouper>()));
  grouper.width = width;
  grouper.maxGroups = maxGroups;
  grouper.columns = alloc(width << 2);
  if (width == 1) grouper.direct = alloc(directWords << 2);
  grouper.slotMask = firstSlots - 1;
  return grouper;
}

/** Forgets all groups. The next tables have room for as many as there were. */
export function resetGrouper(grouper: Grouper): void {
  free(grouper.slots);
  free(grouper.tuples);
  grouper.slots = 0;
  grouper.tuples = 0;
  let slots = firstSlots;
  while (slots <= grouper.count << 1) slots <<= 1;
  grouper.slotMask = slots - 1;
  grouper.count = 0;
}

/** The slots, by which tables are there or not, come last: memory may run out on the way. */
function makeTables(grouper: Grouper): void {
  const slots = grouper.slotMask + 1;
  free(grouper.tuples);
  grouper.tuples = 0;
  grouper.tuples = alloc((slots >> 1) * grouper.width << 2);
  if (grouper.direct != 0) memory.fill(grouper.direct, 0, directWords << 2);
  grouper.slots = allocZeroed(slots << 3);
}

export function freeGrouper(grouper: Grouper): void {
  free(grouper.slots);
  free(grouper.tuples);
  free(grouper.ids);
  free(grouper.columns);
  free(grouper.direct);
  free(changetype<usize>(grouper));
}

/** Room for the ids of `rows` rows. */
export function idsFor(grouper: Grouper, rows: u32): usize {
  if (grouper.ids == 0 || capacityOf(grouper.ids) < rows << 2) {
    free(grouper.ids);
    grouper.ids = 0;
    grouper.ids = alloc(rows << 2);
  }
  return grouper.ids;
}

function growSlots(grouper: Grouper): void {
  const old = grouper.slots;
  const oldSlots = grouper.slotMask + 1;
  const grown = allocZeroed(oldSlots << 4);
  const mask = (oldSlots << 1) - 1;
  for (let i: u32 = 0; i < oldSlots; i++) {
    const slot = load<u64>(old + (usize(i) << 3));
    if (slot == 0) continue;
    let at = u32(slot >> 32) & mask;
    while (load<u32>(grown + (usize(at) << 3)) != 0) at = (at + 1) & mask;
    store<u64>(grown + (usize(at) << 3), slot);
  }
  grouper.slots = grown;
  grouper.slotMask = mask;
  free(old);
}

// @ts-ignore: decorator
@inline function isTuple(grouper: Grouper, id: u32, row: u32): bool {
  const width = grouper.width;
  const tuple = grouper.tuples + (usize(id * width) << 2);
  for (let i: u32 = 0; i < width; i++) {
    const column = load<u32>(grouper.columns + (usize(i) << 2));
    if (load<u32>(tuple + (usize(i) << 2)) != load<u32>(column + (usize(row) << 2))) return false;
  }
  return true;
}

function addTuple(grouper: Grouper, row: u32, hash: u32, index: u32): u32 {
  const id = grouper.count;
  if (id >= grouper.maxGroups) return full;
  const width = grouper.width;
  const tupleBytes = width << 2;
  if ((id + 1) * tupleBytes > capacityOf(grouper.tuples)) {
    grouper.tuples = resize(grouper.tuples, id * tupleBytes, (id * tupleBytes) << 1);
  }
  if ((id + 1) << 1 > grouper.slotMask) {
    growSlots(grouper);
    index = hash & grouper.slotMask;
    while (load<u32>(grouper.slots + (usize(index) << 3)) != 0) index = (index + 1) & grouper.slotMask;
  }
  for (let i: u32 = 0; i < width; i++) {
    const column = load<u32>(grouper.columns + (usize(i) << 2));
    store<u32>(grouper.tuples + id * tupleBytes + (usize(i) << 2), load<u32>(column + (usize(row) << 2)));
  }
  store<u64>(grouper.slots + (usize(index) << 3), (u64(hash) << 32) | u64(id + 1));
  grouper.count = id + 1;
  return id;
}

// @ts-ignore: decorator
@inline function idOf(grouper: Grouper, row: u32, hash: u32): u32 {
  const mask = grouper.slotMask;
  let index = hash & mask;
  while (true) {
    const slot = load<u64>(grouper.slots + (usize(index) << 3));
    if (slot == 0) return addTuple(grouper, row, hash, index);
    if (u32(slot >> 32) == hash && isTuple(grouper, u32(slot) - 1, row)) return u32(slot) - 1;
    index = (index + 1) & mask;
  }
}

/** The same for one column of words of which most are small. */
function assignWords(grouper: Grouper, rows: u32, mask: usize): void {
  const ids = grouper.ids;
  const direct = grouper.direct;
  const words = load<u32>(grouper.columns);
  for (let row: u32 = 0; row < rows; row++) {
    let id = masked;
    if (mask == 0 || load<u8>(mask + row) != 0) {
      const word = load<u32>(words + (usize(row) << 2));
      const known: u32 = word < directWords ? load<u32>(direct + (usize(word) << 2)) : 0;
      if (known != 0) id = known - 1;
      else {
        id = idOf(grouper, row, foldHash(wordHash(word, 0)));
        if (word < directWords && id < full) store<u32>(direct + (usize(word) << 2), id + 1);
      }
    }
    store<u32>(ids + (usize(row) << 2), id);
  }
}

/** Fills `ids` for rows whose `mask` byte (0 for no mask) is not 0. */
export function assignGroups(grouper: Grouper, rows: u32, mask: usize): void {
  const ids = grouper.ids;
  const width = grouper.width;
  if (grouper.slots == 0) makeTables(grouper);
  if (width == 1) {
    assignWords(grouper, rows, mask);
    return;
  }
  for (let first: u32 = 0; first < rows; first += blockRows) {
    const count = min(blockRows, rows - first);
    let touch: u64 = 0;
    for (let i: u32 = 0; i < count; i++) {
      let sum: u64 = 0;
      for (let column: u32 = 0; column < width; column++) {
        const words = load<u32>(grouper.columns + (usize(column) << 2));
        // There are keys for 64 columns; each 64 more begin with what those before became.
        if (column >= 64 && (column & 63) == 0) sum = u64(foldHash(sum)) * u64(0x9e3779b97f4a7c15);
        sum += wordHash(load<u32>(words + (usize(first + i) << 2)), column & 63);
      }
      const hash = foldHash(sum);
      store<u32>(hashes + (usize(i) << 2), hash);
      touch += load<u64>(grouper.slots + (usize(hash & grouper.slotMask) << 3));
    }
    store<u64>(touched, touch);
    for (let i: u32 = 0; i < count; i++) {
      const row = first + i;
      const isMasked = mask != 0 && load<u8>(mask + row) == 0;
      const id = isMasked ? masked : idOf(grouper, row, load<u32>(hashes + (usize(i) << 2)));
      store<u32>(ids + (usize(row) << 2), id);
    }
  }
}
