// GET /v1/live: many subscriptions on one connection. Each gets a snapshot, then the windows that change, coalesced to
// the newest state of each while the client is busy. `Last-Event-ID` resumes without a gap.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { MillraceError } from '../core/errors.ts';
import { type Clock, formatUs, parseInstantUs } from '../core/time.ts';
import type { Engine } from '../process/engine.ts';
import type { ViewSummary } from '../process/view.ts';
import type { LiveMessage, SourceStatus } from './api.ts';
import { EventStream, eventText } from './event-stream.ts';
import type { HubChange, LiveHub } from './live-hub.ts';
import { problemOf } from './problem.ts';
import { everyMsOf, everyText, instantOrNull, viewAnswer, viewWindow } from './view-json.ts';
import { WaitingRows } from './waiting-rows.ts';

export interface LiveOptions {
  engine: Engine;
  hub: LiveHub;
  clock: Clock;
  status(): { events: number; rate: number; sources: SourceStatus[]; problems: string[] };
}

/** Subscriptions on one connection. */
const maxSubscriptions = 64;

/** Changed windows that wait for a slow client on one subscription; beyond it the client gets a new snapshot. */
const maxWaitingRows = 50_000;

/** Snapshots of one connection that are asked for or wait to be sent; the others follow as the client takes these. */
const maxSnapshots = 4;

const statusMs = 1000;

interface Subscription {
  /** As the client wrote it: `view@1m`. */
  key: string;
  view: string;
  everyMs: number;
  waiting: WaitingRows;
  watermarkUs: number | null;
  /** While rows wait: the last sequence before the first of them. */
  sequence: number;
  snapshot: string | undefined;
  /** A snapshot is to be asked for; what changes before is in it. */
  isDue: boolean;
  /** The view has been defined anew since the last one was asked for. */
  isReplaced: boolean;
  /** Due so far; the last one holds. */
  snapshots: number;
  ready: boolean;
  /** It has had an error in place of the last snapshot, and waits for a definition that gives rows again. */
  failed: boolean;
  unsubscribe: () => void;
}

export async function serveLive(
  options: LiveOptions,
  query: URLSearchParams,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { engine, hub, clock } = options;
  const wanted = query.getAll('s');
  if (wanted.length > maxSubscriptions) {
    throw new MillraceError('too-many-subscriptions', `${wanted.length} subscriptions on one connection.`, {
      status: 400,
      context: { maxSubscriptions },
      remedy: `Use at most ${maxSubscriptions}.`,
    });
  }
  const fromUs = parseInstantUs(query.get('from') ?? '-1h', clock.nowMs(), 'from');
  const lastId = String(request.headers['last-event-id'] ?? query.get('after') ?? '');
  const after = resumeFrom(lastId, hub.epoch);
  const views = await engine.views();
  const notices: string[] = [];
  const subscriptions: Subscription[] = [];
  let isClosed = false;
  let asking = 0;
  const stream = new EventStream(request, response, {
    next: () => nextText(),
    onClose: () => {
      isClosed = true;
      clearInterval(timer);
      for (const subscription of subscriptions) subscription.unsubscribe();
    },
  });
  const timer = setInterval(() => {
    if (notices.length === 0) notices.push(message({ type: 'status', ...options.status() }));
    stream.pump();
  }, statusMs);

  function message(content: LiveMessage, id?: string): string {
    const { type, ...data } = content;
    return eventText(type, data, id);
  }

  function nextText(): string | undefined {
    askForSnapshots();
    const notice = notices.shift();
    if (notice !== undefined) return notice;
    for (const subscription of subscriptions) {
      if (subscription.snapshot !== undefined) {
        const text = subscription.snapshot;
        subscription.snapshot = undefined;
        return text;
      }
    }
    const changed = subscriptions.find(subscription => subscription.ready && subscription.waiting.size > 0);
    if (!changed) return undefined;
    const { waiting } = changed;
    const windows = waiting.rows().map(viewWindow);
    const whole = waiting.whole().map(formatUs);
    const watermark = instantOrNull(changed.watermarkUs);
    const content: LiveMessage = { type: 'change', subscription: changed.key, watermark, windows };
    if (whole.length > 0) content.whole = whole;
    if (waiting.overlapping) content.overlapping = true;
    if (waiting.by) content.by = waiting.by;
    waiting.clear();
    return message(content, resumeId());
  }

  /**
   * Up to where this connection has been told everything. None until each subscription has had its snapshot, and none where one was
   * refused, which may be there by then: a client that comes back starts anew.
   */
  function resumeId(): string | undefined {
    if (subscriptions.length < wanted.length) return undefined;
    if (subscriptions.some(other => !other.ready || other.snapshot !== undefined)) return undefined;
    const told = subscriptions.map(other => (other.waiting.size > 0 ? other.sequence : hub.position));
    return `${hub.epoch}.${Math.min(...told)}`;
  }

  function listen(subscription: Subscription, everyMs: number): void {
    subscription.unsubscribe();
    subscription.everyMs = everyMs;
    subscription.unsubscribe = hub.subscribe(subscription.view, everyMs, change =>
      receive(subscription, change),
    );
  }

  /** Listens at the resolution that the view serves it at now. */
  async function follow(subscription: Subscription): Promise<void> {
    const number = subscription.snapshots;
    for (;;) {
      const views = await engine.views();
      if (isClosed || number !== subscription.snapshots) return;
      const everyMs = resolutionOf(subscription.key, viewNamed(subscription.view, views), true);
      if (everyMs === subscription.everyMs) return;
      // Looking once more, since only from here on it is told of yet another definition.
      listen(subscription, everyMs);
    }
  }

  function wantSnapshot(subscription: Subscription, isReplaced = false): void {
    subscription.ready = subscription.failed = false;
    subscription.snapshot = undefined;
    subscription.waiting.clear();
    subscription.snapshots++;
    subscription.isDue = true;
    subscription.isReplaced ||= isReplaced;
    stream.pump();
  }

  function askForSnapshots(): void {
    let underWay = asking + subscriptions.filter(({ snapshot }) => snapshot !== undefined).length;
    for (const subscription of subscriptions) {
      if (underWay >= maxSnapshots) return;
      if (!subscription.isDue) continue;
      underWay++;
      void askForSnapshot(subscription);
    }
  }

  async function askForSnapshot(subscription: Subscription): Promise<void> {
    const { isReplaced, snapshots: number } = subscription;
    subscription.isDue = subscription.isReplaced = false;
    asking++;
    // A later one is due, of another definition.
    const isOutdated = (): boolean => isClosed || number !== subscription.snapshots;
    try {
      if (isReplaced) await follow(subscription);
      if (isOutdated()) return;
      const { view, everyMs, key } = subscription;
      const result = await engine.query({ view, everyMs, fromUs, limit: 100_000 });
      if (isOutdated()) return;
      const answer = viewAnswer(result, 'view');
      subscription.snapshot = message({ type: 'snapshot', subscription: key, answer });
      subscription.ready = true;
    } catch (thrown) {
      if (isOutdated()) return;
      subscription.failed = true;
      notices.push(message({ type: 'error', subscription: subscription.key, problem: problemOf(thrown) }));
    } finally {
      asking--;
      stream.pump();
    }
  }

  function receive(subscription: Subscription, change: HubChange): void {
    const { waiting } = subscription;
    if (change.columns) {
      waiting.setColumns(change.columns);
      wantSnapshot(subscription, true);
      return;
    }
    if (subscription.failed || subscription.isDue) return;
    if (waiting.size === 0) subscription.sequence = change.sequence - 1;
    waiting.take(change);
    subscription.watermarkUs = change.watermarkUs;
    if (waiting.size > maxWaitingRows && subscription.ready) wantSnapshot(subscription);
    else stream.pump();
  }

  for (const key of wanted) {
    try {
      const subscription = open(key, views, lastId !== '');
      listen(subscription, subscription.everyMs);
      subscriptions.push(subscription);
      const missed =
        after === undefined ? undefined : hub.changesAfter(subscription.view, subscription.everyMs, after);
      if (missed) {
        for (const change of missed) receive(subscription, change);
        subscription.ready = true;
      } else wantSnapshot(subscription);
    } catch (thrown) {
      notices.push(message({ type: 'error', subscription: key, problem: problemOf(thrown) }));
    }
  }
  notices.push(message({ type: 'status', ...options.status() }));
  stream.pump();
}

function open(key: string, views: readonly ViewSummary[], isKnown: boolean): Subscription {
  const name = key.split('@', 1)[0]!;
  const view = viewNamed(name, views);
  const everyMs = resolutionOf(key, view, isKnown);
  return {
    key,
    view: name,
    everyMs,
    waiting: new WaitingRows(view.columns),
    watermarkUs: view.watermarkUs,
    sequence: 0,
    snapshot: undefined,
    isDue: false,
    isReplaced: false,
    snapshots: 0,
    ready: false,
    failed: false,
    unsubscribe: () => {},
  };
}

function viewNamed(name: string, views: readonly ViewSummary[]): ViewSummary {
  const view = views.find(one => one.name === name);
  if (view) return view;
  throw new MillraceError('unknown-view', `There is no view "${name}".`, {
    status: 404,
    remedy: 'GET /v1/views lists the views.',
  });
}

/** What the view serves a subscription at. One that is known from before goes on where the gap of sessions has changed. */
function resolutionOf(key: string, { name, window, resolutions }: ViewSummary, isKnown: boolean): number {
  const at = key.indexOf('@');
  const finestMs = resolutions[0]!.everyMs;
  const isSession = window.kind === 'session';
  if (at < 0 || (isSession && isKnown)) return finestMs;
  const everyMs = everyMsOf(key.slice(at + 1));
  if (everyMs !== 'total' && resolutions.some(resolution => resolution.everyMs === everyMs)) return everyMs;
  const gap = everyText(finestMs);
  throw new MillraceError(
    'bad-resolution',
    isSession
      ? `"${key}": the view is of sessions with a gap of ${gap}.`
      : `"${key}": the view does not keep this resolution.`,
    {
      status: 400,
      remedy: isSession
        ? `Subscribe to ${name} or ${name}@${gap}.`
        : 'GET /v1/views shows the resolutions of each view.',
    },
  );
}

/** The sequence in an event id of this hub; undefined for another hub's or none. */
function resumeFrom(id: string, epoch: string): number | undefined {
  const at = id.lastIndexOf('.');
  if (at < 0 || id.slice(0, at) !== epoch) return undefined;
  const sequence = Number(id.slice(at + 1));
  return Number.isSafeInteger(sequence) ? sequence : undefined;
}
