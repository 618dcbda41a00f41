// A chart with its keyboard, its tooltip of exact values and its legend.
import { useSignal } from '@preact/signals';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import type { Unit } from '../../deliver/api.ts';
import { formatMoment, formatValue } from '../format.ts';
import { language, t } from '../language.ts';
import { theme } from '../theme.ts';
import type { Span } from '../time-range.ts';
import { zone } from '../zone.ts';
import { Chart, colorOf } from './chart.ts';
import { type Line, nullKey, otherKey, type Series } from './lines.ts';

type Hover = { index: number; left: number; isOwn: boolean } | null;

export interface ChartViewProps {
  title: string;
  unit: Unit;
  isStacked: boolean;
  series: Series;
  /** The x axis. */
  span: Span;
  /** Keys of lines that are not drawn. */
  hidden: Set<string>;
  /** Charts with the same key share the cursor. */
  syncKey: string;
  onZoom: (span: Span) => void;
  onZoomOut: () => void;
}

export function nameOf(line: Line): string {
  if (line.key === otherKey) return t('series.other');
  if (line.key === nullKey) return t('value.none');
  return line.label === '' ? t('value.blank') : line.label;
}

export function Swatch({ line }: { line: Line }) {
  return <i class="swatch" style={{ background: colorOf(line.paint) }} />;
}

export function ChartView(props: ChartViewProps) {
  const { title, unit, isStacked, series, span, hidden, syncKey, onZoom, onZoomOut } = props;
  const element = useRef<HTMLDivElement>(null);
  const chart = useRef<Chart | undefined>(undefined);
  const hover = useSignal<Hover>(null);
  const anchor = useRef<number | undefined>(undefined);

  useLayoutEffect(() => {
    chart.current = new Chart(element.current!, {
      unit,
      isStacked,
      syncKey,
      onZoom,
      onZoomOut,
      onHover: next => (hover.value = next),
    });
    return () => chart.current?.destroy();
  }, [unit, isStacked, syncKey, onZoom, onZoomOut, hover]);

  useLayoutEffect(
    () => chart.current?.draw(series, span, hidden),
    [series, span, hidden, unit, isStacked, syncKey],
  );

  const look = `${theme.value}${language.value}${zone.value}`;
  // The look is what the canvas was drawn in.
  useEffect(() => chart.current?.redraw(), [look]);

  const onKeyDown = (event: KeyboardEvent) => {
    const by = event.key === 'ArrowLeft' ? -1 : event.key === 'ArrowRight' ? 1 : 0;
    if (by !== 0) {
      if (event.shiftKey) anchor.current ??= chart.current?.cursorMs();
      else anchor.current = undefined;
      chart.current?.step(by);
    } else if (event.key === 'Enter' && anchor.current !== undefined) {
      const other = chart.current?.cursorMs() ?? anchor.current;
      const ends = [anchor.current, other].sort((a, b) => a - b);
      onZoom({ fromMs: ends[0]!, toMs: ends[1]! + series.everyMs });
      anchor.current = undefined;
    } else if (event.key === '-') onZoomOut();
    else if (event.key === 'Escape') chart.current?.clearCursor();
    else return;
    event.preventDefault();
  };

  return (
    <div class="chart">
      {/* biome-ignore lint/a11y/useSemanticElements: a canvas with its own keys has no element of its own. */}
      <div
        ref={element}
        class="chart-canvas"
        role="group"
        aria-roledescription={t('chart.role')}
        aria-label={t('chart.label', { title, lines: series.lines.map(nameOf).join(', ') })}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: arrow keys move the cursor, Shift and Enter zoom.
        tabIndex={0}
        onKeyDown={onKeyDown}
        onBlur={() => chart.current?.clearCursor()}
      />
      <Tooltip {...props} hover={hover.value} isFocused={document.activeElement === element.current} />
    </div>
  );
}

function Tooltip(props: ChartViewProps & { hover: Hover; isFocused: boolean }) {
  const { unit, isStacked, series, hidden, hover } = props;
  const lang = language.value;
  // Charts that only follow another's cursor show no tooltip.
  if (hover === null || (!hover.isOwn && !props.isFocused)) return null;
  const timeMs = series.times[hover.index];
  if (timeMs === undefined) return null;
  const rows = series.lines.filter(line => !hidden.has(line.key));
  const shown = isStacked ? [...rows].reverse() : rows;
  const values = rows.map(line => line.values[hover.index] ?? null);
  const total = values.reduce<number>((sum, value) => sum + (value ?? 0), 0);
  return (
    <div
      class="tooltip"
      role="status"
      ref={element => {
        if (element) place(element, hover.left);
      }}
    >
      <p class="tooltip-time">{formatMoment(timeMs, lang, zone.value, series.everyMs)}</p>
      <table>
        <tbody>
          {shown.map(line => (
            <tr key={line.key}>
              <th scope="row">
                <Swatch line={line} />
                <span>{nameOf(line)}</span>
              </th>
              <td>{formatValue(line.values[hover.index] ?? null, unit, lang)}</td>
            </tr>
          ))}
          {isStacked && rows.length > 1 && (
            <tr class="tooltip-total">
              <th scope="row">{t('series.total')}</th>
              <td>{formatValue(total, unit, lang)}</td>
            </tr>
          )}
        </tbody>
      </table>
    </div>
  );
}

/** Names of the lines; a click isolates one, then hides and shows. */
export function Legend(props: {
  lines: Line[];
  hidden: Set<string>;
  onChange: (hidden: Set<string>) => void;
}) {
  const { lines, hidden, onChange } = props;
  const toggle = (key: string) => {
    const all = lines.map(line => line.key);
    const next = new Set(hidden.size === 0 ? all : hidden);
    if (next.has(key)) next.delete(key);
    else next.add(key);
    onChange(all.every(it => next.has(it)) ? new Set() : next);
  };
  return (
    <ul class="legend" aria-label={t('chart.legend')}>
      {lines.map(line => (
        <li key={line.key}>
          <button
            type="button"
            class="legend-item"
            aria-pressed={!hidden.has(line.key)}
            onClick={() => toggle(line.key)}
          >
            <Swatch line={line} />
            <span>{nameOf(line)}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}

/** Beside the cursor, on the side that has room. */
function place(element: HTMLElement, left: number): void {
  const room = element.parentElement!.clientWidth;
  const width = element.offsetWidth;
  const x = left + 14 + width > room ? Math.max(0, left - 14 - width) : left + 14;
  element.style.transform = `translateX(${Math.round(x)}px)`;
}
