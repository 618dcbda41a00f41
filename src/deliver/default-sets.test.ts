import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { MillraceError } from '../core/errors.ts';
import { DefaultSets } from './default-sets.ts';
import type { DefaultSet } from './default-views.ts';

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'millrace-defaults-'));
});

afterEach(() => rmSync(dir, { recursive: true }));

/** Sets over a stream that has events, whose views `refuse` may throw for. */
function setsOver(refuse: (name: string) => void) {
  const defined: string[] = [];
  const problems = new Map<string, string>();
  let notice: (result: { stream: string; count: number }) => void = () => {};
  const log = {
    streams: async () => [{ name: 's', partitions: [{ partition: 0, first: 0, end: 5 }] }],
    onAppend: (listener: typeof notice) => {
      notice = listener;
      return () => {};
    },
  } as never;
  const engine = {
    define: async ({ name }: { name: string }) => {
      refuse(name);
      defined.push(name);
    },
  } as never;
  const views = ['a', 'b'].map(name => ({ name, text: 'SELECT count(*) FROM s' }));
  const sets = new DefaultSets({
    log,
    engine,
    dir,
    known: new Map([['s', { views } as unknown as DefaultSet]]),
    onFailure: (name, error) => problems.set(name, (error as Error).message),
    onDefined: name => problems.delete(name),
  });
  return { sets, defined, problems, append: () => notice({ stream: 's', count: 1 }) };
}

test('a view whose definition failed in passing is defined at a later try', async () => {
  let isBusy = true;
  const { sets, defined, problems } = setsOver(name => {
    if (name === 'b' && isBusy) throw new MillraceError('busy', 'The parser is busy.', { canRetry: true });
  });
  await sets.start();
  await sets.ready();
  expect(defined).toEqual(['a']);
  await sets.retry();
  expect([...problems]).toEqual([['b', 'The parser is busy.']]);
  isBusy = false;
  await sets.retry();
  await sets.retry();
  expect(defined).toEqual(['a', 'b']);
  expect(problems.size).toBe(0);
  await sets.stop();
});

test('a view that is refused is not tried again', async () => {
  let tries = 0;
  const { sets, problems } = setsOver(name => {
    if (name !== 'b') return;
    tries++;
    throw new MillraceError('refused', 'No.', {});
  });
  await sets.start();
  await sets.ready();
  await sets.retry();
  expect(tries).toBe(1);
  expect([...problems]).toEqual([['b', 'No.']]);
  await sets.stop();
});

test('a set that could not be kept is made with the next events', async () => {
  const { sets, defined, problems, append } = setsOver(() => {});
  const inTheWay = join(dir, 's.json.part');
  mkdirSync(inTheWay);
  await sets.start();
  await sets.ready();
  expect([...problems.keys()]).toEqual(['s']);
  rmSync(inTheWay, { recursive: true });
  append();
  await sets.ready();
  expect(defined).toEqual(['a', 'b']);
  expect(problems.size).toBe(0);
  await sets.stop();
});

test('a set whose file is damaged is made anew', async () => {
  writeFileSync(join(dir, 's.json'), '{"views": [');
  const { sets, defined } = setsOver(() => {});
  expect([...sets.read()]).toEqual([]);
  await sets.start();
  await sets.ready();
  expect(defined).toEqual(['a', 'b']);
  expect(readFileSync(join(dir, 's.json'), 'utf8')).toContain('SELECT count(*) FROM s');
  await sets.stop();
});
