// A page of whole windows: as many as are asked for, none of them cut.
import { formatDuration } from '../../core/duration.ts';
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
    throw new MillraceError(
      'bad-query',
      `The view "${plan.name}" has no resolution of ${formatDuration(everyMs)}.`,
      {
        status: 400,
        remedy: `It has ${levels.map(level => formatDuration(level.everyMs)).join(', ')}.`,
      },
    );
  }
  const cutUs = view.cutUs(levels[index]!);
  const rows: WindowRow[] = [];
  const keptFromUs = Number.isFinite(cutUs) ? cutUs : null;
  const isSession =
    plan.window.kind === 'session' && view instanceof ViewVersion && reader instanceof WindowReader;
  const windows = isSession
    ? sessionWindows(new SessionReader(view, reader), fromUs, toUs, query)
    : cutWindows(reader, index, fromUs, toUs, query);
  const lastUs = windows.lastUs === undefined ? {} : { lastUs: windows.lastUs };
  const page = { rows, keptFromUs, ...lastUs };
  let count = 0;
  for (const { startUs, rows: own } of windows.windows) {
    if (count >= query.windowsMax || rows.length >= query.rowsMax) return { ...page, nextUs: startUs };
    for (const row of own()) rows.push(row);
    count++;
  }
  return windows.nextUs === undefined ? page : { ...page, nextUs: windows.nextUs };
}

interface Window {
  startUs: number;
  rows: () => readonly WindowRow[];
}

interface Windows {
  windows: Window[];
  lastUs?: number;
  nextUs?: number;
}

function cutWindows(
  reader: QueriedWindows,
  index: number,
  fromUs: number,
  toUs: number,
  { withGone }: ViewPageQuery,
): Windows {
  const isStored = withGone && reader instanceof WindowReader;
  const rows = (startUs: number): WindowRow[] =>
    isStored ? reader.windowWithGone(index, startUs) : reader.window(index, startUs).rows;
  const windows = reader
    .starts(index, fromUs, toUs)
    .map((startUs): Window => ({ startUs, rows: () => rows(startUs) }));
  return { windows, lastUs: windows.at(-1)?.startUs };
}

function sessionWindows(reader: SessionReader, fromUs: number, toUs: number, query: ViewPageQuery): Windows {
  const { windowsMax: startsMax, withGone } = query;
  const { rows, ...page } = reader.page(fromUs, toUs, { startsMax, withGone });
  const windows = new Map<number, WindowRow[]>();
  for (const row of rows) {
    const window = windows.get(row.startUs);
    if (window) window.push(row);
    else windows.set(row.startUs, [row]);
  }
  return { ...page, windows: [...windows].map(([startUs, own]) => ({ startUs, rows: () => own })) };
}
