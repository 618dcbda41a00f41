// A small server for the tests of the console: seeded events of an access log over four days, a naive answer to each
// call of the API, live changes on demand, and the strict content security policy. Not the product's server.
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Rng } from '../../src/core/rng.ts';
import type {
  Dashboard,
  EventPage,
  Info,
  LiveMessage,
  Problem,
  SourceStatus,
  SqlAnswer,
  StreamDetail,
  ViewAnswer,
  ViewEntry,
  ViewWindow,
} from '../../src/deliver/api.ts';
import type { ViewColumn, ViewValue } from '../../src/process/view.ts';

export const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
  "font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const dist = fileURLToPath(new URL('../../dist/console/', import.meta.url));
const hourMs = 3_600_000;
export const firstMs = Date.UTC(2015, 4, 17, 10, 5, 3);
export const lastMs = Date.UTC(2015, 4, 20, 21, 5, 59);

export interface LogEvent {
  timeMs: number;
  ip: string;
  status: number;
  bytes: number | null;
  path: string;
  referer: string | null;
  agent: string;
}

const paths = [
  '/favicon.ico',
  '/style2.css',
  '/reset.css',
  '/images/jordan-80.png',
  '/images/web/2009/banner.png',
  '/blog/tags/puppet?flav=rss20',
  '/projects/xdotool/',
  '/?flav=rss20',
  '/',
  '/robots.txt',
  '/blog/geekery/ssl-latency.html',
  '/presentations/logstash-monitorama-2013/images/kibana-search.png',
];
const agents = [
  'Mozilla/5.0 (Windows NT 6.1; WOW64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/32.0.1700.107 Safari/537.36',
  'UniversalFeedParser/4.2-pre-314-svn +http://feedparser.org/',
  'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)',
  'Mozilla/5.0 (X11; Linux x86_64; rv:27.0) Gecko/20100101 Firefox/27.0',
  'msnbot/2.0b (+http://search.msn.com/msnbot.htm)',
];
const referers = [
  null,
  'http://semicomplete.com/presentations/logstash-puppetconf-2012/',
  'http://www.semicomplete.com/projects/xdotool/',
  'https://www.google.com/',
  'http://www.semicomplete.com/blog/geekery/파이썬-정렬.html',
];

/** A place in a list, low ones likelier. */
function skewed(rng: Rng, length: number): number {
  return Math.min(length - 1, Math.floor(rng.float() ** 2.2 * length));
}

export function makeEvents(count: number, seed: number, naughty: string[]): LogEvent[] {
  const rng = new Rng(seed);
  const events: LogEvent[] = [];
  while (events.length < count) {
    const timeMs = Math.floor(firstMs + rng.float() * (lastMs - firstMs));
    const hour = new Date(timeMs).getUTCHours();
    if (rng.float() > 0.55 + 0.45 * Math.sin(((hour - 8) / 24) * 2 * Math.PI)) continue;
    const draw = rng.float();
    const status = draw < 0.9 ? 200 : draw < 0.945 ? 304 : draw < 0.96 ? 301 : draw < 0.99 ? 404 : 500;
    const isNaughty = naughty.length > 0 && rng.float() < 0.35;
    events.push({
      timeMs,
      ip: `10.0.${Math.floor(rng.float() * 7)}.${Math.floor(rng.float() * 250)}`,
      status,
      bytes: status === 304 ? null : Math.floor(Math.exp(6 + rng.float() * 6)),
      path: isNaughty ? naughty[skewed(rng, naughty.length)]! : paths[skewed(rng, paths.length)]!,
      referer: referers[skewed(rng, referers.length)]!,
      agent: agents[skewed(rng, agents.length)]!,
    });
  }
  return events.sort((a, b) => a.timeMs - b.timeMs);
}

type Field = Exclude<keyof LogEvent, 'timeMs'>;

interface FixtureView {
  name: string;
  group?: Field;
  columns: ViewColumn[];
}

const requests: ViewColumn = { name: 'requests', type: 'BIGINT', role: 'value' };
const bytes: ViewColumn = { name: 'bytes', type: 'HUGEINT', role: 'value' };
const group = (name: Field, type = 'VARCHAR'): ViewColumn => ({ name, type, role: 'group' });
const views: FixtureView[] = [
  {
    name: 'access_total',
    columns: [
      requests,
      bytes,
      { name: 'visitors', type: 'BIGINT', role: 'value', approximate: '±1.6 % (95 %)' },
      { name: 'errors', type: 'BIGINT', role: 'value' },
      { name: 'size', type: 'DOUBLE[]', role: 'value', approximate: '±1 %' },
    ],
  },
  { name: 'access_status', group: 'status', columns: [group('status', 'BIGINT'), requests, bytes] },
  { name: 'access_path', group: 'path', columns: [group('path'), requests, bytes] },
  { name: 'access_referer', group: 'referer', columns: [group('referer'), requests, bytes] },
  { name: 'access_agent', group: 'agent', columns: [group('agent'), requests, bytes] },
];

function quantile(sorted: number[], q: number): number | null {
  return sorted.length === 0 ? null : sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))]!;
}

function valuesOf(view: FixtureView, events: LogEvent[]): ViewValue[] {
  const sizes = events.flatMap(event => event.bytes ?? []).sort((a, b) => a - b);
  const known: Record<string, ViewValue> = {
    requests: events.length,
    bytes: sizes.reduce((sum, size) => sum + size, 0),
    visitors: new Set(events.map(event => event.ip)).size,
    errors: events.filter(event => event.status >= 500).length,
    size: [0.5, 0.95, 0.99].map(q => quantile(sizes, q)),
  };
  if (view.group) known[view.group] = events[0]![view.group];
  return view.columns.map(column => known[column.name]!);
}

const everyMs: Record<string, number> = { '1s': 1000, '1m': 60_000, '1h': hourMs, '1d': 24 * hourMs };

function matches(event: LogEvent, where: string[]): boolean {
  return where.every(text => {
    const [, field, not, value] = /^([^=!]+)(!?)=([\s\S]*)$/.exec(text)!;
    return (String(event[field as Field]) === value) !== (not === '!');
  });
}

const dashboard: Dashboard = {
  name: 'access',
  title: { en: 'Web access', ko: '웹 접속' },
  stream: 'access',
  range: '-24h',
  panels: [
    {
      id: 'requests',
      kind: 'stat',
      title: { en: 'Requests', ko: '요청' },
      view: 'access_total',
      unit: 'count',
      width: 3,
      column: 'requests',
    },
    {
      id: 'visitors',
      kind: 'stat',
      title: { en: 'Visitors', ko: '방문자' },
      view: 'access_total',
      unit: 'count',
      width: 3,
      column: 'visitors',
    },
    {
      id: 'bytes',
      kind: 'stat',
      title: { en: 'Bytes sent', ko: '전송량' },
      view: 'access_total',
      unit: 'bytes',
      width: 3,
      column: 'bytes',
    },
    {
      id: 'error-ratio',
      kind: 'stat',
      title: { en: 'Errors', ko: '오류 비율' },
      view: 'access_total',
      unit: 'ratio',
      width: 3,
      column: 'errors',
      per: 'requests',
    },
    {
      id: 'by-status',
      kind: 'timeseries',
      title: { en: 'Requests by status', ko: '상태별 요청' },
      note: { en: 'Exact counts', ko: '정확한 수' },
      view: 'access_status',
      unit: 'count',
      width: 12,
      columns: ['requests'],
      series: 'status',
      classes: 'status',
      stacked: true,
    },
    {
      id: 'sizes',
      kind: 'timeseries',
      title: { en: 'Response size', ko: '응답 크기' },
      note: { en: 'Percentiles, ±1 %', ko: '백분위수, ±1 %' },
      view: 'access_total',
      unit: 'bytes',
      width: 6,
      columns: ['size'],
      labels: ['p50', 'p95', 'p99'],
    },
    {
      id: 'traffic',
      kind: 'timeseries',
      title: { en: 'Bytes sent', ko: '전송량' },
      view: 'access_total',
      unit: 'bytes',
      width: 6,
      columns: ['bytes'],
    },
    {
      id: 'paths',
      kind: 'list',
      title: { en: 'Top paths', ko: '상위 경로' },
      view: 'access_path',
      unit: 'count',
      width: 6,
      group: 'path',
      field: 'path',
      column: 'requests',
      more: [{ column: 'bytes', unit: 'bytes' }],
    },
    {
      id: 'referers',
      kind: 'list',
      title: { en: 'Top referers', ko: '상위 유입처' },
      view: 'access_referer',
      unit: 'count',
      width: 6,
      group: 'referer',
      field: 'referer',
      column: 'requests',
    },
    {
      id: 'agents',
      kind: 'list',
      title: { en: 'User agents', ko: '사용자 에이전트' },
      view: 'access_agent',
      unit: 'count',
      width: 6,
      group: 'agent',
      field: 'agent',
      column: 'requests',
      limit: 8,
    },
    {
      id: 'ratio',
      kind: 'timeseries',
      title: { en: 'Error ratio', ko: '오류 비율' },
      view: 'access_total',
      unit: 'ratio',
      width: 6,
      columns: ['errors'],
      per: 'requests',
    },
  ],
};

interface LiveClient {
  response: ServerResponse;
  subscriptions: string[];
}

export interface FixtureOptions {
  events?: number;
  seed?: number;
  naughty?: string[];
  port?: number;
}

export class ConsoleFixture {
  readonly events: LogEvent[];
  private readonly server: Server;
  private readonly live = new Set<LiveClient>();
  private readonly tails = new Set<ServerResponse>();
  private readonly ticker: ReturnType<typeof setInterval>;
  private messageId = 0;
  private revision = 0;
  private readonly started = new Date().toISOString();
  /** Requests of the API, oldest first. */
  readonly requests: string[] = [];
  sources: SourceStatus[] = [];
  problems: string[] = [];
  /** End of the span that another stream's data reach to. */
  otherToMs = 0;
  /** Answers every call of the API with 503. */
  isFailing = false;

  constructor(options: FixtureOptions = {}) {
    this.events = makeEvents(options.events ?? 4000, options.seed ?? 7, options.naughty ?? []);
    this.server = createServer((request, response) => void this.answer(request, response));
    this.ticker = setInterval(() => this.sendStatus(), 1000);
  }

  async listen(port = 0): Promise<string> {
    await new Promise<void>(resolve => this.server.listen(port, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    clearInterval(this.ticker);
    this.server.closeAllConnections();
    await new Promise(resolve => this.server.close(resolve));
  }

  /** Cuts all live connections. */
  dropLive(): void {
    for (const { response } of this.live) response.destroy();
  }

  /** An event arrives: live connections get the windows it changes. */
  add(event: LogEvent): void {
    this.events.push(event);
    this.revision++;
    for (const client of this.live) {
      for (const subscription of client.subscriptions) {
        const [name, every] = subscription.split('@') as [string, string];
        const view = views.find(it => it.name === name)!;
        const length = everyMs[every]!;
        const startMs = Math.floor(event.timeMs / length) * length;
        const windows = this.windows(view, length, startMs, startMs + length, []).filter(window =>
          view.group ? window.values[0] === event[view.group] : true,
        );
        this.send(client.response, { type: 'change', subscription, watermark: null, windows });
      }
    }
    for (const tail of this.tails)
      tail.write(`data: ${JSON.stringify(this.record(this.events.length - 1))}\n\n`);
  }

  private send(response: ServerResponse, message: LiveMessage): void {
    response.write(`id: ${++this.messageId}\nevent: ${message.type}\ndata: ${JSON.stringify(message)}\n\n`);
  }

  private sendStatus(): void {
    for (const client of this.live) {
      this.send(client.response, {
        type: 'status',
        events: this.events.length,
        rate: 12.5,
        sources: this.sources,
        problems: this.problems,
      });
    }
  }

  private windows(
    view: FixtureView,
    length: number | 'total',
    fromMs: number,
    toMs: number,
    where: string[],
  ): ViewWindow[] {
    const cells = new Map<string, LogEvent[]>();
    const first = length === 'total' ? fromMs : Math.floor(fromMs / length) * length;
    for (const event of this.events) {
      if (event.timeMs < first || event.timeMs >= toMs || !matches(event, where)) continue;
      const startMs = length === 'total' ? fromMs : Math.floor(event.timeMs / length) * length;
      const key = `${startMs} ${view.group ? event[view.group] : ''}`;
      const cell = cells.get(key);
      if (cell) cell.push(event);
      else cells.set(key, [event]);
    }
    return [...cells].map(([key, events]): ViewWindow => {
      const startMs = Number(key.slice(0, key.indexOf(' ')));
      return {
        start: new Date(startMs).toISOString(),
        end: new Date(length === 'total' ? toMs : startMs + length).toISOString(),
        revision: this.revision,
        final: false,
        values: valuesOf(view, events),
      };
    });
  }

  private view(name: string, params: URLSearchParams): ViewAnswer {
    const view = views.find(it => it.name === name)!;
    const fromMs = Date.parse(params.get('from')!);
    const toMs = Date.parse(params.get('to')!);
    const fit = Object.entries(everyMs).find(([, length]) => (toMs - fromMs) / length <= 400)?.[0] ?? '1d';
    const every = params.get('every') ?? fit;
    const length = every === 'total' ? 'total' : everyMs[every]!;
    const where = params.getAll('where');
    let windows = this.windows(view, length, fromMs, toMs, where);
    const order = params.get('order');
    if (order) {
      const index = view.columns.findIndex(column => column.name === order.replace(/^-/, ''));
      const sign = order.startsWith('-') ? -1 : 1;
      windows.sort((a, b) => sign * (Number(a.values[index]) - Number(b.values[index])));
    }
    windows = windows.slice(0, Number(params.get('limit') ?? 10_000));
    const groups = new Set(view.columns.filter(it => it.role === 'group').map(it => it.name));
    const isHistory = where.some(text => !groups.has(/^[^=!]+/.exec(text)![0]));
    return {
      view: name,
      every,
      columns: view.columns,
      windows,
      watermark: null,
      source: isHistory ? 'history' : 'view',
    };
  }

  private info(): Info {
    const times = this.events.map(event => event.timeMs);
    return {
      version: '0.1.0',
      startedAt: this.started,
      project: 'semicomplete',
      home: 'access',
      span: {
        from: new Date(Math.min(...times)).toISOString(),
        to: new Date(Math.max(this.otherToMs, ...times) + 1).toISOString(),
      },
      sources: this.sources,
      problems: this.problems,
    };
  }

  private stream(name: string): StreamDetail {
    const events = name === '_rejected' ? rejected.length : this.events.length;
    return {
      name,
      events,
      bytes: events * 231,
      rejected: name === 'access' ? rejected.length : 0,
      lastAt: this.started,
      from: new Date(firstMs).toISOString(),
      to: new Date(lastMs).toISOString(),
      rate: name === 'access' ? 12.5 : 0,
      partitions: [
        { partition: 0, first: 0, end: events, bytes: events * 231, archived: Math.floor(events * 0.8) },
      ],
      fields: [
        ['_time', 'TIMESTAMP'],
        ['ip', 'VARCHAR'],
        ['status', 'BIGINT'],
        ['bytes', 'BIGINT'],
        ['path', 'VARCHAR'],
        ['referer', 'VARCHAR'],
        ['agent', 'VARCHAR'],
      ].map(([field, type]) => ({ name: field!, type: type! })),
      consumers: [
        { name: 'views', partition: 0, position: events - 3, lag: 3 },
        { name: 'lake', partition: 0, position: Math.floor(events * 0.8), lag: Math.ceil(events * 0.2) },
      ],
    };
  }

  private record(offset: number): EventPage['events'][number] {
    const { timeMs, ...fields } = this.events[offset]!;
    const time = new Date(timeMs).toISOString();
    return { offset, partition: 0, time, event: { _time: time, ...fields } };
  }

  private page(name: string, params: URLSearchParams): EventPage {
    const limit = Number(params.get('limit') ?? 100);
    const skip = Number(params.get('cursor') ?? 0);
    if (name === '_rejected') {
      const wanted = params.get('where')?.replace('stream=', '');
      const all = rejected.filter(it => !wanted || it.stream === wanted);
      return {
        events: all.map((event, offset) => ({
          offset,
          partition: 0,
          time: event._time,
          event: { ...event },
        })),
      };
    }
    const fromMs = params.has('from') ? Date.parse(params.get('from')!) : 0;
    const toMs = params.has('to') ? Date.parse(params.get('to')!) : Number.POSITIVE_INFINITY;
    const offsets = this.events
      .map((event, offset) => ({ event, offset }))
      .filter(
        ({ event }) =>
          event.timeMs >= fromMs && event.timeMs < toMs && matches(event, params.getAll('where')),
      )
      .map(({ offset }) => offset)
      .reverse();
    return {
      events: offsets.slice(skip, skip + limit).map(offset => this.record(offset)),
      next: offsets.length > skip + limit ? String(skip + limit) : undefined,
    };
  }

  /** Knows three queries: one with an error, one over time, and anything else. */
  private sql(text: string): SqlAnswer | Problem {
    const mistake = /\bselct\b|\bno_such_column\b/i.exec(text);
    if (mistake) {
      const lines = text.slice(0, mistake.index).split('\n');
      return {
        type: 'urn:millrace:error:bad-sql',
        title: 'The query cannot be run.',
        status: 400,
        code: 'bad-sql',
        detail: `syntax error at or near "${mistake[0]}"`,
        remedy: 'Look at the marked place.',
        line: lines.length,
        column: lines.at(-1)!.length + 1,
      };
    }
    if (/time_bucket|hour/i.test(text)) {
      const answer = this.view(
        'access_total',
        new URLSearchParams({
          from: new Date(firstMs).toISOString(),
          to: new Date(lastMs).toISOString(),
          every: '1h',
        }),
      );
      return {
        columns: [
          { name: 'hour', type: 'TIMESTAMP' },
          { name: 'requests', type: 'BIGINT' },
        ],
        rows: answer.windows.map(window => [window.start, window.values[0]!]),
        rowCount: answer.windows.length,
        elapsedMs: 12,
        truncated: false,
      };
    }
    const rows = this.events.map(event => [
      new Date(event.timeMs).toISOString(),
      event.ip,
      event.status,
      event.bytes,
      event.path,
      '9007199254740993',
      { agent: event.agent, referer: event.referer },
    ]);
    const limit = Number(/limit (\d+)/i.exec(text)?.[1] ?? 10_000);
    return {
      columns: [
        ['_time', 'TIMESTAMP'],
        ['ip', 'VARCHAR'],
        ['status', 'BIGINT'],
        ['bytes', 'BIGINT'],
        ['path', 'VARCHAR'],
        ['id', 'HUGEINT'],
        ['client', 'STRUCT(agent VARCHAR, referer VARCHAR)'],
      ].map(([name, type]) => ({ name: name!, type: type! })),
      rows: rows.slice(0, limit),
      rowCount: Math.min(limit, rows.length),
      elapsedMs: 37.4,
      truncated: rows.length > limit,
    };
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url!, 'http://fixture');
    response.setHeader('content-security-policy', policy);
    response.setHeader('x-content-type-options', 'nosniff');
    const json = (value: unknown, status = 200, type = 'application/json') => {
      response.writeHead(status, { 'content-type': type });
      response.end(JSON.stringify(value));
    };
    if (!url.pathname.startsWith('/v1/')) return this.file(url.pathname, response);
    this.requests.push(`${request.method} ${url.pathname}${url.search}`);
    if (this.isFailing) {
      const problem: Problem = {
        type: 'urn:millrace:error:query-down',
        title: 'The query process is not running.',
        status: 503,
        code: 'query-down',
        detail: 'It is being started again.',
        remedy: 'Try again in a second.',
      };
      return json(problem, 503, 'application/problem+json');
    }
    const [, , kind, name = '', part] = url.pathname.split('/').map(decodeURIComponent);
    switch (kind) {
      case 'info':
        return json(this.info());
      case 'dashboards':
        return json(
          name ? dashboard : { dashboards: [{ name: 'access', title: dashboard.title, stream: 'access' }] },
        );
      case 'views':
        return json(name ? this.view(name, url.searchParams) : { views: views.map(viewEntry) });
      case 'streams':
        if (part === 'events') return json(this.page(name, url.searchParams));
        if (part === 'tail') return this.openTail(response);
        return json(
          name ? this.stream(name) : { streams: ['access', '_rejected'].map(it => this.stream(it)) },
        );
      case 'live':
        return this.openLive(url, response);
      case 'sql': {
        let body = '';
        for await (const chunk of request) body += chunk;
        const answer = this.sql((JSON.parse(body) as { sql: string }).sql);
        return json(answer, 'status' in answer ? (answer.status as number) : 200);
      }
      default:
        return json({ title: 'There is no such call.', code: 'not-found', status: 404, detail: '' }, 404);
    }
  }

  private openLive(url: URL, response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    const client: LiveClient = { response, subscriptions: url.searchParams.getAll('s') };
    this.live.add(client);
    response.on('close', () => this.live.delete(client));
    const fromMs = Date.parse(url.searchParams.get('from')!);
    for (const subscription of client.subscriptions) {
      const [name, every] = subscription.split('@') as [string, string];
      const to = new Date(Math.max(...this.events.map(event => event.timeMs)) + 1).toISOString();
      const params = new URLSearchParams({
        from: new Date(fromMs).toISOString(),
        to,
        every,
        limit: '100000',
      });
      this.send(response, { type: 'snapshot', subscription, answer: this.view(name, params) });
    }
    this.sendStatus();
  }

  private openTail(response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    response.write(': open\n\n');
    this.tails.add(response);
    response.on('close', () => this.tails.delete(response));
  }

  private file(path: string, response: ServerResponse): void {
    const types: Record<string, string> = {
      '.js': 'text/javascript',
      '.css': 'text/css',
      '.html': 'text/html',
    };
    const extension = extname(path);
    const name = types[extension] ? path : 'index.html';
    try {
      const body = readFileSync(join(dist, name));
      response.writeHead(200, { 'content-type': `${types[extname(name)]}; charset=utf-8` });
      response.end(body);
    } catch {
      response.writeHead(404).end();
    }
  }
}

function viewEntry(view: FixtureView): ViewEntry {
  return {
    name: view.name,
    sql: 'SELECT …',
    streams: ['access'],
    window: '1s, 1m, 1h, 1d',
    resolutions: Object.keys(everyMs),
    columns: view.columns,
    state: 'live',
    progress: 1,
    watermark: null,
    expired: 0,
    ahead: 0,
    mismatched: 0,
    groups: 10,
    stateBytes: 1000,
    memoryBytes: 1000,
  };
}

const rejected = [
  { line: 8899, position: 139, reason: 'The user agent is not closed by a quote.' },
  { line: 9120, position: 12, reason: 'The time is not of the form day/month/year:time zone.' },
  { line: 9121, position: 12, reason: 'The time is not of the form day/month/year:time zone.' },
].map(it => ({
  _time: '2015-05-20T19:05:16.000Z',
  stream: 'access',
  source: 'file:/var/log/apache_logs',
  raw: '46.118.127.106 - - [20/May/2015:12:05:17 +0000] "GET /scripts/grok-py-test/configlib.py HTTP/1.1" 200 235 "-" "<script>alert(1)</script> Mozilla',
  ...it,
}));
