// What every panel has around its content: title, note, and the states loading, empty and failed.
import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';
import type { Panel } from '../../deliver/api.ts';
import { pick, t } from '../language.ts';
import { Icon } from '../parts/icon.tsx';
import { ProblemNotice } from '../parts/problem-notice.tsx';
import { useDashboard } from './context.ts';
import type { Feed, FeedState } from './feeds.ts';

export interface PanelFrameProps {
  panel: Panel;
  feed: Feed;
  state: FeedState;
  isEmpty: boolean;
  /** Right of the title: legend, badge. */
  aside?: ComponentChildren;
  children: ComponentChildren;
}

export function PanelFrame({ panel, feed, state, isEmpty, aside, children }: PanelFrameProps) {
  const { feeds, showAll } = useDashboard();
  const id = useId();
  const note = panel.note === undefined ? '' : pick(panel.note);
  const isBusy = state.phase === 'loading' || state.stale;
  return (
    <section
      class={`panel panel-${panel.kind} width-${panel.width}${state.stale ? ' is-stale' : ''}`}
      aria-labelledby={id}
      aria-busy={isBusy}
      data-panel={panel.id}
      data-phase={state.phase === 'ready' && isEmpty ? 'empty' : state.phase}
    >
      <header class="panel-head">
        <h2 id={id} title={pick(panel.title)}>
          {pick(panel.title)}
        </h2>
        {aside}
        <a
          class="panel-link"
          href={`/sql?q=${encodeURIComponent(`SELECT *\nFROM "${panel.view}"\nLIMIT 1000`)}`}
          aria-label={t('panel.openSql', { title: pick(panel.title) })}
          title={t('panel.openSqlShort')}
        >
          <Icon name="sql" size={14} />
        </a>
      </header>
      {note && (
        <p class="panel-note" title={note}>
          {note}
        </p>
      )}
      <div class="panel-body">
        {state.phase === 'failed' ? (
          <ProblemNotice error={state.error} onRetry={() => feeds.retry(feed)} />
        ) : state.phase === 'loading' ? (
          <div class="skeleton" role="status" aria-label={t('state.loading')} />
        ) : isEmpty ? (
          <div class="panel-empty">
            <p>{t('panel.empty')}</p>
            <button type="button" class="button button-small" onClick={showAll}>
              {t('range.all')}
            </button>
          </div>
        ) : (
          children
        )}
      </div>
    </section>
  );
}
