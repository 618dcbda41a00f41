// POST /v1/sql: one SELECT over streams and views.
import type { Hono } from 'hono';
import * as z from 'zod';
import { parseDuration } from '../core/duration.ts';
import { MillraceError } from '../core/errors.ts';
import type { SqlAnswer } from './api.ts';
import type { Services } from './services.ts';

const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);

const request = z.strictObject({
  sql: z
    .string()
    .refine(text => text.trim() !== '', 'there is no query')
    .max(1_000_000),
  params: z.union([z.array(scalar), z.record(z.string(), scalar)]).optional(),
  format: z.enum(['json', 'ndjson', 'csv', 'parquet', 'arrow']).default('json'),
  timeout: z.string().optional(),
  limit: z.number().int().min(1).max(1_000_000).optional(),
});

const contentTypes: Record<string, string> = {
  ndjson: 'application/x-ndjson; charset=utf-8',
  csv: 'text/csv; charset=utf-8; header=present',
  parquet: 'application/vnd.apache.parquet',
};

const maxTimeoutMs = 600_000;

/** Bytes of an answer; beyond it the answer says that it is truncated. */
const maxAnswerBytes = 64 * 1024 * 1024;

export function routeSql(app: Hono, services: Services): void {
  app.post('/v1/sql', async context => {
    let body: unknown;
    try {
      body = await context.req.json();
    } catch {
      throw new MillraceError('bad-json', 'The body is not JSON.', {
        status: 400,
        remedy: 'Send {"sql": "SELECT …"} with Content-Type application/json.',
      });
    }
    const parsed = request.safeParse(body);
    if (!parsed.success) {
      const issue = parsed.error.issues[0]!;
      throw new MillraceError('bad-request', `${issue.path.join('.') || 'body'}: ${issue.message}.`, {
        status: 400,
        remedy: 'The body is {"sql", "params", "format", "timeout", "limit"}; only "sql" is required.',
      });
    }
    const { sql, params, format, timeout, limit } = parsed.data;
    const timeoutMs = timeout === undefined ? 30_000 : parseDuration(timeout);
    if (timeoutMs < 1 || timeoutMs > maxTimeoutMs) {
      throw new MillraceError('bad-request', `timeout: "${timeout}" is not between 1 ms and 10 min.`, {
        status: 400,
      });
    }
    const answer = await services.sql({
      sql,
      ...(params === undefined ? {} : { params }),
      format,
      timeoutMs,
      maxRows: limit ?? (format === 'json' ? 10_000 : 1_000_000),
      maxBytes: maxAnswerBytes,
    });
    if (format !== 'json') {
      const headers: Record<string, string> = { 'content-type': contentTypes[format]! };
      if (answer.truncated) headers['millrace-truncated'] = 'true';
      return context.body(answer.body as Uint8Array<ArrayBuffer>, 200, headers);
    }
    const { columns, rows, rowCount, elapsedMs, truncated } = answer;
    return context.json({
      columns,
      rows: rows as SqlAnswer['rows'],
      rowCount,
      elapsedMs,
      truncated,
    } satisfies SqlAnswer);
  });
}
