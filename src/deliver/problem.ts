// Errors as application/problem+json (RFC 9457): the same error, whoever threw it, looks the same to every caller.
import { MillraceError, toError } from '../core/errors.ts';
import type { Problem } from './api.ts';

const titles: Record<number, string> = {
  400: 'Bad request',
  401: 'Authentication required',
  403: 'Forbidden',
  404: 'Not found',
  405: 'Method not allowed',
  409: 'Conflict',
  410: 'Gone',
  413: 'Too large',
  415: 'Unsupported media type',
  416: 'Out of range',
  429: 'Too many requests',
  500: 'Internal error',
  503: 'Unavailable',
  504: 'Timed out',
  507: 'Insufficient storage',
};

/** Codes whose title says more than their status does. */
const codeTitles: Record<string, string> = {
  'sql-error': 'The query cannot be run',
  'sql-syntax': 'The SQL does not parse',
  'sql-timeout': 'The query took too long',
  'view-refused': 'The view cannot be kept',
  'view-syntax': 'The view does not parse',
};

/** Of errors that do not say themselves after how long it may be tried again. A full disk takes somebody to make room. */
const retryAfterMs: Record<number, number> = { 429: 1000, 503: 1000, 507: 5000 };

/** What the caller is told. A defect of ours (anything but a MillraceError) keeps its details for the log. */
export function problemOf(thrown: unknown): Problem {
  if (thrown instanceof MillraceError) {
    const { code, status, message, remedy, context, canRetry } = thrown;
    return {
      type: `urn:millrace:error:${code}`,
      title: codeTitles[code] ?? titles[status] ?? 'Error',
      status,
      detail: message,
      code,
      ...(remedy ? { remedy } : {}),
      ...(canRetry && status in retryAfterMs ? { retryAfterMs: retryAfterMs[status] } : {}),
      ...context,
    };
  }
  return {
    type: 'urn:millrace:error:internal',
    title: 'Internal error',
    status: 500,
    detail: `Something went wrong that should not: ${toError(thrown).message}`,
    code: 'internal',
    remedy: 'The log of the process has the details; please report it.',
  };
}

export function problemHeaders(problem: Problem): Record<string, string> {
  const headers: Record<string, string> = { 'content-type': 'application/problem+json; charset=utf-8' };
  const afterMs = problem['retryAfterMs'];
  if (typeof afterMs === 'number') headers['retry-after'] = String(Math.max(1, Math.ceil(afterMs / 1000)));
  return headers;
}
