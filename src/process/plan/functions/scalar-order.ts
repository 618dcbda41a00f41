// The one order over values of all kinds, for sorting, min and max: numbers (64-bit integers among them) before text before
// booleans; text by code point, which is the order of its UTF-8 and of SQL. Comparisons with a value of one type are another
// matter: there a text that spells a number is one.
type Scalar = number | bigint | string | boolean;

const rankOf = (value: Scalar): number =>
  typeof value === 'string' ? 1 : typeof value === 'boolean' ? 2 : 0;

/** Negative, zero or positive; NaN is above every number, as in SQL. */
export function scalarOrder(a: Scalar, b: Scalar): number {
  if (typeof a === 'number' && typeof b === 'number') {
    if (a < b) return -1;
    if (a > b) return 1;
    return a === b ? 0 : Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  }
  if (typeof a === 'string' && typeof b === 'string') return textOrder(a, b);
  const byRank = rankOf(a) - rankOf(b);
  if (byRank !== 0) return byRank;
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Order by code point. UTF-16 units order alike but for surrogates, which stand for the highest code points. */
function textOrder(a: string, b: string): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    let x = a.charCodeAt(i);
    let y = b.charCodeAt(i);
    if (x === y) continue;
    if (x >= 0xd800 && y >= 0xd800) {
      x = x >= 0xe000 ? x - 0x800 : x + 0x2000;
      y = y >= 0xe000 ? y - 0x800 : y + 0x2000;
    }
    return x - y;
  }
  return a.length - b.length;
}
