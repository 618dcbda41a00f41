// Calls of the HTTP API. Every failure, also of the network, is an `ApiError` that carries a problem with a remedy.
import type {
  Dashboard,
  DashboardList,
  EventPage,
  Info,
  Problem,
  SqlAnswer,
  SqlRequest,
  StreamDetail,
  StreamList,
  ViewAnswer,
  ViewList,
} from '../deliver/api.ts';

export class ApiError extends Error {
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(problem.detail || problem.title);
    this.problem = problem;
  }
}

/** Codes of problems that are born here and worded by the catalogue. */
export type LocalProblem = 'unreachable' | 'unexpected-answer';

function localProblem(code: LocalProblem, status: number, detail: string): ApiError {
  return new ApiError({ type: `urn:millrace:error:${code}`, title: code, status, detail, code });
}

async function call(path: string, init: RequestInit = {}): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch (error) {
    if ((error as Error).name === 'AbortError') throw error;
    throw localProblem('unreachable', 0, String((error as Error).message));
  }
  if (response.ok) return response;
  const text = await response.text().catch(() => '');
  try {
    const problem = JSON.parse(text) as Partial<Problem>;
    if (typeof problem.title === 'string' && typeof problem.code === 'string') {
      return Promise.reject(
        new ApiError({ type: '', detail: '', status: response.status, ...problem } as Problem),
      );
    }
  } catch {
    // Not one of our problems: a proxy in between, for instance.
  }
  throw localProblem('unexpected-answer', response.status, text.slice(0, 300));
}

async function json<T>(path: string, init?: RequestInit): Promise<T> {
  const response = await call(path, init);
  try {
    return (await response.json()) as T;
  } catch (error) {
    if ((error as Error).name === 'AbortError') throw error;
    throw localProblem('unexpected-answer', response.status, String(error));
  }
}

const enc = encodeURIComponent;

export interface ViewRequest {
  view: string;
  every?: string;
  fromMs: number;
  toMs: number;
  where: string[];
  order?: string;
  limit?: number;
}

function viewPath(request: ViewRequest, cursor?: string): string {
  const params = new URLSearchParams();
  if (request.every) params.set('every', request.every);
  params.set('from', new Date(request.fromMs).toISOString());
  params.set('to', new Date(request.toMs).toISOString());
  for (const where of request.where) params.append('where', where);
  if (request.order) params.set('order', request.order);
  if (request.limit) params.set('limit', String(request.limit));
  if (cursor) params.set('cursor', cursor);
  return `/v1/views/${enc(request.view)}?${params}`;
}

/** Pages of one answer that are put together; what lies beyond is left out and `next` stays set. */
const pagesMax = 10;

export const api = {
  info: (signal?: AbortSignal) => json<Info>('/v1/info', { signal }),
  dashboards: () => json<DashboardList>('/v1/dashboards'),
  dashboard: (name: string) => json<Dashboard>(`/v1/dashboards/${enc(name)}`),
  views: () => json<ViewList>('/v1/views'),
  streams: () => json<StreamList>('/v1/streams'),
  stream: (name: string) => json<StreamDetail>(`/v1/streams/${enc(name)}`),

  /** Windows of a view; follows the cursor unless a limit was asked for. */
  async view(request: ViewRequest, signal?: AbortSignal): Promise<ViewAnswer> {
    const answer = await json<ViewAnswer>(viewPath(request), { signal });
    for (let page = 1; answer.next && !request.limit && page < pagesMax; page++) {
      const more = await json<ViewAnswer>(viewPath(request, answer.next), { signal });
      answer.windows.push(...more.windows);
      answer.next = more.next;
    }
    return answer;
  },

  events(stream: string, query: ParamQuery, signal?: AbortSignal): Promise<EventPage> {
    const params = new URLSearchParams();
    if (query.from) params.set('from', query.from);
    if (query.to) params.set('to', query.to);
    for (const where of query.where ?? []) params.append('where', where);
    params.set('limit', String(query.limit ?? 200));
    if (query.cursor) params.set('cursor', query.cursor);
    return json<EventPage>(`/v1/streams/${enc(stream)}/events?${params}`, { signal });
  },

  sql: (request: SqlRequest, signal?: AbortSignal) =>
    json<SqlAnswer>('/v1/sql', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(request),
      signal,
    }),

  /** The same query as a file in another format. */
  async sqlFile(request: SqlRequest): Promise<Blob> {
    const response = await call('/v1/sql', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(request),
    });
    return response.blob();
  },
};

export interface ParamQuery {
  from?: string;
  to?: string;
  where?: string[];
  limit?: number;
  cursor?: string;
}
