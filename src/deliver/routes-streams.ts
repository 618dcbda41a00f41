// /v1/streams: what there is, what it holds, and the events behind a chart.
import type { Hono } from 'hono';
import { rejectedStream } from '../collect/rejected.ts';
import { MillraceError } from '../core/errors.ts';
import { foldedName } from '../core/folded-name.ts';
import { formatUs, parseInstantUs } from '../core/time.ts';
import type { StreamSummary } from '../flow/log.ts';
import { columnFields, identifier } from '../store/lake-sql.ts';
import type { EventPage, StreamDetail, StreamEntry, StreamList } from './api.ts';
import type { Services } from './services.ts';
import { instantOrNull, parseCondition, positive } from './view-json.ts';

/** Events a page at most. */
const maxEvents = 1000;

export function routeStreams(app: Hono, services: Services): void {
  app.get('/v1/streams', async context => {
    const rejected = await rejectedByStream(services);
    const summaries = await services.log.streams();
    const streams = summaries.map(summary => entry(services, summary, rejected.get(summary.name) ?? 0));
    return context.json({ streams } satisfies StreamList);
  });

  app.get('/v1/streams/:stream', async context => {
    const summary = await find(services, context.req.param('stream'));
    const rejected = await rejectedByStream(services);
    const lake = await services.lake.flush(summary.name);
    const detail: StreamDetail = {
      ...entry(services, summary, rejected.get(summary.name) ?? 0),
      partitions: summary.partitions.map(({ partition, first, end, bytes, closed }) => ({
        partition,
        first,
        end,
        bytes,
        archived: lake?.archived[partition] ?? 0,
        ...(closed === undefined ? {} : { closed }),
      })),
      fields: [
        { name: '_time', type: 'TIMESTAMP' },
        ...columnFields(lake?.schema.fields ?? []).map(({ name, type }) => ({ name, type })),
      ],
      consumers: services.log
        .consumers()
        .filter(consumer => consumer.stream === summary.name)
        .map(({ name, partition, position, lag }) => ({ name, partition, position, lag })),
    };
    return context.json(detail);
  });

  app.get('/v1/streams/:stream/events', async context => {
    const summary = await find(services, context.req.param('stream'));
    const url = new URL(context.req.url);
    const nowMs = services.clock.nowMs();
    const limit = Math.min(positive(url.searchParams, 'limit') ?? 100, maxEvents);
    const conditions: string[] = [];
    const params: (string | number)[] = [];
    const bind = (value: string | number): string => `$${params.push(value)}`;
    for (const [name, op] of [
      ['from', '>='],
      ['to', '<'],
    ] as const) {
      const text = url.searchParams.get(name);
      if (text !== null)
        conditions.push(`_time ${op} make_timestamp(${bind(parseInstantUs(text, nowMs, name))})`);
    }
    const lake = await services.lake.flush(summary.name);
    const fields = lake?.schema.fields ?? [];
    for (const text of url.searchParams.getAll('where')) {
      const { column, op, value } = parseCondition(text);
      if (!fields.some(field => foldedName(field.name) === foldedName(column))) {
        throw new MillraceError('unknown-field', `The stream "${summary.name}" has no field "${column}".`, {
          status: 400,
          remedy: 'GET /v1/streams/{stream} lists its fields.',
        });
      }
      conditions.push(
        `${identifier(column)}::VARCHAR IS ${op === '=' ? 'NOT ' : ''}DISTINCT FROM ${bind(value)}`,
      );
    }
    const cursor = url.searchParams.get('cursor');
    if (cursor !== null) {
      const [timeUs, partition, offset] = cursor.split('.').map(Number);
      if (![timeUs, partition, offset].every(Number.isSafeInteger)) {
        throw new MillraceError('bad-cursor', `cursor: "${cursor}" is not one of ours.`, { status: 400 });
      }
      const at = `(make_timestamp(${bind(timeUs!)}), ${bind(partition!)}, ${bind(offset!)})`;
      conditions.push(`(_time, _partition, _offset) < ${at}`);
    }
    if (!lake) return context.json({ events: [] } satisfies EventPage);
    const where = conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : '';
    const answer = await services.sql({
      sql: `SELECT * FROM ${identifier(summary.name)} ${where} ORDER BY _time DESC, _partition DESC, _offset DESC LIMIT ${limit + 1}`,
      ...(params.length > 0 ? { params } : {}),
      format: 'json',
      timeoutMs: 30_000,
      maxRows: limit + 1,
      maxBytes: 32 * 1024 * 1024,
    });
    const names = answer.columns.map(column => column.name);
    const place = (name: string): number => names.indexOf(name);
    const types = new Map(fields.map(field => [field.name, field.type]));
    const rows = answer.rows.slice(0, limit);
    const events = rows.map(row => {
      // Without a prototype, of which a field may have the name.
      const event: Record<string, unknown> = Object.create(null);
      names.forEach((name, index) => {
        const value = row[index];
        if (name === '_offset' || name === '_partition' || value === null) return;
        event[name] = types.get(name) === 'JSON' && typeof value === 'string' ? parsed(value) : value;
      });
      const time = String(row[place('_time')]);
      return {
        offset: Number(row[place('_offset')]),
        partition: Number(row[place('_partition')]),
        time,
        event,
      };
    });
    const last = events.at(-1);
    const more = answer.rows.length > limit && last !== undefined;
    const page: EventPage = {
      events,
      ...(more ? { next: `${parseInstantUs(last.time, nowMs)}.${last.partition}.${last.offset}` } : {}),
    };
    return context.json(page);
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

async function find(services: Services, name: string): Promise<StreamSummary> {
  const summary = (await services.log.streams()).find(stream => stream.name === name);
  if (summary) return summary;
  throw new MillraceError('unknown-stream', `There is no stream "${name}".`, {
    status: 404,
    remedy: 'GET /v1/streams lists the streams; a stream exists as soon as an event arrives for it.',
  });
}

function entry(services: Services, summary: StreamSummary, rejected: number): StreamEntry {
  const lake = services.lake.stream(summary.name);
  const lastMs = Math.max(...summary.partitions.map(partition => partition.lastAppendMs));
  return {
    name: summary.name,
    events: summary.partitions.reduce((sum, { end, first, partition }) => {
      const archivedFrom = lake?.chunks.find(chunk => chunk.partition === partition)?.first;
      return sum + end - Math.min(first, archivedFrom ?? first);
    }, 0),
    bytes: summary.partitions.reduce((sum, partition) => sum + partition.bytes, 0),
    rejected,
    lastAt: lastMs > 0 ? formatUs(lastMs * 1000) : null,
    from: instantOrNull(lake?.fromUs ?? null),
    to: instantOrNull(lake?.toUs ?? null),
    rate: services.stats.rate(summary.name),
  };
}

/** Counted over the stream `_rejected`; small enough to be counted when asked. */
async function rejectedByStream(services: Services): Promise<Map<string, number>> {
  const lake = await services.lake.flush(rejectedStream).catch(() => undefined);
  if (!lake) return new Map();
  const answer = await services.sql({
    sql: `SELECT stream, count(*) FROM ${rejectedStream} GROUP BY stream`,
    format: 'json',
    timeoutMs: 30_000,
    maxRows: 100_000,
    maxBytes: 16 * 1024 * 1024,
  });
  return new Map(answer.rows.map(row => [String(row[0]), Number(row[1])]));
}
