import { Hono } from 'hono';
import { expect, test } from 'vitest';
import { checkStream, type IngestHandler } from './ingest.ts';
import { problemOf } from './problem.ts';
import { routeRejected } from './routes-rejected.ts';

test('lines are kept as their sender says, and what is no such request is refused', async () => {
  const kept: unknown[][] = [];
  const ingest = {
    checkStream: (stream: string) => checkStream(stream, name => name === 'a_view'),
    keepRejected: async (...given: unknown[]) => void kept.push(given),
  } as unknown as IngestHandler;
  const app = new Hono();
  routeRejected(app, { ingest });
  app.onError(thrown => Response.json(problemOf(thrown), { status: problemOf(thrown).status }));
  const post = async (body: unknown, stream = 's'): Promise<[number, Record<string, unknown>]> => {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const answer = await app.request(`/v1/streams/${stream}/rejected`, { method: 'POST', body: text });
    return [answer.status, (await answer.json()) as Record<string, unknown>];
  };
  const line = { line: 3, reason: 'no', raw: '/w==' };
  const request = { source: 'produce', lines: [line, { ...line, position: 0, raw: '' }] };
  expect(await post(request)).toEqual([200, { rejected: 2 }]);
  expect(kept).toEqual([
    [
      's',
      'produce',
      [
        { line: 3, reason: 'no', start: 0, raw: Buffer.from([255]) },
        { line: 3, position: 0, reason: 'no', start: 0, raw: Buffer.from([]) },
      ],
    ],
  ]);
  for (const [body, stream, status, code] of [
    ['{', 's', 400, 'bad-json'],
    [{ ...request, lines: [] }, 's', 400, 'bad-request'],
    [{ ...request, lines: [{ ...line, raw: '?' }] }, 's', 400, 'bad-request'],
    [{ ...request, lines: [{ ...line, stream: 'other' }] }, 's', 400, 'bad-request'],
    [request, '_rejected', 403, 'reserved-stream'],
    [request, 'a_view', 409, 'name-taken'],
  ] as const) {
    const [answered, problem] = await post(body, stream);
    expect([answered, problem['code']]).toEqual([status, code]);
  }
  expect(kept).toHaveLength(1);
});
