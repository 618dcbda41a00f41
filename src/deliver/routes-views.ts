// /v1/views: standing queries and their windows.
import type { Hono } from 'hono';
import { codeOf, MillraceError } from '../core/errors.ts';
import { findNamed } from '../core/folded-name.ts';
import { parseInstantUs } from '../core/time.ts';
import type { ViewQuery, ViewSummary } from '../process/view.ts';
import type { ExpiredList, ViewList } from './api.ts';
import type { Services } from './services.ts';
import {
  type Condition,
  everyMsOf,
  instantOrNull,
  parseCondition,
  positive,
  viewAnswer,
  viewEntry,
} from './view-json.ts';
import { needsHistory } from './view-source.ts';

/** Windows that a chart asks for where `every` is left out. */
const defaultPoints = 400;

export function routeViews(app: Hono, services: Services): void {
  app.get('/v1/views', async context => {
    const views = await services.engine.views();
    return context.json({ views: views.map(viewEntry) } satisfies ViewList);
  });

  const known = async (name: string): Promise<ViewSummary> => {
    const view = (await services.engine.views()).find(view => view.name === name);
    if (view) return view;
    throw new MillraceError('unknown-view', `There is no view "${name}".`, {
      status: 404,
      remedy: 'GET /v1/views lists the views; a view is a file views/NAME.sql of the project folder.',
    });
  };

  app.get('/v1/views/:view/expired', async context => {
    const { name, expired, recentExpired } = await known(context.req.param('view'));
    const events = recentExpired.map(({ timeUs, ...place }) => ({ ...place, time: instantOrNull(timeUs) }));
    return context.json({ view: name, expired, events } satisfies ExpiredList);
  });

  app.get('/v1/views/:view', async context => {
    const view = await known(context.req.param('view'));
    const parameters = new URL(context.req.url).searchParams;
    const query = viewQuery(view, parameters, services.clock.nowMs());
    const onGroups: NonNullable<ViewQuery['where']> = [];
    const onEvents: Condition[] = [];
    for (const condition of parameters.getAll('where').map(parseCondition)) {
      const column = findNamed(view.columns, condition.column);
      if (column?.role === 'group') onGroups.push({ ...condition, column: column.name });
      else onEvents.push(condition);
    }
    const whole = { ...query, where: onGroups };
    if (onEvents.length > 0 || needsHistory(view, query)) {
      try {
        return context.json(viewAnswer(await services.viewHistory(whole, onEvents), 'history'));
      } catch (thrown) {
        // What is kept is better than nothing.
        if (onEvents.length > 0 || codeOf(thrown) !== 'no-history') throw thrown;
      }
    }
    return context.json(viewAnswer(await services.engine.query(whole), 'view'));
  });
}

/** Of `column` and `-column`. */
function orderOf(view: ViewSummary, text: string): NonNullable<ViewQuery['order']>[number] {
  const descending = text.startsWith('-');
  const name = descending ? text.slice(1) : text;
  const column = findNamed(view.columns, name)?.name;
  if (column !== undefined) return { column, descending };
  if (name === 'start' || name === 'window_start') return { column: 'start', descending };
  throw new MillraceError('bad-query', `order: there is no column "${name}".`, {
    status: 400,
    remedy: `There are ${view.columns.map(column => column.name).join(', ')}, and start.`,
  });
}

function viewQuery(view: ViewSummary, parameters: URLSearchParams, nowMs: number): ViewQuery {
  const instant = (name: string): number | undefined => {
    const text = parameters.get(name);
    return text === null || text === '' ? undefined : parseInstantUs(text, nowMs, name);
  };
  const askedUs = instant('from');
  const toUs = instant('to');
  const every = parameters.get('every');
  const points = positive(parameters, 'points') ?? defaultPoints;
  const spanMs = askedUs === undefined ? undefined : ((toUs ?? nowMs * 1000) - askedUs) / 1000;
  const fittingMs = fitting(view, spanMs, points);
  const everyMs = every !== null ? everyMsOf(every) : fittingMs;
  // Who does not know the resolution cannot know where its windows begin: the first is the one that holds the beginning of the range.
  const isFree = askedUs !== undefined && every === null;
  const fromUs = isFree ? Math.floor(askedUs / (fittingMs * 1000)) * fittingMs * 1000 : askedUs;
  const order = parameters.getAll('order').map(text => orderOf(view, text));
  const limit = positive(parameters, 'limit');
  const cursor = parameters.get('cursor');
  return {
    view: view.name,
    everyMs,
    ...(fromUs === undefined ? {} : { fromUs }),
    ...(toUs === undefined ? {} : { toUs }),
    ...(order.length > 0 ? { order } : {}),
    ...(limit === undefined ? {} : { limit: Math.min(limit, 100_000) }),
    ...(cursor === null ? {} : { cursor }),
  };
}

/** The finest resolution that cuts the span into at most `points` windows; the coarsest where none does. */
function fitting(view: ViewSummary, spanMs: number | undefined, points: number): number {
  const resolutions = view.resolutions.map(({ everyMs }) => everyMs);
  const coarsest = resolutions.at(-1)!;
  if (spanMs === undefined) return coarsest;
  return resolutions.find(everyMs => spanMs / everyMs <= points) ?? coarsest;
}
