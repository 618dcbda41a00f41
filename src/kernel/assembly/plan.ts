// What a decoder looks for: a tree of keys, and the columns filled from its nodes.
import { Dictionary, freeDictionary, newDictionary } from './dictionary';
import { alloc, allocZeroed, free } from './memory';
import { isEqual, isEqualFolded } from './text';

export const kindF64: u32 = 0;
export const kindI64: u32 = 1;
export const kindTime: u32 = 2;
export const kindBool: u32 = 3;
export const kindDict: u32 = 4;
export const kindHash: u32 = 5;
export const kindSlice: u32 = 6;

/** Keys that an object of the stream is expected to have, in order: see walk.ts. */
export const maxPredictions: u32 = 64;
/** A prediction: 32 bytes of text, u32 length, u32 mask of the first 16 bytes, u32 node, u32 exact node; 64 in all. */
export const predictionShift: u32 = 6;

@unmanaged
export class Field {
  /** One entry a row each. */
  state: usize;
  start: usize;
  end: usize;
  values: usize;
  kind: u32;
  dictionary: usize;
  /** The next field of the same node. */
  next: usize;
}

@unmanaged
export class Node {
  field: usize;
  child: usize;
  sibling: usize;
  key: usize;
  keyLength: u32;
  predictions: usize;
  predictionCount: u32;
  /** Serial number of the row that last had an object here. */
  seenRow: u32;
  /** The case of ASCII letters in the keys below does not count, but for those of exact nodes. */
  isFolded: bool;
  /** Below a folded node: only for the key as it is spelled. There may be another node for it. */
  isExact: bool;
}

@unmanaged
export class Decoder {
  maxRows: u32;
  fieldCount: u32;
  fields: usize;
  root: usize;
}

function newNode(): Node {
  return changetype<Node>(allocZeroed(offsetof<Node>()));
}

function expectKeys(node: Node): void {
  // One more than is ever filled: the walk may stand behind the last.
  const bytes = (maxPredictions + 1) << predictionShift;
  node.predictions = allocZeroed(bytes);
  // A mask of more than 16 bits matches nothing.
  for (let i: u32 = 0; i <= maxPredictions; i++) {
    store<u32>(node.predictions + (usize(i) << predictionShift), 0xffffffff, 36);
  }
}

export function newDecoder(fieldCount: u32, maxRows: u32): Decoder {
  const decoder = changetype<Decoder>(allocZeroed(offsetof<Decoder>()));
  decoder.maxRows = maxRows;
  decoder.fieldCount = fieldCount;
  decoder.fields = allocZeroed(fieldCount * offsetof<Field>());
  const root = newNode();
  root.isFolded = true;
  expectKeys(root);
  decoder.root = changetype<usize>(root);
  return decoder;
}

export function rootOf(decoder: Decoder): usize {
  return decoder.root;
}

export function fieldOf(decoder: Decoder, index: u32): Field {
  return changetype<Field>(decoder.fields + index * offsetof<Field>());
}

/** The child of `parent` for a key, or 0; never an exact one. */
export function findChild(parent: Node, key: usize, length: u32): usize {
  let at = parent.child;
  while (at != 0) {
    const node = changetype<Node>(at);
    if (node.keyLength == length && !node.isExact) {
      if (parent.isFolded ? isEqualFolded(node.key, key, length) : isEqual(node.key, key, length)) return at;
    }
    at = node.sibling;
  }
  return 0;
}

/** The exact child of `parent` for a key, or 0. */
export function findExactChild(parent: Node, key: usize, length: u32): usize {
  let at = parent.child;
  while (at != 0) {
    const node = changetype<Node>(at);
    if (node.isExact && node.keyLength == length && isEqual(node.key, key, length)) return at;
    at = node.sibling;
  }
  return 0;
}

/** The same, made where there is none. */
export function childOf(parent: Node, key: usize, length: u32, isExact: bool): usize {
  const known = isExact ? findExactChild(parent, key, length) : findChild(parent, key, length);
  if (known != 0) return known;
  if (parent.predictions == 0) expectKeys(parent);
  const node = newNode();
  node.isExact = isExact;
  node.key = alloc(length);
  node.keyLength = length;
  memory.copy(node.key, key, length);
  node.sibling = parent.child;
  parent.child = changetype<usize>(node);
  return changetype<usize>(node);
}

/** Bytes a row of a column's values. */
function valueBytes(kind: u32): u32 {
  if (kind <= kindTime) return 8;
  if (kind == kindBool) return 1;
  if (kind == kindDict) return 4;
  return kind == kindHash ? 16 : 0;
}

/** Makes column `index` from what `node` stands for. */
export function addField(
  decoder: Decoder,
  node: Node,
  index: u32,
  kind: u32,
  maxEntries: u32,
  maxDictionaryBytes: u32,
): void {
  const field = fieldOf(decoder, index);
  const rows = decoder.maxRows;
  field.kind = kind;
  field.state = alloc(rows);
  field.start = alloc(rows << 2);
  field.end = alloc(rows << 2);
  field.values = allocZeroed(rows * valueBytes(kind));
  if (kind == kindDict) {
    field.dictionary = changetype<usize>(newDictionary(maxEntries, maxDictionaryBytes));
  }
  field.next = node.field;
  node.field = changetype<usize>(field);
}

function freeNode(at: usize): void {
  const node = changetype<Node>(at);
  let child = node.child;
  while (child != 0) {
    const sibling = changetype<Node>(child).sibling;
    freeNode(child);
    child = sibling;
  }
  free(node.key);
  free(node.predictions);
  free(at);
}

export function freeDecoder(decoder: Decoder): void {
  freeNode(decoder.root);
  for (let i: u32 = 0; i < decoder.fieldCount; i++) {
    const field = fieldOf(decoder, i);
    free(field.state);
    free(field.start);
    free(field.end);
    free(field.values);
    if (field.dictionary != 0) freeDictionary(changetype<Dictionary>(field.dictionary));
  }
  free(decoder.fields);
  free(changetype<usize>(decoder));
}
