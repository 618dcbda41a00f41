// Which time the data of all streams spans, told by few questions to the views.
import { formatUs } from './core/time.ts';
import type { Info } from './deliver/api.ts';
import type { Engine } from './process/engine.ts';
import type { ViewSummary, WindowRow } from './process/view.ts';

/**
 * Event-time span of all streams: from the start of the first window of their views to the end of the last. Of what cannot be asked now, an
 * engine that has stopped or a view that fails, nothing is known.
 */
export async function dataSpan(engine: Pick<Engine, 'views' | 'query'>): Promise<Info['span']> {
  let fromUs = Number.POSITIVE_INFINITY;
  let toUs = Number.NEGATIVE_INFINITY;
  const groups = (view: ViewSummary): number => view.columns.filter(column => column.role === 'group').length;
  // One view a stream is enough: the one with the fewest rows.
  const views = new Map<string, ViewSummary>();
  for (const view of await engine.views().catch(() => [])) {
    const known = views.get(view.streams[0]!);
    // One that has failed may have no rows to give.
    if (view.state !== 'failed' && view.watermarkUs !== null && (!known || groups(view) < groups(known)))
      views.set(view.streams[0]!, view);
  }
  for (const view of views.values()) {
    const span = await spanOf(engine, view).catch(() => undefined);
    if (!span) continue;
    fromUs = Math.min(fromUs, span.fromUs);
    toUs = Math.max(toUs, span.toUs);
  }
  return fromUs < toUs ? { from: formatUs(fromUs), to: formatUs(toUs) } : null;
}

async function spanOf(
  engine: Pick<Engine, 'query'>,
  view: ViewSummary,
): Promise<{ fromUs: number; toUs: number } | undefined> {
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
  return first === undefined || last === undefined ? undefined : { fromUs: first, toUs: last.endUs };
}
