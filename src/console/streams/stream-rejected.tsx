// What was rejected and why: by reason, with the raw line, where it came from and where in it things went wrong.
import { useMemo } from 'preact/hooks';
import type { RejectedEvent } from '../../deliver/api.ts';
import { api } from '../api-client.ts';
import { formatClock, formatCount } from '../format.ts';
import { language, t } from '../language.ts';
import { ProblemNotice } from '../parts/problem-notice.tsx';
import { useLoad } from '../parts/use-load.ts';
import { zone } from '../zone.ts';
import { groupByReason, splitAt } from './rejected.ts';

const eventsMax = 1000;
/** Of each reason so many lines are shown. */
const shownMax = 50;

/** Rejected events of one stream, or of all. */
export function StreamRejected({ stream }: { stream?: string }) {
  const { value, error, retry } = useLoad(
    () => api.events('_rejected', { where: stream ? [`stream=${stream}`] : [], limit: eventsMax }),
    [stream],
  );
  const groups = useMemo(() => groupByReason(value?.events ?? []), [value]);
  if (error) return <ProblemNotice error={error} onRetry={retry} />;
  if (!value) return <div class="skeleton page-skeleton" />;
  if (groups.length === 0) return <p class="panel-empty">{t('rejected.empty')}</p>;
  return (
    <div class="rejected">
      {value.next && <p class="muted">{t('rejected.shown', { count: value.events.length })}</p>}
      {groups.map(group => (
        <details key={group.reason} open class="rejected-group">
          <summary>
            <strong>{group.reason}</strong>
            <span class="badge badge-bad">{formatCount(group.events.length, language.value)}</span>
          </summary>
          <ul>
            {group.events.slice(0, shownMax).map((event, index) => (
              <RejectedLine key={index} event={event} isAll={stream === undefined} />
            ))}
          </ul>
        </details>
      ))}
    </div>
  );
}

function RejectedLine({ event, isAll }: { event: RejectedEvent; isAll: boolean }) {
  const [before, after] = event.encoding ? [event.raw, ''] : splitAt(event.raw, event.position);
  return (
    <li>
      <p class="rejected-where">
        {isAll && <strong>{event.stream}</strong>}
        <span>{event.source}</span>
        {event.line !== undefined && <span>{t('rejected.line', { line: event.line })}</span>}
        {event.offset !== undefined && <span>{`${event.partition}/${event.offset}`}</span>}
        {event.position !== undefined && <span>{t('rejected.position', { position: event.position })}</span>}
        {event.encoding && <span class="badge">{event.encoding}</span>}
        {event.truncated && <span class="badge">{t('rejected.truncated')}</span>}
        <time dateTime={event._time}>{formatClock(Date.parse(event._time), language.value, zone.value)}</time>
      </p>
      <pre title={t('rejected.raw')}>
        <code>
          {before}
          {after !== '' && <mark>{after}</mark>}
        </code>
      </pre>
      {event.stack && (
        <pre>
          <code>{event.stack}</code>
        </pre>
      )}
    </li>
  );
}
