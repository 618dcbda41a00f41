// Pipelines as a user meets them: files in the project folder of a running Millrace.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { cleanUp, eventually, folder, root, run, type Server, serve } from './command.ts';

afterAll(cleanUp);

function project(files: Record<string, string>): string {
  const dir = folder();
  for (const [name, text] of Object.entries(files)) write(dir, name, text);
  return dir;
}

function write(dir: string, name: string, text: string): void {
  mkdirSync(dirname(join(dir, name)), { recursive: true });
  writeFileSync(join(dir, name), text);
}

async function send(server: Server, stream: string, events: readonly object[]): Promise<void> {
  const body = events.map(event => `${JSON.stringify(event)}\n`).join('');
  const answer = await server.json(`/v1/streams/${stream}/events`, { method: 'POST', body });
  expect(answer).toMatchObject({ accepted: events.length });
}

/** The events of a stream, oldest first, once there are so many. */
async function events(server: Server, stream: string, count: number): Promise<Record<string, unknown>[]> {
  const page = await eventually(
    () => server.json(`/v1/streams/${stream}/events?limit=1000`),
    answer => answer.events?.length >= count,
  );
  return page.events.map(({ event }: { event: object }) => event).reverse();
}

const running = (server: Server, name: string) =>
  eventually(
    () => server.json(`/v1/pipelines/${name}`),
    answer => answer.state === 'running' || answer.state === 'waiting',
  );

const counting = (label: string): string => `
import { createHash } from 'node:crypto';
import { pipeline } from 'millrace';
import { HyperLogLog } from 'millrace/analyze';
import { suffix, type Click } from './lib/naming.ts';
import names from './lib/names.json';

interface Visit { user: string; count: number; label: string }

export default pipeline<{ event: Click; output: Visit; state: { count: number } }>({
  from: 'clicks',
  to: 'visits',
  sides: ['alerts'],
  timeout: '300ms',
  key: event => event.user,
  process(event, context) {
    const count: number = (context.state.get('count') ?? 0) + 1;
    context.state.set('count', count);
    if (event.page === '/boom') throw new RangeError('boom');
    if (event.page === '/hang') for (;;);
    if (event.page === '/exit') process.exit(7);
    if (count === 3) {
      context.emitTo('alerts', {
        user: names[event.user as keyof typeof names],
        hash: createHash('md5').update(event.user).digest('hex'),
        sketch: typeof HyperLogLog,
      });
    }
    return { user: event.user, count, label: '${label}' + suffix };
  },
});
`;

const shop = (label: string) => ({
  'pipelines/visits.ts': counting(label),
  'pipelines/lib/naming.ts':
    "export interface Click { user: string; page: string }\nexport const suffix: string = '!';\n",
  'pipelines/lib/names.json': '{ "ann": "Ann Lee" }',
});

test('a pipeline with state, side output, local and foreign imports runs without a build', async () => {
  const dir = project(shop('a'));
  const server = await serve(dir, ['up']);
  await send(server, 'clicks', [
    { user: 'ann', page: '/' },
    { user: 'bob', page: '/' },
    { user: 'ann', page: '/boom' },
    { user: 'ann', page: '/x' },
    { user: 'ann', page: '/y' },
  ]);
  const visits = await events(server, 'visits', 4);
  expect(visits.map(({ user, count, label }) => `${user}${count}${label}`)).toEqual([
    'ann1a!',
    'bob1a!',
    'ann2a!',
    'ann3a!',
  ]);
  expect(await events(server, 'alerts', 1)).toMatchObject([
    { user: 'Ann Lee', hash: '7e0d7f8a5d96c24ffcc840f31bce72b2', sketch: 'function' },
  ]);
  const [rejected] = await events(server, '_rejected', 1);
  expect(rejected).toMatchObject({
    stream: 'clicks',
    source: 'pipeline:visits',
    partition: 0,
    offset: 2,
    reason: 'RangeError: boom',
    raw: '{"user":"ann","page":"/boom"}',
  });
  expect(rejected!.stack).toMatch(/at process \(file:\/\/.*\/pipelines\/visits\.ts:19:39\)$/);
  const metrics = async () => (await fetch(`${server.url}/metrics`)).text();
  await expect.poll(metrics).toContain('millrace_pipeline_events_in{pipeline="visits"} 5');
  await expect.poll(metrics).toContain('millrace_pipeline_events_out{pipeline="visits"} 5');
  await expect.poll(metrics).toContain('millrace_pipeline_retries{pipeline="visits"} 2');
  await expect.poll(metrics).toContain('millrace_pipeline_rejected_events{pipeline="visits"} 1');
  expect(await server.sql('SELECT max(count) FROM visits')).toEqual([[3]]);
});

test('a call that hangs, and one that ends its thread, are rejected; collecting and the stream go on', async () => {
  const server = await serve(project(shop('a')), ['up']);
  await send(server, 'clicks', [
    { user: 'ann', page: '/' },
    { user: 'ann', page: '/hang' },
    { user: 'ann', page: '/exit' },
    { user: 'ann', page: '/' },
  ]);
  const visits = await events(server, 'visits', 2);
  expect(visits.map(({ count }) => count)).toEqual([1, 2]);
  expect(await events(server, '_rejected', 2)).toMatchObject([
    { offset: 1, reason: 'It took longer than 300 ms' },
    { offset: 2, reason: 'It ended its thread (7)' },
  ]);
  const visitsNow = () => server.json('/v1/pipelines/visits');
  await expect.poll(visitsNow).toMatchObject({ state: 'running', rejected: 2, failures: 6, lag: 0 });
  expect((await visitsNow()).restarts).toBeGreaterThanOrEqual(7);
});

test('an event that takes more memory in buffers than there is is rejected; what is left behind as garbage is no matter', async () => {
  const server = await serve(
    project({
      'pipelines/buffers.ts': `
import { pipeline } from 'millrace';
const kept: Buffer[] = [];
export default pipeline({
  from: 'clicks',
  to: 'out',
  process({ n }) {
    if (n === 2) for (let i = 0; i < 6; i++) kept.push(Buffer.alloc(1e8, 1));
    return { n, bytes: Buffer.alloc(1e8, 1).length };
  },
});
`,
    }),
    ['up'],
  );
  await send(
    server,
    'clicks',
    Array.from({ length: 20 }, (_, n) => ({ n })),
  );
  const out = await events(server, 'out', 19);
  expect(out.map(({ n }) => n)).toEqual(Array.from({ length: 20 }, (_, n) => n).filter(n => n !== 2));
  expect(await events(server, '_rejected', 1)).toMatchObject([
    { offset: 2, reason: 'It needed more than 512 MB of memory for buffers' },
  ]);
});

test('whatever a function throws, in a call or after it, its event is rejected and the next one follows', async () => {
  const server = await serve(
    project({
      'pipelines/odd.ts': `
import { pipeline } from 'millrace';
const trap = () => { throw new Error('a trap'); };
const odd = [
  Object.create(null),
  new Proxy(new Error('x'), { get: trap, getPrototypeOf: trap, has: trap, getOwnPropertyDescriptor: trap }),
  Object.defineProperty(new Error('x'), 'stack', { get: trap }),
  Symbol('sign'),
];
export default pipeline({
  from: 'clicks',
  to: 'out',
  process({ n }) {
    if (n >= odd.length) return { n };
    setImmediate(() => { throw odd[n]; });
    Promise.reject(odd[n]);
    throw odd[n];
  },
});
`,
      'pipelines/odd_file.ts': 'throw Object.create(null);\n',
    }),
    ['up'],
  );
  await send(
    server,
    'clicks',
    [0, 1, 2, 3, 4].map(n => ({ n })),
  );
  expect(await events(server, 'out', 1)).toMatchObject([{ n: 4 }]);
  const rejected = await events(server, '_rejected', 4);
  expect(rejected.map(({ offset }) => offset)).toEqual([0, 1, 2, 3]);
  expect(await server.json('/v1/pipelines/odd')).toMatchObject({ failures: 12, rejected: 4, restarts: 0 });
  expect(await server.json('/v1/pipelines/odd_file')).toMatchObject({
    state: 'failed',
    error: expect.stringContaining('a value of type object that has no text'),
  });
});

test('a changed file, or one that it imports, takes over; a broken one leaves the old one running', async () => {
  const dir = project(shop('a'));
  const server = await serve(dir, ['up']);
  const next = async (count: number) => {
    await send(server, 'clicks', [{ user: 'ann', page: '/' }]);
    return (await events(server, 'visits', count)).at(-1)!;
  };
  expect(await next(1)).toMatchObject({ count: 1, label: 'a!' });
  write(dir, 'pipelines/visits.ts', counting('b').replace("'clicks',", "'clicks'; syntax"));
  const broken = await eventually(
    () => server.json('/v1/pipelines/visits'),
    answer => answer.error !== undefined,
  );
  expect(broken).toMatchObject({
    state: 'running',
    error: expect.stringMatching(/^pipelines\/visits\.ts:11:\d+: /),
  });
  const ready = await eventually(
    () => server.json('/readyz'),
    answer => answer.problems.length > 0,
  );
  expect(ready.problems).toEqual([expect.stringContaining('pipelines/visits.ts:11:')]);
  expect(await next(2)).toMatchObject({ count: 2, label: 'a!' });
  write(dir, 'pipelines/visits.ts', counting('c'));
  await eventually(
    () => server.json('/v1/pipelines/visits'),
    answer => answer.error === undefined,
  );
  expect(await next(3)).toMatchObject({ count: 3, label: 'c!' });
  write(
    dir,
    'pipelines/lib/naming.ts',
    "export type Click = { user: string; page: string };\nexport const suffix = '?';\n",
  );
  let labels: unknown[] = [];
  for (let i = 4; !labels.includes('c?'); i++) labels = [...labels, (await next(i)).label];
  expect(new Set(labels.slice(0, -1))).not.toContain('c?');
  rmSync(join(dir, 'pipelines/visits.ts'));
  await eventually(
    () => server.json('/v1/pipelines'),
    answer => answer.pipelines.length === 0,
  );
});

test('after a restart a pipeline goes on where it stood', async () => {
  const dir = project(shop('a'));
  const first = await serve(dir, ['up']);
  await send(first, 'clicks', [{ user: 'ann', page: '/' }]);
  await events(first, 'visits', 1);
  first.kill('SIGTERM');
  expect((await first.ended).code).toBe(0);
  const second = await serve(dir, ['up']);
  await running(second, 'visits');
  await send(second, 'clicks', [{ user: 'ann', page: '/' }]);
  expect((await events(second, 'visits', 2)).map(({ count }) => count)).toEqual([1, 2]);
});

test("the guide's example does what it says", async () => {
  const guide = readFileSync(join(root, 'docs/pipelines.md'), 'utf8');
  const example = /```ts\n(\/\/ pipelines\/visits\.ts[\s\S]*?)```/.exec(guide)![1]!;
  const server = await serve(project({ 'pipelines/visits.ts': example }), ['up']);
  const click = (time: string, user: string, page: string) => ({ _time: `2026-01-01T${time}Z`, user, page });
  await send(server, 'clicks', [
    click('10:00:00', 'ann', '/'),
    click('10:20:00', 'ann', '/shop'),
    click('10:21:00', 'bob', '/'),
    click('10:50:09', 'bob', '/about'),
    click('10:50:10', 'cyd', '/'),
  ]);
  expect(await events(server, 'visits', 1)).toEqual([
    { _time: '2026-01-01T10:50:00.000Z', user: 'ann', pages: 2, last: '/shop' },
  ]);
});

describe('millrace check', () => {
  const simple = (from: string, to: string, rest = ''): string =>
    `import { pipeline } from 'millrace';\n\nexport default pipeline({ from: '${from}', to: '${to}'${rest}, process: event => event });\n`;

  test('finds nothing wrong with what is right', async () => {
    const { code, stdout } = await run(project({ ...shop('a'), 'millrace.yaml': 'name: a\n' }), ['check']);
    expect(stdout).toContain('2 files, nothing to mend');
    expect(code).toBe(0);
  });

  test('names file, line and remedy of each fault', async () => {
    const dir = project({
      'pipelines/a-loop.ts': simple('x', 'y'),
      'pipelines/b-loop.ts': simple('y', 'x'),
      'pipelines/option.ts': simple('x', 'z', ', strat: 1'),
      'pipelines/syntax.ts': "import { pipeline } from 'millrace';\nenum Kind { A }\n",
      'pipelines/top-level.ts': "import 'millrace';\n\nnull!.x;\n",
      'pipelines/import.ts': "import { nothing } from './lib/nothing.ts';\nexport default nothing;\n",
      'pipelines/name.ts': "import {\n  pipelin,\n} from 'millrace';\nexport default pipelin;\n",
      'pipelines/package.ts': "import x from 'no-such-package';\nexport default x;\n",
      'pipelines/nothing.ts': 'export const x = 1;\n',
      'pipelines/view.ts': simple('x', 'hits'),
      'views/hits.sql': '-- every: 1m\nSELECT count(*) AS hits FROM x\n',
    });
    const { code, stdout } = await run(dir, ['check', '--json']);
    expect(code).toBe(1);
    const { faults } = JSON.parse(stdout) as { faults: { message: string; remedy: string }[] };
    expect(faults.map(({ message }) => message.replace(dir, ''))).toEqual([
      'pipelines/b-loop.ts:3:16: its output comes back to it: y → (b-loop) → x → (a-loop) → y.',
      'pipelines/import.ts:1: The file /pipelines/lib/nothing.ts cannot be read (ENOENT).',
      "pipelines/name.ts:3: The requested module 'millrace' does not provide an export named 'pipelin'.",
      'pipelines/nothing.ts: nothing is exported as default.',
      'pipelines/option.ts:3:16: there is no option "strat".',
      "pipelines/package.ts:1: Cannot find package 'no-such-package' imported from /pipelines/package.ts.",
      'pipelines/syntax.ts:2:1: TypeScript enum is not supported in strip-only mode.',
      "pipelines/top-level.ts:3:7: TypeError: Cannot read properties of null (reading 'x').",
      'pipelines/view.ts:3:16: there is a view named "hits".',
    ]);
    for (const { remedy } of faults) expect(remedy).toMatch(/\.$/);
  });
});
