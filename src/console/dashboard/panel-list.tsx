// The largest groups over the range with bars; a row adds a filter, its minus excludes.
import { useMemo } from 'preact/hooks';
import type { Panel } from '../../deliver/api.ts';
import { formatValue, toNumber } from '../format.ts';
import { language, t } from '../language.ts';
import { Icon } from '../parts/icon.tsx';
import { useDashboard, useFeed } from './context.ts';
import { PanelFrame } from './panel-frame.tsx';

export type ListPanel = Extract<Panel, { kind: 'list' }>;

const limitDefault = 10;

export function PanelList({ panel }: { panel: ListPanel }) {
  const { filters } = useDashboard();
  const limit = panel.limit ?? limitDefault;
  const { feed, state } = useFeed({ kind: 'total', view: panel.view, order: `-${panel.column}`, limit });
  const indexOf = (name: string) => state.columns.findIndex(column => column.name === name);
  const groupIndex = indexOf(panel.group);
  const columnIndex = indexOf(panel.column);
  const more = (panel.more ?? []).map(it => ({ ...it, index: indexOf(it.column) }));
  // The index follows from the columns.
  const [groups, top] = useMemo(() => {
    const named = state.windows.filter(window => !window.overflow);
    const others = state.windows.filter(window => window.overflow);
    const most = Math.max(0, ...named.map(window => toNumber(window.values[columnIndex]) ?? 0));
    return [[...named, ...others], most];
  }, [state.windows, columnIndex]);
  const lang = language.value;
  // Groups that look the same: the view has more of them than it shows.
  const seen = new Map<string, number>();
  const keyOf = (text: string): string => {
    const before = seen.get(text) ?? 0;
    seen.set(text, before + 1);
    return `${text}\0${before}`;
  };
  return (
    <PanelFrame panel={panel} feed={feed} state={state} isEmpty={state.windows.length === 0}>
      <ol class="list" data-more={more.length}>
        {groups.map(window => {
          const group = window.values[groupIndex] ?? null;
          const value = toNumber(window.values[columnIndex]);
          const text =
            group === null ? null : typeof group === 'object' ? JSON.stringify(group) : String(group);
          const isOn = filters.value.some(it => it.field === panel.field && it.value === text && !it.negated);
          return (
            <li key={keyOf(window.overflow ? '\0overflow' : (text ?? '\0'))} class={isOn ? 'is-on' : ''}>
              <i
                class="list-bar"
                style={{ width: `${top > 0 && !window.overflow ? ((value ?? 0) / top) * 100 : 0}%` }}
              />
              {window.overflow ? (
                <span class="list-group is-null" title={t('value.othersHint')}>
                  {t('value.others')}
                </span>
              ) : (
                <GroupButton panel={panel} text={text} />
              )}
              {more.map(it => (
                <span key={it.column} class="list-more">
                  {formatValue(toNumber(window.values[it.index]), it.unit, lang, true)}
                </span>
              ))}
              <span class="list-value">{formatValue(value, panel.unit, lang)}</span>
            </li>
          );
        })}
      </ol>
    </PanelFrame>
  );
}

function GroupButton({ panel, text }: { panel: ListPanel; text: string | null }) {
  const { addFilter } = useDashboard();
  // NULL cannot be said in a filter.
  if (text === null) return <span class="list-group is-null">{t('value.none')}</span>;
  const add = (negated: boolean) => addFilter({ field: panel.field, value: text, negated });
  return (
    <span class="list-group">
      <button
        type="button"
        class="list-filter"
        title={`${text}\n${t('filter.hint')}`}
        onClick={event => add(event.shiftKey || event.altKey)}
      >
        {text === '' ? t('value.blank') : text}
      </button>
      <button
        type="button"
        class="list-exclude"
        aria-label={t('filter.exclude', { field: panel.field, value: text })}
        title={t('filter.excludeShort')}
        onClick={() => add(true)}
      >
        <Icon name="exclude" size={12} />
      </button>
    </span>
  );
}
