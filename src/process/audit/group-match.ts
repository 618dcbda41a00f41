// Which row of a batch a row of a view is to be compared with: the one of its group. Where a group is a number whose last digits are
// each machine's own, the nearest that is close enough.
import type { ViewValue } from '../view.ts';
import { type GroupColumn, groupKeyOf } from './columns.ts';
import { type Comparable, distance, keyOf } from './comparable.ts';

export interface GroupRows<Row> {
  group: ViewValue[];
  engine?: Row;
  batch?: Row;
  /** Numbers so close to each other that they are one group to the one, and several to the other. */
  isSplit?: true;
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
  const isInexact = columns.some(({ inexactness }) => inexactness > 0);
  if (alone.length > 0 && isInexact) {
    alone = matchNearest(
      columns,
      pairs.filter(pair => pair.batch === undefined),
      alone,
      comparables,
    );
  }
  const all: GroupRows<Row>[] = [...pairs, ...alone.map(row => ({ group: group(row), batch: row }))];
  if (isInexact && all.some(pair => !pair.engine || !pair.batch)) markSplit(columns, all, comparables);
  return all;
}

const firstInexact = (columns: readonly GroupColumn[]): number =>
  columns.findIndex(({ inexactness }) => inexactness > 0);

/** Of groups that are the same but for inexact numbers. */
const bucketOf = (columns: readonly GroupColumn[], values: readonly Comparable[]): string =>
  JSON.stringify(values.map((value, i) => (columns[i]!.inexactness > 0 ? '' : keyOf(value))));

/** Marks the pairs of runs of close numbers that are not as many to the one as to the other. */
function markSplit<Row>(
  columns: readonly GroupColumn[],
  pairs: readonly GroupRows<Row>[],
  comparables: (row: Row) => Comparable[],
): void {
  const first = firstInexact(columns);
  const buckets = new Map<string, { pair: GroupRows<Row>; at: number; side: 1 | -1 }[]>();
  for (const pair of pairs) {
    for (const side of [1, -1] as const) {
      const row = side === 1 ? pair.engine : pair.batch;
      const values = row && comparables(row);
      if (!values || !Number.isFinite(Number(values[first]))) continue;
      const key = bucketOf(columns, values);
      const entry = { pair, at: Number(values[first]), side };
      const bucket = buckets.get(key);
      if (bucket) bucket.push(entry);
      else buckets.set(key, [entry]);
    }
  }
  for (const bucket of buckets.values()) {
    bucket.sort((a, b) => a.at - b.at);
    for (let from = 0; from < bucket.length; ) {
      let to = from + 1;
      while (to < bucket.length && isNear(bucket[to - 1]!.at, bucket[to]!.at, columns[first]!)) to++;
      const run = bucket.slice(from, to);
      const surplus = run.reduce((sum, { side }) => sum + side, 0);
      if (surplus !== 0 && run.length > Math.abs(surplus)) for (const { pair } of run) pair.isSplit = true;
      from = to;
    }
  }
}

const isNear = (a: number, b: number, { inexactness }: GroupColumn): boolean =>
  b - a <= inexactness * Math.max(Math.abs(a), Math.abs(b));

/** Gives rows without a counterpart the nearest one; answers those of the batch that are left. */
function matchNearest<Row>(
  columns: readonly GroupColumn[],
  pairs: readonly GroupRows<Row>[],
  batch: readonly Row[],
  comparables: (row: Row) => Comparable[],
): Row[] {
  const first = firstInexact(columns);
  interface Candidate {
    row: Row;
    values: Comparable[];
  }
  const buckets = new Map<string, Candidate[]>();
  for (const row of batch) {
    const values = comparables(row);
    if (!Number.isFinite(Number(values[first]))) continue;
    const bucket = buckets.get(bucketOf(columns, values));
    if (bucket) bucket.push({ row, values });
    else buckets.set(bucketOf(columns, values), [{ row, values }]);
  }
  const at = ({ values }: Candidate): number => Number(values[first]);
  for (const bucket of buckets.values()) bucket.sort((a, b) => at(a) - at(b));
  const taken = new Set<Row>();
  for (const pair of pairs) {
    const values = comparables(pair.engine!);
    const bucket = buckets.get(bucketOf(columns, values)) ?? [];
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
