// The frame around the pages: navigation, what is wrong now, the progress of loading, theme and language.
import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import type { DashboardList, SourceStatus } from '../deliver/api.ts';
import { api } from './api-client.ts';
import { PageDashboard } from './dashboard/page-dashboard.tsx';
import { formatBytes, formatCount, formatShare } from './format.ts';
import { type Language, language, languages, pick, setLanguage, t } from './language.ts';
import { Boundary } from './parts/boundary.tsx';
import { Icon, type IconName } from './parts/icon.tsx';
import { lazy } from './parts/lazy.tsx';
import { ToggleGroup } from './parts/toggle-group.tsx';
import { pathOf } from './route.ts';
import { place, route } from './router.ts';
import { info, infoError } from './server.ts';
import { Shortcuts } from './shortcuts.tsx';
import { setTheme, type ThemeChoice, themeChoice } from './theme.ts';

export function App() {
  return (
    <div class="app">
      <a class="skip" href="#main">
        {t('nav.skip')}
      </a>
      <Side />
      <main id="main" tabIndex={-1}>
        <Trouble />
        <Progress />
        <Boundary key={place.value.path}>
          <Page />
        </Boundary>
      </main>
      <Shortcuts />
    </div>
  );
}

const PageSql = lazy(async () => (await import('./sql/page-sql.tsx')).PageSql);
const PageStreams = lazy(async () => (await import('./streams/page-streams.tsx')).PageStreams);
const PageStream = lazy(async () => (await import('./streams/page-stream.tsx')).PageStream);

function Page() {
  const at = route.value;
  switch (at.page) {
    case 'dashboard':
      return <PageDashboard name={at.name} />;
    case 'sql':
      return <PageSql />;
    case 'streams':
      return <PageStreams />;
    case 'stream':
      return <PageStream key={at.name} name={at.name} />;
    case 'missing':
      return (
        <section class="welcome">
          <h1>{t('missing.title')}</h1>
          <p>
            <a href="/">{t('missing.home')}</a>
          </p>
        </section>
      );
  }
}

function Side() {
  const dashboards = useSignal<DashboardList['dashboards']>([]);
  const home = info.value?.home;
  // A first stream brings a first dashboard.
  useEffect(() => {
    api.dashboards().then(
      answer => (dashboards.value = answer.dashboards),
      () => {},
    );
  }, [home]);
  const at = route.value;
  const current = at.page === 'dashboard' ? at.name : undefined;
  return (
    <aside class="side">
      <a class="brand" href="/" aria-label={t('nav.home')}>
        <Mark />
        <span>{info.value?.project || 'Millrace'}</span>
      </a>
      <nav aria-label={t('nav.label')}>
        <p class="side-title">{t('nav.dashboards')}</p>
        <ul>
          {dashboards.value.map(it => (
            <NavItem
              key={it.name}
              href={pathOf({ page: 'dashboard', name: it.name })}
              icon="dashboard"
              isOn={current === it.name}
            >
              {pick(it.title)}
            </NavItem>
          ))}
        </ul>
        <p class="side-title">{t('nav.data')}</p>
        <ul>
          <NavItem href="/sql" icon="sql" isOn={at.page === 'sql'}>
            {t('nav.sql')}
          </NavItem>
          <NavItem href="/streams" icon="streams" isOn={at.page === 'streams' || at.page === 'stream'}>
            {t('nav.streams')}
          </NavItem>
        </ul>
      </nav>
      <footer class="side-foot">
        <ToggleGroup
          label={t('theme.label')}
          value={themeChoice.value}
          onChange={(choice: ThemeChoice) => setTheme(choice)}
          choices={(['system', 'light', 'dark'] as const).map(value => ({
            value,
            label: t(`theme.${value}`),
            content: (
              <Icon name={value === 'system' ? 'system' : value === 'light' ? 'sun' : 'moon'} size={14} />
            ),
          }))}
        />
        <ToggleGroup
          label={t('language.label')}
          value={language.value}
          onChange={(choice: Language) => setLanguage(choice)}
          choices={languages.map(value => ({
            value,
            label: value === 'en' ? 'English' : '한국어',
            content: <span lang={value}>{value === 'en' ? 'EN' : '한'}</span>,
          }))}
        />
        {info.value && <span class="version">v{info.value.version}</span>}
      </footer>
    </aside>
  );
}

function NavItem(props: { href: string; icon: IconName; isOn: boolean; children: ComponentChildren }) {
  return (
    <li>
      <a href={props.href} aria-current={props.isOn ? 'page' : undefined}>
        <Icon name={props.icon} />
        <span>{props.children}</span>
      </a>
    </li>
  );
}

function Mark() {
  return (
    <svg class="mark" width="22" height="22" viewBox="0 0 24 24" aria-hidden="true">
      <circle cx="12" cy="12" r="3" />
      <path d="M12 3v4M12 17v4M3 12h4M17 12h4M5.6 5.6l2.9 2.9M15.5 15.5l2.9 2.9M5.6 18.4l2.9-2.9M15.5 8.5l2.9-2.9" />
    </svg>
  );
}

/** Sentences about what is wrong now. */
function Trouble() {
  const problems = infoError.value && info.value ? [t('problem.unreachable')] : (info.value?.problems ?? []);
  if (problems.length === 0) return null;
  return (
    <div class="banner" role="alert">
      <Icon name="warning" />
      <ul>
        {problems.map(problem => (
          <li key={problem}>{problem}</li>
        ))}
      </ul>
    </div>
  );
}

/** Sources that are loading or failed. */
function Progress() {
  const sources = (info.value?.sources ?? []).filter(it => it.state === 'loading' || it.state === 'failed');
  if (sources.length === 0) return null;
  return (
    <ul class="progress-list" aria-label={t('source.label')}>
      {sources.map(source => (
        <SourceProgress key={source.name} source={source} />
      ))}
    </ul>
  );
}

function SourceProgress({ source }: { source: SourceStatus }) {
  const share = source.bytesTotal > 0 ? Math.min(1, source.bytesRead / source.bytesTotal) : 0;
  const lang = language.value;
  return (
    <li class={`progress is-${source.state}`}>
      <span class="progress-name" title={source.why}>
        {source.name} <span class="muted">{source.format}</span>
      </span>
      {source.state === 'failed' ? (
        <span class="progress-error">{source.error ?? t('source.failed')}</span>
      ) : (
        <>
          <progress max={1} value={share} aria-label={t('source.loading', { name: source.name })} />
          <span class="progress-text">
            {t('source.progress', {
              share: formatShare(share, lang),
              read: formatBytes(source.bytesRead, lang),
              total: formatBytes(source.bytesTotal, lang),
              events: formatCount(source.events, lang),
            })}
          </span>
        </>
      )}
    </li>
  );
}
