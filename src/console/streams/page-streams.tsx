// All streams: how much is in them, how fast they grow, what was rejected.
import { useEffect } from 'preact/hooks';
import { api } from '../api-client.ts';
import { formatAgo, formatBytes, formatCount, formatMoment, formatRate } from '../format.ts';
import { language, t } from '../language.ts';
import { ProblemNotice } from '../parts/problem-notice.tsx';
import { usePolled } from '../parts/use-polled.ts';
import { pathOf } from '../route.ts';
import { go } from '../router.ts';
import { info } from '../server.ts';
import { zone } from '../zone.ts';

export function PageStreams() {
  const { value, error, retry } = usePolled(async () => (await api.streams()).streams, [], 2000);
  useEffect(() => {
    document.title = [t('stream.title'), info.value?.project, 'Millrace'].filter(Boolean).join(' — ');
  }, []);
  const lang = language.value;
  return (
    <>
      <header class="page-head">
        <h1>{t('stream.title')}</h1>
      </header>
      {error !== undefined && !value && <ProblemNotice error={error} onRetry={retry} />}
      {!value && error === undefined && <div class="skeleton page-skeleton" />}
      {value?.length === 0 && <p class="panel-empty">{t('stream.empty')}</p>}
      {value && value.length > 0 && (
        <div class="table-scroll">
          <table class="table">
            <thead>
              <tr>
                <th scope="col">{t('stream.name')}</th>
                <th scope="col" class="is-number">
                  {t('stream.events')}
                </th>
                <th scope="col" class="is-number">
                  {t('stream.bytes')}
                </th>
                <th scope="col" class="is-number">
                  {t('stream.rate')}
                </th>
                <th scope="col" class="is-number">
                  {t('stream.rejected')}
                </th>
                <th scope="col">{t('stream.last')}</th>
                <th scope="col">{t('stream.span')}</th>
              </tr>
            </thead>
            <tbody>
              {value.map(stream => {
                const href = pathOf({ page: 'stream', name: stream.name });
                return (
                  <tr key={stream.name} onClick={() => go(href)}>
                    <th scope="row">
                      <a href={href} onClick={event => event.stopPropagation()}>
                        {stream.name}
                      </a>
                    </th>
                    <td class="is-number">{formatCount(stream.events, lang)}</td>
                    <td class="is-number">{formatBytes(stream.bytes, lang)}</td>
                    <td class="is-number">{t('live.rate', { rate: formatRate(stream.rate, lang) })}</td>
                    <td class="is-number">
                      {stream.rejected > 0 ? (
                        <a
                          class="badge badge-bad"
                          href={`${href}?tab=rejected`}
                          onClick={event => event.stopPropagation()}
                        >
                          {formatCount(stream.rejected, lang)}
                        </a>
                      ) : (
                        '0'
                      )}
                    </td>
                    <td>{stream.lastAt ? formatAgo(Date.parse(stream.lastAt), Date.now(), lang) : '–'}</td>
                    <td class="muted">
                      {stream.from && stream.to
                        ? `${formatMoment(Date.parse(stream.from), lang, zone.value)} – ${formatMoment(Date.parse(stream.to), lang, zone.value)}`
                        : '–'}
                    </td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}
