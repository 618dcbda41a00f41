// The SQL workbench: editor, history, results as table or chart, download. The query is in the address.
import { useSignal } from '@preact/signals';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import type { SqlAnswer } from '../../deliver/api.ts';
import { ApiError, api } from '../api-client.ts';
import { ChartView, Legend } from '../chart/chart-view.tsx';
import type { Series } from '../chart/lines.ts';
import { formatSpan } from '../format.ts';
import { language, t } from '../language.ts';
import { Disclosure } from '../parts/disclosure.tsx';
import { Icon } from '../parts/icon.tsx';
import { ProblemNotice } from '../parts/problem-notice.tsx';
import { saveFile } from '../parts/save-file.ts';
import { ToggleGroup } from '../parts/toggle-group.tsx';
import { place, setParams } from '../router.ts';
import { info } from '../server.ts';
import type { Span } from '../time-range.ts';
import { Editor } from './editor.ts';
import { forgetAll, queryHistory, remember } from './query-history.ts';
import { seriesOf } from './result-series.ts';
import { ResultTable } from './result-table.tsx';
import { toCsv, toJson } from './result-text.ts';
import { loadSchema } from './schema.ts';
import { useQuery } from './use-query.ts';

export function PageSql() {
  const query = useQuery();
  const host = useRef<HTMLDivElement>(null);
  const editor = useRef<Editor | undefined>(undefined);
  const inAddress = place.value.params.get('q') ?? '';
  const text = useSignal(inAddress);
  const { isRunning, answer, error, sql } = query.state.value;

  const run = () => {
    const wanted = text.value.trim();
    if (wanted === '') return;
    setParams({ q: wanted });
    remember(wanted);
    void query.run(wanted);
  };
  const runNow = useRef(run);
  runNow.current = run;

  useEffect(() => {
    document.title = [t('sql.title'), info.value?.project, 'Millrace'].filter(Boolean).join(' — ');
    const made = new Editor(host.current!, {
      text: text.peek(),
      label: t('sql.editor'),
      placeholder: 'SELECT …',
      onChange: next => (text.value = next),
      onRun: () => runNow.current(),
    });
    editor.current = made;
    made.focus();
    loadSchema().then(
      schema => editor.current === made && made.setSchema(schema),
      () => {},
    );
    return () => {
      editor.current = undefined;
      made.destroy();
      query.cancel();
    };
  }, [query, text]);

  // An address that was opened, or come back to, is run.
  useEffect(() => {
    if (inAddress === '' || inAddress === query.state.peek().sql || query.state.peek().isRunning) return;
    editor.current?.setText(inAddress);
    text.value = inAddress;
    runNow.current();
  }, [inAddress, query, text]);

  useEffect(() => {
    const problem = error instanceof ApiError ? error.problem : undefined;
    editor.current?.mark(
      problem?.line === undefined ? null : { line: problem.line, column: problem.column ?? 1 },
    );
  }, [error]);

  return (
    <div class="sql">
      <header class="page-head">
        <h1>{t('sql.title')}</h1>
        <div class="page-tools">
          <History
            onPick={picked => {
              editor.current?.setText(picked);
              editor.current?.focus();
            }}
          />
          <CopyLink sql={text.value} />
          {isRunning ? (
            <button type="button" class="button" onClick={query.cancel}>
              <Icon name="stop" size={12} />
              {t('sql.cancel')}
            </button>
          ) : (
            <button
              type="button"
              class="button button-primary"
              aria-keyshortcuts="Control+Enter Meta+Enter"
              onClick={run}
            >
              <Icon name="play" size={12} />
              {t('sql.run')}
            </button>
          )}
        </div>
      </header>
      <div class="sql-editor" ref={host} />
      <p class="form-hint">{t('sql.hint')}</p>
      {error !== undefined && <ProblemNotice error={error} />}
      {isRunning && (
        <p class="muted" role="status">
          {t('sql.running')}
        </p>
      )}
      {answer && sql !== undefined && <Result answer={answer} sql={sql} isStale={isRunning} />}
    </div>
  );
}

function Result({ answer, sql, isStale }: { answer: SqlAnswer; sql: string; isStale: boolean }) {
  const shown = useSignal<'table' | 'chart'>('table');
  const series = useMemo(() => seriesOf(answer), [answer]);
  const download = async (format: 'csv' | 'json') => {
    const type = format === 'csv' ? 'text/csv' : 'application/json';
    const name = `query-${new Date().toISOString().slice(0, 19).replaceAll(':', '')}.${format}`;
    if (answer.truncated) {
      const whole = format === 'csv' ? 'csv' : 'ndjson';
      saveFile(name.replace(/json$/, 'ndjson'), await api.sqlFile({ sql, format: whole }));
    } else saveFile(name, new Blob([format === 'csv' ? toCsv(answer) : toJson(answer)], { type }));
  };
  return (
    <section class={`sql-result${isStale ? ' is-stale' : ''}`} aria-label={t('sql.results')}>
      <header class="sql-status">
        <p role="status">
          {t('sql.elapsed', {
            rows: t('sql.rowCount', { count: answer.rowCount }),
            elapsed: formatSpan(answer.elapsedMs, language.value),
          })}
        </p>
        {answer.truncated && <p class="badge">{t('sql.truncated', { count: answer.rows.length })}</p>}
        <div class="page-tools">
          {series && (
            <ToggleGroup
              label={t('sql.results')}
              value={shown.value}
              choices={[
                { value: 'table', label: t('sql.table') },
                { value: 'chart', label: t('sql.chart') },
              ]}
              onChange={next => (shown.value = next)}
            />
          )}
          {(['csv', 'json'] as const).map(format => (
            <button
              key={format}
              type="button"
              class="button button-small"
              aria-label={`${t('sql.download')} ${format.toUpperCase()}`}
              onClick={() => void download(format)}
            >
              <Icon name="download" size={12} />
              {format.toUpperCase()}
            </button>
          ))}
        </div>
      </header>
      {answer.rows.length === 0 ? (
        <p class="panel-empty">{t('sql.empty')}</p>
      ) : series && shown.value === 'chart' ? (
        <ResultChart series={series} />
      ) : (
        <ResultTable answer={answer} />
      )}
    </section>
  );
}

function ResultChart({ series }: { series: Series }) {
  const zoom = useSignal<Span | null>(null);
  const hidden = useSignal<Set<string>>(new Set());
  const whole = useMemo(
    () => ({ fromMs: series.times[0]!, toMs: series.times.at(-1)! + series.everyMs }),
    [series],
  );
  const actions = useMemo(
    () => ({ onZoom: (span: Span) => (zoom.value = span), onZoomOut: () => (zoom.value = null) }),
    [zoom],
  );
  return (
    <div class="sql-chart">
      <ChartView
        title={t('sql.results')}
        unit="number"
        isStacked={false}
        series={series}
        span={zoom.value ?? whole}
        hidden={hidden.value}
        syncKey="sql"
        {...actions}
      />
      {series.lines.length > 1 && (
        <Legend lines={series.lines} hidden={hidden.value} onChange={next => (hidden.value = next)} />
      )}
    </div>
  );
}

function CopyLink({ sql }: { sql: string }) {
  const isCopied = useSignal(false);
  const copy = async () => {
    await navigator.clipboard.writeText(`${location.origin}/sql?q=${encodeURIComponent(sql)}`);
    isCopied.value = true;
    setTimeout(() => (isCopied.value = false), 1500);
  };
  return (
    <button
      type="button"
      class="button button-quiet"
      disabled={sql.trim() === ''}
      onClick={() => void copy()}
    >
      <Icon name={isCopied.value ? 'check' : 'link'} size={14} />
      <span role="status">{t(isCopied.value ? 'action.copied' : 'action.copyLink')}</span>
    </button>
  );
}

function History({ onPick }: { onPick: (sql: string) => void }) {
  return (
    <Disclosure
      label={t('sql.history')}
      align="end"
      buttonClass="button button-quiet"
      button={
        <>
          <Icon name="history" size={14} />
          {t('sql.history')}
        </>
      }
    >
      {close => (
        <div class="history">
          {queryHistory.value.length === 0 ? (
            <p class="muted">{t('sql.historyEmpty')}</p>
          ) : (
            <>
              <ul>
                {queryHistory.value.map(sql => (
                  <li key={sql}>
                    <button
                      type="button"
                      title={sql}
                      onClick={() => {
                        close();
                        onPick(sql);
                      }}
                    >
                      {sql.replace(/\s+/g, ' ').slice(0, 160)}
                    </button>
                  </li>
                ))}
              </ul>
              <button type="button" class="button button-small button-quiet" onClick={forgetAll}>
                {t('sql.clearHistory')}
              </button>
            </>
          )}
        </div>
      )}
    </Disclosure>
  );
}
