// A span of one partition's events on its way from the lane that decoded it to the views that take it.
import type { ColumnSource } from './plan/vector.ts';

export interface Batch {
  rows: number;
  /** The fields, as any of the lane's views needs them. Valid until the lane's next batch. */
  columns: ColumnSource;
  /** Event times and append times, µs. */
  timesUs: Float64Array;
  appendUs: Float64Array;
  /** Offset of the first row; the others follow. */
  firstOffset: number;
  /** Events with a value that the view could not use as the type it wants. */
  mismatched: number;
}
