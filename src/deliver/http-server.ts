// The HTTP server: the API, the live connections and the console on one port. Ingest and live connections work on the raw
// request and response; everything else is routed by Hono. Requests that a foreign web page could make a browser send are refused.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { MillraceError } from '../core/errors.ts';
import type { DashboardList, Health } from './api.ts';
import { contentSecurityPolicy, loadConsoleFiles } from './console-files.ts';
import { tooLarge } from './ingest.ts';
import { serveIngestConnections } from './ingest-connections.ts';
import { serveLive } from './live.ts';
import { LiveConnections } from './live-connections.ts';
import { problemHeaders, problemOf } from './problem.ts';
import { routeAudit } from './routes-audit.ts';
import { routePipelines } from './routes-pipelines.ts';
import { routeRejected } from './routes-rejected.ts';
import { routeSql } from './routes-sql.ts';
import { routeStreams } from './routes-streams.ts';
import { routeViews } from './routes-views.ts';
import type { Services } from './services.ts';
import { serveTail } from './tail.ts';

export interface HttpServerOptions {
  host: string;
  port: number;
  consoleDir: string;
  services: Services;
  /** Called with what is a defect of ours, for the log. */
  onDefect(error: unknown): void;
}

export interface HttpServer {
  port: number;
  close(): Promise<void>;
}

/** A connection without a request is closed after so long, and one whose request does not come to its end. */
const idleMs = 65_000;
const requestMs = 120_000;

/** Bytes of the body of a question; a sender's rejected lines of half a MiB are less, as base64 too. */
const maxBodyBytes = 8 * 1024 * 1024;

const loopback = new Set(['127.0.0.1', '::1', 'localhost']);

export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { host, services } = options;
  if (!loopback.has(host)) {
    throw new MillraceError('unsafe-host', `Listening on ${host} without authentication is refused.`, {
      status: 400,
      remedy: 'Listen on 127.0.0.1 and put a proxy with authentication in front, or use an SSH tunnel.',
    });
  }
  const router = routes(options);
  const listener = getRequestListener(request => router.fetch(request), { overrideGlobalObjects: false });
  const raw = rawRoutes(services);
  const server: Server = createServer(
    { keepAliveTimeout: idleMs, requestTimeout: requestMs },
    (request, response) => {
      void (async () => {
        try {
          checkOrigin(request);
          if (await raw(request, response)) return;
          await listener(request, response);
        } catch (thrown) {
          answerProblem(response, thrown, options.onDefect);
        }
      })();
    },
  );
  const { ingest } = services;
  const connections = serveIngestConnections(server, { ingest, checkHost, idleMs, requestMs });
  const port = await listen(server, host, options.port);
  return {
    port,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
        connections.close();
      }),
  };
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') {
        reject(
          new MillraceError('port-in-use', `Port ${port} on ${host} is in use.`, {
            remedy:
              'Choose another with --port, or --port 0 for any free one; "millrace doctor" shows what is running.',
            cause: error,
          }),
        );
      } else if (error.code === 'EACCES') {
        reject(
          new MillraceError('port-forbidden', `Port ${port} may not be used by this user.`, {
            remedy: 'Choose a port above 1023 with --port.',
            cause: error,
          }),
        );
      } else reject(error);
    });
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port));
  });
}

/**
 * A page of another site may make a browser send requests here. Its Host (when it rebinds a name to 127.0.0.1) or its
 * Origin (otherwise) is not ours.
 */
function checkOrigin(request: IncomingMessage): void {
  checkHost(request.headers.host ?? '');
  const origin = request.headers.origin;
  if (origin !== undefined && origin !== `http://${request.headers.host}`) {
    throw new MillraceError('foreign-origin', `Requests from pages of ${origin} are refused.`, {
      status: 403,
    });
  }
}

function checkHost(host: string): void {
  const name = host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
  if (name !== '' && !loopback.has(name)) {
    throw new MillraceError('foreign-host', `The host "${name}" is not this machine's own name for itself.`, {
      status: 403,
      remedy: 'Use http://127.0.0.1 or http://localhost with the port.',
    });
  }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new MillraceError('bad-path', `"${part}" is not a well-formed part of a path.`, {
      status: 400,
      remedy: 'Write "%" as %25.',
    });
  }
}

const ingestPath = /^\/v1\/streams\/([^/?]+)\/events$/;
const tailPath = /^\/v1\/streams\/([^/?]+)\/tail$/;
const viewLivePath = /^\/v1\/views\/([^/?]+)\/live$/;

/** Calls that need the raw request; true where one was answered. */
function rawRoutes(services: Services) {
  const connections = new LiveConnections();
  return async (request: IncomingMessage, response: ServerResponse): Promise<boolean> => {
    const url = request.url ?? '/';
    const question = url.indexOf('?');
    const path = question < 0 ? url : url.slice(0, question);
    if (request.method === 'POST') {
      const match = ingestPath.exec(path);
      if (!match) return false;
      await services.ingest.handle(decoded(match[1]!), request, response);
      return true;
    }
    if (request.method !== 'GET') return false;
    const query = new URLSearchParams(question < 0 ? '' : url.slice(question + 1));
    if (path === '/v1/live') {
      connections.admit(response);
      await serveLive(liveOptions(services), query, request, response);
      return true;
    }
    const view = viewLivePath.exec(path);
    if (view) {
      connections.admit(response);
      const every = query.get('every');
      query.append('s', `${decoded(view[1]!)}${every === null ? '' : `@${every}`}`);
      await serveLive(liveOptions(services), query, request, response);
      return true;
    }
    const tail = tailPath.exec(path);
    if (tail) {
      connections.admit(response);
      await serveTail(services.log, decoded(tail[1]!), request, response);
      return true;
    }
    return false;
  };
}

function liveOptions(services: Services) {
  const { engine, hub, clock, stats } = services;
  const status = () => {
    let events = 0;
    for (const [name, total] of stats.totals()) if (!name.startsWith('_')) events += total;
    return { events, rate: stats.rate(), sources: services.sources(), problems: services.problems() };
  };
  return { engine, hub, clock, status };
}

function routes(options: HttpServerOptions): Hono {
  const { services } = options;
  const files = loadConsoleFiles(options.consoleDir);
  const app = new Hono();
  app.use(async (context, next) => {
    await next();
    context.header('x-content-type-options', 'nosniff');
    context.header('referrer-policy', 'no-referrer');
    context.header('cross-origin-opener-policy', 'same-origin');
    context.header('cross-origin-resource-policy', 'same-origin');
    if (!context.res.headers.has('cache-control')) context.header('cache-control', 'no-store');
  });
  app.use(
    bodyLimit({
      maxSize: maxBodyBytes,
      onError: () => {
        throw tooLarge(maxBodyBytes);
      },
    }),
  );
  app.get('/v1/info', async context => context.json(await services.info()));
  routeStreams(app, services);
  routeRejected(app, services);
  routeViews(app, services);
  routePipelines(app, services);
  routeSql(app, services);
  routeAudit(app, services);
  app.get('/v1/dashboards', context => {
    const dashboards = services.dashboards().map(({ name, title, stream }) => ({ name, title, stream }));
    return context.json({ dashboards } satisfies DashboardList);
  });
  app.get('/v1/dashboards/:dashboard', context => {
    const name = context.req.param('dashboard');
    const dashboard = services.dashboards().find(dashboard => dashboard.name === name);
    if (dashboard) return context.json(dashboard);
    throw new MillraceError('unknown-dashboard', `There is no dashboard "${name}".`, {
      status: 404,
      remedy: 'GET /v1/dashboards lists the dashboards.',
    });
  });
  app.get('/healthz', context => context.json({ status: 'ok', problems: [] } satisfies Health));
  app.get('/readyz', context => {
    const problems = services.problems();
    const failing = services.isFailing() ? 'failing' : 'ok';
    const status: Health['status'] = services.isReady() ? failing : 'starting';
    return context.json({ status, problems } satisfies Health, status === 'ok' ? 200 : 503);
  });
  app.get('/metrics', async context => {
    return context.body(await services.metrics(), 200, {
      'content-type': 'text/plain; version=0.0.4; charset=utf-8',
    });
  });
  app.get('*', context => {
    const path = new URL(context.req.url).pathname;
    if (path.startsWith('/v1/')) return unknownPath(path);
    // Pages of the console are addressed by path; its router decides which one is shown.
    const file = files.get(path) ?? (/\.[a-z0-9]+$/.test(path) ? undefined : files.get('/'));
    if (!file) return unknownPath(path);
    const headers: Record<string, string> = {
      'content-type': file.type,
      'content-security-policy': contentSecurityPolicy,
      etag: file.etag,
      'cache-control': 'no-cache',
    };
    if (context.req.header('if-none-match') === file.etag) return context.body(null, 304, headers);
    return context.body(file.body, 200, headers);
  });
  app.all('*', context => unknownPath(`${context.req.method} ${new URL(context.req.url).pathname}`));
  app.onError(error => {
    const problem = problemOf(error);
    if (problem.code === 'internal') options.onDefect(error);
    return new Response(JSON.stringify(problem), {
      status: problem.status,
      headers: problemHeaders(problem),
    });
  });
  return app;
}

function unknownPath(path: string): never {
  throw new MillraceError('unknown-path', `There is nothing at ${path}.`, {
    status: 404,
    remedy: 'The API is described in docs/api.md.',
  });
}

function answerProblem(response: ServerResponse, thrown: unknown, onDefect: (error: unknown) => void): void {
  const problem = problemOf(thrown);
  if (problem.code === 'internal') onDefect(thrown);
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.writeHead(problem.status, problemHeaders(problem)).end(JSON.stringify(problem));
}
