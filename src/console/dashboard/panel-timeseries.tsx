// Lines or stacked bars over time.
import { useSignal } from '@preact/signals';
import { useMemo, useRef } from 'preact/hooks';
import { ChartView, Legend } from '../chart/chart-view.tsx';
import { pick } from '../language.ts';
import { everyMsOf } from '../time-range.ts';
import { useDashboard, useFeed } from './context.ts';
import { PanelFrame } from './panel-frame.tsx';
import { buildSeries, type TimeseriesPanel } from './series.ts';

export function PanelTimeseries({ panel }: { panel: TimeseriesPanel }) {
  const { domain, known, syncKey, zoomTo, zoomOut } = useDashboard();
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
  return (
    <PanelFrame panel={panel} feed={feed} state={state} isEmpty={isEmpty}>
      <ChartView
        title={pick(panel.title)}
        unit={panel.unit}
        isStacked={panel.stacked ?? false}
        series={series}
        span={span}
        hidden={hidden.value}
        syncKey={syncKey}
        onZoom={zoomTo}
        onZoomOut={zoomOut}
      />
      {(series.lines.length > 1 || panel.series !== undefined) && (
        <Legend lines={series.lines} hidden={hidden.value} onChange={next => (hidden.value = next)} />
      )}
    </PanelFrame>
  );
}
