// Who does not wait for a clean end gets one at once, whatever the threads are in the middle of, and nothing that was acknowledged is lost.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { cleanUp, eventually, folder, serve } from './command.ts';

afterAll(cleanUp);

test('a second signal ends the process while views take in events, and the next start has them all', async () => {
  const dir = folder();
  mkdirSync(join(dir, 'views'));
  // Many groups, so that much of the time goes into transactions of the store.
  writeFileSync(join(dir, 'views', 'keys.sql'), 'SELECT key, count(*) AS n FROM s GROUP BY key');
  let acknowledged = 0;
  for (let round = 0; round < 3; round++) {
    const server = await serve(dir, ['up']);
    let isOver = false;
    const sending = (async () => {
      while (!isOver) {
        const first = acknowledged;
        const lines = Array.from({ length: 5000 }, (_, i) => `{"key":"k${first + i}"}\n`);
        const answer = await server
          .json('/v1/streams/s/events', { method: 'POST', body: lines.join('') })
          .catch(() => undefined);
        if (answer?.accepted !== 5000) return;
        acknowledged += 5000;
      }
    })();
    const goal = acknowledged + 100_000;
    await eventually(
      async () => acknowledged,
      count => count >= goal,
    );
    server.kill('SIGTERM');
    server.kill('SIGTERM');
    // A second that comes before the first was seen is the same signal.
    const again = setInterval(() => server.kill('SIGTERM'), 20);
    const { code, signal } = await server.ended;
    clearInterval(again);
    isOver = true;
    await sending;
    expect({ code, signal }).toEqual({ code: null, signal: 'SIGTERM' });
  }
  const server = await serve(dir, ['up']);
  const sum = async (): Promise<number> => {
    const { windows } = await server.json('/v1/views/keys?every=total&limit=100000');
    return windows.reduce((total: number, { values }: { values: number[] }) => total + values[1]!, 0);
  };
  // What was on its way when the process ended may be there as well.
  const [[stored]] = (await server.sql('SELECT count(*) FROM s')) as [[number]];
  expect(stored).toBeGreaterThanOrEqual(acknowledged);
  await eventually(sum, total => total === stored);
  server.kill('SIGTERM');
  expect(await server.ended).toMatchObject({ code: 0, signal: null });
});
