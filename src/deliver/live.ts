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
import { everyMsOf, instantOrNull, viewAnswer, viewWindow } from './view-json.ts';
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
  /** Asked for so far; the last one holds. */
  snapshots: number;
  ready: boolean;
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
  const after = resumeFrom(String(request.headers['last-event-id'] ?? query.get('after') ?? ''), hub.epoch);
  const views = new Map((await engine.views()).map(view => [view.name, view]));
  const notices: string[] = [];
  const subscriptions: Subscription[] = [];
  const stream = new EventStream(request, response, {
    next: () => nextText(),
    onClose: () => {
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
   * Up to where this connection has been told everything. None until each subscription has had its snapshot: a client
   * that comes back before then starts anew.
   */
  function resumeId(): string | undefined {
    if (subscriptions.some(other => !other.ready || other.snapshot !== undefined)) return undefined;
    const told = subscriptions.map(other => (other.waiting.size > 0 ? other.sequence : hub.position));
    return `${hub.epoch}.${Math.min(...told)}`;
  }

  async function sendSnapshot(subscription: Subscription): Promise<void> {
    subscription.ready = false;
    subscription.waiting.clear();
    const number = ++subscription.snapshots;
    try {
      const { view, everyMs, key } = subscription;
      const result = await engine.query({ view, everyMs, fromUs, limit: 100_000 });
      // A later one has been asked for, of another definition.
      if (number !== subscription.snapshots) return;
      const answer = viewAnswer(result, 'view');
      subscription.snapshot = message({ type: 'snapshot', subscription: key, answer });
      subscription.ready = true;
    } catch (thrown) {
      subscription.unsubscribe();
      notices.push(message({ type: 'error', subscription: subscription.key, problem: problemOf(thrown) }));
    }
    stream.pump();
  }

  function receive(subscription: Subscription, change: HubChange): void {
    const { waiting } = subscription;
    if (change.columns) {
      waiting.setColumns(change.columns);
      void sendSnapshot(subscription);
      return;
    }
    if (waiting.size === 0) subscription.sequence = change.sequence - 1;
    waiting.take(change);
    subscription.watermarkUs = change.watermarkUs;
    if (waiting.size > maxWaitingRows && subscription.ready) void sendSnapshot(subscription);
    else stream.pump();
  }

  for (const key of wanted) {
    try {
      const subscription = open(key, views);
      subscription.unsubscribe = hub.subscribe(subscription.view, subscription.everyMs, change =>
        receive(subscription, change),
      );
      subscriptions.push(subscription);
      const missed =
        after === undefined ? undefined : hub.changesAfter(subscription.view, subscription.everyMs, after);
      if (missed) {
        for (const change of missed) receive(subscription, change);
        subscription.ready = true;
      } else void sendSnapshot(subscription);
    } catch (thrown) {
      notices.push(message({ type: 'error', subscription: key, problem: problemOf(thrown) }));
    }
  }
  notices.push(message({ type: 'status', ...options.status() }));
  stream.pump();
}

function open(key: string, views: ReadonlyMap<string, ViewSummary>): Subscription {
  const at = key.lastIndexOf('@');
  const name = at < 0 ? key : key.slice(0, at);
  const view = views.get(name);
  if (!view) {
    throw new MillraceError('unknown-view', `There is no view "${name}".`, {
      status: 404,
      remedy: 'GET /v1/views lists the views.',
    });
  }
  const everyMs = at < 0 ? view.resolutions[0]!.everyMs : everyMsOf(key.slice(at + 1));
  if (everyMs === 'total' || !view.resolutions.some(resolution => resolution.everyMs === everyMs)) {
    throw new MillraceError('bad-resolution', `"${key}": the view does not keep this resolution.`, {
      status: 400,
      remedy: 'GET /v1/views shows the resolutions of each view.',
    });
  }
  return {
    key,
    view: name,
    everyMs,
    waiting: new WaitingRows(view.columns),
    watermarkUs: view.watermarkUs,
    sequence: 0,
    snapshot: undefined,
    snapshots: 0,
    ready: false,
    unsubscribe: () => {},
  };
}

/** The sequence in an event id of this hub; undefined for another hub's or none. */
function resumeFrom(id: string, epoch: string): number | undefined {
  const at = id.lastIndexOf('.');
  if (at < 0 || id.slice(0, at) !== epoch) return undefined;
  const sequence = Number(id.slice(at + 1));
  return Number.isSafeInteger(sequence) ? sequence : undefined;
}
