import { MessageChannel } from 'node:worker_threads';
import { afterEach, expect, test } from 'vitest';
import { at, MemoryLog, openEngine, startMs } from '../engine/engine.fixture.ts';
import type { Engine } from '../engine.ts';
import type { ViewChange } from '../view.ts';
import { connectEngine, type EngineProxy } from './engine-thread.ts';
import { serveEngine } from './engine-worker.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

async function pair(): Promise<{ log: MemoryLog; engine: Engine; proxy: EngineProxy }> {
  const log = new MemoryLog();
  log.createStream('access');
  const engine = await openEngine(log);
  const { port1, port2 } = new MessageChannel();
  serveEngine(port1, engine);
  const proxy = connectEngine(port2);
  cleanups.push(
    () => engine.close(),
    () => port1.close(),
  );
  return { log, engine, proxy };
}

const text = '-- every: 1s\nSELECT count(*) AS n FROM access';

test('an engine behind a port answers as the engine itself', async () => {
  const { log, engine, proxy } = await pair();
  await proxy.define({ name: 'v', text });
  log.append('access', 0, [{ _time: at(0) }, { _time: at(1) }], startMs);
  await proxy.settled();
  expect(await proxy.query({ view: 'v' })).toEqual(await engine.query({ view: 'v' }));
  expect(await proxy.views()).toEqual(await engine.views());
});

test('errors cross the port with their code, status and remedy', async () => {
  const { proxy } = await pair();
  await expect(proxy.query({ view: 'none' })).rejects.toMatchObject({ code: 'unknown-view', status: 404 });
  const refused = proxy.define({ name: 'v', text: '-- every: 1s\nSELECT median(x) FROM access' });
  await expect(refused).rejects.toMatchObject({ code: 'view-refused', context: { line: 2 } });
});

test('changes cross the port while they are watched', async () => {
  const { log, proxy } = await pair();
  await proxy.define({ name: 'v', text });
  const seen: ViewChange[] = [];
  proxy.onChange(change => seen.push(change));
  const unwatch = proxy.watch('v', 1000);
  await proxy.views();
  log.append('access', 0, [{ _time: at(0) }], startMs);
  await proxy.settled();
  expect(seen.map(({ rows }) => rows[0]!.values)).toEqual([[1]]);
  unwatch();
  await proxy.views();
  log.append('access', 0, [{ _time: at(1) }], startMs);
  await proxy.settled();
  expect(seen).toHaveLength(1);
});

test('a side that does not acknowledge gets no more than a bounded number of changes, and all windows once it does', async () => {
  const log = new MemoryLog();
  log.createStream('access');
  const engine = await openEngine(log);
  await engine.define({ name: 'v', text });
  const { port1, port2 } = new MessageChannel();
  serveEngine(port1, engine);
  cleanups.push(
    () => engine.close(),
    () => port1.close(),
  );
  const changes: ViewChange[] = [];
  port2.on('message', message => message.kind === 'change' && changes.push(message.change));
  port2.postMessage({ kind: 'watch', id: 1, view: 'v', everyMs: 1000 });
  port2.postMessage({ kind: 'request', id: 2, method: 'settled', args: [] });
  for (let i = 0; i < 600; i++) {
    log.append('access', 0, [{ _time: at((i % 3) * 1000) }], startMs);
    await engine.settled();
  }
  await new Promise(resolve => setImmediate(resolve));
  expect(changes.length).toBeLessThan(400);
  const held = changes.length;
  port2.postMessage({ kind: 'handled', count: held });
  const last = () => new Map(changes.map(({ rows }) => [rows[0]!.startUs, rows[0]!.values[0]]));
  await expect.poll(() => [...last().values()]).toEqual([200, 200, 200]);
});

test('when the thread has ended, what is under way and what comes later fails as stopped', async () => {
  const { port1, port2 } = new MessageChannel();
  const proxy = connectEngine(port2);
  const waiting = proxy.views();
  proxy.stopped(new Error('out of memory'));
  await expect(waiting).rejects.toMatchObject({ code: 'engine-stopped', status: 503 });
  await expect(proxy.views()).rejects.toMatchObject({ code: 'engine-stopped' });
  port1.close();
});

test('requests beyond the bound are refused at once', async () => {
  const { port1, port2 } = new MessageChannel();
  const proxy = connectEngine(port2);
  const waiting = Array.from({ length: 1024 }, () => proxy.views().catch(error => error.code));
  await expect(proxy.views()).rejects.toMatchObject({ code: 'engine-overloaded', status: 429 });
  proxy.stopped();
  expect(new Set(await Promise.all(waiting))).toEqual(new Set(['engine-stopped']));
  port1.close();
});
