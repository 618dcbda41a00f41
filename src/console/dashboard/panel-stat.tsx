// One number over the range, how it stood in the span before, how exact it is, and its course.
import type { Panel } from '../../deliver/api.ts';
import { formatChange, formatValue } from '../format.ts';
import { language, t } from '../language.ts';
import { everyMsOf } from '../time-range.ts';
import { useDashboard, useFeed } from './context.ts';
import { PanelFrame } from './panel-frame.tsx';
import { buildSeries, type TimeseriesPanel, totalOf } from './series.ts';
import { sparkline } from './sparkline.ts';

export type StatPanel = Extract<Panel, { kind: 'stat' }>;

export function PanelStat({ panel }: { panel: StatPanel }) {
  const { feed, state } = useFeed({ kind: 'total', view: panel.view });
  const value = totalOf(state.columns, state.windows, panel.column, panel.per);
  const lang = language.value;
  const approximate = state.columns.find(column => column.name === panel.column)?.approximate;
  return (
    <PanelFrame panel={panel} feed={feed} state={state} isEmpty={value === null}>
      <div class="stat">
        <p class="stat-value" title={formatValue(value, panel.unit, lang)}>
          {formatValue(value, panel.unit, lang, true)}
        </p>
        <p class="stat-side">
          <Change panel={panel} value={value} />
          {approximate && (
            <span class="badge" title={t('panel.approximate', { bound: approximate })}>
              {/* Without "(95 %)", which the title has. */}
              {approximate.replace(/\s*\(.*$/, '')}
            </span>
          )}
        </p>
        <Course panel={panel} />
      </div>
    </PanelFrame>
  );
}

function Change({ panel, value }: { panel: StatPanel; value: number | null }) {
  const { state } = useFeed({ kind: 'total', view: panel.view, previous: true });
  const before = totalOf(state.columns, state.windows, panel.column, panel.per);
  if (state.phase !== 'ready' || value === null || before === null || before === 0) return null;
  const change = formatChange((value - before) / Math.abs(before), language.value);
  return (
    <span
      class="stat-change"
      title={t('panel.change', { before: formatValue(before, panel.unit, language.value) })}
    >
      {change}
    </span>
  );
}

function Course({ panel }: { panel: StatPanel }) {
  const { domain, known } = useDashboard();
  const { state } = useFeed({ kind: 'series', view: panel.view });
  if (state.phase !== 'ready') return <svg class="sparkline" aria-hidden="true" />;
  const asSeries: TimeseriesPanel = {
    ...panel,
    kind: 'timeseries',
    columns: [panel.column],
    width: 12,
  };
  const grid = { ...domain.value, everyMs: everyMsOf(state.every), known: known.value };
  const { lines } = buildSeries(asSeries, state.columns, state.windows, grid, new Map());
  const path = sparkline(lines[0]?.values ?? []);
  return (
    <svg class="sparkline" viewBox="0 0 100 30" preserveAspectRatio="none" aria-hidden="true">
      <path class="sparkline-area" d={path.area} />
      <path class="sparkline-line" d={path.line} />
    </svg>
  );
}
