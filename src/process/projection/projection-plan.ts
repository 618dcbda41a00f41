// The plan of a projection: a SELECT without aggregates, which makes of every event that its WHERE takes one event of another
// stream. Small serialisable data, like a view's plan (plan/plan.ts) and made by the same parser and binder.
import type { Expression, Lookup } from '../plan/plan.ts';

/** One column of the output: a field as it stands in the event, or the value of an expression. */
export type ProjectionValue =
  /** The field's own JSON, copied: a number keeps its digits, a text its escapes, an object its form. Absent is null. */
  { kind: 'as-is'; path: string[] } | { kind: 'computed'; expression: Expression };

export interface ProjectionSource {
  stream: string;
  lookups: Lookup[];
  filter?: Expression;
  /** In the order of `columns`. */
  values: ProjectionValue[];
}

export interface ProjectionPlan {
  name: string;
  /** Hash of everything that changes results. */
  version: string;
  sql: string;
  /**
   * SELECT *: the event's own bytes come first. A column beside it takes the place of the event's own value of that name, or is
   * added behind.
   */
  hasAll: boolean;
  /** Names of the output's keys in SELECT order (without what * stands for), with DuckDB's type, or JSON for a field as it is. */
  columns: { name: string; type: string }[];
  /** More than one for UNION ALL. */
  sources: ProjectionSource[];
  /**
   * Whether an output event is sure to have the time of the event it was made of: with *, or with `_time` in the SELECT list.
   * Otherwise its time is that of its append, unless another field that the engine looks at holds one.
   */
  keepsTime: boolean;
}
