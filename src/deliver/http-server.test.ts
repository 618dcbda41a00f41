import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { startHttpServer } from './http-server.ts';
import type { Services } from './services.ts';

const consoleDir = mkdtempSync(join(tmpdir(), 'millrace-console-'));
afterAll(() => rmSync(consoleDir, { recursive: true, force: true }));

test('ready is 503 while the views of the project are being defined and while there are problems, healthy is not', async () => {
  let isReady = false;
  const problems: string[] = [];
  let isFailing = false;
  const services = {
    isReady: () => isReady,
    problems: () => problems,
    isFailing: () => isFailing,
  } as unknown as Services;
  const server = await startHttpServer({
    host: '127.0.0.1',
    port: 0,
    consoleDir,
    services,
    onDefect: () => {},
  });
  const ask = async (path: string): Promise<unknown[]> => {
    const answer = await fetch(`http://127.0.0.1:${server.port}${path}`);
    return [answer.status, await answer.json()];
  };
  try {
    expect(await ask('/readyz')).toEqual([503, { status: 'starting', problems: [] }]);
    expect(await ask('/healthz')).toEqual([200, { status: 'ok', problems: [] }]);
    isReady = true;
    expect(await ask('/readyz')).toEqual([200, { status: 'ok', problems: [] }]);
    problems.push('View v: max takes numbers.');
    expect(await ask('/readyz')).toEqual([200, { status: 'ok', problems }]);
    problems.push('The disk is full.');
    isFailing = true;
    expect(await ask('/readyz')).toEqual([503, { status: 'failing', problems }]);
    expect(await ask('/healthz')).toEqual([200, { status: 'ok', problems: [] }]);
  } finally {
    await server.close();
  }
});

test('a body longer than 8 MiB is refused whatever is asked, before it is all there', async () => {
  const server = await startHttpServer({
    host: '127.0.0.1',
    port: 0,
    consoleDir,
    services: {} as unknown as Services,
    onDefect: () => {},
  });
  const body = ' '.repeat(8 * 1024 * 1024 + 1);
  try {
    for (const path of ['/v1/sql', '/v1/audit', '/v1/streams/s/rejected']) {
      const answer = await fetch(`http://127.0.0.1:${server.port}${path}`, { method: 'POST', body });
      expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([
        413,
        'body-too-large',
      ]);
    }
  } finally {
    await server.close();
  }
});
