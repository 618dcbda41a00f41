// POST /v1/streams/{stream}/rejected: lines that a sender could not make into events of the stream, kept in `_rejected` as those of
// sources are. For senders that read formats themselves, as `millrace produce` does.
import type { Hono } from 'hono';
import * as z from 'zod';
import { maxRejectedPerSpan } from '../collect/format.ts';
import { MillraceError } from '../core/errors.ts';
import type { RejectedAnswer } from './api.ts';
import type { Services } from './services.ts';

const whole = z.number().int().nonnegative();
const request = z.strictObject({
  source: z.string().min(1).max(200),
  lines: z
    .array(
      z.strictObject({
        line: whole,
        position: whole.optional(),
        reason: z.string().min(1).max(1000),
        raw: z.base64(),
      }),
    )
    .min(1)
    .max(maxRejectedPerSpan),
});

const remedy =
  'The body is {"source", "lines": [{"line", "position", "reason", "raw"}]}, raw in base64; position may be left out.';

export function routeRejected(app: Hono, { ingest }: Pick<Services, 'ingest'>): void {
  app.post('/v1/streams/:stream/rejected', async context => {
    const stream = context.req.param('stream');
    ingest.checkStream(stream);
    const { source, lines } = requestOf(await context.req.text());
    const refused = lines.map(({ raw, position, ...line }) => ({
      ...line,
      ...(position === undefined ? {} : { position }),
      start: 0,
      raw: Buffer.from(raw, 'base64'),
    }));
    await ingest.keepRejected(stream, source, refused);
    return context.json({ rejected: lines.length } satisfies RejectedAnswer);
  });
}

function requestOf(text: string): z.infer<typeof request> {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw new MillraceError('bad-json', 'The body is not JSON.', { status: 400, remedy });
  }
  const parsed = request.safeParse(body);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const message = `${issue.path.join('.') || 'body'}: ${issue.message}.`;
  throw new MillraceError('bad-request', message, { status: 400, remedy });
}
