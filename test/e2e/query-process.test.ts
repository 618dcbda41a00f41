// The process that answers SQL, as the collecting process sees it.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { QueryRequest } from '../../src/query/query.ts';
import { QueryProcess } from '../../src/query/query-process.ts';
import { root } from './command.ts';

let dir: string;
let service: QueryProcess;

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'millrace-query-'));
  mkdirSync(join(dir, 'lake'));
  service = new QueryProcess({
    entry: join(root, 'dist', 'app-query.js'),
    lakeDir: join(dir, 'lake'),
    temporaryDir: dir,
    threads: 1,
    memoryLimitMb: 512,
    maxPending: 2,
  });
});

afterAll(async () => {
  await service.close();
  rmSync(dir, { recursive: true, force: true });
});

const request = (sql: string): QueryRequest => ({
  sql,
  format: 'json',
  timeoutMs: 600_000,
  maxRows: 10,
  maxBytes: 1e6,
  tables: [],
});

test('queries that nobody waits for end, and make room for others in the same process', async () => {
  await service.run(request('SELECT 1'));
  const { pid } = service;
  // More than may be under way at once.
  for (let i = 0; i < 5; i++) {
    const stop = new AbortController();
    const long = service.run(
      request('SELECT sum(hash(a.range + b.range)) FROM range(10000000) a, range(1000000) b'),
      stop.signal,
    );
    const short = await service.run(request(`SELECT ${i}`));
    expect(short.rows).toEqual([[i]]);
    const reason = new Error('nobody waits');
    stop.abort(reason);
    await expect(long).rejects.toBe(reason);
    while (await isFull()) await new Promise(resolve => setTimeout(resolve, 10));
  }
  expect(service.pid).toBe(pid);
  const gone = AbortSignal.abort(new Error('gone'));
  await expect(service.run(request('SELECT 1'), gone)).rejects.toThrow('gone');
});

/** Whether one query more is all that there is room for. */
async function isFull(): Promise<boolean> {
  const both = await Promise.allSettled([1, 2].map(n => service.run(request(`SELECT ${n}`))));
  return both.some(({ status }) => status === 'rejected');
}
