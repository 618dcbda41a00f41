// How a view's window specification becomes panes and levels.
import type { Plan } from '../plan/plan.ts';
import type { WindowSpec } from '../view.ts';
import type { LevelOptions } from './level.ts';

/** Lengths of the panes events are gathered in, µs, finest first: every window is made of whole panes. */
export function paneLengthsOf(window: WindowSpec): number[] {
  if (window.kind === 'tumbling') return window.everyMs.map(everyMs => everyMs * 1000);
  return [(window.kind === 'hopping' ? window.everyMs : window.gapMs) * 1000];
}

/** Cells of windows that one flush makes at most. */
const windowCellsMax = 1_310_720;
const deltaCellsMax = 131_072;
const deltaCellsMin = 256;

/** Cells of panes that are gathered before they are merged: fewer where each is merged into many windows. */
export function deltaCellsOf(window: WindowSpec): number {
  const windows = window.kind === 'hopping' ? window.sizeMs / window.everyMs : 1;
  return Math.max(deltaCellsMin, Math.min(deltaCellsMax, Math.floor(windowCellsMax / windows)));
}

/** The levels of a view, finest first. */
export function levelOptionsOf({ window, keepMs, maxGroups }: Plan): LevelOptions[] {
  const keepUsOf = (everyMs: number): number | null => {
    const keep = keepMs.find(entry => entry.everyMs === everyMs)?.keepMs ?? null;
    return keep === null ? null : keep * 1000;
  };
  if (window.kind === 'hopping') {
    const { everyMs, sizeMs } = window;
    return [
      { everyMs, sizeUs: sizeMs * 1000, everyUs: everyMs * 1000, keepUs: keepUsOf(everyMs), maxGroups },
    ];
  }
  if (window.kind === 'session') {
    const { gapMs } = window;
    const gapUs = gapMs * 1000;
    return [{ everyMs: gapMs, sizeUs: gapUs, everyUs: gapUs, keepUs: keepUsOf(gapMs), maxGroups }];
  }
  return window.everyMs.map(everyMs => {
    const everyUs = everyMs * 1000;
    return { everyMs, sizeUs: everyUs, everyUs, keepUs: keepUsOf(everyMs), maxGroups };
  });
}
