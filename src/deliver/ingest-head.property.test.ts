import { createServer, type IncomingMessage, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readIngestHead } from './ingest-head.ts';

let server: Server;
let seen: IncomingMessage | undefined;

beforeAll(async () => {
  server = createServer((request, response) => {
    seen = request;
    request.resume().on('end', () => response.end());
  });
  server.on('clientError', (_error, socket) => socket.destroy());
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
});

afterAll(async () => {
  server.closeAllConnections();
  await new Promise(resolve => server.close(resolve));
});

/** What Node's parser makes of the head, with as many bytes behind it as were announced. */
function readByNode(head: string, contentLength: number): Promise<IncomingMessage | undefined> {
  seen = undefined;
  return new Promise(resolve => {
    const socket = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' });
    const done = (): void => {
      socket.destroy();
      resolve(seen);
    };
    socket.on('error', done).on('close', done).on('data', done);
    socket.write(Buffer.from(`${head}\r\n\r\n${'x'.repeat(contentLength)}`, 'latin1'));
  });
}

const name = fc.constantFrom(
  'Host',
  'host',
  'Content-Length',
  'content-length',
  'Content-Type',
  'Connection',
  'Idempotency-Key',
  'Millrace-Producer',
  'Transfer-Encoding',
  'X-Other',
  'Expect',
  'Bad Name',
  '',
);
const value = fc.oneof(
  fc.constantFrom('here', '5', '05', '+5', '5, 5', '0x5', 'keep-alive', 'close', 'Upgrade', 'chunked', ''),
  fc.string({
    unit: fc.constantFrom('a', ' ', '\t', ':', ',', '"', '\r', '\n', '\0', '\x7f', 'ü'),
    maxLength: 6,
  }),
);
const space = fc.constantFrom('', ' ', '\t', '  ');
const field = fc.tuple(name, fc.constantFrom('', '', '', ' '), space, value, space).map(parts => {
  const [key, before, after, text, end] = parts;
  return `${key}${before}:${after}${text}${end}`;
});
const first = fc.constantFrom(
  'POST /v1/streams/s/events HTTP/1.1',
  'POST /v1/streams/s/events HTTP/1.1',
  'POST /v1/streams/s/events HTTP/1.0',
  'POST /v1/streams/s/events?a=1 HTTP/1.1',
  'POST  /v1/streams/s/events HTTP/1.1',
  'POST /v1/streams/a%20b/events HTTP/1.1',
  'GET /v1/streams/s/events HTTP/1.1',
);
const head = fc
  .tuple(first, fc.array(field, { maxLength: 4 }), fc.boolean(), fc.boolean())
  .map(([line, fields, hasHost, hasLength]) => {
    const given = [...(hasHost ? ['Host: here'] : []), ...(hasLength ? ['Content-Length: 5'] : [])];
    return [line, ...given, ...fields].join('\r\n');
  });

test('a head that is read is read the same by Node', async () => {
  let read = 0;
  await fc.assert(
    fc.asyncProperty(head, async text => {
      const mine = readIngestHead(text);
      if (mine === undefined) return;
      read++;
      const nodes = (await readByNode(text, mine.contentLength))!;
      expect(nodes.method).toBe('POST');
      expect(nodes.url).toBe(`/v1/streams/${mine.stream}/events`);
      expect(Number(nodes.headers['content-length'])).toBe(mine.contentLength);
      expect(nodes.headers['transfer-encoding']).toBeUndefined();
      for (const [key, text] of mine.fields) expect(nodes.headers[key]).toBe(text);
      expect(nodes.complete).toBe(true);
    }),
    { seed: 5, numRuns: 4000 },
  );
  expect(read).toBeGreaterThan(50);
});

test.each([
  'POST /v1/streams/s/events HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 5',
  'POST /v1/streams/s/events HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked',
  'POST /v1/streams/s/events HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n folded',
  'POST /v1/streams/s/events HTTP/1.1\r\nHost: h\r\nContent-Length: 5\nX: y',
  'POST /v1/streams/s/events HTTP/1.1\r\nHost: h',
  'POST /v1/streams/s/events HTTP/1.1\r\nContent-Length: 5',
])('%j is left to Node', text => {
  expect(readIngestHead(text)).toBeUndefined();
});
