import { createServer, get, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { at, MemoryLog, openEngine, startMs } from '../process/engine/engine.fixture.ts';
import type { Engine } from '../process/engine.ts';
import type { ViewChange, ViewColumn, ViewSummary, WindowRow } from '../process/view.ts';
import { serveLive } from './live.ts';
import { LiveHub } from './live-hub.ts';

const minuteUs = 60_000_000;

/** An engine whose one view has a row for each minute; `change` alters one and tells. */
class FakeEngine {
  readonly rows = new Map<number, WindowRow>();
  private listener: (change: ViewChange) => void = () => {};
  private id = 0;
  watched = 0;
  queries = 0;
  columns: ViewColumn[] = [
    { name: 'k', type: 'VARCHAR', role: 'group' },
    { name: 'n', type: 'BIGINT', role: 'value' },
  ];

  async views(): Promise<ViewSummary[]> {
    const { columns } = this;
    return [
      {
        name: 'v',
        window: { kind: 'tumbling', everyMs: [60_000] },
        resolutions: [{ everyMs: 60_000, keepMs: null }],
        columns,
        watermarkUs: 0,
      } as unknown as ViewSummary,
    ];
  }
  async query({ fromUs = 0 }: { fromUs?: number }) {
    this.queries++;
    const { columns } = (await this.views())[0]!;
    const rows = [...this.rows.values()].filter(row => row.startUs >= fromUs);
    return { view: 'v', everyMs: 60_000, columns, rows, watermarkUs: 0 };
  }
  onChange(listener: (change: ViewChange) => void) {
    this.listener = listener;
    return () => {};
  }
  watch() {
    this.watched++;
    return () => this.watched--;
  }
  change(minute: number, n: number): void {
    const startUs = minute * minuteUs;
    const revision = (this.rows.get(startUs)?.revision ?? 0) + 1;
    const row = { startUs, endUs: startUs + minuteUs, revision, final: false, values: ['a', n] };
    this.rows.set(startUs, row);
    this.tell({ rows: [row] });
  }
  tell(change: Partial<ViewChange>): void {
    this.listener({
      view: 'v',
      everyMs: 60_000,
      id: ++this.id,
      epoch: 'e',
      watermarkUs: 0,
      rows: [],
      ...change,
    });
  }
  /** Another definition serves, with the columns the other way round. */
  swap(): void {
    this.columns = this.columns.toReversed();
    for (const row of this.rows.values()) row.values = row.values.toReversed();
    this.tell({ columns: this.columns });
  }
}

interface Message {
  event: string;
  id: string | undefined;
  data: Record<string, never> & {
    windows?: { start: string; values: unknown[] }[];
    whole?: string[];
    overlapping?: true;
    answer?: { every: string; windows: unknown[]; columns: ViewColumn[] };
    problem?: { code: string; detail: string; remedy: string };
  };
}

let engine: FakeEngine;
let hub: LiveHub;
let server: Server;
let url: string;

beforeEach(async () => {
  engine = new FakeEngine();
  await serve(engine as unknown as Engine);
});

async function serve(served: Engine): Promise<void> {
  hub = new LiveHub(served, 'epoch');
  const status = () => ({ events: 0, rate: 0, sources: [], problems: [] });
  const clock = { nowMs: () => 3_600_000 };
  server = createServer((request, response) => {
    const query = new URL(request.url!, 'http://x').searchParams;
    void serveLive({ engine: served, hub, clock, status }, query, request, response);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function stop(): Promise<void> {
  hub.close();
  server.closeAllConnections();
  await new Promise(resolve => server.close(resolve));
}

afterEach(stop);

async function connect(query: string, lastEventId?: string) {
  const stopping = new AbortController();
  const response = await fetch(`${url}/?${query}`, {
    signal: stopping.signal,
    headers: lastEventId === undefined ? {} : { 'last-event-id': lastEventId },
  });
  const reader = response.body!.getReader();
  const waiting: Message[] = [];
  let rest = '';
  async function next(...wanted: string[]): Promise<Message> {
    for (;;) {
      const index = waiting.findIndex(({ event }) => wanted.includes(event));
      if (index >= 0) return waiting.splice(0, index + 1).at(-1)!;
      const { value, done } = await reader.read();
      if (done) throw new Error('closed');
      rest += new TextDecoder().decode(value);
      const parts = rest.split('\n\n');
      rest = parts.pop()!;
      for (const part of parts) {
        const event = /^event: (.*)$/m.exec(part)?.[1];
        if (!event) continue;
        waiting.push({
          event,
          id: /^id: (.*)$/m.exec(part)?.[1],
          data: JSON.parse(/^data: (.*)$/m.exec(part)![1]!),
        });
      }
    }
  }
  return { next, close: () => stopping.abort() };
}

test('a snapshot comes first, then what changes', async () => {
  engine.change(1, 10);
  const client = await connect('s=v@1m&from=1970-01-01');
  expect((await client.next('snapshot')).data.answer!.windows).toHaveLength(1);
  engine.change(2, 20);
  const change = await client.next('change');
  expect(change.data.windows).toMatchObject([{ start: '1970-01-01T00:02:00.000Z', values: ['a', 20] }]);
  client.close();
});

test('a client that comes back gets exactly what it missed', async () => {
  const client = await connect('s=v@1m');
  await client.next('snapshot');
  engine.change(1, 1);
  const { id } = await client.next('change');
  client.close();
  engine.change(2, 2);
  engine.change(3, 3);
  const again = await connect('s=v@1m', id);
  const missed = await again.next('change');
  expect(missed.data.windows!.map(window => window.values[1])).toEqual([2, 3]);
  again.close();
});

test('what nobody listened to for a minute is not taken for known', () => {
  vi.useFakeTimers();
  try {
    const leave = hub.subscribe('v', 60_000, () => {});
    engine.change(1, 1);
    const id = hub.position;
    leave();
    expect(hub.changesAfter('v', 60_000, id)).toEqual([]);
    vi.advanceTimersByTime(60_000);
    expect(engine.watched).toBe(0);
    engine.change(2, 2);
    hub.subscribe('v', 60_000, () => {});
    expect(hub.changesAfter('v', 60_000, id)).toBeUndefined();
    expect(hub.changesAfter('v', 60_000, hub.position)).toEqual([]);
  } finally {
    vi.useRealTimers();
  }
});

test('an id of another life starts anew with a snapshot', async () => {
  engine.change(1, 1);
  const client = await connect('s=v@1m&from=1970-01-01', 'other.5');
  expect((await client.next('snapshot')).data.answer!.windows).toHaveLength(1);
  client.close();
});

test('what is unknown is refused for itself alone', async () => {
  const client = await connect('s=nope@1m&s=v@7m&s=v@1m');
  expect((await client.next('error')).data).toMatchObject({ problem: { code: 'unknown-view' } });
  expect((await client.next('error')).data).toMatchObject({ problem: { code: 'bad-resolution' } });
  await client.next('snapshot');
  // Who comes back when it is known needs all of it.
  engine.change(0, 1);
  expect((await client.next('change')).id).toBeUndefined();
  client.close();
});

test('many changes of one window are told once, as they are at last', async () => {
  const client = await connect('s=v@1m');
  await client.next('snapshot');
  for (let n = 1; n <= 1000; n++) engine.change(1, n);
  let last = await client.next('change');
  while (last.data.windows!.at(-1)!.values[1] !== 1000) last = await client.next('change');
  expect(last.data.windows!.at(-1)!.values).toEqual(['a', 1000]);
  client.close();
});

test('a view that serves another definition is sent anew, also to who was away', async () => {
  const client = await connect('s=v@1m&from=1970-01-01');
  await client.next('snapshot');
  engine.change(1, 1);
  const { id } = await client.next('change');
  engine.swap();
  const { answer } = (await client.next('snapshot')).data;
  expect(answer!.columns.map(({ name }) => name)).toEqual(['n', 'k']);
  expect(answer!.windows).toMatchObject([{ values: [1, 'a'] }]);
  client.close();
  const again = await connect('s=v@1m&from=1970-01-01', id);
  await again.next('snapshot');
  again.close();
});

test('windows sent whole, and rows that replace what they overlap, are said to be', async () => {
  const client = await connect('s=v@1m');
  await client.next('snapshot');
  engine.tell({ wholeStartUs: minuteUs });
  expect((await client.next('change')).data).toMatchObject({
    windows: [],
    whole: ['1970-01-01T00:01:00.000Z'],
  });
  const row = { startUs: 0, endUs: 1, revision: 1, final: false, values: ['a', 1] };
  engine.tell({ rows: [row], overlapping: true });
  expect((await client.next('change')).data).toMatchObject({ windows: [{}], overlapping: true });
  client.close();
});

test('of what waits of sessions that grow together only the last one is sent, gone or not', async () => {
  const client = await connect('s=v@1m');
  await client.next('snapshot');
  engine.change(1, 1);
  const { id } = await client.next('change');
  client.close();
  const row = (start: number, end: number, group: string) => ({
    startUs: start * minuteUs,
    endUs: end * minuteUs,
    revision: 1,
    final: false,
    values: [group, 1],
  });
  engine.tell({ rows: [row(2, 3, 'x'), row(2, 4, 'y')], overlapping: true });
  engine.tell({ rows: [row(5, 6, 'x')], overlapping: true });
  engine.tell({ rows: [{ ...row(1, 7, 'x'), gone: true }], overlapping: true });
  const again = await connect('s=v@1m', id);
  const { windows } = (await again.next('change')).data;
  expect(windows).toMatchObject([
    { values: ['y', 1] },
    { start: '1970-01-01T00:01:00.000Z', end: '1970-01-01T00:07:00.000Z', values: ['x', 1], gone: true },
  ]);
  again.close();
});

test('of what waits of a window, a whole one leaves nothing but its own rows', async () => {
  const client = await connect('s=v@1m');
  await client.next('snapshot');
  engine.change(1, 1);
  const { id } = await client.next('change');
  client.close();
  const row = (group: string) => ({
    startUs: 2 * minuteUs,
    endUs: 3 * minuteUs,
    revision: 1,
    final: false,
    values: [group, 1],
  });
  engine.tell({ rows: [row('x'), row('y')] });
  engine.tell({ rows: [row('y')], wholeStartUs: 2 * minuteUs });
  const again = await connect('s=v@1m', id);
  const { windows, whole } = (await again.next('change')).data;
  expect(windows).toMatchObject([{ values: ['y', 1] }]);
  expect(whole).toEqual(['1970-01-01T00:02:00.000Z']);
  again.close();
});

test('of a window told whole each row waits, also those that look the same', async () => {
  const client = await connect('s=v@1m');
  await client.next('snapshot');
  engine.change(1, 1);
  const { id } = await client.next('change');
  client.close();
  const row = (n: number) => ({
    startUs: 2 * minuteUs,
    endUs: 3 * minuteUs,
    revision: 1,
    final: false,
    values: ['a', n],
  });
  engine.tell({ rows: [row(1), row(1), row(7)], wholeStartUs: 2 * minuteUs });
  engine.tell({ rows: [row(2), row(1), row(3)], wholeStartUs: 2 * minuteUs });
  const again = await connect('s=v@1m', id);
  const { windows, whole } = (await again.next('change')).data;
  expect(windows!.map(({ values }) => values[1])).toEqual([2, 1, 3]);
  expect(whole).toEqual(['1970-01-01T00:02:00.000Z']);
  again.close();
});

test('a client that does not read has few snapshots made for it, and gets all as it reads', async () => {
  const row = { startUs: 0, endUs: minuteUs, revision: 1, final: false, values: ['x'.repeat(1_000_000), 1] };
  engine.rows.set(0, row);
  const count = 32;
  const request = get(`${url}/?${Array(count).fill('s=v@1m').join('&')}`);
  const response = await new Promise<IncomingMessage>(resolve => request.on('response', resolve));
  await expect.poll(() => engine.queries).toBeGreaterThan(3);
  // The server has had time for more.
  const other = await connect('s=v@1m');
  await other.next('snapshot');
  other.close();
  expect(engine.queries).toBeLessThan(count);
  let snapshots = 0;
  let end = '';
  for await (const chunk of response.setEncoding('latin1')) {
    const parts = (end + String(chunk)).split('event: snapshot');
    snapshots += parts.length - 1;
    end = parts.at(-1)!.slice(-20);
    if (snapshots === count) break;
  }
  expect(engine.queries).toBe(count + 1);
});

test('of a session each row waits, until it is told anew or grows together with another', async () => {
  engine.columns = [
    { name: 'k', type: 'VARCHAR', role: 'group' },
    { name: 'x', type: 'BIGINT', role: 'group' },
    { name: 'n', type: 'BIGINT', role: 'value' },
  ];
  const client = await connect('s=v@1m');
  await client.next('snapshot');
  const row = (start: number, end: number, ...values: WindowRow['values']) => ({
    startUs: start * minuteUs,
    endUs: end * minuteUs,
    revision: 1,
    final: false,
    values,
  });
  const session = { overlapping: true, by: ['k'] } as const;
  const told = (rows: WindowRow[]) => engine.tell({ rows, overlapping: true, by: ['k'] });
  told([row(1, 2, 'a', 1, 1)]);
  const { id, data } = await client.next('change');
  expect(data).toMatchObject(session);
  client.close();
  told([row(1, 3, 'a', 1, 2), row(1, 3, 'a', 1, 5), row(1, 3, 'b', 1, 1)]);
  told([row(5, 6, 'a', 2, 1)]);
  told([row(1, 6, 'a', 1, 2), row(1, 6, 'a', 1, 6)]);
  const again = await connect('s=v@1m', id);
  const { windows } = (await again.next('change')).data;
  expect(windows!.map(({ values }) => values).sort()).toEqual([
    ['a', 1, 2],
    ['a', 1, 6],
    ['b', 1, 1],
  ]);
  again.close();
});

describe('a session view whose gap changes', () => {
  let log: MemoryLog;
  let sessions: Engine;

  beforeEach(async () => {
    await stop();
    log = new MemoryLog();
    log.createStream('clicks');
    click(0, 6, 20);
    sessions = await openEngine(log);
    await setGap('5s');
    await serve(sessions);
  });

  afterEach(() => sessions.close());

  const click = (...seconds: number[]): void =>
    log.append(
      'clicks',
      0,
      seconds.map(second => ({ _time: at(second * 1000), user: 'a' })),
      startMs,
    );

  async function setGap(gap: string): Promise<void> {
    const text = `-- session: ${gap} by user\nSELECT user, count(*) AS n FROM clicks GROUP BY user`;
    await sessions.define({ name: 'ses', text });
    await sessions.settled();
  }

  const counts = ({ data }: Message) => data.answer!.windows.map(window => (window as WindowRow).values[1]);

  test.each(['ses@5s', 'ses'])('is sent anew to who listens to %s, and its changes after it', async key => {
    const client = await connect(`s=${key}&from=1970-01-01`);
    expect(counts(await client.next('snapshot'))).toEqual([1, 1, 1]);
    await setGap('8s');
    const snapshot = await client.next('snapshot');
    expect(snapshot.data).toMatchObject({ subscription: key, answer: { every: '8s' } });
    expect(counts(snapshot)).toEqual([2, 1]);
    click(27);
    const isLonger = ({ start, values }: { start: string; values: unknown[] }) =>
      start === at(20_000) && values[1] === 2;
    let change = await client.next('change');
    while (!change.data.windows!.some(isLonger)) change = await client.next('change');
    expect(change.data).toMatchObject({ subscription: key, overlapping: true });
    await setGap('30s');
    expect(counts(await client.next('snapshot'))).toEqual([4]);
    client.close();
  });

  test('is sent anew to who comes back by the gap that was', async () => {
    const client = await connect('s=ses@5s&from=1970-01-01');
    await client.next('snapshot');
    click(40);
    const { id } = await client.next('change');
    client.close();
    await setGap('8s');
    const again = await connect('s=ses@5s&from=1970-01-01', id);
    expect(counts(await again.next('snapshot'))).toEqual([2, 1, 1]);
    again.close();
  });

  test('is refused in the words of the API to who asks for another gap', async () => {
    const client = await connect('s=ses@7s');
    expect((await client.next('error')).data.problem).toMatchObject({
      code: 'bad-resolution',
      detail: '"ses@7s": the view is of sessions with a gap of 5s.',
      remedy: 'Subscribe to ses or ses@5s.',
    });
    client.close();
    await expect(sessions.query({ view: 'ses', everyMs: 7000 })).rejects.toMatchObject({
      message: 'The view is of sessions with a gap of 5s.',
      remedy: 'Leave every out, or give every=5s.',
    });
  });
});

test('a resolution that another definition does not keep ends its subscription alone, in the words of the API', async () => {
  await stop();
  const log = new MemoryLog();
  log.createStream('clicks');
  const views = await openEngine(log);
  const define = (every: string) =>
    views.define({ name: 'v', text: `-- every: ${every}\nSELECT count(*) AS n FROM clicks` });
  await define('1s, 1m');
  await serve(views);
  const client = await connect('s=v@1s&s=v@1m');
  await client.next('snapshot');
  await client.next('snapshot');
  await define('5s, 1m');
  await views.settled();
  expect((await client.next('error')).data).toMatchObject({
    subscription: 'v@1s',
    problem: { detail: '"v@1s": the view does not keep this resolution.' },
  });
  expect((await client.next('snapshot')).data).toMatchObject({ subscription: 'v@1m' });
  // It goes on where yet another definition keeps it again.
  await define('1s, 1m');
  await views.settled();
  const again = [await client.next('snapshot'), await client.next('snapshot')];
  expect(again.map(({ data }) => data['subscription']).sort()).toEqual(['v@1m', 'v@1s']);
  client.close();
  await views.close();
});

test('who listens to a view is told that it has gone or cannot be computed, and gets it anew when it is back', async () => {
  await stop();
  const log = new MemoryLog();
  log.createStream('clicks');
  const views = await openEngine(log);
  const low = { name: 'low', text: '-- every: 1m\nSELECT count(*) AS n FROM clicks' };
  await views.define(low);
  await views.define({ name: 'high', text: '-- every: 1m\nSELECT max(n) AS n FROM low' });
  log.append('clicks', 0, [{ _time: at(0) }], startMs);
  await views.settled();
  await serve(views);
  const client = await connect('s=low@1m&s=high@1m&from=1970-01-01');
  const two = async (event: string) => {
    const messages = [await client.next(event), await client.next(event)];
    return messages.map(({ data }) => [data['subscription'], data.problem?.code ?? data.answer!.windows]);
  };
  const windows = [expect.objectContaining({ start: at(0), values: [1] })];
  expect(await two('snapshot')).toEqual([
    ['low@1m', windows],
    ['high@1m', windows],
  ]);
  await views.drop('low');
  expect((await two('error')).sort()).toEqual([
    ['high@1m', 'view-failed'],
    ['low@1m', 'unknown-view'],
  ]);
  await views.define(low);
  await views.settled();
  const last = new Map<unknown, unknown[]>();
  while (last.get('low@1m')?.length !== 1 || last.get('high@1m')?.length !== 1) {
    const { data } = await client.next('snapshot', 'change');
    last.set(data['subscription'], data.windows ?? data.answer!.windows);
  }
  expect([...last.values()]).toEqual([windows, windows]);
  client.close();
  await views.close();
});
