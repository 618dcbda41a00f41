import { appendFileSync, copyFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cleanUp, eventually, folder, run, type Server, serve, sharedData } from './command.ts';

const original = join(sharedData, 'access', 'apache_logs');
const reason = existsSync(original) ? '' : ' (skipped: ../shared/data/access/apache_logs is not there)';

describe.skipIf(reason !== '')(`up on a real access log${reason}`, () => {
  let dir: string;
  let file: string;
  let server: Server;

  beforeAll(async () => {
    dir = folder();
    file = join(dir, 'apache_logs');
    copyFileSync(original, file);
    server = await serve(dir, ['up', 'apache_logs']);
  });
  afterAll(cleanUp);

  test('the format is detected and said', async () => {
    const { sources } = await server.json('/v1/info');
    expect(sources[0]).toMatchObject({
      stream: 'apache_logs',
      format: 'Apache/nginx combined access log',
      state: 'following',
      events: 9999,
      rejected: 1,
    });
    expect(sources[0].why).toMatch(/nine fields/);
  });

  test('SQL gives the known answers', async () => {
    expect(
      await server.sql(
        'SELECT count(*), count(DISTINCT ip), sum(bytes), count(DISTINCT agent), count(bytes) FROM apache_logs',
      ),
    ).toEqual([[9999, 1753, 2747282505, 558, 9330]]);
    expect(
      await server.sql('SELECT status, count(*) FROM apache_logs GROUP BY 1 ORDER BY 2 DESC, 1'),
    ).toEqual([
      [200, 9125],
      [304, 445],
      [404, 213],
      [301, 164],
      [206, 45],
      [500, 3],
      [403, 2],
      [416, 2],
    ]);
    expect(
      await server.sql('SELECT quantile_disc(bytes, 0.5), quantile_disc(bytes, 0.95) FROM apache_logs'),
    ).toEqual([[12292, 171717]]);
  });

  test('the cut line is in _rejected with its number and text', async () => {
    const rows = await server.sql('SELECT line, raw, reason FROM _rejected');
    expect(rows).toHaveLength(1);
    expect(rows[0]![0]).toBe(8899);
    expect(rows[0]![1]).toMatch(/^46\.118\.127\.106 .*bot\.html$/);
  });

  test('each view sums to the SQL count at every resolution', async () => {
    const { views } = await server.json('/v1/views');
    const withRequests = views.filter((view: { columns: { name: string }[] }) =>
      view.columns.some(column => column.name === 'requests'),
    );
    expect(withRequests.length).toBeGreaterThan(4);
    for (const view of withRequests.filter((view: { sql: string }) => !/LIMIT/.test(view.sql))) {
      const place = view.columns.findIndex((column: { name: string }) => column.name === 'requests');
      for (const every of [...view.resolutions, 'total']) {
        const { windows } = await server.json(`/v1/views/${view.name}?every=${every}&limit=100000`);
        const sum = windows.reduce(
          (total: number, window: { values: number[] }) => total + window.values[place]!,
          0,
        );
        expect([view.name, every, sum]).toEqual([view.name, every, 9999]);
      }
    }
  });

  test('sketches are within their bound and say it', async () => {
    const { columns, windows } = await server.json('/v1/views/apache_logs_traffic?every=total');
    const value = (name: string) =>
      windows[0].values[columns.findIndex((column: { name: string }) => column.name === name)];
    expect(Math.abs(value('visitors') - 1753) / 1753).toBeLessThan(0.0325);
    const size = value('size');
    // Ranks of the known nearest-rank values, give or take the stated relative error.
    for (const [index, exact] of [12_292, 171_717].entries())
      expect(Math.abs(size[index] - exact) / exact).toBeLessThan(0.011);
    expect(columns.find((column: { name: string }) => column.name === 'visitors').approximate).toMatch(/%/);
  });

  test('a chart over the span of the data holds every event', async () => {
    // A chart asks for the span of the data without a resolution: its first window began before the first event.
    const { span } = await server.json('/v1/info');
    const chart = await server.json(`/v1/views/apache_logs_traffic?from=${span.from}&to=${span.to}`);
    expect(chart.every).toBe('1h');
    const charted = chart.windows.map((window: { values: number[] }) => window.values[0]);
    expect(charted.reduce((sum: number, n: number) => sum + n, 0)).toBe(9999);
  });

  test('SQL sees views, at the resolution asked for', async () => {
    expect(await server.sql('SELECT sum(requests) FROM apache_logs_status')).toEqual([[9999]]);
    expect(
      await server.sql('SELECT sum(requests), count(DISTINCT window_start) FROM "apache_logs_status@1d"'),
    ).toEqual([[9999, 4]]);
  });

  test('limits that are no whole numbers above 0 are refused', async () => {
    for (const path of ['streams/apache_logs/events', 'views/apache_logs_traffic']) {
      for (const limit of ['0', '-1', '1.5', 'abc', '']) {
        const { status, code } = await server.json(`/v1/${path}?limit=${limit}`);
        expect([path, limit, status, code]).toEqual([path, limit, 400, 'bad-parameter']);
      }
    }
    expect((await server.json('/v1/streams/apache_logs/events?limit=2')).events).toHaveLength(2);
    const empty = await server.json('/v1/sql', { method: 'POST', body: '{"sql":" "}' });
    expect(empty).toMatchObject({ status: 400, detail: 'sql: there is no query.' });
  });

  test('a clicked value that a view does not know is answered from history', async () => {
    const answer = await server.json(
      `/v1/views/apache_logs_traffic?every=total&where=${encodeURIComponent('path=/favicon.ico')}`,
    );
    expect(answer.source).toBe('history');
    expect(answer.windows[0].values[0]).toBe(807);
    const own = await server.json('/v1/views/apache_logs_status?every=total&where=status=404');
    expect(own.source).toBe('view');
    expect(own.windows.map((window: { values: number[] }) => window.values[1])).toEqual([213]);
  });

  test('an appended line reaches an open live connection', async () => {
    const stopping = new AbortController();
    const live = await fetch(`${server.url}/v1/live?s=apache_logs_traffic@1s&from=2026-01-01`, {
      signal: stopping.signal,
    });
    const reader = live.body!.getReader();
    let text = '';
    const until = async (pattern: RegExp): Promise<void> => {
      while (!pattern.test(text)) text += new TextDecoder().decode((await reader.read()).value);
    };
    await until(/event: snapshot/);
    const now = new Date(Date.now() - 5000);
    const month = now.toLocaleString('en-US', { month: 'short', timeZone: 'UTC' });
    const two = (value: number): string => String(value).padStart(2, '0');
    const time = `${two(now.getUTCDate())}/${month}/${now.getUTCFullYear()}:${two(now.getUTCHours())}:${two(now.getUTCMinutes())}:${two(now.getUTCSeconds())} +0000`;
    appendFileSync(file, `203.0.113.9 - - [${time}] "GET /live HTTP/1.1" 200 77 "-" "test"\n`);
    await until(/event: change[\s\S]*77/);
    stopping.abort();
    expect(await server.sql("SELECT count(*) FROM apache_logs WHERE path = '/live'")).toEqual([[1]]);
  });

  test('kill -9, restart, load again: nothing is lost and nothing is doubled', async () => {
    server.kill('SIGKILL');
    await server.ended;
    server = await serve(dir, ['up', 'apache_logs']);
    expect(await server.sql('SELECT count(*), sum(bytes) FROM apache_logs')).toEqual([[10000, 2747282582]]);
    await eventually(
      async () => (await server.json('/v1/views/apache_logs_traffic?every=total')).windows[0]?.values[0],
      requests => requests === 10_000,
    );
    expect(await server.sql('SELECT count(*) FROM _rejected')).toEqual([[1]]);
  });

  test('other commands talk to the running process', async () => {
    const sql = await run(dir, ['sql', 'SELECT count(*) AS n FROM apache_logs', '--format', 'csv']);
    expect(sql).toMatchObject({ code: 0, stdout: 'n\r\n10000\r\n' });
    expect((await run(dir, ['views'])).stdout).toMatch(/apache_logs_paths +apache_logs +1m, 1h, 1d +live/);
    expect((await run(dir, ['doctor'])).stdout).toMatch(/running: process \d+ at http:\/\/127\.0\.0\.1/);
    const produced = await run(dir, ['produce', 'sensors'], '{"t":1.5}\n{"t":2}\nbad\n');
    expect(produced.stderr).toMatch(/2 events sent, 1 line rejected/);
    expect(await server.sql('SELECT sum(t) FROM sensors')).toEqual([[3.5]]);
    const kept = "SELECT source, line, reason, raw FROM _rejected WHERE stream = 'sensors'";
    expect(await server.sql(kept)).toEqual([['produce', 3, 'not an object', 'bad']]);
  });

  test('a second process on the same folder is told who holds it', async () => {
    const second = await run(dir, ['up', '--port', '0']);
    expect(second.code).toBe(1);
    expect(second.stderr).toContain(String(server.pid));
    expect(second.stderr).not.toMatch(/\n\s+at /);
  });

  test('Ctrl-C ends cleanly', async () => {
    server.kill('SIGINT');
    expect(await server.ended).toMatchObject({ code: 0 });
    expect((await run(dir, ['sql', 'SELECT count(*) FROM apache_logs', '--format', 'csv'])).stdout).toMatch(
      /10000/,
    );
  });

  test('the audit finds no difference', async () => {
    const audit = await run(dir, ['audit']);
    expect(audit).toMatchObject({ code: 0 });
    expect(audit.stdout).toMatch(/✓ apache_logs_traffic: \d+ windows/);
  });
});
