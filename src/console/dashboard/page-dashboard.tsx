// A dashboard: its range, filters and panels, all drawn from the API and kept live.
import { useEffect, useMemo } from 'preact/hooks';
import type { Dashboard, Panel } from '../../deliver/api.ts';
import { api } from '../api-client.ts';
import { pick, t } from '../language.ts';
import { Boundary } from '../parts/boundary.tsx';
import { FilterBar } from '../parts/filter-bar.tsx';
import { Icon } from '../parts/icon.tsx';
import { ProblemNotice } from '../parts/problem-notice.tsx';
import { useLoad } from '../parts/use-load.ts';
import { pathOf, withParams } from '../route.ts';
import { go } from '../router.ts';
import { info, infoError } from '../server.ts';
import { fixedRange } from '../time-range.ts';
import { DashboardProvider } from './context.ts';
import { LiveButton } from './live-button.tsx';
import { PanelList } from './panel-list.tsx';
import { PanelStat } from './panel-stat.tsx';
import { PanelTimeseries } from './panel-timeseries.tsx';
import { TimePicker } from './time-picker.tsx';
import { useDashboardData } from './use-dashboard-data.ts';
import { Welcome } from './welcome.tsx';

export function PageDashboard({ name }: { name?: string }) {
  const home = info.value?.home;
  useEffect(() => {
    if (name === undefined && home !== undefined) {
      go(pathOf({ page: 'dashboard', name: home }) + location.search, { replace: true });
    }
  }, [name, home]);
  if (!info.value) {
    return infoError.value ? <ProblemNotice error={infoError.value} /> : <Waiting />;
  }
  if (name !== undefined) return <Loaded key={name} name={name} />;
  return home === undefined ? <Welcome /> : <Waiting />;
}

function Waiting() {
  return (
    <div class="grid" aria-busy="true" role="status" aria-label={t('state.loading')}>
      {[3, 3, 3, 3, 12, 6, 6].map((width, index) => (
        <div key={index} class={`panel width-${width}`}>
          <div class="skeleton" />
        </div>
      ))}
    </div>
  );
}

function Loaded({ name }: { name: string }) {
  const { value, error, retry } = useLoad(() => api.dashboard(name), [name]);
  if (error) return <ProblemNotice error={error} onRetry={retry} />;
  return value ? <Open dashboard={value} /> : <Waiting />;
}

function Open({ dashboard }: { dashboard: Dashboard }) {
  const data = useDashboardData(dashboard);
  const { stream } = dashboard;
  const fields = useLoad(async () => (stream ? (await api.stream(stream)).fields : []), [stream]);
  const fieldNames = useMemo(() => (fields.value ?? []).map(field => field.name), [fields.value]);
  const title = pick(dashboard.title);
  const project = info.value?.project;
  useEffect(() => {
    document.title = [title, project, 'Millrace'].filter(Boolean).join(' — ');
  }, [title, project]);
  const span = data.context.domain.value;
  const range = fixedRange(span);
  return (
    <DashboardProvider value={data.context}>
      <header class="page-head">
        <h1>{title}</h1>
        <div class="page-tools">
          {stream && (
            <a
              class="button button-quiet"
              href={
                pathOf({ page: 'stream', name: stream }) +
                withParams(new URLSearchParams(), {
                  from: range.from,
                  to: range.to,
                  where: new URLSearchParams(location.search).getAll('where'),
                })
              }
              title={t('dashboard.events')}
            >
              <Icon name="list" size={14} />
              <span class="wide-only">{t('dashboard.events')}</span>
            </a>
          )}
          <LiveButton
            state={data.liveState.value}
            onToggle={() => data.setLive(!data.isLive)}
            onRetry={data.retryLive}
          />
          <TimePicker
            range={data.range}
            span={span}
            onChange={data.setRange}
            onZoomOut={data.context.zoomOut}
          />
        </div>
      </header>
      {stream && <FilterBar filters={data.filters} fields={fieldNames} onChange={data.setFilters} />}
      <div class="grid">
        {dashboard.panels.map(panel => (
          <Boundary key={panel.id}>
            <PanelOf panel={panel} />
          </Boundary>
        ))}
      </div>
    </DashboardProvider>
  );
}

function PanelOf({ panel }: { panel: Panel }) {
  switch (panel.kind) {
    case 'stat':
      return <PanelStat panel={panel} />;
    case 'timeseries':
      return <PanelTimeseries panel={panel} />;
    case 'list':
      return <PanelList panel={panel} />;
  }
}
