// The rows of a result; only those in sight are in the page. The arrow keys move along rows, the one selected is
// shown whole beside the table.
import { useSignal } from '@preact/signals';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import type { SqlAnswer } from '../../deliver/api.ts';
import { t } from '../language.ts';
import { Icon } from '../parts/icon.tsx';
import { JsonView } from '../parts/json-view.tsx';
import { useVirtual } from '../parts/use-virtual.ts';
import { cellText, isNumeric } from './result-text.ts';

const rowPx = 26;
const sampleRows = 200;

/** Widths as a grid template: by the longest of the first rows, between 6 and 60 characters. */
export function columnTemplate(answer: SqlAnswer): string {
  const widths = answer.columns.map((column, index) => {
    let longest = Math.max(column.name.length, column.type.length * 0.8) + 1;
    for (const row of answer.rows.slice(0, sampleRows)) {
      longest = Math.max(longest, cellText(row[index]!, column.type).length);
    }
    return Math.min(60, Math.max(6, longest)) + 3;
  });
  const last = widths.pop() ?? 8;
  const numbers = String(answer.rows.length).length + 3;
  return `${numbers}ch ${widths.map(width => `${width}ch`).join(' ')} minmax(${last}ch, 1fr)`;
}

export function ResultTable({ answer }: { answer: SqlAnswer }) {
  const scroller = useRef<HTMLDivElement>(null);
  const selected = useSignal<number | undefined>(undefined);
  const virtual = useVirtual(answer.rows.length, rowPx, scroller);
  const template = useMemo(() => columnTemplate(answer), [answer]);
  useEffect(() => {
    selected.value = undefined;
    if (scroller.current) scroller.current.scrollTop = 0;
  }, [answer, selected]);

  const onKeyDown = (event: KeyboardEvent) => {
    const by = { ArrowDown: 1, ArrowUp: -1, PageDown: 20, PageUp: -20 }[event.key];
    if (event.key === 'Escape') selected.value = undefined;
    if (by === undefined) return;
    event.preventDefault();
    const next = Math.min(answer.rows.length - 1, Math.max(0, (selected.value ?? -1) + by));
    selected.value = next;
    virtual.scrollToIndex(next);
  };
  const row = selected.value === undefined ? undefined : answer.rows[selected.value];
  return (
    <div class="result">
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the arrow keys are for whoever has the focus inside. */}
      <div
        class="result-scroll"
        ref={scroller}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard.
        tabIndex={0}
        onKeyDown={onKeyDown}
      >
        <table
          class="result-table"
          aria-label={t('sql.results')}
          aria-rowcount={answer.rows.length + 1}
          aria-colcount={answer.columns.length + 1}
        >
          <thead>
            <tr style={{ gridTemplateColumns: template }}>
              <th scope="col" aria-label="#" />
              {answer.columns.map((column, index) => (
                <th key={index} scope="col" class={isNumeric(column.type) ? 'is-number' : ''}>
                  <span>{column.name}</span>
                  <small>{column.type}</small>
                </th>
              ))}
            </tr>
          </thead>
          <tbody style={{ height: `${virtual.getTotalSize()}px` }}>
            {virtual.getVirtualItems().map(item => (
              <tr
                key={item.index}
                aria-rowindex={item.index + 2}
                aria-selected={selected.value === item.index}
                style={{ gridTemplateColumns: template, transform: `translateY(${item.start}px)` }}
                onClick={() => (selected.value = item.index)}
              >
                <td class="is-index">{item.index + 1}</td>
                {answer.columns.map((column, index) => {
                  const value = answer.rows[item.index]?.[index] ?? null;
                  const kind = value === null ? 'is-null' : isNumeric(column.type) ? 'is-number' : '';
                  return (
                    <td key={index} class={kind}>
                      {cellText(value, column.type)}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {row && (
        <aside class="detail">
          <button
            type="button"
            class="button button-icon button-quiet detail-close"
            aria-label={t('action.close')}
            onClick={() => (selected.value = undefined)}
          >
            <Icon name="close" size={14} />
          </button>
          <JsonView entries={answer.columns.map((column, index) => [column.name, row[index] ?? null])} />
        </aside>
      )}
    </div>
  );
}
