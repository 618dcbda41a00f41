// Gauss–Legendre quadrature: nodes and weights on [−1, 1], by Newton on the Legendre polynomial.

/** Exact for polynomials to degree 2·size − 1; O(size²) to make. */
export function gaussLegendre(size: number): { nodes: Float64Array; weights: Float64Array } {
  const nodes = new Float64Array(size);
  const weights = new Float64Array(size);
  for (let i = 0; i < (size + 1) >> 1; i++) {
    let x = Math.cos((Math.PI * (i + 0.75)) / (size + 0.5));
    let slope = 0;
    for (let step = 0; step < 100; step++) {
      let [previous, current] = [1, x];
      for (let k = 2; k <= size; k++) {
        [previous, current] = [current, ((2 * k - 1) * x * current - (k - 1) * previous) / k];
      }
      slope = (size * (x * current - previous)) / (x * x - 1);
      const change = current / slope;
      x -= change;
      if (Math.abs(change) < 1e-15) break;
    }
    nodes[i] = -x;
    nodes[size - 1 - i] = x;
    weights[i] = weights[size - 1 - i] = 2 / ((1 - x * x) * slope * slope);
  }
  if (size % 2 === 1) nodes[size >> 1] = 0;
  return { nodes, weights };
}
