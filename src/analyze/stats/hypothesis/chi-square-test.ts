// Pearson's chi-square for counts: goodness of fit to given shares, and independence of rows and columns.
import { invalidArgument, requireWhole } from '../argument.ts';
import { chiSquare } from '../distributions.ts';
import type { TestResult } from './test-result.ts';

export interface ChiSquareResult extends TestResult {
  degreesOfFreedom: number;
  /** The smallest expected count; below about 5 the p-value is only roughly right. */
  leastExpected: number;
}

/**
 * Do `observed` counts (k ≥ 2) follow `shares` (positive, any scale; equal when absent)? `estimated` is the
 * number of parameters of the shares that were fitted to these counts.
 */
export function chiSquareGoodnessOfFit(
  observed: ArrayLike<number>,
  shares?: ArrayLike<number>,
  estimated = 0,
): ChiSquareResult {
  const k = observed.length;
  if (k < 2) throw invalidArgument('Goodness of fit needs at least two counts.', { counts: k });
  if (shares && shares.length !== k) {
    throw invalidArgument('Counts and shares must have equal lengths.', { counts: k, shares: shares.length });
  }
  requireWhole('estimated', estimated, 0);
  let total = 0;
  let whole = 0;
  for (let i = 0; i < k; i++) {
    const share = shares?.[i] ?? 1;
    requireWhole(`observed[${i}]`, observed[i]!, 0);
    if (!(share > 0 && share < Infinity)) throw invalidArgument('Shares must be positive.', { share });
    total += observed[i]!;
    whole += share;
  }
  if (total === 0) throw invalidArgument('All counts are 0.');
  let statistic = 0;
  let leastExpected = Infinity;
  for (let i = 0; i < k; i++) {
    const expected = (total * (shares?.[i] ?? 1)) / whole;
    statistic += (observed[i]! - expected) ** 2 / expected;
    leastExpected = Math.min(leastExpected, expected);
  }
  const degreesOfFreedom = k - 1 - estimated;
  if (degreesOfFreedom < 1)
    throw invalidArgument('No degrees of freedom are left.', { counts: k, estimated });
  const pValue = chiSquare.survival(statistic, degreesOfFreedom);
  return { method: 'chi-square goodness of fit', statistic, pValue, degreesOfFreedom, leastExpected };
}

/**
 * Are rows and columns of a table of counts (r, c ≥ 2) independent? `yates` takes the continuity correction
 * for a 2 × 2 table, which guards small counts at the price of power. A row or column of zeros is an error.
 */
export function chiSquareIndependence(
  table: ArrayLike<ArrayLike<number>>,
  { yates = false }: { yates?: boolean } = {},
): ChiSquareResult {
  const { rows, columns, total } = margins(table);
  const correct = yates && rows.length === 2 && columns.length === 2;
  let statistic = 0;
  let leastExpected = Infinity;
  for (let i = 0; i < rows.length; i++) {
    for (let j = 0; j < columns.length; j++) {
      const expected = (rows[i]! * columns[j]!) / total;
      const distance = Math.abs(table[i]![j]! - expected);
      statistic += (correct ? distance - Math.min(0.5, distance) : distance) ** 2 / expected;
      leastExpected = Math.min(leastExpected, expected);
    }
  }
  const degreesOfFreedom = (rows.length - 1) * (columns.length - 1);
  return {
    method: correct ? 'chi-square independence (Yates)' : 'chi-square independence',
    statistic,
    pValue: chiSquare.survival(statistic, degreesOfFreedom),
    degreesOfFreedom,
    leastExpected,
  };
}

/** Row, column and whole sums of a rectangular table of counts, none of them 0. */
export function margins(table: ArrayLike<ArrayLike<number>>): {
  rows: number[];
  columns: number[];
  total: number;
} {
  const width = table[0]?.length ?? 0;
  if (table.length < 2 || width < 2) {
    throw invalidArgument('A table needs at least two rows and two columns.', { rows: table.length, width });
  }
  const rows = new Array<number>(table.length).fill(0);
  const columns = new Array<number>(width).fill(0);
  for (let i = 0; i < table.length; i++) {
    if (table[i]!.length !== width) throw invalidArgument('Rows must have equal lengths.', { row: i });
    for (let j = 0; j < width; j++) {
      requireWhole(`table[${i}][${j}]`, table[i]![j]!, 0);
      rows[i]! += table[i]![j]!;
      columns[j]! += table[i]![j]!;
    }
  }
  if (rows.includes(0) || columns.includes(0)) {
    throw invalidArgument('A row or a column holds only zeros; leave it out.', { rows, columns });
  }
  return { rows, columns, total: rows.reduce((sum, row) => sum + row, 0) };
}
