// The serial forms of a compact Theta sketch: those of Apache DataSketches (family 3), version 3 with whole hashes and version
// 4 with bit-packed differences; the hash table of an update sketch (family 2) is read as well. Integers are little-endian,
// packed bits run from the high bit of each byte.
//
//   version 3   preamble longs (1 empty or single, 2 exact, 3 estimating) · 3 · 3 · 0 · 0 · flags · seed hash u16
//               count u32 at 8 · 0 u32 · theta u64 at 16 where estimating · hashes u64
//   version 4   preamble longs (1 exact, 2 estimating) · 4 · 3 · bits of a difference · bytes of the count · flags · seed
//               hash u16 · theta u64 where estimating · count · differences
import { ByteReader, ByteWriter } from '../../../core/bytes.ts';
import { sketchSeed } from '../../../core/hash.ts';
import { corruptSketch } from '../corruption.ts';
import { murmurBytes } from '../murmur.ts';
import { thetaMax } from './theta-hashes.ts';

export interface ThetaContent {
  theta: bigint;
  /** Ascending. */
  hashes: BigUint64Array;
  /** True where no item was ever seen; a sketch without hashes need not be empty. */
  isEmpty: boolean;
}

const what = 'Theta sketch';
const family = { update: 2, compact: 3 } as const;
const flag = { readOnly: 2, empty: 4, compact: 8, ordered: 16, single: 32 } as const;
const written = flag.readOnly | flag.compact | flag.ordered;

/** Sixteen bits of the hash of the seed: sketches of other seeds cannot meet. */
export const seedHash = ((): number => {
  const seed = new Uint8Array(8);
  new DataView(seed.buffer).setUint32(0, sketchSeed, true);
  return murmurBytes(seed, new Uint32Array(4), 8, 0)[0]! & 0xffff;
})();

const isSingle = ({ hashes, theta }: ThetaContent): boolean => hashes.length === 1 && theta === thetaMax;

/** Version 3: 8 bytes when empty, 16 for one exact hash, else 16 or 24 and eight a hash. */
export function writeTheta(content: ThetaContent): Uint8Array {
  const { theta, hashes, isEmpty } = content;
  const isShort = isEmpty || isSingle(content);
  const longs = isShort ? 1 : theta < thetaMax ? 3 : 2;
  const writer = new ByteWriter(8 * (longs + hashes.length)).u8(longs).u8(3).u8(family.compact).u16(0);
  writer.u8(written | (isEmpty ? flag.empty : isShort ? flag.single : 0)).u16(isEmpty ? 0 : seedHash);
  if (longs > 1) writer.u32(hashes.length).u32(0);
  if (longs > 2) writer.u64(theta);
  for (const hash of hashes) writer.u64(hash);
  return writer.finish();
}

/** Version 4, where there is something to pack: at least two hashes, or one of many. */
export function writeCompressedTheta(content: ThetaContent): Uint8Array {
  const { theta, hashes } = content;
  if (hashes.length === 0 || isSingle(content)) return writeTheta(content);
  let union = 0n;
  let previous = 0n;
  for (const hash of hashes) {
    union |= hash - previous;
    previous = hash;
  }
  const bits = union.toString(2).length;
  const longs = theta < thetaMax ? 2 : 1;
  const countBytes = Math.ceil((32 - Math.clz32(hashes.length)) / 8);
  const packed = packDifferences(hashes, bits);
  const writer = new ByteWriter(8 * longs + countBytes + packed.length).u8(longs).u8(4).u8(family.compact);
  writer.u8(bits).u8(countBytes).u8(written).u16(seedHash);
  if (longs > 1) writer.u64(theta);
  for (let i = 0; i < countBytes; i++) writer.u8((hashes.length >>> (8 * i)) & 255);
  return writer.bytes(packed).finish();
}

function packDifferences(hashes: BigUint64Array, bits: number): Uint8Array {
  const packed = new Uint8Array(Math.ceil((hashes.length * bits) / 8));
  let at = 0;
  let previous = 0n;
  for (const hash of hashes) {
    const difference = hash - previous;
    previous = hash;
    for (let left = bits; left > 0; ) {
      const room = 8 - (at & 7);
      const taken = Math.min(room, left);
      const part = Number((difference >> BigInt(left - taken)) & ((1n << BigInt(taken)) - 1n));
      packed[at >>> 3]! |= part << (room - taken);
      at += taken;
      left -= taken;
    }
  }
  return packed;
}

function unpackDifferences(packed: Uint8Array, count: number, bits: number): BigUint64Array {
  const hashes = new BigUint64Array(count);
  let at = 0;
  let previous = 0n;
  for (let i = 0; i < count; i++) {
    let high = 0;
    let low = 0;
    for (let left = bits; left > 0; ) {
      const room = 8 - (at & 7);
      const taken = Math.min(room, left);
      const part = (packed[at >>> 3]! >>> (room - taken)) & ((1 << taken) - 1);
      high = ((high << taken) | (low >>> (32 - taken))) >>> 0;
      low = ((low << taken) | part) >>> 0;
      at += taken;
      left -= taken;
    }
    previous += (BigInt(high) << 32n) | BigInt(low);
    hashes[i] = previous;
  }
  return hashes;
}

/** Reads any of the forms above. Throws `corrupt-sketch`, also for another seed. */
export function readTheta(bytes: Uint8Array): ThetaContent {
  const reader = new ByteReader(bytes);
  const longs = reader.u8() & 63;
  const version = reader.u8();
  const kind = reader.u8();
  const byte3 = reader.u8();
  const byte4 = reader.u8();
  const flags = reader.u8();
  const seed = reader.u16();
  if (version !== 3 && version !== 4) throw corruptSketch(what, 'the version is not 3 or 4', { version });
  const isEmpty = (flags & flag.empty) !== 0;
  if (isEmpty && version === 3) return { theta: thetaMax, hashes: new BigUint64Array(0), isEmpty: true };
  if (seed !== seedHash)
    throw corruptSketch(what, `its hashes were made with another seed than ${sketchSeed}`);
  if (kind === family.update && version === 3) return readTable(reader, longs, byte4);
  if (kind !== family.compact) throw corruptSketch(what, 'the family differs', { family: kind });
  const content = version === 4 ? readPacked(reader, longs, byte3, byte4) : readWhole(reader, longs, flags);
  checkHashes(content);
  return content;
}

function readWhole(reader: ByteReader, longs: number, flags: number): ThetaContent {
  if (longs < 1 || longs > 3) throw corruptSketch(what, 'the preamble is out of range', { longs });
  let count = 1;
  let theta = thetaMax;
  if (longs > 1) {
    count = reader.u32();
    reader.skip(4);
  }
  if (longs > 2) theta = reader.u64();
  const hashes = readHashes(reader, count);
  if ((flags & flag.ordered) === 0) hashes.sort();
  return { theta, hashes, isEmpty: false };
}

function readHashes(reader: ByteReader, count: number): BigUint64Array {
  if (reader.remaining < count * 8) throw corruptSketch(what, 'they end early');
  const hashes = new BigUint64Array(count);
  for (let i = 0; i < count; i++) hashes[i] = reader.u64();
  return hashes;
}

function readTable(reader: ByteReader, longs: number, lgTable: number): ThetaContent {
  const count = reader.u32();
  reader.skip(4);
  const theta = reader.u64();
  if (longs !== 3 || lgTable > 27)
    throw corruptSketch(what, 'the preamble is out of range', { longs, lgTable });
  const hashes = readHashes(reader, 2 ** lgTable).filter(hash => hash !== 0n && hash < theta);
  if (hashes.length !== count) throw corruptSketch(what, 'the count of hashes is wrong');
  const content = { theta, hashes: hashes.sort(), isEmpty: false };
  checkHashes(content);
  return content;
}

function readPacked(reader: ByteReader, longs: number, bits: number, countBytes: number): ThetaContent {
  if (longs < 1 || longs > 2 || bits < 1 || bits > 63 || countBytes < 1 || countBytes > 4) {
    throw corruptSketch(what, 'the preamble is out of range', { longs, bits, countBytes });
  }
  const theta = longs === 2 ? reader.u64() : thetaMax;
  let count = 0;
  for (let i = 0; i < countBytes; i++) count += reader.u8() * 2 ** (8 * i);
  const packedLength = Math.ceil((count * bits) / 8);
  if (reader.remaining < packedLength) throw corruptSketch(what, 'they end early');
  return { theta, hashes: unpackDifferences(reader.bytes(packedLength), count, bits), isEmpty: false };
}

function checkHashes({ theta, hashes }: ThetaContent): void {
  if (theta < 1n || theta > thetaMax) throw corruptSketch(what, 'theta is out of range');
  let previous = 0n;
  for (const hash of hashes) {
    if (hash <= previous || hash >= theta)
      throw corruptSketch(what, 'its hashes are not ascending below theta');
    previous = hash;
  }
}
