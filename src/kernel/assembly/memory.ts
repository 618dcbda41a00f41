// Linear memory by hand: blocks in address order, first fit, neighbours merged when free. There are few
// blocks (regions, tables, dictionaries), all long-lived, so a walk is cheap. Every block has at least 48
// bytes behind what was asked for: a 16-byte load that begins inside a block stays inside memory.

/** Throws in the host; never returns. */
@external("env", "outOfMemory")
declare function outOfMemory(wanted: f64, limit: f64): void;

const headerBytes: u32 = 64;
const spareBytes: u32 = 48;
const wasmPageBytes: u32 = 65536;

import { startMasks } from './hash';
import { startSplats } from './splat';

let heapStart: usize = 0;
/** End of the last block; everything from here to the end of memory is unused. */
let heapEnd: usize = 0;
let limitBytes: u64 = 0;
/** Of the blocks in use. */
let usedBytes: u32 = 0;

// Header: u32 size of the whole block, u32 1 where it is in use.
// @ts-ignore: decorator
@inline function sizeOf(block: usize): u32 {
  return load<u32>(block);
}
// @ts-ignore: decorator
@inline function isUsed(block: usize): bool {
  return load<u32>(block, 4) != 0;
}

export function startMemory(limit: f64): void {
  startSplats();
  startMasks();
  heapStart = (__heap_base + 63) & ~63;
  heapEnd = heapStart;
  limitBytes = u64(limit);
}

export function usedMemory(): u32 {
  return usedBytes;
}

function grow(size: u32): usize {
  const wanted: u64 = u64(heapEnd) + u64(size);
  const have: u64 = u64(memory.size()) * wasmPageBytes;
  if (wanted > have) {
    // A sixteenth more than needed, so that many small growths are few large ones.
    let pages = (wanted + (wanted >> 4) + wasmPageBytes - 1) / wasmPageBytes;
    if (pages * wasmPageBytes > limitBytes) pages = (wanted + wasmPageBytes - 1) / wasmPageBytes;
    if (pages * wasmPageBytes > limitBytes || memory.grow(i32(pages - have / wasmPageBytes)) < 0) {
      outOfMemory(f64(wanted), f64(limitBytes));
      unreachable();
    }
  }
  const block = heapEnd;
  heapEnd += size;
  store<u32>(block, size);
  return block;
}

function take(block: usize): usize {
  store<u32>(block, 1, 4);
  usedBytes += sizeOf(block);
  return block + headerBytes;
}

/**
 * A block of at least `bytes`, 64-byte aligned, its content undefined. Throws in the host where the limit is
 * reached.
 */
export function alloc(bytes: u32): usize {
  if (bytes > 0xf0000000) {
    outOfMemory(f64(bytes), f64(limitBytes));
    unreachable();
  }
  const size: u32 = (bytes + headerBytes + spareBytes + 63) & ~63;
  let block = heapStart;
  while (block < heapEnd) {
    if (!isUsed(block)) {
      let next = block + sizeOf(block);
      while (next < heapEnd && !isUsed(next)) next += sizeOf(next);
      if (next == heapEnd) {
        // The tail goes back to the unused part, and is taken from there.
        heapEnd = block;
        break;
      }
      const free = u32(next - block);
      store<u32>(block, free);
      if (free >= size) {
        if (free - size >= headerBytes + 64) {
          store<u32>(block, size);
          store<u32>(block + size, free - size);
          store<u32>(block + size, 0, 4);
        }
        return take(block);
      }
    }
    block += sizeOf(block);
  }
  return take(grow(size));
}

export function allocZeroed(bytes: u32): usize {
  const pointer = alloc(bytes);
  memory.fill(pointer, 0, bytes);
  return pointer;
}

/** Gives a block back; 0 is nothing. */
export function free(pointer: usize): void {
  if (pointer == 0) return;
  const block = pointer - headerBytes;
  store<u32>(block, 0, 4);
  usedBytes -= sizeOf(block);
}

/** Bytes that `pointer`'s block can hold. */
export function capacityOf(pointer: usize): u32 {
  return sizeOf(pointer - headerBytes) - headerBytes - spareBytes;
}

/** A block of at least `bytes` with the first `keep` bytes of `pointer`'s, which is freed. */
export function resize(pointer: usize, keep: u32, bytes: u32): usize {
  const moved = alloc(bytes);
  memory.copy(moved, pointer, keep);
  free(pointer);
  return moved;
}

let scratch: usize = 0;

/** A region for what lives no longer than one value; moves when asked for more. */
export function scratchOf(bytes: u32): usize {
  if (scratch != 0 && capacityOf(scratch) >= bytes) return scratch;
  const old = scratch;
  scratch = 0;
  free(old);
  scratch = alloc(bytes + (bytes >> 1) + 1024);
  return scratch;
}
