// One stream: its events, fields, partitions with the consumers' lag, and what was rejected.
import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import type { StreamDetail } from '../../deliver/api.ts';
import { api } from '../api-client.ts';
import { formatAgo, formatBytes, formatCount, formatRate } from '../format.ts';
import { language, t } from '../language.ts';
import { Icon } from '../parts/icon.tsx';
import { ProblemNotice } from '../parts/problem-notice.tsx';
import { usePolled } from '../parts/use-polled.ts';
import { pathOf, withParams } from '../route.ts';
import { place } from '../router.ts';
import { info } from '../server.ts';
import { StreamEvents } from './stream-events.tsx';
import { StreamRejected } from './stream-rejected.tsx';

const tabs = ['events', 'fields', 'partitions', 'rejected'] as const;

export function PageStream({ name }: { name: string }) {
  const { value, error, retry } = usePolled(() => api.stream(name), [name], 2000);
  useEffect(() => {
    document.title = [name, info.value?.project, 'Millrace'].filter(Boolean).join(' — ');
  }, [name]);
  if (!value) {
    return error === undefined ? (
      <div class="skeleton page-skeleton" />
    ) : (
      <ProblemNotice error={error} onRetry={retry} />
    );
  }
  const { params } = place.value;
  const tab = tabs.find(it => it === params.get('tab')) ?? (name === '_rejected' ? 'rejected' : 'events');
  const lang = language.value;
  const data =
    value.from && value.to ? { fromMs: Date.parse(value.from), toMs: Date.parse(value.to) + 1 } : null;
  return (
    <>
      <header class="page-head">
        <h1>
          <a class="crumb" href="/streams">
            {t('stream.title')}
          </a>
          {name}
        </h1>
        <div class="page-tools">
          <a
            class="button button-quiet"
            href={`/sql?q=${encodeURIComponent(`SELECT *\nFROM "${name}"\nORDER BY _time DESC\nLIMIT 100`)}`}
          >
            <Icon name="sql" size={14} />
            {t('stream.query')}
          </a>
        </div>
      </header>
      <dl class="facts">
        <Fact name={t('stream.events')}>{formatCount(value.events, lang)}</Fact>
        <Fact name={t('stream.bytes')}>{formatBytes(value.bytes, lang)}</Fact>
        <Fact name={t('stream.rate')}>{t('live.rate', { rate: formatRate(value.rate, lang) })}</Fact>
        <Fact name={t('stream.last')}>
          {value.lastAt ? formatAgo(Date.parse(value.lastAt), Date.now(), lang) : '–'}
        </Fact>
        <Fact name={t('stream.rejected')}>{formatCount(value.rejected, lang)}</Fact>
      </dl>
      <nav class="tabs" aria-label={name}>
        {tabs.map(it => (
          <a
            key={it}
            href={pathOf({ page: 'stream', name }) + withParams(params, { tab: it })}
            aria-current={it === tab ? 'page' : undefined}
          >
            {t(`stream.${it}`)}
            {it === 'rejected' && value.rejected > 0 && (
              <span class="badge badge-bad">{formatCount(value.rejected, lang)}</span>
            )}
          </a>
        ))}
      </nav>
      {tab === 'events' && (
        <StreamEvents stream={name} fields={value.fields.map(field => field.name)} data={data} />
      )}
      {tab === 'fields' && <Fields detail={value} />}
      {tab === 'partitions' && <Partitions detail={value} />}
      {tab === 'rejected' && <StreamRejected stream={name === '_rejected' ? undefined : name} />}
    </>
  );
}

function Fact({ name, children }: { name: string; children: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Fields({ detail }: { detail: StreamDetail }) {
  return (
    <Table head={[t('stream.field'), t('stream.type')]}>
      {detail.fields.map(field => (
        <tr key={field.name}>
          <th scope="row">{field.name}</th>
          <td>
            <code>{field.type}</code>
          </td>
        </tr>
      ))}
    </Table>
  );
}

function Partitions({ detail }: { detail: StreamDetail }) {
  const lang = language.value;
  return (
    <>
      <Table
        head={[
          t('stream.partition'),
          t('stream.first'),
          t('stream.end'),
          t('stream.archived'),
          t('stream.bytes'),
          t('stream.closed'),
        ]}
      >
        {detail.partitions.map(it => (
          <tr key={it.partition}>
            <th scope="row">{it.partition}</th>
            <td>{formatCount(it.first, lang)}</td>
            <td>{formatCount(it.end, lang)}</td>
            <td>{formatCount(it.archived, lang)}</td>
            <td>{formatBytes(it.bytes, lang)}</td>
            <td>{it.closed ? <span class="badge badge-bad">{it.closed}</span> : t('stream.open')}</td>
          </tr>
        ))}
      </Table>
      <h2>{t('stream.consumers')}</h2>
      <Table head={[t('stream.consumer'), t('stream.partition'), t('stream.position'), t('stream.lag')]}>
        {detail.consumers.map(it => (
          <tr key={`${it.name}:${it.partition}`}>
            <th scope="row">{it.name}</th>
            <td>{it.partition}</td>
            <td>{formatCount(it.position, lang)}</td>
            <td>{formatCount(it.lag, lang)}</td>
          </tr>
        ))}
      </Table>
    </>
  );
}

function Table({ head, children }: { head: string[]; children: ComponentChildren }) {
  return (
    <div class="table-scroll">
      <table class="table">
        <thead>
          <tr>
            {head.map(name => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}
