// Ties an open dashboard together: range and filters from the address, the feeds, the live connection, and the
// range as it slides on while live.
import { type ReadonlySignal, signal } from '@preact/signals';
import { useEffect, useMemo, useState } from 'preact/hooks';
import type { Dashboard } from '../../deliver/api.ts';
import { api } from '../api-client.ts';
import { type Filter, filterText, parseFilters, withFilter } from '../filter.ts';
import { LiveConnection, type LiveState } from '../live.ts';
import { place, setParams } from '../router.ts';
import { applyStatus, info, rate } from '../server.ts';
import {
  allData,
  firstRange,
  fixedRange,
  isAll,
  isSliding,
  type RangeText,
  rangeOf,
  resolveRange,
  type Span,
  spanBefore,
  zoomed,
} from '../time-range.ts';
import { zone } from '../zone.ts';
import type { DashboardContext } from './context.ts';
import { Feeds } from './feeds.ts';

export interface DashboardData {
  context: DashboardContext;
  range: RangeText;
  filters: Filter[];
  isLive: boolean;
  liveState: ReadonlySignal<LiveState>;
  setRange: (range: RangeText) => void;
  setFilters: (filters: Filter[]) => void;
  setLive: (on: boolean) => void;
  retryLive: () => void;
}

/** While "all data" is shown, growth beyond this share asks for everything again, maybe at a coarser resolution. */
const growthMax = 0.25;

/** Data that take up less of what was asked for are shown over their own span. */
const narrowShare = 0.5;

function infoSpan(): Span | null {
  const span = info.peek()?.span;
  return span ? { fromMs: Date.parse(span.from), toMs: Date.parse(span.to) } : null;
}

function union(a: Span | null, b: Span | null): Span | null {
  if (a === null || b === null) return a ?? b;
  return { fromMs: Math.min(a.fromMs, b.fromMs), toMs: Math.max(a.toMs, b.toMs) };
}

function setRange(range: RangeText): void {
  setParams({ from: range.from, to: isAll(range) || range.to === 'now' ? null : range.to });
}

function setFilters(filters: Filter[]): void {
  setParams({ where: filters.map(filterText) });
}

class Session {
  readonly domain = signal<Span>({ fromMs: 0, toMs: 1 });
  readonly known = signal<Span | null>(infoSpan());
  readonly filters = signal<Filter[]>([]);
  readonly feeds: Feeds;
  readonly live: LiveConnection;
  private range: RangeText = allData;
  private asked: Span = { fromMs: 0, toMs: 1 };
  private isLive = true;
  private subscriptions: string[] = [];
  /** The span of the windows that came in since everything was asked for. */
  private seen: Span | null = null;

  constructor() {
    this.live = new LiveConnection(message => {
      if (message.type === 'status') applyStatus(message);
      this.feeds.receive(message);
    });
    this.feeds = new Feeds({
      ask: api.view,
      frame: run => requestAnimationFrame(run),
      nowMs: () => performance.now(),
      onSubscriptions: subscriptions => {
        this.subscriptions = subscriptions;
        if (!this.narrow()) this.connect();
      },
      onSpan: span => this.extend(span),
    });
  }

  private resolve(): Span {
    return resolveRange(this.range, Date.now(), this.known.peek(), zone.peek());
  }

  open(range: RangeText, filters: Filter[], isLive: boolean): void {
    this.range = range;
    this.isLive = isLive;
    this.filters.value = filters;
    this.ask();
    // The answers say what to listen to.
    if (isLive) this.live.expect();
    else this.live.stop();
  }

  /** Asks everything anew for the range as it is now. */
  ask(): void {
    this.seen = null;
    this.asked = this.resolve();
    this.domain.value = this.asked;
    this.feeds.setScope({
      span: this.asked,
      previous: isAll(this.range) ? null : spanBefore(this.asked, this.known.peek()),
      filters: this.filters.peek(),
    });
  }

  private connect(): void {
    if (!this.isLive) return;
    // Nothing has been answered yet.
    if (this.subscriptions.length === 0) {
      this.live.expect();
      return;
    }
    this.live.subscribe(this.subscriptions, new Date(this.asked.fromMs).toISOString());
  }

  /**
   * What the server calls the span of data is that of all streams. Where this dashboard's data take up little of it, all
   * data is asked for again over their own span, and so at a finer resolution.
   */
  private narrow(): boolean {
    const { seen, asked } = this;
    if (!isAll(this.range) || !seen) return false;
    if (seen.toMs - seen.fromMs > narrowShare * (asked.toMs - asked.fromMs)) return false;
    this.known.value = seen;
    this.ask();
    return true;
  }

  private extend(span: Span): void {
    this.seen = union(this.seen, span);
    const known = union(this.known.peek(), span)!;
    const held = this.known.peek();
    if (held && held.fromMs === known.fromMs && held.toMs === known.toMs) return;
    this.known.value = known;
    if (isAll(this.range)) this.slide();
  }

  /** Data was loaded by the server: the span that holds data is another. */
  extendByInfo(): void {
    // Once windows are known they say it better.
    const span = this.known.peek() === null ? infoSpan() : null;
    if (span) this.extend(span);
  }

  /** Moves the drawn range on with the clock or the data. */
  slide(): void {
    if (!this.isLive || !isSliding(this.range)) return;
    const span = this.resolve();
    const growth = span.toMs - span.fromMs - (this.asked.toMs - this.asked.fromMs);
    if (isAll(this.range) && growth > growthMax * (this.asked.toMs - this.asked.fromMs)) {
      this.ask();
      return;
    }
    const drawn = this.domain.peek();
    if (drawn.fromMs === span.fromMs && drawn.toMs === span.toMs) return;
    this.domain.value = span;
    this.feeds.slide(span, spanBefore(span, this.known.peek()));
  }

  close(): void {
    this.live.stop();
    rate.value = undefined;
  }
}

export function useDashboardData(dashboard: Dashboard): DashboardData {
  const [session] = useState(() => new Session());
  const { params } = place.value;
  const from = params.get('from');
  const to = params.get('to') ?? 'now';
  const where = params.getAll('where');
  const isLive = params.get('live') !== 'off';
  const hasData = info.value?.span != null;
  const infoFrom = info.value?.span?.from;
  const infoTo = info.value?.span?.to;

  // Without a range in the address the dashboard's own is shown, or all data where that is empty.
  const range = useMemo<RangeText>(() => {
    if (from !== null) return { from, to };
    return firstRange(rangeOf(dashboard.range), Date.now(), infoSpan());
    // Whether there is data decides once.
  }, [from, to, dashboard.range, hasData]);
  const whereKey = where.join('\n');
  const filters = useMemo(() => parseFilters(whereKey === '' ? [] : where), [whereKey]);

  // Only another span is news.
  useEffect(() => session.extendByInfo(), [session, infoFrom, infoTo]);
  useEffect(() => session.open(range, filters, isLive), [session, range, filters, isLive]);
  useEffect(() => {
    const timer = setInterval(() => session.slide(), 1000);
    return () => {
      clearInterval(timer);
      session.close();
    };
  }, [session]);

  const context = useMemo<DashboardContext>(
    () => ({
      feeds: session.feeds,
      domain: session.domain,
      known: session.known,
      filters: session.filters,
      syncKey: `dashboard:${dashboard.name}`,
      zoomTo: span => setRange(fixedRange(span)),
      zoomOut: () => setRange(fixedRange(zoomed(session.domain.peek(), 2))),
      showAll: () => setRange(allData),
      addFilter: filter => setFilters(withFilter(session.filters.peek(), filter)),
    }),
    [session, dashboard.name],
  );

  return {
    context,
    range,
    filters,
    isLive,
    liveState: session.live.state,
    setRange,
    setFilters,
    setLive: on => setParams({ live: on ? null : 'off' }, { replace: true }),
    retryLive: () => session.live.retryNow(),
  };
}
