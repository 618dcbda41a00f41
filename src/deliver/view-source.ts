// Whether a view's windows answer a query or its history has to: windows that are no longer kept at a resolution are recomputed
// by the view's own SELECT, so that how long they are kept decides how fast an answer is and not what it says.
import type { ViewQuery, ViewSummary } from '../process/view.ts';

/** Ends of a range are rounded outward to whole windows where that is at most this share of the range. */
const roundingMax = 0.01;

/** True where kept windows cannot tell, or not closely enough. */
export function needsHistory(view: ViewSummary, { everyMs, fromUs, toUs, cursor }: ViewQuery): boolean {
  // The pages of an answer come from where its first one did.
  if (cursor !== undefined) return historySkip(cursor) !== undefined;
  const from = fromUs ?? Number.NEGATIVE_INFINITY;
  if (everyMs !== 'total') {
    const keptFromUs = view.resolutions.find(one => one.everyMs === everyMs)?.keptFromUs ?? null;
    if (keptFromUs === null || (toUs !== undefined && from >= toUs)) return false;
    // Of a session that began before, the rest is kept: it seems to begin within a gap.
    return from < keptFromUs + (view.window.kind === 'session' ? view.window.gapMs * 1000 : 0);
  }
  // Windows that overlap have no total.
  if (view.window.kind !== 'tumbling') return false;
  const spanUs = (toUs ?? view.watermarkUs ?? Number.POSITIVE_INFINITY) - from;
  // Without a beginning it is of all events, of which the first windows may be kept at no resolution.
  return [from, toUs].some(endUs => {
    if (endUs === undefined) return false;
    const kept = view.resolutions.find(({ keptFromUs }) => keptFromUs === null || keptFromUs <= endUs);
    if (kept === undefined) return true;
    // A range inside the finest windows is told by their starts.
    if (kept === view.resolutions[0]) return false;
    if (endUs === Number.NEGATIVE_INFINITY) return false;
    const everyUs = kept.everyMs * 1000;
    return endUs % everyUs !== 0 && everyUs > spanUs * roundingMax;
  });
}

/** The cursor of the page after `skip` rows of an answer from history. */
export const historyCursor = (skip: number): string => `history-${skip}`;

/** The rows that such a cursor leaves out; undefined for a cursor into kept windows. */
export function historySkip(cursor: string): number | undefined {
  const match = /^history-(\d{1,15})$/.exec(cursor);
  return match ? Number(match[1]) : undefined;
}
