// Who does not wait for a clean end gets one at once, whatever the threads are in the middle of, and nothing that was acknowledged is lost.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { cleanUp, eventually, folder, type Server, serve } from './command.ts';

afterAll(cleanUp);

/** Sends lines of new keys until the server ends or `isOver`; counts those acknowledged. */
async function sendKeys(server: Server, sent: { acknowledged: number; isOver?: boolean }): Promise<void> {
  while (!sent.isOver) {
    const first = sent.acknowledged;
    const lines = Array.from({ length: 5000 }, (_, i) => `{"key":"k${first + i}"}\n`);
    const answer = await server
      .json('/v1/streams/s/events', { method: 'POST', body: lines.join('') })
      .catch(() => undefined);
    if (answer?.accepted !== 5000) return;
    sent.acknowledged += 5000;
  }
}

/** All that was acknowledged is in the stream, and the view has the stream. */
async function expectAll(server: Server, acknowledged: number): Promise<void> {
  const sum = async (): Promise<number> => {
    const { windows } = await server.json('/v1/views/keys?every=total&limit=100000');
    return windows.reduce((total: number, { values }: { values: number[] }) => total + values[1]!, 0);
  };
  // What was on its way when the process ended may be there as well.
  const [[stored]] = (await server.sql('SELECT count(*) FROM s')) as [[number]];
  expect(stored).toBeGreaterThanOrEqual(acknowledged);
  await eventually(sum, total => total === stored);
}

function project(): string {
  const dir = folder();
  mkdirSync(join(dir, 'views'));
  // Many groups, so that much of the time goes into transactions of the store.
  writeFileSync(join(dir, 'views', 'keys.sql'), 'SELECT key, count(*) AS n FROM s GROUP BY key');
  return dir;
}

test('a second signal ends the process while views take in events, and the next start has them all', async () => {
  const dir = project();
  const sent = { acknowledged: 0, isOver: false };
  let bySignal = 0;
  for (let round = 0; round < 12 && bySignal < 3; round++) {
    const server = await serve(dir, ['up']);
    sent.isOver = false;
    const sending = sendKeys(server, sent);
    const goal = sent.acknowledged + 100_000;
    await eventually(
      async () => sent.acknowledged,
      count => count >= goal,
    );
    server.kill('SIGTERM');
    server.kill('SIGTERM');
    // A second that comes before the first was seen is the same signal.
    const again = setInterval(() => server.kill('SIGTERM'), 5);
    const { code, signal } = await server.ended;
    clearInterval(again);
    sent.isOver = true;
    await sending;
    // A clean end that is quicker than the second signal is one, too.
    if (code !== 0) expect({ code, signal }).toEqual({ code: null, signal: 'SIGTERM' });
    if (signal === 'SIGTERM') bySignal++;
  }
  expect(bySignal).toBe(3);
  const server = await serve(dir, ['up']);
  await expectAll(server, sent.acknowledged);
  server.kill('SIGTERM');
  expect(await server.ended).toMatchObject({ code: 0, signal: null });
});

test('an error that nothing expected is told and ends the process, and the next start has all events', async () => {
  const dir = project();
  const thrower =
    'import{isMainThread}from"node:worker_threads";isMainThread&&process.on("SIGUSR2",()=>{throw(Error("out-of-the-blue"))})';
  process.env['NODE_OPTIONS'] = `--import=data:text/javascript,${encodeURIComponent(thrower)}`;
  const sent = { acknowledged: 0 };
  let server: Server;
  try {
    server = await serve(dir, ['up']);
  } finally {
    delete process.env['NODE_OPTIONS'];
  }
  const sending = sendKeys(server, sent);
  await eventually(
    async () => sent.acknowledged,
    count => count >= 50_000,
  );
  server.kill('SIGUSR2');
  const { signal, stderr } = await server.ended;
  await sending;
  expect(signal).toBe('SIGABRT');
  expect(stderr).toMatch(/millrace: out-of-the-blue\n[\s\S]*at .*\n[\s\S]*the next start goes on from there/);
  server = await serve(dir, ['up']);
  await expectAll(server, sent.acknowledged);
  server.kill('SIGTERM');
  expect(await server.ended).toMatchObject({ code: 0, signal: null });
});
