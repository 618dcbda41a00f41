// Minimising a function of a few variables inside a box without derivatives: the simplex of Nelder & Mead
// 1965 with the coefficients of Gao & Han 2012 (doi:10.1007/s10589-010-9329-3). A point outside the box is
// moved to its edge.

/** Where the search ended, and what it cost. */
export interface Minimum {
  point: number[];
  value: number;
  evaluations: number;
}

/** The box that is searched, its ends as long as the point, and when to stop. */
export interface NelderMeadOptions {
  low: readonly number[];
  high: readonly number[];
  /** Function evaluations at most, about; 200 · (dimensions + 1) unless given. */
  evaluationsMax?: number;
  /** Stops when the simplex's values differ by less than this share of their size; 1e-9 unless given. */
  tolerance?: number;
}

/** A local minimum near `start`. The function may return Infinity for points that are not allowed. */
export function nelderMead(
  f: (point: readonly number[]) => number,
  start: readonly number[],
  { low, high, evaluationsMax = 200 * start.length + 200, tolerance = 1e-9 }: NelderMeadOptions,
): Minimum {
  const n = start.length;
  let evaluations = 0;
  const at = (point: number[]): { point: number[]; value: number } => {
    evaluations++;
    const inside = point.map((x, i) => Math.min(high[i]!, Math.max(low[i]!, x)));
    const value = f(inside);
    return { point: inside, value: Number.isNaN(value) ? Number.POSITIVE_INFINITY : value };
  };
  const [expand, contract, shrink] = [1 + 2 / n, 0.75 - 1 / (2 * n), 1 - 1 / Math.max(2, n)];
  const simplexAround = (centre: readonly number[], size: number): { point: number[]; value: number }[] => [
    at([...centre]),
    ...centre.map((x, i) => {
      const step = size * (high[i]! - low[i]!);
      const moved = [...centre];
      moved[i] = x + step <= high[i]! ? x + step : x - step;
      return at(moved);
    }),
  ];
  let simplex = simplexAround(start, 0.1);
  let restarted = false;
  while (evaluations < evaluationsMax) {
    simplex.sort((a, b) => a.value - b.value);
    const [best, worst] = [simplex[0]!, simplex[n]!];
    if (Math.abs(worst.value - best.value) <= tolerance * (Math.abs(best.value) + tolerance)) {
      // A simplex can fall flat on an edge of the box; a second, smaller one around its end shows whether it
      // did.
      if (restarted) break;
      restarted = true;
      simplex = simplexAround(best.point, 0.03);
      continue;
    }
    const centre = Array.from({ length: n }, (_, i) => {
      let sum = 0;
      for (let j = 0; j < n; j++) sum += simplex[j]!.point[i]!;
      return sum / n;
    });
    const towards = (t: number) => at(centre.map((x, i) => x + t * (x - worst.point[i]!)));
    const reflected = towards(1);
    if (reflected.value < best.value) {
      const further = towards(expand);
      simplex[n] = further.value < reflected.value ? further : reflected;
    } else if (reflected.value < simplex[n - 1]!.value) {
      simplex[n] = reflected;
    } else {
      const nearer = towards(reflected.value < worst.value ? contract : -contract);
      if (nearer.value < Math.min(reflected.value, worst.value)) simplex[n] = nearer;
      else {
        simplex = [
          best,
          ...simplex.slice(1).map(s => at(best.point.map((x, i) => x + shrink * (s.point[i]! - x)))),
        ];
      }
    }
  }
  simplex.sort((a, b) => a.value - b.value);
  return { ...simplex[0]!, evaluations };
}
