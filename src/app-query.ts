// The composition root of the query process: answers the calls of query/query-process.ts and ends with its parent.
import { toWire } from './core/errors.ts';
import { urlMacros } from './process/plan/functions/url-sql.ts';
import type { QueryCall, QueryReply } from './query/query-process.ts';
import { QueryServer, type QueryServerOptions } from './query/query-server.ts';

const server = new QueryServer({
  ...(JSON.parse(process.argv[2] ?? '{}') as QueryServerOptions),
  macros: urlMacros,
});

process.on('message', async message => {
  const { id, method, argument } = message as QueryCall;
  let reply: QueryReply;
  try {
    const call = server[method] as (argument: unknown, id: number) => Promise<unknown>;
    reply = { id, value: await call.call(server, argument, id) };
  } catch (thrown) {
    reply = { id, error: toWire(thrown) };
  }
  // Where the parent is gone, nobody wants the answer, and this process ends.
  process.send?.(reply, undefined, undefined, () => {});
});
// An orderly exit would wait for the statements that run in DuckDB's threads, however long they take; nothing here is worth that.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
// Ctrl-C reaches the whole process group; the parent decides when this process ends.
process.on('SIGINT', () => {});
