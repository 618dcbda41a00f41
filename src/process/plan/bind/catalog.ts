// What is known of the names under FROM: streams, lookup tables and views.
import { findNamed } from '../../../core/folded-name.ts';
import type { ViewColumn, WindowSpec } from '../../view.ts';
import type { SqlColumn } from '../sql/column-type.ts';

/** What is known about names, from whoever asks for the plan. */
export interface Catalog {
  /** The name, in its own spelling, of what a table of the text is: the case of ASCII letters does not count. Undefined: nothing yet. */
  meant?: (table: string) => string | undefined;
  /** The columns learned of a stream so far; undefined or empty: nothing is known, and uses decide the types. */
  schema?: (stream: string) => readonly SqlColumn[] | undefined;
  /** The columns of a lookup table; undefined: there is no such table. */
  lookups?: (table: string) => readonly SqlColumn[] | undefined;
  /** Names that the text was planned with as aliases of its SELECT, whatever fields there are now. */
  aliases?: readonly string[];
  /** A view by its name; undefined: there is no such view. */
  views?: (view: string) => KnownView | undefined;
}

/** What a planner has to know of a view under another one. */
export interface KnownView {
  /** Its result columns; `window_start` and `window_end` (TIMESTAMP) are added. */
  columns: readonly ViewColumn[];
  window: WindowSpec;
  /** By resolution; null is for ever. */
  keepMs: readonly { everyMs: number; keepMs: number | null }[];
  /** Every view under it, itself included. */
  views: readonly string[];
  /** What it stands on; absent: streams alone. */
  chain?: Chain;
}

/** What a view over views stands on. What its rows cost grows with both. */
export interface Chain {
  /** Views over one another down to the one over streams, which is not counted. */
  depth: number;
  /** Views that are read in all, each wherever one reads it. */
  reads: number;
}

/** A view over streams, or one that is not known. */
export const noChain: Chain = { depth: 0, reads: 0 };

/** Of a view over these. */
export const chainOver = (under: readonly Chain[]): Chain => ({
  depth: 1 + Math.max(0, ...under.map(({ depth }) => depth)),
  reads: under.reduce((sum, { reads }) => sum + 1 + reads, 0),
});

export const chainMax: Chain = { depth: 5, reads: 32 };

/** What is too much of it, as a sentence; undefined: nothing is. */
export function chainProblem({ depth, reads }: Chain): string | undefined {
  if (depth > chainMax.depth) {
    return `It would be view ${depth} of a chain of views over views, which may have ${chainMax.depth}.`;
  }
  return reads > chainMax.reads
    ? `It and the views under it would read ${reads} views, each counted wherever it is read, and may read ${chainMax.reads}.`
    : undefined;
}

export const chainRemedy =
  'Let it read a view further down, or write what views between do into one of them.';

/** `requests@1m` is the view `requests` at that resolution. */
export function viewAndResolution(name: string): { base: string; every: string | undefined } {
  const match = /^(.+)@([0-9a-z]+)$/.exec(name);
  return match ? { base: match[1]!, every: match[2]! } : { base: name, every: undefined };
}

const among = (names: readonly string[], name: string): string | undefined =>
  findNamed(
    names.map(one => ({ name: one })),
    name,
  )?.name;

/** The view that a table of a text is: as it is spelled, else in another case; at whichever resolution. */
export const viewMeant = (views: readonly string[], table: string): string | undefined =>
  among(views, table) ?? among(views, viewAndResolution(table).base);

/**
 * What a table of a text is, a view with its resolution: what is spelled so, else what is in another case, in the order in which SQL
 * looks.
 */
export function tableMeant(
  { streams, views, lookups }: Record<'streams' | 'views' | 'lookups', readonly string[]>,
  table: string,
): string | undefined {
  const { base, every } = viewAndResolution(table);
  if (every && views.includes(base) && !streams.includes(table)) return table;
  const exact = among([...streams, ...views, ...lookups], table);
  if (exact === table) return exact;
  const view = among(views, base);
  const atResolution = view && every ? `${view}@${every}` : undefined;
  return among(streams, table) ?? among(views, table) ?? atResolution ?? among(lookups, table);
}
