// Commands whose other end goes away: the reader of their output, or the process that answers them.
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cleanUp, folder, root, run, type Server, serve } from './command.ts';

afterAll(cleanUp);

const bin = join(root, 'bin', 'millrace');

/** Runs a command with its output in this pipe, or file; `code` is the command's own. */
async function into(dir: string, args: string, pipe: string): Promise<{ code: number; stderr: string }> {
  const line = `( "${process.execPath}" "${bin}" ${args} 2>stderr ${pipe.startsWith('>') ? pipe : ''}; echo $? >code ) ${pipe.startsWith('|') ? pipe : ''}`;
  await promisify(execFile)('sh', ['-c', line], { cwd: dir });
  const read = (name: string): string => readFileSync(join(dir, name), 'utf8');
  return { code: Number(read('code')), stderr: read('stderr') };
}

describe('a reader that has seen enough', () => {
  let dir: string;
  let server: Server;

  beforeAll(async () => {
    dir = folder();
    mkdirSync(join(dir, 'views'));
    writeFileSync(join(dir, 'views', 'v.sql'), '-- every: 1m\nSELECT count(*) AS n FROM s\n');
    server = await serve(dir, ['up']);
    const events = Array.from({ length: 50_000 }, (_, i) => `{"a":${i}}\n`).join('');
    await server.json('/v1/streams/s/events', { method: 'POST', body: events });
  });

  test.each([
    ['audit', '| true'],
    ['audit --json', '| true'],
    ['views', '| true'],
    ['views --sql', '| true'],
    ['check', '| true'],
    ['--help', '| true'],
    ["sql 'SELECT * FROM s' --limit 50000", '| head -1 >first'],
    ["sql 'SELECT * FROM s' --limit 50000 --json", '| head -c 1 >first'],
  ])('ends %s %s quietly', async (args, pipe) => {
    expect(await into(dir, args, pipe)).toEqual({ code: 0, stderr: '' });
  });

  test('ends a tail, which has no other end', async () => {
    let isOver = false;
    const sending = (async () => {
      while (!isOver) await server.json('/v1/streams/s/events', { method: 'POST', body: '{"a":1}\n' });
    })();
    expect(await into(dir, 'tail s', '| head -1 >first')).toEqual({ code: 0, stderr: '' });
    isOver = true;
    await sending;
    expect(JSON.parse(readFileSync(join(dir, 'first'), 'utf8'))).toBeTruthy();
  });

  test('keeps nothing from being loaded', async () => {
    const own = folder();
    writeFileSync(join(own, 'e.ndjson'), '{"a":1}\n{"a":2}\n');
    expect(await into(own, 'load e.ndjson --json', '| true')).toMatchObject({ code: 0 });
    expect((await run(own, ['sql', 'SELECT count(*) AS n FROM e'])).stdout).toBe('n\r\n2\r\n');
  });

  // Where the system has no such file, a full disk cannot be had this easily.
  test.skipIf(!existsSync('/dev/full'))(
    'is not a full disk, which is said: the command has failed',
    async () => {
      const { code, stderr } = await into(dir, "sql 'SELECT 1'", '>/dev/full');
      expect(code).toBe(1);
      expect(stderr).toMatch(/Standard output cannot be written: ENOSPC/);
      expect(stderr).not.toMatch(/\n\s+at .*\(/);
    },
  );
});

describe('a process that ends while it answers', () => {
  test.each([
    [['audit'], '{"share":0.1}\n{"share":0.', /ended before the audit did/, /Run the audit again/],
    [['tail', 's'], 'data: {"a":1}\n\ndata: ', /no more events come/, /millrace up/],
  ])('is named by %j', async (args, begin, sentence, remedy) => {
    const dir = folder();
    mkdirSync(join(dir, '.millrace'));
    const begun: ServerResponse[] = [];
    const server = createServer((request, response) => {
      if (request.url === '/healthz') return void response.end('{}');
      response.write(begin, () => response.destroy());
      begun.push(response);
    });
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    writeFileSync(
      join(dir, '.millrace', 'running.json'),
      JSON.stringify({ pid: 4711, url, version: '', startedAt: '' }),
    );
    const { code, stderr } = await run(dir, args);
    server.close();
    expect(begun).toHaveLength(1);
    expect(code).toBe(1);
    expect(stderr).toMatch(sentence);
    expect(stderr).toMatch(/4711/);
    expect(stderr).toMatch(remedy);
    expect(stderr).not.toMatch(/should not happen/);
  });
});
