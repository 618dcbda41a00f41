// POST /v1/audit: views against a batch recomputation, while events go on arriving. The answer is NDJSON, so that a client sees how far
// it is and no connection is idle; whoever goes away ends the audit.
import { setTimeout } from 'node:timers/promises';
import type { Hono } from 'hono';
import * as z from 'zod';
import { MillraceError } from '../core/errors.ts';
import type { AuditResult } from '../process/audit-report.ts';
import type { AuditLine } from './api.ts';
import { problemOf } from './problem.ts';
import type { Services } from './services.ts';

const request = z.strictObject({ views: z.array(z.string().min(1).max(200)).max(10_000).optional() });

/** A line comes so often, whether or not there is news. */
const lineMs = 1000;

export function routeAudit(app: Hono, services: Services): void {
  let isRunning = false;
  app.post('/v1/audit', async context => {
    const views = await viewsOf(await context.req.text());
    if (!services.isReady()) {
      throw new MillraceError('starting', 'The views of the project are still being defined.', {
        status: 503,
        remedy: 'Try again in a moment.',
        canRetry: true,
      });
    }
    if (isRunning) {
      throw new MillraceError('audit-running', 'Another audit is under way.', {
        status: 409,
        remedy: 'Try again when it has ended.',
        canRetry: true,
      });
    }
    isRunning = true;
    const stop = new AbortController();
    const { signal } = context.req.raw;
    const leave = (): void => stop.abort(nobodyWaits());
    // Also before there is an answer whose body could be cancelled.
    signal.addEventListener('abort', leave);
    if (signal.aborted) leave();
    let at: AuditLine = { share: 0 };
    let begun: () => void = () => {};
    const first = new Promise<void>(resolve => {
      begun = resolve;
    });
    const audit = services
      .audit(
        views,
        (view, share) => {
          at = { view, share };
          begun();
        },
        stop.signal,
      )
      .finally(() => {
        isRunning = false;
        signal.removeEventListener('abort', leave);
      });
    // What is wrong with the request is said with its status.
    await Promise.race([first, audit, setTimeout(lineMs)]);
    const body = lines(audit, () => at, stop);
    return context.body(body, 200, { 'content-type': 'application/x-ndjson; charset=utf-8' });
  });
}

async function viewsOf(text: string): Promise<string[]> {
  let body: unknown;
  try {
    body = text.trim() === '' ? {} : JSON.parse(text);
  } catch {
    throw new MillraceError('bad-json', 'The body is not JSON.', {
      status: 400,
      remedy: 'Send {"views": ["NAME"]}, or nothing for all of them.',
    });
  }
  const parsed = request.safeParse(body);
  if (parsed.success) return parsed.data.views ?? [];
  const issue = parsed.error.issues[0]!;
  throw new MillraceError('bad-request', `${issue.path.join('.') || 'body'}: ${issue.message}.`, {
    status: 400,
    remedy: 'The body is {"views": ["NAME"]}, or empty for all of them.',
  });
}

const nobodyWaits = (): MillraceError =>
  new MillraceError('audit-stopped', 'Nobody waits for the audit any more.');

function lines(
  audit: Promise<AuditResult>,
  at: () => AuditLine,
  stop: AbortController,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let timer: NodeJS.Timeout | undefined;
  return new ReadableStream<Uint8Array>({
    start(controller) {
      const say = (line: AuditLine): void => controller.enqueue(encoder.encode(`${JSON.stringify(line)}\n`));
      timer = setInterval(() => say(at()), lineMs);
      const end = (line: AuditLine): void => {
        clearInterval(timer);
        if (stop.signal.aborted) return;
        say(line);
        controller.close();
      };
      audit.then(
        ({ reports, failed }) => end({ reports, failed }),
        thrown => end({ problem: problemOf(thrown) }),
      );
    },
    cancel() {
      clearInterval(timer);
      stop.abort(nobodyWaits());
    },
  });
}
