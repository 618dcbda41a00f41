// Events as rows of one line; the one selected is shown whole as a tree. Arrow keys move the selection.
import { useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { formatClock } from '../format.ts';
import { language, t } from '../language.ts';
import { Icon } from '../parts/icon.tsx';
import { JsonView } from '../parts/json-view.tsx';
import { useVirtual } from '../parts/use-virtual.ts';
import { zone } from '../zone.ts';
import type { StreamEvent } from './tail.ts';

const rowPx = 26;

const previewLength = 600;

/** The members of an event in one line, cut where no screen is wide enough; without its time, which has a column. */
export function previewOf(event: Record<string, unknown>): [name: string, text: string][] {
  const parts: [string, string][] = [];
  let length = 0;
  for (const [name, value] of Object.entries(event)) {
    if (name === '_time' || value === null) continue;
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    parts.push([name, text.slice(0, previewLength).replace(/\s/g, ' ')]);
    if ((length += name.length + text.length) > previewLength) break;
  }
  return parts;
}

const idOf = (event: StreamEvent) => `${event.partition}:${event.offset}`;

export function EventList({ events, onEnd }: { events: StreamEvent[]; onEnd?: () => void }) {
  const scroller = useRef<HTMLDivElement>(null);
  const selected = useSignal<string | undefined>(undefined);
  const virtual = useVirtual(events.length, rowPx, scroller);
  const index = events.findIndex(event => idOf(event) === selected.value);
  const event = events[index];

  const onKeyDown = (key: KeyboardEvent) => {
    if (key.key === 'Escape') selected.value = undefined;
    const by = { ArrowDown: 1, ArrowUp: -1, PageDown: 20, PageUp: -20 }[key.key];
    if (by === undefined || events.length === 0) return;
    key.preventDefault();
    const next = Math.min(events.length - 1, Math.max(0, index + by));
    selected.value = idOf(events[next]!);
    virtual.scrollToIndex(next);
  };
  const onScroll = () => {
    const { scrollTop, scrollHeight, clientHeight } = scroller.current!;
    if (scrollHeight - scrollTop - clientHeight < rowPx * 20) onEnd?.();
  };
  return (
    <div class="result events">
      <div
        class="result-scroll"
        ref={scroller}
        role="listbox"
        aria-label={t('stream.events')}
        tabIndex={0}
        onKeyDown={onKeyDown}
        onScroll={onScroll}
      >
        <div class="event-rows" style={{ height: `${virtual.getTotalSize()}px` }}>
          {virtual.getVirtualItems().map(item => {
            const row = events[item.index];
            if (!row) return null;
            const id = idOf(row);
            return (
              // biome-ignore lint/a11y/useKeyWithClickEvents: the list moves its selection with the arrow keys.
              // biome-ignore lint/a11y/useFocusableInteractive: the list has the focus.
              <div
                key={id}
                class="event-row"
                role="option"
                aria-selected={id === selected.value}
                style={{ transform: `translateY(${item.start}px)` }}
                onClick={() => (selected.value = id)}
              >
                <time dateTime={row.time}>
                  {formatClock(Date.parse(row.time), language.value, zone.value)}
                </time>
                <span class="event-text">
                  {previewOf(row.event).map(([name, text]) => (
                    <span key={name}>
                      <b>{name}</b>
                      {text}
                    </span>
                  ))}
                </span>
              </div>
            );
          })}
        </div>
      </div>
      {event ? (
        <aside class="detail">
          <button
            type="button"
            class="button button-icon button-quiet detail-close"
            aria-label={t('action.close')}
            onClick={() => (selected.value = undefined)}
          >
            <Icon name="close" size={14} />
          </button>
          <p class="muted">
            {t('stream.offset')} {event.offset} · {t('stream.partition')} {event.partition}
          </p>
          <JsonView entries={Object.entries(event.event)} />
        </aside>
      ) : (
        <aside class="detail detail-hint">
          <p class="muted">{t('stream.select')}</p>
        </aside>
      )}
    </div>
  );
}
