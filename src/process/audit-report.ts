// What an audit says: of each view what was compared and what differs. Plain data, which crosses HTTP.
import type { ViewValue } from './view.ts';

export interface AuditDifference {
  everyMs: number;
  startUs: number;
  /** Values of the group columns. */
  group: ViewValue[];
  /** The column that differs, or absent where a whole row is missing. */
  column?: string;
  engine?: ViewValue;
  batch?: ViewValue;
  reason: 'missing in the view' | 'not in the batch' | 'not equal' | 'beyond its bound';
}

export interface AuditReport {
  view: string;
  windows: number;
  rows: number;
  values: number;
  /**
   * Rows compared in total only: overflow groups, groups that came after them, and windows whose groups they touch; and rows that HAVING
   * lets through in the batch, and not in the view, by a rounding.
   */
  skipped: number;
  /** Rows of which nothing was compared, or not what the reason names, by the reason. */
  notCompared: { rows: number; reason: string }[];
  differenceCount: number;
  differences: AuditDifference[];
}

/** A view that could not be compared, and why. */
export interface AuditFailure {
  view: string;
  reason: string;
}

export interface AuditResult {
  reports: AuditReport[];
  failed: AuditFailure[];
}
