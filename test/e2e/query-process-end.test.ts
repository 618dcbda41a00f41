// The process that answers SQL ends with the one that asked it, however busy it is.
import { execFileSync } from 'node:child_process';
import { afterAll, afterEach, expect, test } from 'vitest';
import { cleanUp, eventually, folder, type Server, serve } from './command.ts';

const started: number[] = [];

const kill = (pid: number): boolean => {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch {
    return false;
  }
};

afterEach(() => {
  for (const pid of started.splice(0)) kill(pid);
});
afterAll(cleanUp);

/** What `ps` or `pgrep` says; nothing where it finds no process. */
function ask(command: string, args: string[]): string {
  try {
    return execFileSync(command, args, { encoding: 'utf8' }).trim();
  } catch {
    return '';
  }
}

/** One that has ended and is only still listed is gone. */
const isThere = (pid: number): boolean => /^[^Z]/.test(ask('ps', ['-o', 'stat=', '-p', String(pid)]));

/** Seconds of processor time, from `[[dd-]hh:]mm:ss`. */
function busySeconds(pid: number): number {
  const parts = ask('ps', ['-o', 'time=', '-p', String(pid)])
    .split(/[-:]/)
    .map(Number);
  return parts.reduce((sum, part) => sum * 60 + part, 0);
}

/** A server whose query process has worked on this statement for so long. */
async function busyServer(sql: string, seconds: number): Promise<{ server: Server; child: number }> {
  const server = await serve(folder(), ['up']);
  await server.json('/v1/streams/s/events', { method: 'POST', body: '{"a":1}\n' });
  expect(await server.sql('SELECT a FROM s')).toEqual([[1]]);
  const children = ask('pgrep', ['-P', String(server.pid)])
    .split('\n')
    .map(Number);
  expect(children).toHaveLength(1);
  const child = children[0]!;
  started.push(child);
  const before = busySeconds(child);
  // Nobody hears the answer.
  void server
    .json('/v1/sql', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ sql, timeout: '60s' }),
    })
    .catch(() => {});
  await eventually(
    async () => busySeconds(child),
    now => now >= before + seconds,
  );
  return { server, child };
}

// Some minutes of work in DuckDB's threads; and some seconds of it in one turn of the process's own loop.
const statements = [
  ['a long statement runs', 'SELECT count(*) FROM range(100000000000) t(i) WHERE hash(i) % 7 = 3', 1],
  ['a large answer is converted', 'SELECT range(30000000)', 2],
] as const;

test.each(statements)('while %s, it ends after kill -9 of the other', async (_, sql, seconds) => {
  const { server, child } = await busyServer(sql, seconds);
  server.kill('SIGKILL');
  const { stderr } = await server.ended;
  await eventually(
    async () => isThere(child),
    there => !there,
  );
  expect(stderr).not.toMatch(/\n\s+at /);
});

test.each(statements)('while %s, SIGTERM ends both', async (_, sql, seconds) => {
  const { server, child } = await busyServer(sql, seconds);
  server.kill('SIGTERM');
  const { code, stderr } = await server.ended;
  expect(isThere(child)).toBe(false);
  expect(code).toBe(0);
  expect(stderr).not.toMatch(/\n\s+at /);
});
