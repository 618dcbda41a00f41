import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../core/time.ts';
import type { Log } from '../flow/log.ts';
import { openSegmentLog } from '../flow/segment-log.ts';
import { createReferenceKernel } from '../kernel/kernel-reference.ts';
import type { IngestAnswer, Problem } from './api.ts';
import { IngestHandler } from './ingest.ts';

let dir: string;
let log: Log;
let server: Server;
let url: string;

async function start(): Promise<void> {
  log = await openSegmentLog({ dir: join(dir, 'log'), reserveBytes: 0, maxBatchBytes: 256 * 1024 });
  const ingest = new IngestHandler({
    log,
    kernel: createReferenceKernel(),
    clock: systemClock,
    maxBodyBytes: 100_000,
    maxInFlightBytes: 150_000,
    isTaken: name => name === 'a_view',
  });
  server = createServer((request, response) => {
    void ingest.handle(decodeURIComponent(request.url!.slice(1)), request, response);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function stop(): Promise<void> {
  server.closeAllConnections();
  await new Promise(resolve => server.close(resolve));
  await log.close();
}

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'millrace-ingest-'));
  await start();
});

afterEach(async () => {
  await stop();
  rmSync(dir, { recursive: true, force: true });
});

async function post(
  stream: string,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
): Promise<{ status: number; answer: IngestAnswer & Problem }> {
  const response = await fetch(`${url}/${stream}`, { method: 'POST', body, headers });
  return { status: response.status, answer: (await response.json()) as IngestAnswer & Problem };
}

async function stored(stream: string): Promise<string> {
  const target = new Uint8Array(8 * 1024 * 1024);
  const read = await log.read(stream, 0, 0, target);
  return new TextDecoder().decode(target.subarray(0, read.length));
}

test('valid lines are kept byte for byte and the answer says where', async () => {
  const body = '{"a": 1.0, "b":"\\u00e9"}\n{ "c" : [ ] }\n';
  expect((await post('s', body)).answer).toEqual({
    accepted: 2,
    rejected: 0,
    errors: [],
    partition: 0,
    offset: 0,
  });
  expect((await post('s', '{"last":1}')).answer.offset).toBe(2);
  expect(await stored('s')).toBe(`${body}{"last":1}\n`);
});

test('arrays and single objects become lines', async () => {
  expect((await post('s', '[{"a":1},\n {"a":2}]')).answer.accepted).toBe(2);
  expect((await post('s', '{\n "a": 3\n}', { 'content-type': 'application/json' })).answer.accepted).toBe(1);
  expect(
    (await post('s', '{"a":4}\n{"a":5}\n', { 'content-type': 'application/json' })).answer.accepted,
  ).toBe(2);
  const events = (await stored('s'))
    .trim()
    .split('\n')
    .map(line => JSON.parse(line).a);
  expect(events).toEqual([1, 2, 3, 4, 5]);
});

test('a byte order mark may stand before lines, an array or an object over several lines', async () => {
  expect((await post('s', '\ufeff{"a":1}\n{"a":2}\n')).answer.accepted).toBe(2);
  expect((await post('s', '\ufeff[{"a":3},\n {"a":4}]')).answer.accepted).toBe(2);
  expect((await post('s', '\ufeff \n{\n "a": 5\n}', json)).answer.accepted).toBe(1);
  expect((await post('s', '\ufeff{"a":6}\n{"a":7}\n', json)).answer.accepted).toBe(2);
});

const json = { 'content-type': 'application/json' };

test.each([
  '{}}',
  '{"a":"b"}#',
  '{"a":"b"}/**/',
  '{"a": true} "x"',
  '{"a":1}{"a":2}',
  '{"a":1},{"a":2}\n',
  '{\n"a":1\n}\n}',
  '{\n"a":1\n}\n{\n"a":2\n}\n',
])('one object with anything behind it is refused whole: %j', async body => {
  const { status, answer } = await post('s', body, json);
  expect(status).toBe(400);
  expect(answer).toMatchObject({
    accepted: 0,
    rejected: 1,
    errors: [{ line: 1, reason: 'bytes after the value' }],
  });
  const [rejected, ...more] = (await stored('_rejected')).trim().split('\n');
  expect(JSON.parse(rejected!).raw.trim()).toBe(body.trim());
  expect(more).toEqual([]);
});

test('lines sent as application/json are taken one by one, also where the first one is broken', async () => {
  for (const first of ['{"a":1}#', '{"a": tru}', '{"a":"}"}}', '{"a":1},']) {
    const { status, answer } = await post('s', `\n${first}\n{"a":2}\nx\n`, json);
    expect(status).toBe(200);
    expect(answer).toMatchObject({ accepted: 1, rejected: 2, errors: [{ line: 2 }, { line: 4 }] });
  }
  expect(await stored('s')).toBe('{"a":2}\n'.repeat(4));
  const large = `{"a":"${'x'.repeat(50_000)}",\n"b":"{"}\n`;
  expect((await post('s', large, json)).answer).toMatchObject({ accepted: 1, rejected: 0 });
});

test.each([
  ['gzip', gzipSync],
  ['deflate', deflateSync],
  ['br', brotliCompressSync],
] as const)('%s bodies are unpacked', async (encoding, compress) => {
  const body = new Uint8Array(compress('{"a":1}\n'));
  expect((await post('s', body, { 'content-encoding': encoding })).answer.accepted).toBe(1);
  expect(await stored('s')).toBe('{"a":1}\n');
});

test('good lines are accepted, bad ones named and kept', async () => {
  const { status, answer } = await post('s', '{"a":1}\n{"a":}\n\nnull\n{"a":2}\n');
  expect(status).toBe(200);
  expect(answer).toMatchObject({ accepted: 2, rejected: 2, offset: 0 });
  expect(answer.errors.map(({ line }) => line)).toEqual([2, 4]);
  const rejected = (await stored('_rejected'))
    .trim()
    .split('\n')
    .map(line => JSON.parse(line));
  expect(rejected).toMatchObject([
    { stream: 's', line: 2, raw: '{"a":}' },
    { stream: 's', line: 4, raw: 'null' },
  ]);
  expect(rejected[0].source).toMatch(/^http:/);
  expect((await post('s', 'nonsense')).status).toBe(400);
});

test('bad lines are kept where as JSON they are more than a batch, and once', async () => {
  // Each of these characters is six in JSON.
  const body = `${`${'\x01'.repeat(900)}\n`.repeat(100)}{"a":1}\n`;
  for (const duplicate of [undefined, true]) {
    const { answer } = await post('s', body, { 'idempotency-key': 'k'.repeat(255) });
    expect([answer.accepted, answer.rejected, answer.duplicate]).toEqual([1, 100, duplicate]);
  }
  expect((await stored('_rejected')).match(/"line":/g)).toHaveLength(100);
  // A key that is equal to a long one but for its end is another.
  await post('s', 'bad\n', { 'idempotency-key': `${'k'.repeat(254)}l` });
  expect((await stored('_rejected')).match(/"line":/g)).toHaveLength(101);
});

test('a repeated key is answered as the first time, across a restart', async () => {
  const headers = { 'idempotency-key': 'order-17' };
  const first = await post('s', '{"a":1}\nbad\n', headers);
  const again = await post('s', '{"a":1}\nbad\n', headers);
  expect(again.answer).toEqual({ ...first.answer, duplicate: true });
  await stop();
  await start();
  expect((await post('s', '{"a":1}\nbad\n', headers)).answer).toEqual({ ...first.answer, duplicate: true });
  expect(await stored('s')).toBe('{"a":1}\n');
  expect((await stored('_rejected')).trim().split('\n')).toHaveLength(1);
});

test('a request of which nothing was accepted can be sent mended under its key or number, and what is still bad is kept', async () => {
  const rejected = async () =>
    [...(await stored('_rejected')).matchAll(/"raw":"(\w+)"/g)].map(([, raw]) => raw);
  const kept: string[] = [];
  for (const headers of [
    { 'idempotency-key': 'k' },
    { 'millrace-producer': 'p', 'millrace-sequence': '0' },
  ] as Record<string, string>[]) {
    expect((await post('s', 'one\ntwo\n', headers)).status).toBe(400);
    expect((await post('s', 'one\ntwo\n', headers)).status).toBe(400);
    kept.push('one', 'two');
    expect(await rejected()).toEqual(kept);
    const mended = await post('s', '{"a":1}\ntwo\n', headers);
    expect(mended.answer).toMatchObject({ accepted: 1, rejected: 1 });
    expect(mended.answer.duplicate).toBeUndefined();
    kept.push('two');
    expect(await rejected()).toEqual(kept);
  }
});

test('a numbered producer is appended once and in order', async () => {
  const headers = (sequence: number) => ({ 'millrace-producer': 'p', 'millrace-sequence': String(sequence) });
  await post('s', '{"a":0}', headers(0));
  await post('s', '{"a":1}', headers(1));
  expect((await post('s', '{"a":1}', headers(1))).answer).toMatchObject({ duplicate: true, offset: 1 });
  const gap = await post('s', '{"a":5}', headers(5));
  expect(gap).toMatchObject({ status: 409, answer: { code: 'sequence-gap' } });
  expect(gap.answer.detail).toMatch(/2.*5|5.*2/);
});

describe('what is wrong is said with how to mend it', () => {
  const cases: [string, string, string, Record<string, string>, number, string][] = [
    ['an empty body', 's', '', {}, 400, 'empty-body'],
    ['only blank lines', 's', '\n\n', {}, 400, 'empty-body'],
    ['a bad name', '9lives!', '{}', {}, 400, 'bad-stream-name'],
    ['a name of our own', '_rejected', '{}', {}, 403, 'reserved-stream'],
    ['the name of a view', 'a_view', '{}', {}, 409, 'name-taken'],
    ['an unknown encoding', 's', '{}', { 'content-encoding': 'zstd' }, 415, 'bad-encoding'],
    ['a body that is not what it says', 's', '{}', { 'content-encoding': 'gzip' }, 400, 'bad-body'],
    ['a body that is too large', 's', `{"a":"${'x'.repeat(200_000)}"}`, {}, 413, 'body-too-large'],
    ['half a producer', 's', '{}', { 'millrace-producer': 'p' }, 400, 'bad-producer'],
    [
      'two kinds of producer',
      's',
      '{}',
      { 'millrace-producer': 'p', 'idempotency-key': 'k' },
      400,
      'bad-producer',
    ],
  ];
  test.each(cases)('%s', async (_, stream, body, headers, status, code) => {
    const result = await post(encodeURIComponent(stream), body, headers);
    expect(result).toMatchObject({ status, answer: { code, status } });
    expect(result.answer.detail.length).toBeGreaterThan(10);
  });

  test('a bomb is stopped at the limit', async () => {
    const bomb = new Uint8Array(gzipSync(Buffer.alloc(50_000_000, 32)));
    expect(await post('s', bomb, { 'content-encoding': 'gzip' })).toMatchObject({ status: 413 });
  });
});

test('many senders at once lose and double nothing', async () => {
  await Promise.all(
    Array.from({ length: 64 }, async (_, sender) => {
      for (let i = 0; i < 5; i++) {
        const body = `{"id":${sender * 5 + i}}\n`;
        const headers = { 'idempotency-key': `${sender}-${i}` };
        await Promise.all([post('s', body, headers), post('s', body, headers), post('s', body, headers)]);
      }
    }),
  );
  const ids = (await stored('s'))
    .trim()
    .split('\n')
    .map(line => JSON.parse(line).id as number);
  expect(ids.sort((a, b) => a - b)).toEqual(Array.from({ length: 320 }, (_, i) => i));
});

test('bodies of unknown length are refused once all together are too long, and those that had room go on', async () => {
  const line = `{"a":"${'x'.repeat(1000)}"}\n`;
  const half = line.repeat(40);
  let begun = 0;
  const allBegun = new Promise<void>(resolve => server.on('request', () => ++begun === 3 && resolve()));
  const sent = Array.from({ length: 3 }, () => {
    const sending = request(`${url}/s`, { method: 'POST', headers: { 'transfer-encoding': 'chunked' } });
    sending.flushHeaders();
    const status = new Promise<number>((resolve, reject) => {
      sending.on('error', reject).on('response', response => {
        response.resume();
        resolve(response.statusCode!);
      });
    });
    return { sending, status };
  });
  await allBegun;
  for (const { sending } of sent) sending.write(half);
  for (const { sending } of sent) sending.write(half);
  const refused = await Promise.race(sent.map(({ status }) => status));
  expect(refused).toBe(429);
  for (const { sending } of sent) sending.end();
  const statuses = await Promise.all(sent.map(({ status }) => status));
  expect(statuses.filter(status => status === 200).length).toBeGreaterThan(0);
  expect((await post('s', line)).status).toBe(200);
});
