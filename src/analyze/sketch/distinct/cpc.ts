// What the bytes of an Apache DataSketches CPC sketch (family 16) say about its stream: the number of distinct items, with bounds.
// Lang, "Back to the Future: an Even More Nearly Optimal Cardinality Estimation Algorithm" (2017). The compressed coupons
// themselves are not decoded, since estimates need only their number: such sketches can be read here, not merged or continued.
import { ByteReader } from '../../../core/bytes.ts';
import { corruptSketch, readSketch, requireWhole } from '../corruption.ts';
import type { Bounds } from './hyperloglog.ts';
import { seedHash } from './theta-bytes.ts';

const what = 'CPC sketch';
const family = 16;
const flag = { compressed: 2, hip: 4, values: 8, window: 16 } as const;
const columns = 64;
const hipFactor = Math.sqrt(Math.LN2 / 2);
const iconFactor = Math.LN2;

/** Coupons that n distinct items are expected to leave in k rows of 64 columns, column j being hit with chance 2^−(j+1). */
export function expectedCoupons(n: number, lgK: number): number {
  const k = 2 ** lgK;
  let sum = 0;
  for (let column = 0; column < columns; column++) {
    // The last column takes all that is left.
    const chance = 2 ** -Math.min(column + 1, columns - 1) / k;
    sum -= Math.expm1(n * Math.log1p(-chance));
  }
  return k * sum;
}

/** The n for which so many coupons are expected (the ICON estimator), by bisection in ln n to 12 digits. */
export function iconEstimate(coupons: number, lgK: number): number {
  if (coupons === 0) return 0;
  let low = Math.log(coupons);
  // Before this n every place is as good as certain to be hit.
  let high = (lgK + columns + 8) * Math.LN2;
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2;
    if (expectedCoupons(Math.exp(middle), lgK) < coupons) low = middle;
    else high = middle;
  }
  return Math.exp((low + high) / 2);
}

/** The estimate that a CPC sketch carries: relative standard error 0.589/√k (HIP), or 0.693/√k (ICON) once sketches were merged. */
export class CpcEstimate {
  readonly lgK: number;
  /** Distinct coupons in the sketch. */
  readonly coupons: number;
  /** Whether the sketch came from a merge and so has lost its HIP accumulator. */
  readonly isMerged: boolean;
  private readonly value: number;

  private constructor(lgK: number, coupons: number, hip: number | undefined) {
    this.lgK = lgK;
    this.coupons = coupons;
    this.isMerged = hip === undefined;
    this.value = hip ?? iconEstimate(coupons, lgK);
  }

  /** The estimated number of distinct items. */
  estimate(): number {
    return this.value;
  }

  /** Bounds at 1, 2 or 3 standard deviations; never below the coupons, each of which took an item. */
  bounds(standardDeviations: 1 | 2 | 3 = 2): Bounds {
    requireWhole('standardDeviations', standardDeviations, 1, 3);
    const error = (this.isMerged ? iconFactor : hipFactor) / Math.sqrt(2 ** this.lgK);
    const spread = Math.exp(standardDeviations * error);
    return {
      lower: Math.max(this.coupons, this.value / spread),
      estimate: this.value,
      upper: Math.max(this.coupons, Math.ceil(this.value * spread)),
    };
  }

  /** Reads the preamble and checks that the compressed streams have the lengths it states. Throws `corrupt-sketch`. */
  static deserialize(bytes: Uint8Array): CpcEstimate {
    return readSketch(what, () => {
      const reader = new ByteReader(bytes);
      const ints = reader.u8();
      const version = reader.u8();
      if (reader.u8() !== family || version !== 1) throw corruptSketch(what, 'family or version differ');
      const lgK = reader.u8();
      reader.skip(1);
      const flags = reader.u8();
      const seed = reader.u16();
      if (lgK < 4 || lgK > 26) throw corruptSketch(what, 'lgK is out of range', { lgK });
      if ((flags & flag.compressed) === 0) throw corruptSketch(what, 'it is not compressed');
      if (seed !== seedHash) throw corruptSketch(what, 'its hashes were made with another seed');
      const hasHip = (flags & flag.hip) !== 0;
      const hasValues = (flags & flag.values) !== 0;
      const hasWindow = (flags & flag.window) !== 0;
      if (!hasValues && !hasWindow) return new CpcEstimate(lgK, 0, hasHip ? 0 : undefined);
      const coupons = reader.u32();
      // Fields follow each other as the flags say; with both streams their lengths come after the accumulators.
      if (hasValues && hasWindow) reader.skip(4);
      let streamInts = hasValues && hasWindow ? 0 : reader.u32();
      let hip: number | undefined;
      if (hasHip) {
        const kxp = reader.f64();
        hip = reader.f64();
        if (!(kxp >= 0 && kxp <= 2 ** lgK)) throw corruptSketch(what, 'its accumulator is out of range');
      }
      if (hasValues && hasWindow) streamInts = reader.u32() + reader.u32();
      if (reader.position !== ints * 4 || reader.remaining !== streamInts * 4) {
        throw corruptSketch(what, 'its lengths do not add up');
      }
      if (
        coupons < 1 ||
        coupons > columns * 2 ** lgK ||
        (hip !== undefined && !(hip >= coupons && hip < 2 ** 90))
      ) {
        throw corruptSketch(what, 'its counts are out of range');
      }
      return new CpcEstimate(lgK, coupons, hip);
    });
  }
}
