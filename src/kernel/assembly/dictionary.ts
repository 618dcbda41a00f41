// Texts to dense codes: open addressing over 8-byte slots (code + 1, 32 bits of hash), texts one after another in an
// arena. Bounded by entries and by arena bytes; where a bound is reached new texts get no code.
import { alloc, allocZeroed, capacityOf, free, resize } from './memory';
import { isEqual } from './text';

/** No code: the dictionary is full. */
export const noCode: u32 = u32.MAX_VALUE;

export const tagString: u32 = 0;
export const tagNumber: u32 = 1;
export const tagBoolean: u32 = 2;

const firstSlots: u32 = 256;
/** An entry: u32 arena offset, u32 length, u32 tag, u32 unused. */
const entryShift: u32 = 4;

@unmanaged
export class Dictionary {
  slots: usize;
  slotMask: u32;
  entries: usize;
  count: u32;
  maxEntries: u32;
  arena: usize;
  arenaUsed: u32;
  arenaMax: u32;
}

export function newDictionary(maxEntries: u32, maxBytes: u32): Dictionary {
  const dictionary = changetype<Dictionary>(allocZeroed(offsetof<Dictionary>()));
  dictionary.maxEntries = maxEntries;
  dictionary.arenaMax = maxBytes;
  return dictionary;
}

/** Forgets every text and gives the memory back. */
export function clearDictionary(dictionary: Dictionary): void {
  free(dictionary.slots);
  free(dictionary.entries);
  free(dictionary.arena);
  dictionary.slots = 0;
  dictionary.entries = 0;
  dictionary.arena = 0;
  dictionary.count = 0;
  dictionary.arenaUsed = 0;
}

export function freeDictionary(dictionary: Dictionary): void {
  clearDictionary(dictionary);
  free(changetype<usize>(dictionary));
}

/** Twice the slots. What may fail for want of memory comes first, so that a failure leaves the table whole. */
function growSlots(dictionary: Dictionary): void {
  const old = dictionary.slots;
  if (old == 0) {
    dictionary.slots = allocZeroed(firstSlots << 3);
    dictionary.slotMask = firstSlots - 1;
    return;
  }
  const oldSlots = dictionary.slotMask + 1;
  const grown = allocZeroed(oldSlots << 4);
  const mask = (oldSlots << 1) - 1;
  for (let i: u32 = 0; i < oldSlots; i++) {
    const slot = load<u64>(old + (usize(i) << 3));
    if (slot == 0) continue;
    let at = u32(slot >> 32) & mask;
    while (load<u32>(grown + (usize(at) << 3)) != 0) at = (at + 1) & mask;
    store<u64>(grown + (usize(at) << 3), slot);
  }
  dictionary.slots = grown;
  dictionary.slotMask = mask;
  free(old);
}

function reserve(dictionary: Dictionary, length: u32): bool {
  const used = dictionary.arenaUsed;
  if (u64(used) + u64(length) > u64(dictionary.arenaMax)) return false;
  if (dictionary.arena == 0) dictionary.arena = alloc(max(length, 4096));
  else if (used + length > capacityOf(dictionary.arena)) {
    dictionary.arena = resize(dictionary.arena, used, max(used << 1, used + length));
  }
  const count = dictionary.count;
  if (dictionary.entries == 0) dictionary.entries = alloc(firstSlots << entryShift);
  else if ((count + 1) << entryShift > capacityOf(dictionary.entries)) {
    dictionary.entries = resize(dictionary.entries, count << entryShift, count << (entryShift + 1));
  }
  return true;
}

/** Grows ahead of a batch, so that hashes can be looked up in any slot order. */
export function prepareDictionary(dictionary: Dictionary): void {
  if (dictionary.slots == 0) growSlots(dictionary);
}

// @ts-ignore: decorator
@inline export function slotOf(dictionary: Dictionary, hash: u32): usize {
  return dictionary.slots + (usize(hash & dictionary.slotMask) << 3);
}

/** The code of a text, a new one where it is new; noCode where the dictionary is full. */
// @ts-ignore: decorator
@inline export function codeOf(dictionary: Dictionary, at: usize, length: u32, tag: u32, hash: u32): u32 {
  const mask = dictionary.slotMask;
  const slots = dictionary.slots;
  let index = hash & mask;
  while (true) {
    const slot = load<u64>(slots + (usize(index) << 3));
    if (slot == 0) return addText(dictionary, at, length, tag, hash, index);
    if (u32(slot >> 32) == hash) {
      const code = u32(slot) - 1;
      const entry = dictionary.entries + (usize(code) << entryShift);
      if (
        load<u32>(entry, 4) == length &&
        load<u32>(entry, 8) == tag &&
        isEqual(dictionary.arena + load<u32>(entry), at, length)
      ) {
        return code;
      }
    }
    index = (index + 1) & mask;
  }
}

function addText(dictionary: Dictionary, at: usize, length: u32, tag: u32, hash: u32, index: u32): u32 {
  const code = dictionary.count;
  if (code >= dictionary.maxEntries || !reserve(dictionary, length)) return noCode;
  // At most half full: probes stay short.
  const isCrowded = (code + 1) << 1 > dictionary.slotMask;
  if (isCrowded) {
    growSlots(dictionary);
    index = hash & dictionary.slotMask;
    while (load<u32>(dictionary.slots + (usize(index) << 3)) != 0) index = (index + 1) & dictionary.slotMask;
  }
  const entry = dictionary.entries + (usize(code) << entryShift);
  store<u32>(entry, dictionary.arenaUsed);
  store<u32>(entry, length, 4);
  store<u32>(entry, tag, 8);
  memory.copy(dictionary.arena + dictionary.arenaUsed, at, length);
  dictionary.arenaUsed += length;
  store<u64>(dictionary.slots + (usize(index) << 3), (u64(hash) << 32) | u64(code + 1));
  dictionary.count = code + 1;
  return code;
}

export function dictionaryEntry(dictionary: Dictionary, code: u32): usize {
  return dictionary.entries + (usize(code) << entryShift);
}

