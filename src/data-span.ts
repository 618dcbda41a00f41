// Which time the data of all streams spans, told by few questions to the views.
import { formatUs } from './core/time.ts';
import type { Info } from './deliver/api.ts';
import type { Engine } from './process/engine.ts';
import type { ViewSummary, WindowRow } from './process/view.ts';

/** Event-time span of all streams: from the start of the first window of their views to the end of the last. */
export async function dataSpan(engine: Engine): Promise<Info['span']> {
  let fromUs = Number.POSITIVE_INFINITY;
  let toUs = Number.NEGATIVE_INFINITY;
  const groups = (view: ViewSummary): number => view.columns.filter(column => column.role === 'group').length;
  // One view a stream is enough: the one with the fewest rows.
  const views = new Map<string, ViewSummary>();
  for (const view of await engine.views()) {
    const known = views.get(view.streams[0]!);
    // One that has failed may have no rows to give.
    if (view.state !== 'failed' && view.watermarkUs !== null && (!known || groups(view) < groups(known)))
      views.set(view.streams[0]!, view);
  }
  for (const view of views.values()) {
    // From coarse to fine, so that few rows tell the minute.
    let first: number | undefined;
    let last: WindowRow | undefined;
    for (const { everyMs } of view.resolutions.filter(({ everyMs }) => everyMs >= 60_000).reverse()) {
      const query = { view: view.name, everyMs, limit: 100_000 };
      const { rows } = await engine.query(last ? { ...query, fromUs: last.startUs } : query);
      if (rows.length === 0) break;
      if (first === undefined || last === undefined) first = rows[0]!.startUs;
      else {
        const early = await engine.query({ ...query, fromUs: first, limit: 1 });
        first = early.rows[0]?.startUs ?? first;
      }
      last = rows.at(-1)!;
    }
    if (first === undefined || last === undefined) continue;
    fromUs = Math.min(fromUs, first);
    toUs = Math.max(toUs, last.endUs);
  }
  return fromUs < toUs ? { from: formatUs(fromUs), to: formatUs(toUs) } : null;
}
