// The table of Eisel–Lemire number parsing: 5^q for q = -342…308 as 128-bit significands, rounded down for
// q ≥ 0 and up for q < 0 (Lemire, "Number Parsing at a Gigabyte per Second", 2021, §7).

export const minExponent = -342;
export const maxExponent = 308;

function bitLength(value: bigint): bigint {
  return BigInt(value.toString(2).length);
}

/** High word and low word of each power, one pair after another. */
export function powersOfFive(): BigUint64Array {
  const words = new BigUint64Array((maxExponent - minExponent + 1) * 2);
  let power = 1n;
  const put = (q: number, significand: bigint): void => {
    words[(q - minExponent) * 2] = significand >> 64n;
    words[(q - minExponent) * 2 + 1] = BigInt.asUintN(64, significand);
  };
  for (let q = 0; q <= -minExponent; q++) {
    const bits = bitLength(power);
    if (q <= maxExponent) put(q, bits > 128n ? power >> (bits - 128n) : power << (128n - bits));
    if (q > 0) {
      // 2^b / 5^q has 128 bits for b = bits + 127, whatever the power, which is never one of two.
      put(-q, (1n << (bits + 127n)) / power + 1n);
    }
    power *= 5n;
  }
  return words;
}
