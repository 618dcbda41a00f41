// The engine: keeps views up to date from the log. This file is the contract that app.ts, deliver and the tests
// use; the implementation runs in worker threads behind it.
//
// Results are visible to `query` and `onChange` as soon as the engine has read the events (at most `publishMs`
// later), and are committed with the offsets they came from in one transaction at least every `commitMs`. After a
// crash the engine reads again from the committed offsets: nothing is counted twice and nothing is left out.
import type { Plan } from './plan/plan.ts';
import type { ViewChange, ViewDefinition, ViewQuery, ViewResult, ViewSummary, WindowRow } from './view.ts';

export type LookupValue = string | number | bigint | boolean | null;

/** A lookup table as loaded from its file. */
export interface LookupContent {
  name: string;
  /** Names the content: another content is another version. */
  version: string;
  columns: { name: string; type: string }[];
  /** By column, then by row; times and dates are µs. */
  values: LookupValue[][];
}

/** What serves under a view's name, for whoever computes it again. */
export interface ServingPlan {
  plan: Plan;
  /** Which content of which lookup table was joined to the events of a partition from offset `from` on. */
  lookups: { source: number; partition: number; table: string; version: string; from: number }[];
}

/** A question for whole windows together with the events that are in them. */
export interface ViewPageQuery {
  view: string;
  /** A kept resolution, or the gap of sessions. */
  everyMs: number;
  /** Windows with from ≤ start < to, µs. */
  fromUs?: number;
  toUs?: number;
  /** The page ends with the window that makes so many rows, or so many windows. */
  rowsMax: number;
  windowsMax: number;
  /** Also the rows that are left out, as `gone`: of sessions, and what HAVING or LIMIT leaves out of windows with an overflow group. */
  withGone?: boolean;
}

/** Windows at one moment. */
export interface ViewPage {
  /** All rows of all windows from `fromUs` up to before `nextUs`, by start. */
  rows: WindowRow[];
  /** Start of the next window, which HAVING may leave without rows; absent where there is none. */
  nextUs?: number;
  /** No window that there is from `fromUs` on starts later; absent where there is none. */
  lastUs?: number;
  /** Windows that end at or before are no longer kept; null where all are. */
  keptFromUs: number | null;
  /** The view and every view under it, by name. */
  served: { [view: string]: TakenPlan };
}

/** What serves under a view's name, and which events are in its windows: of each partition those below the offset. */
export interface TakenPlan extends ServingPlan {
  taken: { source: number; partition: number; offset: number }[];
}

export interface EngineStatus {
  /** Position of the engine in each partition it reads: offset and lag in events. */
  positions: { stream: string; partition: number; offset: number; lag: number }[];
  eventsRead: number;
  stateBytes: number;
  memoryBytes: number;
  /** Why nothing is committed now, which is tried again. */
  problem?: string;
}

export interface Engine {
  /**
   * Defines or redefines a view. Resolves when the definition has been accepted and is durable; a changed view is then
   * filled from history beside the old one and swapped in at an exact offset (state 'backfilling' → 'live').
   * Throws `view-refused` (400) where it cannot be kept incrementally, with context {position, line, column} in the
   * file's text, the reason and a suggestion; `view-syntax` (400) for SQL that does not parse.
   */
  define(definition: ViewDefinition): Promise<ViewSummary>;
  /** Checks a definition without keeping it. Same errors as `define`. */
  check(definition: ViewDefinition): Promise<ViewSummary>;
  /** Removes a view and its state. Throws `unknown-view` (404). */
  drop(name: string): Promise<void>;
  views(): Promise<ViewSummary[]>;
  /** The plan that serves now. Throws `unknown-view` (404). */
  plan(name: string): Promise<ServingPlan>;
  /**
   * Says which columns a stream has shown so far: types that views defined later are planned with, and of group columns. A view that
   * reads a field which was not known when it was planned is planned again and, where its plan is another then, filled like a changed one.
   */
  setSchema(stream: string, columns: { name: string; type: string }[]): Promise<void>;
  /**
   * Brings a lookup table into force, or with undefined takes it away: views defined later see it; those that read it join it to
   * events read from now on, as long as it has the columns they were defined with, and keep the content they had otherwise.
   */
  setLookup(name: string, content: LookupContent | undefined): Promise<void>;
  /** Throws `unknown-view` (404), `bad-query` (400). */
  query(query: ViewQuery): Promise<ViewResult>;
  /**
   * Windows as they are at one moment, with the offsets of just the events that are in them, while others go on arriving. Throws
   * `unknown-view` (404), `bad-query` (400), `engine-behind` (503) where events arrive faster than they can be read.
   */
  page(query: ViewPageQuery): Promise<ViewPage>;
  /** Changed windows of views that somebody watches (`watch`), coalesced to at most one a window and `publishMs`. */
  onChange(listener: (change: ViewChange) => void): () => void;
  /** Says which (view, everyMs) are wanted by onChange; counted, so each watch needs its unwatch. */
  watch(view: string, everyMs: number): () => void;
  /**
   * While held, changes gather instead of being sent: each window then goes out once, in its newest state. Absent where the
   * implementation does that by itself.
   */
  holdChanges?(isHeld: boolean): void;
  /** Resolves when all events appended before the call are in the results. */
  settled(): Promise<void>;
  status(): Promise<EngineStatus>;
  /** Commits and stops. */
  close(): Promise<void>;
}
