import { expect, test } from 'vitest';
import { Client } from './index.ts';

interface Sent {
  key: string;
  events: unknown[];
}

/** A server that answers as told, in turn, then with 200. */
function server(...answers: (Response | Error)[]) {
  const sent: Sent[] = [];
  const call = (async (_url: string, init: RequestInit) => {
    const headers = init.headers as Record<string, string>;
    const lines = String(init.body).trim().split('\n');
    sent.push({ key: headers['idempotency-key']!, events: lines.map(line => JSON.parse(line)) });
    const answer = answers.shift() ?? new Response('{"errors":[]}');
    if (answer instanceof Error) throw answer;
    return answer;
  }) as unknown as typeof fetch;
  return { sent, fetch: call };
}

test('events go in batches, in order, each batch with its own key', async () => {
  const { sent, fetch } = server();
  const client = new Client({ url: 'http://x', stream: 's', batchEvents: 2, fetch });
  for (let n = 0; n < 5; n++) client.send({ n });
  await client.close();
  expect(sent.map(batch => batch.events)).toEqual([[{ n: 0 }, { n: 1 }], [{ n: 2 }, { n: 3 }], [{ n: 4 }]]);
  expect(new Set(sent.map(batch => batch.key)).size).toBe(3);
});

test('what does not arrive is sent again with the same key', async () => {
  const { sent, fetch } = server(new Error('refused'), new Response('', { status: 503 }));
  const client = new Client({ url: 'http://x', stream: 's', fetch });
  client.send({ n: 1 });
  await client.flush();
  expect(sent).toHaveLength(3);
  expect(new Set(sent.map(batch => batch.key)).size).toBe(1);
});

test('what is refused is handed back with the reason, and the rest goes on', async () => {
  const refused: unknown[] = [];
  const { fetch } = server(
    new Response('{"errors":[{"line":2,"reason":"bad"}]}'),
    new Response('{}', { status: 403 }),
  );
  const onRejected = (event: unknown, reason: string) => refused.push([event, reason]);
  const client = new Client({ url: 'http://x', stream: 's', batchEvents: 2, fetch, onRejected });
  for (let n = 0; n < 4; n++) client.send({ n });
  await client.close();
  expect(refused).toEqual([
    [{ n: 1 }, 'bad'],
    [{ n: 2 }, 'answered 403'],
    [{ n: 3 }, 'answered 403'],
  ]);
});

test('a full queue and a closed client say so', async () => {
  const { fetch } = server();
  const client = new Client({ url: 'http://x', stream: 's', queueEvents: 1, fetch });
  client.send({});
  expect(() => client.send({})).toThrow(/wait to be sent/);
  await client.close();
  expect(() => client.send({})).toThrow(/closed/);
});
