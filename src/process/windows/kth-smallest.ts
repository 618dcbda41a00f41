// Selection by partitioning (Hoare's FIND, 1961; the median of three as pivot): O(n) on average.

/** The `k`-th smallest of the values, 1 ≤ k ≤ length. Changes their order. No NaN. */
export function kthSmallest(values: Float64Array, k: number): number {
  const wanted = k - 1;
  let low = 0;
  let high = values.length - 1;
  while (low < high) {
    const [a, b, c] = [values[low]!, values[(low + high) >>> 1]!, values[high]!];
    const pivot = Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
    let i = low;
    let j = high;
    while (i <= j) {
      while (values[i]! < pivot) i++;
      while (values[j]! > pivot) j--;
      if (i > j) break;
      const swapped = values[i]!;
      values[i++] = values[j]!;
      values[j--] = swapped;
    }
    // [low, j] ≤ pivot ≤ [i, high], and what lies between them equals the pivot.
    if (wanted <= j) high = j;
    else if (wanted >= i) low = i;
    else return pivot;
  }
  return values[low]!;
}
