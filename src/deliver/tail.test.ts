import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openSegmentLog } from '../flow/segment-log.ts';
import { serveTail } from './tail.ts';

test('a client that does not read gets the newest of long events, and is told how many it missed', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-tail-'));
  const log = await openSegmentLog({ dir, reserveBytes: 0, durability: 'os' });
  await log.createStream('s');
  const server = createServer((request, response) => void serveTail(log, 's', request, response));
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  try {
    const request = get(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    const response = await new Promise<IncomingMessage>(resolve => request.on('response', resolve));
    const count = 60;
    const line = (i: number) => Buffer.from(`{"i":${i},"x":"${'x'.repeat(1_000_000)}"}\n`);
    for (let i = 0; i < count; i++) await log.append('s', 0, { bytes: line(i), count: 1 });
    await expect.poll(() => log.consumers()[0]!.lag).toBe(0);
    let text = '';
    let seen = 0;
    let skipped = 0;
    for await (const chunk of response.setEncoding('latin1')) {
      text += String(chunk).replaceAll(/x{3,}/g, '');
      seen = text.match(/data: \{"i":/g)?.length ?? 0;
      skipped = Number(/"events":(\d+)/.exec(text)?.[1] ?? 0);
      if (text.includes(`{"i":${count - 1},`)) break;
    }
    expect(skipped).toBeGreaterThan(10);
    expect(seen + skipped).toBe(count);
  } finally {
    server.closeAllConnections();
    await new Promise(resolve => server.close(resolve));
    await log.close();
    rmSync(dir, { recursive: true, force: true });
  }
});
