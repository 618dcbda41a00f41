// The data of an open dashboard. A feed is one question to a view (its windows over time, or one row a group over
// the range); panels that ask the same share it. Old data stays on screen while new is on its way, and live changes
// are merged and shown once a frame.
import { type Signal, signal } from '@preact/signals';
import type { LiveMessage, ViewAnswer, ViewWindow } from '../../deliver/api.ts';
import type { ViewColumn } from '../../process/view.ts';
import { ApiError, type ViewRequest } from '../api-client.ts';
import { type Filter, filterText, isOnGroups, passes } from '../filter.ts';
import type { Span } from '../time-range.ts';
import { WindowSet } from './window-set.ts';

export type FeedSpec =
  | { kind: 'series'; view: string }
  | { kind: 'total'; view: string; order?: string; limit?: number; previous?: boolean };

export interface FeedState {
  phase: 'loading' | 'ready' | 'failed';
  /** The windows answer an earlier range or filter; the new answer is on its way. */
  stale: boolean;
  error?: ApiError;
  columns: ViewColumn[];
  windows: ViewWindow[];
  every: string;
  source: ViewAnswer['source'];
}

const emptyState: FeedState = {
  phase: 'loading',
  stale: false,
  columns: [],
  windows: [],
  every: '',
  source: 'view',
};

/** Which windows a message of the live connection is about. */
type Told = Pick<Extract<LiveMessage, { type: 'change' }>, 'subscription' | 'whole' | 'overlapping' | 'by'>;

export interface Scope {
  span: Span;
  /** The span just before, for comparisons; null where there is none. */
  previous: Span | null;
  filters: Filter[];
}

export class Feed {
  readonly spec: FeedSpec;
  readonly state: Signal<FeedState> = signal(emptyState);
  users = 0;
  set: WindowSet | undefined;
  abort: AbortController | undefined;
  /** The answer is behind the events and is to be asked for again. */
  isDirty = false;
  hasChanges = false;
  constructor(spec: FeedSpec) {
    this.spec = spec;
  }
}

export interface FeedsOptions {
  ask: (request: ViewRequest, signal: AbortSignal) => Promise<ViewAnswer>;
  /** Runs a function before the next frame. */
  frame: (run: () => void) => void;
  nowMs: () => number;
  /** Called when the set of `view@every` to listen to may have changed. */
  onSubscriptions: (subscriptions: string[]) => void;
  /** Called with the span of windows that came in. */
  onSpan: (span: Span) => void;
}

/** Totals are asked for again at most this often, and no more than a tenth of the time goes into asking. */
const refreshMsMin = 2000;
const refreshMsMax = 30_000;
/** Totals of a sliding range are asked for again once it has moved by this share of its length. */
const slideShare = 1 / 500;

export class Feeds {
  private readonly options: FeedsOptions;
  private readonly feeds = new Map<string, Feed>();
  private scope: Scope | undefined;
  private isFrameWaiting = false;
  private refreshAtMs = 0;
  private isRefreshing = false;
  private eventsSeen = -1;
  /** Subscriptions that have had a snapshot. */
  private readonly snapshots = new Set<string>();
  /** The range that totals were last marked for. */
  private dirtyFrom: Span = { fromMs: 0, toMs: 0 };

  constructor(options: FeedsOptions) {
    this.options = options;
  }

  /** The feed of a question; the same question gives the same feed. */
  feed(spec: FeedSpec): Feed {
    const key = JSON.stringify(spec);
    let feed = this.feeds.get(key);
    if (!feed) this.feeds.set(key, (feed = new Feed(spec)));
    return feed;
  }

  /** Keeps a feed up to date until the answered function is called. */
  retain(feed: Feed): () => void {
    if (feed.users++ === 0 && this.scope) void this.load(feed);
    return () => {
      if (--feed.users > 0) return;
      feed.abort?.abort();
      this.feeds.delete(JSON.stringify(feed.spec));
      this.announce();
    };
  }

  /** Another range or other filters: everything is asked for again. */
  setScope(scope: Scope): void {
    this.scope = scope;
    this.dirtyFrom = scope.span;
    for (const feed of this.feeds.values()) if (feed.users > 0) void this.load(feed);
  }

  /** The range slides on: series are merged from live changes, totals are asked for again once it matters. */
  slide(span: Span, previous: Span | null): void {
    if (!this.scope) return;
    this.scope = { ...this.scope, span, previous };
    const movedMs = Math.abs(span.fromMs - this.dirtyFrom.fromMs) + Math.abs(span.toMs - this.dirtyFrom.toMs);
    if (movedMs < (span.toMs - span.fromMs) * slideShare) return;
    this.dirtyFrom = span;
    this.markDirty();
  }

  retry(feed: Feed): void {
    feed.state.value = emptyState;
    void this.load(feed);
  }

  private request(feed: Feed, scope: Scope): ViewRequest | undefined {
    const { spec } = feed;
    const where = scope.filters.map(filterText);
    if (spec.kind === 'series') return { view: spec.view, ...scope.span, where };
    const span = spec.previous ? scope.previous : scope.span;
    return span === null
      ? undefined
      : { view: spec.view, every: 'total', ...span, where, order: spec.order, limit: spec.limit };
  }

  private async load(feed: Feed): Promise<void> {
    const scope = this.scope!;
    feed.abort?.abort();
    const abort = (feed.abort = new AbortController());
    feed.isDirty = false;
    const request = this.request(feed, scope);
    if (!request) {
      feed.state.value = { ...emptyState, phase: 'ready' };
      return;
    }
    const held = feed.state.value;
    if (held.phase === 'ready' && scope !== this.scopeOf.get(feed))
      feed.state.value = { ...held, stale: true };
    try {
      const answer = await this.options.ask(request, abort.signal);
      if (abort.signal.aborted) return;
      this.scopeOf.set(feed, scope);
      feed.set = new WindowSet(answer.columns, answer.windows);
      if (feed.spec.kind === 'series') this.tellSpan(answer.windows);
      feed.state.value = {
        phase: 'ready',
        stale: false,
        columns: answer.columns,
        windows: answer.windows,
        every: answer.every,
        source: answer.source,
      };
    } catch (error) {
      if (abort.signal.aborted) return;
      const known = error instanceof ApiError ? error : undefined;
      if (!known) throw error;
      feed.state.value = { ...emptyState, phase: 'failed', error: known };
    } finally {
      if (feed.abort === abort) feed.abort = undefined;
    }
    this.announce();
  }

  /** For which range and filters a feed was last answered. */
  private readonly scopeOf = new WeakMap<Feed, Scope>();

  private isLive(feed: Feed): boolean {
    const { phase, columns, every } = feed.state.peek();
    return (
      feed.spec.kind === 'series' &&
      phase === 'ready' &&
      every !== 'total' &&
      isOnGroups(this.scope?.filters ?? [], columns)
    );
  }

  /** Says what to listen to, once every series has been answered. */
  private announce(): void {
    const series = [...this.feeds.values()].filter(feed => feed.users > 0 && feed.spec.kind === 'series');
    if (series.some(feed => feed.abort)) return;
    const live = series.filter(feed => this.isLive(feed));
    // Where nothing can be merged here, one subscription still tells that there is news.
    const heard = live.length > 0 ? live : series.filter(feed => feed.state.peek().every !== '').slice(0, 1);
    this.options.onSubscriptions(heard.map(feed => `${feed.spec.view}@${feed.state.peek().every}`));
  }

  /** Takes in a message of the live connection. */
  receive(message: LiveMessage): void {
    if (message.type === 'snapshot') {
      const { windows, next, columns } = message.answer;
      this.loadReplaced(message.subscription, columns);
      // Not the first one: what was asked before it may be of another definition.
      if (this.snapshots.has(message.subscription)) this.markDirty();
      this.snapshots.add(message.subscription);
      // A snapshot that was cut does not say what is gone.
      this.merge(message, windows, next === undefined);
    } else if (message.type === 'change') this.merge(message, message.windows, false);
    else if (message.type === 'status') {
      if (this.eventsSeen >= 0 && message.events !== this.eventsSeen) this.markDirty();
      this.eventsSeen = message.events;
      void this.refresh();
    }
  }

  /** A view that has other columns than its feeds were answered with serves another definition: they are asked again. */
  private loadReplaced(subscription: string, columns: ViewColumn[]): void {
    const names = columns.map(({ name, role }) => `${role} ${name}`).join();
    for (const feed of this.heardBy(subscription)) {
      if (feed.set?.columns.map(({ name, role }) => `${role} ${name}`).join() === names) continue;
      feed.set = undefined;
      if (feed.users > 0) void this.load(feed);
    }
  }

  private heardBy(subscription: string): Feed[] {
    return [...this.feeds.values()].filter(
      feed =>
        feed.set && this.isLive(feed) && `${feed.spec.view}@${feed.state.peek().every}` === subscription,
    );
  }

  private merge(
    { subscription, whole, overlapping, by }: Told,
    windows: ViewWindow[],
    isWhole: boolean,
  ): void {
    for (const feed of this.heardBy(subscription)) {
      const filters = this.scope!.filters;
      const mine = filters.length
        ? windows.filter(it => passes(filters, feed.set!.columns, it.values))
        : windows;
      if (isWhole) {
        feed.set!.replace(mine);
        feed.hasChanges = true;
      } else if (feed.set!.apply(mine, whole, overlapping, by)) feed.hasChanges = true;
    }
    this.tellSpan(windows);
    if (!isWhole) this.markDirty();
    this.waitForFrame();
  }

  private tellSpan(windows: ViewWindow[]): void {
    const span = { fromMs: Number.POSITIVE_INFINITY, toMs: 0 };
    for (const window of windows) {
      span.fromMs = Math.min(span.fromMs, Date.parse(window.start));
      span.toMs = Math.max(span.toMs, Date.parse(window.end));
    }
    if (span.toMs > 0) this.options.onSpan(span);
  }

  private waitForFrame(): void {
    if (this.isFrameWaiting) return;
    this.isFrameWaiting = true;
    this.options.frame(() => {
      this.isFrameWaiting = false;
      for (const feed of this.feeds.values()) {
        if (!feed.hasChanges || !feed.set) continue;
        feed.hasChanges = false;
        feed.set.prune(this.scope!.span.fromMs);
        feed.state.value = { ...feed.state.peek(), windows: feed.set.list() };
      }
    });
  }

  private markDirty(): void {
    for (const feed of this.feeds.values()) {
      if (feed.spec.kind === 'total' ? !feed.spec.previous : !this.isLive(feed)) feed.isDirty = true;
    }
  }

  /** Asks again for what cannot be merged here, at a pace the server bears. */
  private async refresh(): Promise<void> {
    const startMs = this.options.nowMs();
    if (this.isRefreshing || startMs < this.refreshAtMs || !this.scope) return;
    const dirty = [...this.feeds.values()].filter(feed => feed.isDirty && feed.users > 0 && !feed.abort);
    if (dirty.length === 0) return;
    this.isRefreshing = true;
    await Promise.allSettled(dirty.map(feed => this.load(feed)));
    this.isRefreshing = false;
    const nowMs = this.options.nowMs();
    this.refreshAtMs = nowMs + Math.min(refreshMsMax, Math.max(refreshMsMin, (nowMs - startMs) * 10));
  }
}
