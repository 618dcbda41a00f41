// A page of whole windows: as many as are asked for, none of them cut.
import { MillraceError } from '../../core/errors.ts';
import type { ViewPage, ViewPageQuery } from '../engine.ts';
import { SessionReader } from '../view/session-rows.ts';
import { ViewVersion } from '../view/view-version.ts';
import { WindowReader } from '../view/window-rows.ts';
import type { WindowRow } from '../view.ts';
import { levelOptionsOf } from '../windows/cut.ts';
import type { QueriedView, QueriedWindows } from './view-query.ts';

export function pageOf(
  view: QueriedView,
  reader: QueriedWindows,
  query: ViewPageQuery,
): Omit<ViewPage, 'served'> {
  const { plan } = view;
  const { everyMs, fromUs = Number.NEGATIVE_INFINITY, toUs = Number.POSITIVE_INFINITY } = query;
  const levels = levelOptionsOf(plan);
  const index = levels.findIndex(level => level.everyMs === everyMs);
  if (index < 0) {
    throw new MillraceError('bad-query', `The view "${plan.name}" does not keep ${everyMs} ms.`, {
      status: 400,
      remedy: `It keeps ${levels.map(level => level.everyMs).join(', ')}.`,
    });
  }
  const cutUs = view.cutUs(levels[index]!);
  const isSession =
    plan.window.kind === 'session' && view instanceof ViewVersion && reader instanceof WindowReader;
  const windows = isSession
    ? sessionsByStart(new SessionReader(view, reader).rows(fromUs, toUs))
    : reader
        .starts(index, fromUs, toUs)
        .map((startUs): Window => ({ startUs, rows: () => reader.window(index, startUs).rows }));
  const rows: WindowRow[] = [];
  const lastUs = windows.at(-1)?.startUs;
  const page = {
    rows,
    ...(lastUs === undefined ? {} : { lastUs }),
    keptFromUs: Number.isFinite(cutUs) ? cutUs : null,
  };
  let count = 0;
  for (const { startUs, rows: own } of windows) {
    if (count >= query.windowsMax || rows.length >= query.rowsMax) return { ...page, nextUs: startUs };
    for (const row of own()) rows.push(row);
    count++;
  }
  return page;
}

interface Window {
  startUs: number;
  rows: () => readonly WindowRow[];
}

function sessionsByStart(rows: readonly WindowRow[]): Window[] {
  const windows = new Map<number, WindowRow[]>();
  for (const row of rows) {
    const window = windows.get(row.startUs);
    if (window) window.push(row);
    else windows.set(row.startUs, [row]);
  }
  return [...windows].map(([startUs, own]) => ({ startUs, rows: () => own }));
}
