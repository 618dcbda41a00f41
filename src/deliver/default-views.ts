// Views and a dashboard for a stream whose owner has written none: made from the fields that its first events have. The
// views are ordinary definitions; saved as views/*.sql they can be changed like any other.
import { foldedName } from '../core/folded-name.ts';
import { rowColumns, type ViewDefinition } from '../process/view.ts';
import { givenColumns, identifier } from '../store/lake-sql.ts';
import type { Dashboard, Panel, Text } from './api.ts';
import { type FieldProfile, isAccessLog, type StreamProfile } from './stream-profile.ts';

export interface DefaultSet {
  views: ViewDefinition[];
  dashboard: Dashboard;
}

/** Every second for the last hours, coarser for longer. */
const fine = '-- every: 1s, 1m, 1h, 1d\n-- keep: 1s for 2h, 1m for 14d, 1h for 1y\n';

/** Lists hold a group a value, so they start at the minute. */
const coarse = '-- every: 1m, 1h, 1d\n-- keep: 1m for 2h, 1h for 90d\n-- max groups: 10000\n';

export function defaultSet(profile: StreamProfile): DefaultSet {
  return isAccessLog(profile) ? accessLogSet(profile) : eventSet(profile);
}

function accessLogSet({ stream, fields }: StreamProfile): DefaultSet {
  const from = identifier(stream);
  const has = (name: string): boolean => fields.some(field => field.name === name && field.present > 0);
  const list = (name: string, field: string): ViewDefinition => ({
    name: `${stream}_${name}`,
    text:
      `-- Requests and bytes by ${field}.\n${coarse}` +
      `SELECT ${field}, count(*) AS requests, sum(bytes) AS bytes\nFROM ${from}\nGROUP BY ${field}\nORDER BY requests DESC\nLIMIT 500\n`,
  });
  // Those that take the most time first: neighbours go to different engine threads.
  const views: ViewDefinition[] = [
    {
      name: `${stream}_traffic`,
      text:
        `-- All requests together.\n${fine}` +
        'SELECT count(*) AS requests, sum(bytes) AS bytes, approx_count_distinct(ip) AS visitors,\n' +
        '       approx_quantile(bytes, [0.5, 0.95, 0.99]) AS size,\n' +
        '       count_if(status >= 400) AS errors, count_if(status >= 500) AS server_errors\n' +
        `FROM ${from}\n`,
    },
    list('paths', 'path'),
    list('visitors', 'ip'),
  ];
  if (has('referer')) views.push(list('referers', 'referer'));
  views.push({
    name: `${stream}_status`,
    text: `-- Requests and bytes by status.\n${fine}SELECT status, count(*) AS requests, sum(bytes) AS bytes\nFROM ${from}\nGROUP BY status\n`,
  });
  if (has('agent')) views.push(list('agents', 'agent'));
  const traffic = `${stream}_traffic`;
  const more: { column: string; unit: 'bytes' }[] = [{ column: 'bytes', unit: 'bytes' }];
  const listPanel = (name: string, field: string, title: Text): Panel => ({
    id: name,
    kind: 'list',
    title,
    view: `${stream}_${name}`,
    unit: 'count',
    width: 6,
    group: field,
    field,
    column: 'requests',
    more,
    limit: 50,
  });
  const panels: Panel[] = [
    stat('requests', { en: 'Requests', ko: '요청' }, traffic, 'requests', 'count'),
    {
      ...stat('visitors', { en: 'Visitors', ko: '방문자' }, traffic, 'visitors', 'count'),
      note: { en: 'Distinct addresses, estimated', ko: '서로 다른 주소 수 (추정)' },
    },
    stat('bytes', { en: 'Bytes sent', ko: '전송량' }, traffic, 'bytes', 'bytes'),
    {
      ...stat('error-ratio', { en: 'Error ratio', ko: '오류율' }, traffic, 'errors', 'ratio'),
      per: 'requests',
      note: { en: 'Status 400 and above', ko: '상태 코드 400 이상' },
    },
    {
      id: 'status',
      kind: 'timeseries',
      title: { en: 'Requests by status', ko: '상태 코드별 요청' },
      view: `${stream}_status`,
      unit: 'count',
      width: 12,
      columns: ['requests'],
      series: 'status',
      classes: 'status',
      stacked: true,
    },
    series('traffic', { en: 'Bytes sent', ko: '전송량' }, traffic, ['bytes'], 'bytes', 6),
    series('visitors-time', { en: 'Visitors', ko: '방문자' }, traffic, ['visitors'], 'count', 6),
    {
      ...series('size', { en: 'Response size', ko: '응답 크기' }, traffic, ['size'], 'bytes', 6),
      labels: ['p50', 'p95', 'p99'],
      note: { en: 'Median, 95th and 99th percentile', ko: '중앙값, 95·99 백분위' },
    },
    {
      ...series('errors', { en: 'Error ratio', ko: '오류율' }, traffic, ['errors'], 'ratio', 6),
      per: 'requests',
    },
    listPanel('paths', 'path', { en: 'Paths', ko: '경로' }),
    ...(has('referer') ? [listPanel('referers', 'referer', { en: 'Referers', ko: '유입 경로' })] : []),
    ...(has('agent') ? [listPanel('agents', 'agent', { en: 'User agents', ko: '사용자 에이전트' })] : []),
    listPanel('visitors', 'ip', { en: 'Addresses', ko: '주소' }),
  ];
  panels.forEach((panel, index) => {
    if (panels.findIndex(other => other.id === panel.id) !== index) panel.id = `${panel.id}-list`;
  });
  return { views, dashboard: { name: stream, title: stream, stream, range: 'all', panels } };
}

/** Charts of at most this many numbers and lists of at most this many texts. */
const maxNumbers = 4;
const maxTexts = 6;
/** Longer names are no titles. */
const maxNameLength = 100;

/** Whether a view can have a column of this name beside "events". */
function canBeColumn({ name }: FieldProfile): boolean {
  const folded = foldedName(name);
  const isTaken = rowColumns.has(folded) || givenColumns.has(folded) || folded === 'events';
  return !isTaken && name.length <= maxNameLength && !name.includes('\0');
}

function eventSet({ stream, fields: seen, events }: StreamProfile): DefaultSet {
  const fields = seen.filter(canBeColumn);
  const from = identifier(stream);
  const numbers = fields.filter(field => field.kind === 'number' && !isIdentity(field)).slice(0, maxNumbers);
  const texts = fields
    .filter(
      field =>
        (field.kind === 'text' || field.kind === 'boolean') && !isIdentity(field) && isList(field, events),
    )
    .slice(0, maxTexts);
  const identity = fields.find(field =>
    /^(user|user_id|userid|uid|visitor|session|session_id|ip|client)$/i.test(field.name),
  );
  const all = `${stream}_events`;
  const columns = ['count(*) AS events'];
  if (identity) columns.push(`approx_count_distinct(${identifier(identity.name)}) AS visitors`);
  numbers.forEach((field, index) => {
    const column = identifier(field.name);
    columns.push(
      `avg(${column}) AS mean_${index}`,
      `approx_quantile(${column}, [0.5, 0.95, 0.99]) AS spread_${index}`,
    );
  });
  const views: ViewDefinition[] = [
    {
      name: all,
      text: `-- All events together.\n${fine}SELECT ${columns.join(',\n       ')}\nFROM ${from}\n`,
    },
  ];
  const panels: Panel[] = [stat('events', { en: 'Events', ko: '이벤트' }, all, 'events', 'count')];
  if (identity) {
    panels.push(
      stat(
        'visitors',
        { en: `Distinct ${identity.name}`, ko: `${identity.name} 수` },
        all,
        'visitors',
        'count',
      ),
    );
  }
  for (const [index, field] of numbers.slice(0, 2).entries()) {
    panels.push(
      stat(
        `mean-${index}`,
        { en: `Mean ${field.name}`, ko: `평균 ${field.name}` },
        all,
        `mean_${index}`,
        'number',
      ),
    );
  }
  panels.push(series('events-time', { en: 'Events', ko: '이벤트' }, all, ['events'], 'count', 12));
  numbers.forEach((field, index) => {
    panels.push({
      ...series(`spread-${index}`, field.name, all, [`spread_${index}`], 'number', 6),
      labels: ['p50', 'p95', 'p99'],
    });
  });
  texts.forEach((field, index) => {
    const column = identifier(field.name);
    const name = `${stream}_by_${field.name.replace(/[^A-Za-z0-9_]/g, '_')}`;
    if (views.some(view => view.name === name)) return;
    views.push({
      name,
      text: `-- Events by ${field.name.replace(/\s+/g, ' ')}.\n${coarse}SELECT ${column}, count(*) AS events\nFROM ${from}\nGROUP BY ${column}\nORDER BY events DESC\nLIMIT 500\n`,
    });
    panels.push({
      id: `list-${index}`,
      kind: 'list',
      title: field.name,
      view: name,
      unit: 'count',
      width: 6,
      group: field.name,
      field: field.name,
      column: 'events',
      limit: 50,
    });
  });
  return { views, dashboard: { name: stream, title: stream, stream, range: 'all', panels } };
}

/** Names of things rather than amounts or kinds. */
function isIdentity(field: FieldProfile): boolean {
  return /(^|_|\b)(id|uuid|guid|key|token|hash|trace|span)$/i.test(field.name);
}

/** Values repeat, so that a list of the most frequent says something. */
function isList(field: FieldProfile, events: number): boolean {
  return field.present > 0 && (events < 20 || field.distinct <= Math.max(20, field.present * 0.5));
}

function stat(
  id: string,
  title: Text,
  view: string,
  column: string,
  unit: Panel['unit'],
): Panel & { kind: 'stat' } {
  return { id, kind: 'stat', title, view, column, unit, width: 3 };
}

function series(
  id: string,
  title: Text,
  view: string,
  columns: string[],
  unit: Panel['unit'],
  width: Panel['width'],
): Panel & { kind: 'timeseries' } {
  return { id, kind: 'timeseries', title, view, columns, unit, width };
}
