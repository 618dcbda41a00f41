import { Hono } from 'hono';
import { expect, test } from 'vitest';
import { MillraceError } from '../core/errors.ts';
import type { AuditResult } from '../process/audit-report.ts';
import { problemOf } from './problem.ts';
import { routeAudit } from './routes-audit.ts';
import type { Services } from './services.ts';

function serve(
  audit: Services['audit'],
  isReady = true,
): (body?: string, signal?: AbortSignal) => Promise<Response> {
  const app = new Hono();
  routeAudit(app, { audit, isReady: () => isReady } as Services);
  app.onError(thrown => Response.json(problemOf(thrown), { status: problemOf(thrown).status }));
  return async (body = '', signal) => app.request('/v1/audit', { method: 'POST', body, signal });
}

const linesOf = async (answer: Response): Promise<unknown[]> =>
  (await answer.text())
    .trim()
    .split('\n')
    .map(line => JSON.parse(line));

const none: AuditResult = { reports: [], failed: [] };

test('the named views are audited, and the last line has the result', async () => {
  const asked: (readonly string[])[] = [];
  const post = serve(async views => {
    asked.push(views);
    return none;
  });
  expect(await linesOf(await post('{"views":["a","b"]}'))).toEqual([none]);
  expect(await linesOf(await post())).toEqual([none]);
  expect(asked).toEqual([['a', 'b'], []]);
});

test('what is wrong with the request has its status, and what goes wrong later is the last line', async () => {
  const unknown = new MillraceError('unknown-view', 'There is no view "x".', { status: 404 });
  const refused = await serve(async () => Promise.reject(unknown))('{"views":["x"]}');
  expect(refused.status).toBe(404);
  const later = await serve(async (_, onProgress) => {
    onProgress('x', 0);
    await new Promise(resolve => setImmediate(resolve));
    await new Promise(resolve => setImmediate(resolve));
    throw unknown;
  })();
  expect(later.status).toBe(200);
  expect((await linesOf(later)).at(-1)).toMatchObject({ problem: { code: 'unknown-view' } });
  const post = serve(async () => none);
  for (const body of ['{', '[]', '{"views":"a"}', '{"view":["a"]}'])
    expect((await post(body)).status).toBe(400);
  expect((await serve(async () => none, false)()).status).toBe(503);
});

test('one audit runs at a time, and ends when nobody waits for it', async () => {
  let signal: AbortSignal | undefined;
  const post = serve(async (_, onProgress, given) => {
    signal = given;
    onProgress('a', 0);
    return new Promise((_, reject) => {
      given.addEventListener('abort', () => reject(given.reason));
    });
  });
  const first = await post();
  expect(first.status).toBe(200);
  expect((await post()).status).toBe(409);
  await first.body!.cancel();
  expect(signal!.aborted).toBe(true);
  await new Promise(resolve => setImmediate(resolve));
  const next = await post();
  expect(next.status).toBe(200);
  await next.body!.cancel();
});

test('whoever leaves before the first line ends the audit, too', async () => {
  const gone = new AbortController();
  const post = serve(async (_, __, given) => {
    gone.abort();
    return new Promise((_, reject) => {
      if (given.aborted) reject(given.reason);
    });
  });
  for (let i = 0; i < 3; i++) {
    const answer = await post('', gone.signal);
    expect(await answer.json()).toMatchObject({ code: 'audit-stopped' });
  }
});
