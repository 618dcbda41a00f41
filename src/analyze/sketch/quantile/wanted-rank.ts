// Which item a normalised rank asks for: the r-th smallest of n, r being the least with r/n ≥ q.

/** r in [1, n] for `q` in [0, 1] and n ≥ 1. The product q·n may round up past a whole number (0.07 · 100); the quotient decides. */
export function wantedRank(q: number, n: number): number {
  const rank = Math.ceil(q * n);
  return Math.max(1, (rank - 1) / n >= q ? rank - 1 : rank);
}
