import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { MillraceError } from '../core/errors.ts';
import { systemClock } from '../core/time.ts';
import type { Log } from '../flow/log.ts';
import { openSegmentLog } from '../flow/segment-log.ts';
import { createReferenceKernel } from '../kernel/kernel-reference.ts';
import { IngestHandler } from './ingest.ts';
import { type IngestConnections, serveIngestConnections } from './ingest-connections.ts';

let dir: string;
let log: Log;
let server: Server;
let connections: IngestConnections;
let port: number;
/** Requests that Node's server took, as `METHOD /path`. */
let general: string[];

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'millrace-ingest-'));
  log = await openSegmentLog({ dir: join(dir, 'log'), reserveBytes: 0 });
  const ingest = new IngestHandler({
    log,
    kernel: createReferenceKernel(),
    clock: systemClock,
    maxBodyBytes: 200_000,
    isTaken: name => name === 'a_view',
  });
  general = [];
  server = createServer((request, response) => {
    general.push(`${request.method} ${request.url}`);
    const stream = /^\/v1\/streams\/([^/]+)\/events$/.exec(request.url!)?.[1];
    if (request.method === 'POST' && stream) void ingest.handle(stream, request, response);
    else response.end('general');
  });
  server.on('upgrade', (_request, socket, first) => {
    socket.on('data', bytes => socket.write(bytes));
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
    socket.write(first);
  });
  connections = serveIngestConnections(server, {
    ingest,
    checkHost: host => {
      if (host !== 'here')
        throw new MillraceError('foreign-host', 'Not ours.', { status: 403, remedy: 'Come as here.' });
    },
    idleMs: 60_000,
    requestMs: 60_000,
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});

afterEach(async () => {
  server.closeAllConnections();
  connections.close();
  await new Promise(resolve => server.close(resolve));
  await log.close();
  rmSync(dir, { recursive: true, force: true });
});

interface Answer {
  status: number;
  head: string;
  body: string;
}

/** Sends the pieces one after the other, each in a packet of its own, and collects so many answers. */
function exchange(pieces: readonly (string | Buffer)[], answers: number): Promise<Answer[]> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const found: Answer[] = [];
    let text = '';
    socket.on('error', reject);
    socket.on('data', chunk => {
      text += chunk.toString('latin1');
      for (;;) {
        const headEnd = text.indexOf('\r\n\r\n');
        if (headEnd < 0) return;
        const head = text.slice(0, headEnd);
        const length = /content-length: (\d+)/i.exec(head)?.[1] ?? '0';
        const end = headEnd + 4 + Number(length);
        if (text.length < end) return;
        found.push({ status: Number(head.slice(9, 12)), head, body: text.slice(headEnd + 4, end) });
        text = text.slice(end);
        if (found.length < answers) continue;
        socket.destroy();
        return resolve(found);
      }
    });
    socket.on('close', () => reject(new Error(`closed after ${found.length} answers`)));
    void (async () => {
      for (const piece of pieces) {
        socket.write(piece);
        await new Promise(done => setImmediate(done));
      }
    })();
  });
}

function append(stream: string, body: string, fields: readonly string[] = []): string {
  const head = [`POST /v1/streams/${stream}/events HTTP/1.1`, 'Host: here', ...fields];
  return `${head.join('\r\n')}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

async function stored(stream: string): Promise<string> {
  const target = new Uint8Array(8 * 1024 * 1024);
  const { length } = await log.read(stream, 0, 0, target);
  return new TextDecoder().decode(target.subarray(0, length));
}

test('an append is answered without Node’s server', async () => {
  const [answer] = await exchange([append('s', '{"a":1}\n{"a":2}\n')], 1);
  expect(answer!.status).toBe(200);
  expect(JSON.parse(answer!.body)).toEqual({ accepted: 2, rejected: 0, errors: [], partition: 0, offset: 0 });
  expect(general).toEqual([]);
});

test('a request may come in any pieces', async () => {
  const body = `${JSON.stringify({ text: 'x'.repeat(300) })}\n`;
  const request = append('s', body);
  const cuts = [
    1,
    4,
    20,
    60,
    request.indexOf('\r\n\r\n') + 1,
    request.indexOf('\r\n\r\n') + 4,
    request.length - 1,
  ];
  for (const cut of cuts) await exchange([request.slice(0, cut), request.slice(cut)], 1);
  await exchange([...request], 1);
  expect(await stored('s')).toBe(body.repeat(cuts.length + 1));
  expect(general).toEqual([]);
});

test('requests sent without waiting are answered in their order', async () => {
  const count = 40;
  const body = (i: number): string => `${JSON.stringify({ i, text: 'y'.repeat(i * 211) })}\n`;
  const text = Array.from({ length: count }, (_, i) => append('s', body(i))).join('');
  const pieces = Array.from({ length: Math.ceil(text.length / 5000) }, (_, i) =>
    text.slice(i * 5000, (i + 1) * 5000),
  );
  const answers = await exchange(pieces, count);
  expect(answers.map(({ body }) => JSON.parse(body).offset)).toEqual(
    Array.from({ length: count }, (_, i) => i),
  );
  expect(await stored('s')).toBe(Array.from({ length: count }, (_, i) => body(i)).join(''));
  expect(general).toEqual([]);
});

test('a connection goes to Node’s server with the first other request, and stays there', async () => {
  const get = 'GET /v1/streams HTTP/1.1\r\nHost: here\r\n\r\n';
  const answers = await exchange([append('s', '{"a":1}\n') + get + append('s', '{"a":2}\n')], 3);
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
  expect(answers[1]!.body).toBe('general');
  expect(general).toEqual(['GET /v1/streams', 'POST /v1/streams/s/events']);
  expect(await stored('s')).toBe('{"a":1}\n{"a":2}\n');
});

test('an upgrade after an append keeps its bytes', async () => {
  const upgrade = 'GET /ws HTTP/1.1\r\nHost: here\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n';
  const echoed = Array.from({ length: 50 }, (_, i) => `HTTP/1.1 ${200 + i} echoed\r\n\r\n`);
  const answers = await exchange([append('s', '{"a":1}\n'), upgrade, ...echoed], 52);
  expect(answers.map(({ status }) => status)).toEqual([200, 101, ...echoed.map((_, i) => 200 + i)]);
});

test.each([
  ['chunks', 'Transfer-Encoding: chunked', '9\r\n{"a":1}\r\n\r\n0\r\n\r\n'],
  ['a packed body', 'Content-Encoding: gzip', gzipSync('{"a":1}\n')],
  ['a question before the body', 'Expect: 100-continue', '{"a":1}\n'],
  ['a page of a browser', 'Origin: http://here', '{"a":1}\n'],
  ['a field twice', 'Content-Type: a/b\r\nContent-Type: c/d', '{"a":1}\n'],
])('%s is left to Node’s server', async (_name, field, body) => {
  const isChunked = field.startsWith('Transfer');
  const length = isChunked ? '' : `Content-Length: ${Buffer.byteLength(body)}\r\n`;
  const head = `POST /v1/streams/s/events HTTP/1.1\r\nHost: here\r\n${field}\r\n${length}\r\n`;
  const isAsking = field.startsWith('Expect');
  const answers = await exchange([Buffer.concat([Buffer.from(head), Buffer.from(body)])], isAsking ? 2 : 1);
  expect(answers.at(-1)!.status).toBe(200);
  expect(general).toEqual(['POST /v1/streams/s/events']);
});

test('errors look as they do from Node’s server', async () => {
  const requests = [
    append('_own', '{}\n'),
    append('1st', '{}\n'),
    append('a_view', '{}\n'),
    append('s', ''),
    append('s', 'no json\n'),
    append('s', '{}\n', ['Idempotency-Key: a', 'Millrace-Producer: b']),
  ];
  for (const request of requests) {
    const [quick] = await exchange([request], 1);
    expect(general).toEqual([]);
    const [slow] = await exchange(
      [request.replace('Host: here\r\n', 'Host: here\r\nOrigin: http://here\r\n')],
      1,
    );
    expect(general.splice(0)).toHaveLength(1);
    expect(quick!.status).toBe(slow!.status);
    expect(quick!.status).toBeGreaterThanOrEqual(400);
    expect(JSON.parse(quick!.body)).toEqual(JSON.parse(slow!.body));
    const type = (answer: Answer): string | undefined => /content-type: (.*)/i.exec(answer.head)?.[1];
    expect(type(quick!)).toBe(type(slow!));
  }
});

test('a foreign Host is refused', async () => {
  const [answer] = await exchange([append('s', '{"a":1}\n').replace('Host: here', 'Host: there')], 1);
  expect(answer!.status).toBe(403);
  expect(await log.streams()).toEqual([]);
});

test('a body beyond the limit is refused by Node’s server', async () => {
  const [answer] = await exchange([append('s', 'x'.repeat(200_001))], 1);
  expect(answer!.status).toBe(413);
  expect(general).toHaveLength(1);
});

test('a repeated key is appended once', async () => {
  const request = append('s', '{"a":1}\n', ['Idempotency-Key: k1']);
  const answers = await exchange([request + request + request], 3);
  expect(answers.map(({ body }) => JSON.parse(body).duplicate)).toEqual([undefined, true, true]);
  expect(await stored('s')).toBe('{"a":1}\n');
});

test('a connection that breaks off keeps nothing of the request that was coming', async () => {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.write(append('s', `${'{"a":1}\n'.repeat(1000)}`).slice(0, 3000));
  await new Promise(resolve => setTimeout(resolve, 30));
  socket.destroy();
  const [answer] = await exchange([append('s', '{"b":1}\n')], 1);
  expect(answer!.status).toBe(200);
  expect(await stored('s')).toBe('{"b":1}\n');
});

test('a client that ends its side after the request is answered', async () => {
  const answered = await new Promise<string>((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    let text = '';
    socket.on('error', reject);
    socket.on('data', chunk => (text += chunk));
    socket.on('end', () => {
      socket.end();
      resolve(text);
    });
    socket.end(append('s', '{"a":1}\n'));
  });
  expect(answered).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
});

test('Connection: close closes after the answer', async () => {
  const text = await new Promise<string>((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' });
    let all = '';
    socket.on('error', reject);
    socket.on('data', chunk => (all += chunk));
    socket.on('end', () => resolve(all));
    socket.write(append('s', '{"a":1}\n', ['Connection: close']) + append('s', '{"a":2}\n'));
  });
  expect(text.match(/HTTP\/1\.1 200/g)).toHaveLength(1);
  expect(text).toMatch(/connection: close/i);
  expect(await stored('s')).toBe('{"a":1}\n');
});
