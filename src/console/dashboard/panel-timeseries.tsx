// Lines or stacked bars over time, with a legend that hides and isolates, and a tooltip of exact values.
import { useSignal } from '@preact/signals';
import { useEffect, useLayoutEffect, useMemo, useRef } from 'preact/hooks';
import { formatMoment, formatValue } from '../format.ts';
import { language, pick, t } from '../language.ts';
import { theme } from '../theme.ts';
import { everyMsOf } from '../time-range.ts';
import { zone } from '../zone.ts';
import { Chart, colorOf } from './chart.ts';
import { useDashboard, useFeed } from './context.ts';
import { PanelFrame } from './panel-frame.tsx';
import { buildSeries, type Line, nullKey, otherKey, type Series, type TimeseriesPanel } from './series.ts';

type Hover = { index: number; left: number; isOwn: boolean } | null;

export function nameOf(line: Line): string {
  if (line.key === otherKey) return t('series.other');
  if (line.key === nullKey) return t('value.none');
  return line.label === '' ? t('value.blank') : line.label;
}

export function PanelTimeseries({ panel }: { panel: TimeseriesPanel }) {
  const { domain, known } = useDashboard();
  const { feed, state } = useFeed({ kind: 'series', view: panel.view });
  const hidden = useSignal<Set<string>>(new Set());
  const slots = useRef(new Map<string, number>()).current;
  const span = domain.value;
  const data = known.value;
  const series = useMemo(() => {
    const grid = { ...span, everyMs: everyMsOf(state.every), known: data };
    return buildSeries(panel, state.columns, state.windows, grid, slots);
  }, [panel, state.columns, state.windows, state.every, span, data, slots]);
  const isEmpty = !series.lines.some(line => line.values.some(value => value !== null));

  /** A click hides or shows a line; with a modifier, or when all are shown, it isolates it. */
  const toggle = (key: string) => {
    const all = series.lines.map(line => line.key);
    const next = new Set(hidden.value);
    if (next.size === 0) for (const other of all) other !== key && next.add(other);
    else if (next.has(key)) next.delete(key);
    else next.add(key);
    hidden.value = all.every(it => next.has(it)) ? new Set() : next;
  };

  return (
    <PanelFrame panel={panel} feed={feed} state={state} isEmpty={isEmpty}>
      <ChartView panel={panel} series={series} hidden={hidden.value} />
      {series.lines.length > 1 && (
        <ul class="legend" aria-label={t('chart.legend')}>
          {series.lines.map(line => (
            <li key={line.key}>
              <button
                type="button"
                class="legend-item"
                aria-pressed={!hidden.value.has(line.key)}
                onClick={() => toggle(line.key)}
              >
                <Swatch line={line} />
                <span>{nameOf(line)}</span>
              </button>
            </li>
          ))}
        </ul>
      )}
    </PanelFrame>
  );
}

function Swatch({ line }: { line: Line }) {
  return <i class="swatch" style={{ background: colorOf(line.paint) }} />;
}

function ChartView({
  panel,
  series,
  hidden,
}: {
  panel: TimeseriesPanel;
  series: Series;
  hidden: Set<string>;
}) {
  const { domain, syncKey, zoomTo, zoomOut } = useDashboard();
  const element = useRef<HTMLDivElement>(null);
  const chart = useRef<Chart | undefined>(undefined);
  const hover = useSignal<Hover>(null);
  const anchor = useRef<number | undefined>(undefined);
  const span = domain.value;

  useLayoutEffect(() => {
    chart.current = new Chart(element.current!, {
      unit: panel.unit,
      isStacked: panel.stacked ?? false,
      syncKey,
      onZoom: zoomTo,
      onZoomOut: zoomOut,
      onHover: next => (hover.value = next),
    });
    return () => chart.current?.destroy();
  }, [panel, syncKey, zoomTo, zoomOut, hover]);

  useLayoutEffect(() => chart.current?.draw(series, span, hidden), [series, span, hidden, panel, syncKey]);

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
      zoomTo({ fromMs: ends[0]!, toMs: ends[1]! + series.everyMs });
      anchor.current = undefined;
    } else if (event.key === '-') zoomOut();
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
        aria-label={describe(panel, series)}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: arrow keys move the cursor, Shift and Enter zoom.
        tabIndex={0}
        onKeyDown={onKeyDown}
        onBlur={() => chart.current?.clearCursor()}
      />
      <Tooltip panel={panel} series={series} hidden={hidden} hover={hover.value} />
    </div>
  );
}

function describe(panel: TimeseriesPanel, series: Series): string {
  return t('chart.label', { title: pick(panel.title), lines: series.lines.map(nameOf).join(', ') });
}

function Tooltip(props: { panel: TimeseriesPanel; series: Series; hidden: Set<string>; hover: Hover }) {
  const { panel, series, hidden, hover } = props;
  const lang = language.value;
  const isKeyboard =
    hover !== null &&
    !hover.isOwn &&
    document.activeElement?.matches(`[data-panel="${CSS.escape(panel.id)}"] .chart-canvas`);
  if (hover === null || (!hover.isOwn && !isKeyboard)) return null;
  const timeMs = series.times[hover.index];
  if (timeMs === undefined) return null;
  const rows = series.lines.filter(line => !hidden.has(line.key));
  const shown = panel.stacked ? [...rows].reverse() : rows;
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
              <td>{formatValue(line.values[hover.index] ?? null, panel.unit, lang)}</td>
            </tr>
          ))}
          {panel.stacked && rows.length > 1 && (
            <tr class="tooltip-total">
              <th scope="row">{t('series.total')}</th>
              <td>{formatValue(total, panel.unit, lang)}</td>
            </tr>
          )}
        </tbody>
      </table>
    </div>
  );
}

/** Beside the cursor, on the side that has room. */
function place(element: HTMLElement, left: number): void {
  const room = element.parentElement!.clientWidth;
  const width = element.offsetWidth;
  const x = left + 14 + width > room ? Math.max(0, left - 14 - width) : left + 14;
  element.style.transform = `translateX(${Math.round(x)}px)`;
}
