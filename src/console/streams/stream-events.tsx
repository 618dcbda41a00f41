// The newest events of a stream in a time range and under filters, or its live tail.
import { useSignal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { api } from '../api-client.ts';
import { describeRange, TimePicker } from '../dashboard/time-picker.tsx';
import { filterText, parseFilters } from '../filter.ts';
import { t } from '../language.ts';
import { FilterBar } from '../parts/filter-bar.tsx';
import { Icon } from '../parts/icon.tsx';
import { ProblemNotice } from '../parts/problem-notice.tsx';
import { place, setParams } from '../router.ts';
import {
  allData,
  fixedRange,
  isAll,
  type RangeText,
  resolveRange,
  type Span,
  zoomed,
} from '../time-range.ts';
import { zone } from '../zone.ts';
import { EventList } from './event-list.tsx';
import { type StreamEvent, Tail } from './tail.ts';

const pageEvents = 200;
/** Pages are loaded while scrolling up to this many events. */
const eventsMax = 20_000;

export function StreamEvents(props: { stream: string; fields: string[]; data: Span | null }) {
  const { params } = place.value;
  const isTail = params.get('tail') === 'on';
  return (
    <>
      <div class="events-head">
        {!isTail && <Choice {...props} />}
        <button
          type="button"
          class="button"
          aria-pressed={isTail}
          data-shortcut="l"
          onClick={() => setParams({ tail: isTail ? null : 'on' })}
        >
          <Icon name={isTail ? 'pause' : 'play'} size={12} />
          {t('stream.follow')}
        </button>
      </div>
      {isTail ? <TailView stream={props.stream} /> : <History stream={props.stream} data={props.data} />}
    </>
  );
}

function rangeInAddress(): RangeText {
  const { params } = place.value;
  const from = params.get('from');
  return from === null ? allData : { from, to: params.get('to') ?? 'now' };
}

function setRange(range: RangeText): void {
  setParams(isAll(range) ? { from: null, to: null } : { from: range.from, to: range.to });
}

function Choice({ fields, data }: { fields: string[]; data: Span | null }) {
  const range = rangeInAddress();
  const span = resolveRange(range, Date.now(), data, zone.value);
  return (
    <>
      <FilterBar
        filters={parseFilters(place.value.params.getAll('where'))}
        fields={fields}
        onChange={filters => setParams({ where: filters.map(filterText) })}
      />
      <TimePicker
        range={range}
        span={span}
        onChange={setRange}
        onZoomOut={() => setRange(fixedRange(zoomed(span, 2)))}
      />
      <span class="visually-hidden" role="status">
        {describeRange(range, span)}
      </span>
    </>
  );
}

function History({ stream, data }: { stream: string; data: Span | null }) {
  const events = useSignal<StreamEvent[]>([]);
  const next = useSignal<string | undefined>(undefined);
  const error = useSignal<unknown>(undefined);
  const isBusy = useSignal(true);
  const range = rangeInAddress();
  const where = place.value.params.getAll('where');
  const key = JSON.stringify([stream, range, where, zone.value]);

  const loader = useMemo(() => {
    const abort = new AbortController();
    const span = isAll(range) ? undefined : resolveRange(range, Date.now(), data, zone.value);
    const load = async (cursor?: string) => {
      isBusy.value = true;
      try {
        const query = {
          from: span && new Date(span.fromMs).toISOString(),
          to: span && new Date(span.toMs).toISOString(),
          where,
          limit: pageEvents,
          cursor,
        };
        const page = await api.events(stream, query, abort.signal);
        if (abort.signal.aborted) return;
        events.value = cursor ? [...events.peek(), ...page.events] : page.events;
        next.value = page.next;
        error.value = undefined;
      } catch (failure) {
        if (!abort.signal.aborted) error.value = failure;
      } finally {
        if (!abort.signal.aborted) isBusy.value = false;
      }
    };
    return { load, abort };
    // The key says all that the question depends on.
  }, [key]);

  useEffect(() => {
    void loader.load();
    return () => loader.abort.abort();
  }, [loader]);

  if (error.value !== undefined) {
    return <ProblemNotice error={error.value} onRetry={() => void loader.load()} />;
  }
  if (events.value.length === 0) {
    return isBusy.value ? (
      <div class="skeleton page-skeleton" />
    ) : (
      <p class="panel-empty">{t('stream.noEvents')}</p>
    );
  }
  return (
    <EventList
      events={events.value}
      onEnd={() => {
        if (isBusy.peek() || next.peek() === undefined || events.peek().length >= eventsMax) return;
        void loader.load(next.peek());
      }}
    />
  );
}

function TailView({ stream }: { stream: string }) {
  const tail = useMemo(() => new Tail(stream), [stream]);
  useEffect(() => () => tail.close(), [tail]);
  const { events, skipped, isConnected } = tail.state.value;
  return (
    <>
      <p class={`tail-state live-${isConnected ? 'live' : 'connecting'}`} role="status">
        <i class="live-dot" />
        {t(isConnected ? 'live.live' : 'live.connecting')}
        {skipped > 0 && <span class="muted">{t('stream.skipped', { count: skipped })}</span>}
      </p>
      <EventList events={events} />
    </>
  );
}
