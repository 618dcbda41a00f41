// The serial form of a HyperLogLog: that of Apache DataSketches (family 7, serial version 1). Written compact, as its
// `toCompactByteArray` does; read compact or updatable. Integers are little-endian.
//
//   bytes 0–7   preamble ints (2 list, 3 set, 10 dense) · 1 · 7 · lgK · lgLength · flags · count or curMin · mode
//   list        coupons from byte 8
//   set         count at 8, coupons from 12
//   dense       HIP f64 at 8 · KxQ0 f64 at 16 · KxQ1 f64 at 24 · registers at curMin i32 at 32 · exceptions i32 at 36 ·
//               registers from 40 (4, 6 or 8 bits each) · for 4 bits then the exceptions as coupons
import { ByteReader, ByteWriter } from '../../../core/bytes.ts';
import { corruptSketch } from '../corruption.ts';
import { addressMask, HllCoupons, lgLargestSet, lgSmallestSet } from './hll-coupons.ts';
import { HllRegisters } from './hll-registers.ts';

/** Bits a register takes in the serial form; the estimate is the same. */
export type HllKind = 'HLL_4' | 'HLL_6' | 'HLL_8';
export const hllKinds: readonly HllKind[] = ['HLL_4', 'HLL_6', 'HLL_8'];

export interface HllContent {
  lgK: number;
  kind: HllKind;
  coupons: HllCoupons | null;
  registers: HllRegisters | null;
}

const what = 'HyperLogLog sketch';
const family = 7;
const flag = { empty: 4, compact: 8, outOfOrder: 16 } as const;
const mode = { list: 0, set: 1, dense: 2 } as const;
/** A nibble that says: the value of this register is among the exceptions. */
const exceptionMark = 15;
const lgSmallestExceptions = (lgK: number): number =>
  lgK < 7 ? 2 : lgK < 10 ? 3 : lgK < 12 ? 4 : lgK < 14 ? 5 : lgK - 8;

interface Preamble {
  ints: number;
  lgLength: number;
  flags: number;
  /** Items in the list, or curMin; 0 for a set. */
  count: number;
  mode: number;
}

function begin(size: number, { lgK, kind }: HllContent, preamble: Preamble): ByteWriter {
  const writer = new ByteWriter(size).u8(preamble.ints).u8(1).u8(family).u8(lgK).u8(preamble.lgLength);
  return writer
    .u8(preamble.flags)
    .u8(preamble.count)
    .u8(preamble.mode | (hllKinds.indexOf(kind) << 2));
}

/** Writes the compact form: 8 bytes when empty, 4 a coupon, then 40 + k/2, 3k/4 + 1 or k bytes. */
export function writeHll(content: HllContent): Uint8Array {
  const { coupons, registers } = content;
  if (registers) return writeDense(content, registers);
  const count = coupons?.count ?? 0;
  let writer: ByteWriter;
  if (!coupons || coupons.isList) {
    const flags = flag.compact | (count === 0 ? flag.empty : 0);
    writer = begin(8 + 4 * count, content, { ints: 2, lgLength: 3, flags, count, mode: mode.list });
  } else {
    const { lgLength } = coupons;
    const set = { ints: 3, lgLength, flags: flag.compact, count: 0, mode: mode.set };
    writer = begin(12 + 4 * count, content, set).u32(count);
  }
  coupons?.each(coupon => writer.u32(coupon));
  return writer.finish();
}

function writeDense(content: HllContent, registers: HllRegisters): Uint8Array {
  const { values } = registers;
  const isPacked4 = content.kind === 'HLL_4';
  const curMin = isPacked4 ? leastOf(values) : 0;
  const atCurMin = countOf(values, curMin);
  const exceptions = isPacked4 ? exceptionsOf(values, curMin) : [];
  let lgLength = 0;
  if (exceptions.length > 0) {
    lgLength = lgSmallestExceptions(content.lgK);
    while (exceptions.length * 4 > 3 << lgLength) lgLength++;
  }
  const packed = packRegisters(values, content.kind, curMin);
  const writer = begin(40 + packed.length + 4 * exceptions.length, content, {
    ints: 10,
    lgLength,
    flags: (registers.outOfOrder ? flag.outOfOrder : 0) | (isPacked4 ? flag.compact : 0),
    count: curMin,
    mode: mode.dense,
  });
  writer.f64(registers.hip).f64(registers.kxq0).f64(registers.kxq1).u32(atCurMin).u32(exceptions.length);
  writer.bytes(packed);
  for (const coupon of exceptions) writer.u32(coupon);
  return writer.finish();
}

function leastOf(values: Uint8Array): number {
  let least = 63;
  for (let slot = 0; slot < values.length; slot++) if (values[slot]! < least) least = values[slot]!;
  return least;
}

function countOf(values: Uint8Array, wanted: number): number {
  let count = 0;
  for (let slot = 0; slot < values.length; slot++) if (values[slot] === wanted) count++;
  return count;
}

/** Coupons of the registers that four bits do not hold. */
function exceptionsOf(values: Uint8Array, curMin: number): number[] {
  const exceptions: number[] = [];
  for (let slot = 0; slot < values.length; slot++) {
    const value = values[slot]!;
    if (value - curMin >= exceptionMark) exceptions.push(((value << 26) | slot) >>> 0);
  }
  return exceptions;
}

const packedLength = (kind: HllKind, k: number): number =>
  kind === 'HLL_8' ? k : kind === 'HLL_4' ? k / 2 : (k * 3) / 4 + 1;

function packRegisters(values: Uint8Array, kind: HllKind, curMin: number): Uint8Array {
  if (kind === 'HLL_8') return values;
  const packed = new Uint8Array(packedLength(kind, values.length));
  if (kind === 'HLL_4') {
    for (let slot = 0; slot < values.length; slot++) {
      const nibble = Math.min(values[slot]! - curMin, exceptionMark);
      packed[slot >>> 1]! |= nibble << ((slot & 1) * 4);
    }
    return packed;
  }
  for (let slot = 0; slot < values.length; slot++) {
    const bits = values[slot]! << ((slot * 6) & 7);
    packed[(slot * 6) >>> 3]! |= bits;
    packed[((slot * 6) >>> 3) + 1]! |= bits >>> 8;
  }
  return packed;
}

/** Reads either form. Throws `corrupt-sketch`. */
export function readHll(bytes: Uint8Array): HllContent {
  const reader = new ByteReader(bytes);
  const ints = reader.u8();
  const version = reader.u8();
  if (reader.u8() !== family || version !== 1) throw corruptSketch(what, 'family or version differ');
  const lgK = reader.u8();
  const lgLength = reader.u8();
  const flags = reader.u8();
  const count = reader.u8();
  const modes = reader.u8();
  const kind = hllKinds[(modes >>> 2) & 3];
  if (lgK < 4 || lgK > 21 || !kind) throw corruptSketch(what, 'lgK or kind is out of range', { lgK });
  const content: HllContent = { lgK, kind, coupons: null, registers: null };
  const isCompact = (flags & flag.compact) !== 0;
  const expected = [2, 3, 10][modes & 3];
  if (ints !== expected) throw corruptSketch(what, 'mode and preamble disagree', { mode: modes & 3, ints });
  if ((modes & 3) === mode.list) {
    content.coupons = readList(reader, count, lgK);
  } else if ((modes & 3) === mode.set) {
    content.coupons = readSet(reader, lgLength, isCompact, lgK);
  } else {
    content.registers = readDense(reader, { lgK, kind, curMin: count, flags, lgLength });
  }
  return content;
}

function addCoupon(coupons: HllCoupons, coupon: number, lgK: number): void {
  if (coupon >>> 26 === 0) throw corruptSketch(what, 'a coupon has no value');
  const before = coupons.count;
  if (!coupons.add(coupon, lgK) || coupons.count === before) {
    throw corruptSketch(what, 'its coupons are too many or repeat');
  }
}

function readList(reader: ByteReader, count: number, lgK: number): HllCoupons | null {
  if (count === 0) return null;
  if (count > 7) throw corruptSketch(what, 'the list is too long', { count });
  const coupons = new HllCoupons();
  for (let i = 0; i < count; i++) addCoupon(coupons, reader.u32(), lgK);
  return coupons;
}

function readSet(reader: ByteReader, lgLengthRead: number, isCompact: boolean, lgK: number): HllCoupons {
  const count = reader.u32();
  let lgLength = Math.max(lgLengthRead, lgSmallestSet);
  while (lgLength < 19 && count * 4 > 3 << lgLength) lgLength++;
  if (lgLength > lgLargestSet(lgK) || count * 4 > 3 << lgLength) {
    throw corruptSketch(what, 'the set is too large for its lgK', { count, lgK });
  }
  const entries = isCompact ? count : 1 << lgLength;
  if (reader.remaining < entries * 4) throw corruptSketch(what, 'they end early');
  const coupons = new HllCoupons(lgLength);
  for (let i = 0; i < entries; i++) {
    const coupon = reader.u32();
    if (coupon !== 0 || isCompact) addCoupon(coupons, coupon, lgK);
  }
  if (coupons.count !== count) throw corruptSketch(what, 'the count of coupons is wrong');
  return coupons;
}

interface DensePreamble {
  lgK: number;
  kind: HllKind;
  curMin: number;
  flags: number;
  lgLength: number;
}

function readDense(reader: ByteReader, { lgK, kind, curMin, flags, lgLength }: DensePreamble): HllRegisters {
  const hip = reader.f64();
  // KxQ0, KxQ1 and the count at curMin follow from the registers: what is stored is not trusted.
  reader.skip(20);
  const exceptionCount = reader.u32();
  const k = 1 << lgK;
  const packed = reader.bytes(packedLength(kind, k));
  if (!(hip >= 0 && hip < Number.POSITIVE_INFINITY))
    throw corruptSketch(what, 'the HIP accumulator is no count');
  if (curMin > 63 || (kind !== 'HLL_4' && curMin !== 0)) throw corruptSketch(what, 'curMin is out of range');
  const values = unpackRegisters(packed, kind, k, curMin);
  if (kind === 'HLL_4') {
    const isCompact = (flags & flag.compact) !== 0;
    const entries = isCompact ? exceptionCount : exceptionCount === 0 ? 0 : 2 ** lgLength;
    if (exceptionCount > k || reader.remaining < entries * 4) throw corruptSketch(what, 'they end early');
    let seen = 0;
    for (let i = 0; i < entries; i++) {
      const coupon = reader.u32();
      if (coupon === 0 && !isCompact) continue;
      const slot = coupon & addressMask & (k - 1);
      const value = coupon >>> 26;
      if (values[slot] !== pendingException || value - curMin < exceptionMark) {
        throw corruptSketch(what, 'an exception has no register');
      }
      values[slot] = value;
      seen++;
    }
    if (seen !== exceptionCount) throw corruptSketch(what, 'the count of exceptions is wrong');
  }
  for (const value of values)
    if (value > 63) throw corruptSketch(what, 'a register is out of range', { value });
  const registers = new HllRegisters(lgK, values);
  registers.outOfOrder = (flags & flag.outOfOrder) !== 0;
  registers.hip = registers.outOfOrder ? 0 : hip;
  return registers;
}

const pendingException = 255;

function unpackRegisters(packed: Uint8Array, kind: HllKind, k: number, curMin: number): Uint8Array {
  if (kind === 'HLL_8') return packed.slice();
  const values = new Uint8Array(k);
  for (let slot = 0; slot < k; slot++) {
    if (kind === 'HLL_4') {
      const nibble = (packed[slot >>> 1]! >>> ((slot & 1) * 4)) & 15;
      values[slot] = nibble === exceptionMark ? pendingException : nibble + curMin;
    } else {
      const at = (slot * 6) >>> 3;
      values[slot] = ((packed[at]! | (packed[at + 1]! << 8)) >>> ((slot * 6) & 7)) & 63;
    }
  }
  return values;
}
