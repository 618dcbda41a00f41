// Which row of a batch a row of a view is to be compared with: the one of its group. Where a group is a number whose last digits are
// each machine's own, the nearest that is close enough.
import type { ViewValue } from '../view.ts';
import { type GroupColumn, groupKeyOf } from './columns.ts';
import { type Comparable, distance, keyOf } from './comparable.ts';

export interface GroupRows<Row> {
  group: ViewValue[];
  engine?: Row;
  batch?: Row;
}

/** Rows by their groups, those of the view in their order; a row that has no counterpart stands alone. */
export function matchGroups<Row>(
  columns: readonly GroupColumn[],
  engine: readonly Row[],
  batch: readonly Row[],
  valuesOf: (row: Row) => readonly ViewValue[],
): GroupRows<Row>[] {
  const comparables = (row: Row): Comparable[] =>
    columns.map(({ index, comparable }) => comparable(valuesOf(row)[index]!));
  const group = (row: Row): ViewValue[] => columns.map(({ index }) => valuesOf(row)[index]!);
  const left = new Map<string, Row[]>();
  for (const row of batch) {
    const key = groupKeyOf(comparables(row));
    const rows = left.get(key);
    if (rows) rows.push(row);
    else left.set(key, [row]);
  }
  const pairs = engine.map((row): GroupRows<Row> => {
    const key = groupKeyOf(comparables(row));
    const rows = left.get(key);
    const other = rows?.shift();
    if (rows?.length === 0) left.delete(key);
    return { group: group(row), engine: row, ...(other === undefined ? {} : { batch: other }) };
  });
  let alone = [...left.values()].flat();
  if (alone.length > 0 && columns.some(({ inexactness }) => inexactness > 0)) {
    alone = matchNearest(
      columns,
      pairs.filter(pair => pair.batch === undefined),
      alone,
      comparables,
    );
  }
  return [...pairs, ...alone.map(row => ({ group: group(row), batch: row }))];
}

/** Gives rows without a counterpart the nearest one; answers those of the batch that are left. */
function matchNearest<Row>(
  columns: readonly GroupColumn[],
  pairs: readonly GroupRows<Row>[],
  batch: readonly Row[],
  comparables: (row: Row) => Comparable[],
): Row[] {
  const first = columns.findIndex(({ inexactness }) => inexactness > 0);
  const bucketOf = (values: readonly Comparable[]): string =>
    JSON.stringify(values.map((value, i) => (columns[i]!.inexactness > 0 ? '' : keyOf(value))));
  interface Candidate {
    row: Row;
    values: Comparable[];
  }
  const buckets = new Map<string, Candidate[]>();
  for (const row of batch) {
    const values = comparables(row);
    if (!Number.isFinite(Number(values[first]))) continue;
    const bucket = buckets.get(bucketOf(values));
    if (bucket) bucket.push({ row, values });
    else buckets.set(bucketOf(values), [{ row, values }]);
  }
  const at = ({ values }: Candidate): number => Number(values[first]);
  for (const bucket of buckets.values()) bucket.sort((a, b) => at(a) - at(b));
  const taken = new Set<Row>();
  for (const pair of pairs) {
    const values = comparables(pair.engine!);
    const bucket = buckets.get(bucketOf(values)) ?? [];
    const wanted = Number(values[first]);
    const reach = columns[first]!.inexactness * Math.abs(wanted);
    let low = 0;
    for (let high = bucket.length; low < high; ) {
      const middle = (low + high) >>> 1;
      if (at(bucket[middle]!) < wanted - reach) low = middle + 1;
      else high = middle;
    }
    let nearest: Candidate | undefined;
    let nearestApart = Number.POSITIVE_INFINITY;
    for (let i = low; i < bucket.length && at(bucket[i]!) <= wanted + reach; i++) {
      const candidate = bucket[i]!;
      if (taken.has(candidate.row)) continue;
      let apart = 0;
      for (const [place, { inexactness }] of columns.entries()) {
        if (inexactness === 0) continue;
        const own = distance(values[place]!, candidate.values[place]!);
        apart = Math.max(apart, own <= inexactness * Math.abs(Number(values[place])) ? own : Infinity);
      }
      if (apart < nearestApart) [nearest, nearestApart] = [candidate, apart];
    }
    if (!nearest) continue;
    pair.batch = nearest.row;
    taken.add(nearest.row);
  }
  return batch.filter(row => !taken.has(row));
}
