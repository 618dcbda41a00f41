import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { systemClock } from '../../core/time.ts';
import type { Log } from '../../flow/log.ts';
import { openSegmentLog } from '../../flow/segment-log.ts';
import { createReferenceKernel } from '../../kernel/kernel-reference.ts';
import { rejectedStream } from '../rejected.ts';
import { FileSource } from './file.ts';
import { FileRegistry, recordsMax } from './file-registry.ts';

let dir: string;
let log: Log;
let path: string;
const open: FileSource[] = [];

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'millrace-file-'));
  mkdirSync(join(dir, 'logs'));
  path = join(dir, 'logs', 'app.log');
  log = await openSegmentLog({ dir: join(dir, 'data'), reserveBytes: 0 });
});

afterEach(async () => {
  await Promise.all(open.splice(0).map(source => source.close()));
  await log.close();
  rmSync(dir, { recursive: true, force: true });
});

function source(options: Partial<ConstructorParameters<typeof FileSource>[0]> = {}): FileSource {
  const made = new FileSource({
    path,
    stream: 'app',
    follow: true,
    log,
    kernel: createReferenceKernel(),
    registry: new FileRegistry(join(dir, 'sources.json')),
    clock: systemClock,
    pollMs: 5,
    ...options,
  });
  open.push(made);
  return made;
}

async function events(stream = 'app'): Promise<Record<string, unknown>[]> {
  const target = new Uint8Array(8 * 1024 * 1024);
  const found: Record<string, unknown>[] = [];
  const { first, end } = await log.range(stream, 0);
  for (let from = first; from < end; ) {
    const read = await log.read(stream, 0, from, target);
    const text = new TextDecoder().decode(target.subarray(0, read.length));
    found.push(
      ...text
        .split('\n')
        .filter(Boolean)
        .map(line => JSON.parse(line) as Record<string, unknown>),
    );
    from = read.next;
  }
  return found;
}

async function numbers(): Promise<number[]> {
  return (await events()).map(event => event['n'] as number);
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 2000; i++) {
    if (await condition()) return;
    await new Promise(resolve => setTimeout(resolve, 5));
  }
  throw new Error('it did not happen');
}

const lines = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, i) => `{"n":${from + i},"pad":"${'x'.repeat(40)}"}\n`).join('');

test('history is read, then what is appended', async () => {
  writeFileSync(path, lines(0, 10));
  const reading = source();
  await reading.start();
  expect(await numbers()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(reading.status()).toMatchObject({ state: 'following', events: 10, format: 'JSON lines' });
  appendFileSync(path, lines(10, 12));
  await until(async () => (await numbers()).length === 12);
  appendFileSync(path, '{"n":12,');
  appendFileSync(path, '"late":true}\n');
  await until(async () => (await numbers()).length === 13);
  expect((await events())[12]).toEqual({ n: 12, late: true });
});

test('reading again, also from a copy under another name, doubles nothing', async () => {
  writeFileSync(path, lines(0, 20));
  await source({ follow: false }).start();
  await source({ follow: false }).start();
  copyFileSync(path, join(dir, 'logs', 'copy.log'));
  await source({ follow: false, path: join(dir, 'logs', 'copy.log') }).start();
  expect(await numbers()).toHaveLength(20);
});

test('positions come from the log when the registry is behind', async () => {
  writeFileSync(path, lines(0, 5));
  const registry = new FileRegistry(join(dir, 'sources.json'));
  await source({ follow: false, registry }).start();
  const before = new FileRegistry(join(dir, 'sources.json'));
  appendFileSync(path, `${lines(5, 9)}oops\n`);
  await source({ follow: false }).start();
  // As after a crash: the log has it all, the registry's file is of before.
  before.save();
  appendFileSync(path, `bad again\n${lines(9, 12)}`);
  await source({ follow: false }).start();
  expect(await numbers()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  expect((await events(rejectedStream)).map(({ line, raw }) => [line, raw])).toEqual([
    [10, 'oops'],
    [11, 'bad again'],
  ]);
});

test('a renamed file is finished and its successor read from the start', async () => {
  writeFileSync(path, lines(0, 10));
  await source().start();
  appendFileSync(path, lines(10, 12));
  renameSync(path, `${path}.1`);
  appendFileSync(`${path}.1`, lines(12, 14));
  writeFileSync(path, lines(100, 103));
  await until(async () => (await numbers()).length === 17);
  expect(await numbers()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 100, 101, 102]);
});

test('a file renamed while nobody looked is finished first', async () => {
  writeFileSync(path, lines(0, 10));
  await source({ follow: false }).start();
  appendFileSync(path, lines(10, 12));
  renameSync(path, `${path}.1`);
  writeFileSync(path, lines(100, 102));
  await source({ follow: false }).start();
  expect(await numbers()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 100, 101]);
});

test('a truncated file is read from its new start', async () => {
  writeFileSync(path, lines(0, 10));
  await source().start();
  truncateSync(path, 0);
  appendFileSync(path, lines(50, 52));
  await until(async () => (await numbers()).length === 12);
  expect((await numbers()).slice(10)).toEqual([50, 51]);
});

test('a file overwritten by a longer one is another file', async () => {
  writeFileSync(path, lines(0, 10));
  await source().start();
  writeFileSync(path, lines(200, 215));
  await until(async () => (await numbers()).length === 25);
  expect((await numbers()).slice(10)[0]).toBe(200);
});

test('an empty file is waited for, and its lines come once', async () => {
  writeFileSync(path, '');
  const reading = source();
  await reading.start();
  expect(reading.status().state).toBe('waiting');
  appendFileSync(path, lines(0, 2));
  await until(async () => reading.status().events === 2);
  appendFileSync(path, lines(2, 3));
  await until(async () => (await numbers()).length === 3);
  await reading.close();
  await source({ follow: false }).start();
  expect(await numbers()).toEqual([0, 1, 2]);
});

test('a file that is renamed while empty gives its name to the next', async () => {
  writeFileSync(path, '');
  await source().start();
  renameSync(path, `${path}.1`);
  writeFileSync(path, lines(0, 2));
  await until(async () => reading().then(found => found === 2));
  async function reading(): Promise<number> {
    const streams = await log.streams();
    return streams.some(stream => stream.name === 'app') ? (await numbers()).length : 0;
  }
});

test('after a rotation the format stays, whatever the first line is', async () => {
  writeFileSync(path, lines(0, 3));
  const following = source();
  await following.start();
  renameSync(path, `${path}.1`);
  writeFileSync(path, '');
  await until(async () => following.status().state === 'following');
  appendFileSync(path, `garbage first\n${lines(10, 12)}`);
  await until(async () => (await numbers()).length === 5);
  expect(await numbers()).toEqual([0, 1, 2, 10, 11]);
  expect((await events(rejectedStream)).map(({ line, raw }) => [line, raw])).toEqual([[1, 'garbage first']]);
});

test('a line longer than is accepted is rejected and reading goes on', async () => {
  writeFileSync(path, `${lines(0, 1)}{"n":"${'x'.repeat(3_000_000)}"}\n${lines(1, 2)}`);
  await source({ follow: false, spanBytes: 64 * 1024 }).start();
  expect(await numbers()).toEqual([0, 1]);
  const all = await events(rejectedStream);
  expect(all.map(({ line, truncated, reason }) => [line, truncated, reason])).toEqual([
    [2, true, 'longer than 1048576 bytes: it has 3000008'],
  ]);
});

test('a very long line is one line, also while it is being written, and the next has its number', async () => {
  writeFileSync(path, lines(0, 1));
  const followed = source();
  await followed.start();
  const part = 'x'.repeat(5_000_000);
  for (let i = 0; i < 4; i++) {
    appendFileSync(path, part);
    await sleep(20);
  }
  expect(followed.status().rejected).toBe(0);
  appendFileSync(path, `\nbad\n${lines(1, 2)}`);
  await until(async () => (await numbers()).length === 2);
  expect(
    (await events(rejectedStream)).map(({ line, reason, raw }) => [line, reason, String(raw).length]),
  ).toEqual([
    [2, 'longer than 1048576 bytes: it has 20000000', 16_384],
    [3, expect.anything(), 3],
  ]);
  expect(followed.status().rejected).toBe(2);
});

test('a missing file, a folder and unknown content are refused with what to do', async () => {
  await expect(source({ path: join(dir, 'nope') }).start()).rejects.toThrow(/no such file/);
  await expect(source({ path: dir }).start()).rejects.toThrow(/not a file/);
  writeFileSync(path, 'once upon a time\n');
  await expect(source().start()).rejects.toMatchObject({ code: 'format-unknown' });
  writeFileSync(path, '[{"n":1},\n{"n":2}]\n');
  await expect(source().start()).rejects.toMatchObject({ remedy: expect.stringContaining("jq -c '.[]'") });
});

test('a file is checked without a trace, and a pipe is no file', async () => {
  writeFileSync(path, 'once upon a time\n');
  await expect(source().check()).rejects.toMatchObject({ code: 'format-unknown' });
  writeFileSync(path, lines(0, 2));
  await source().check();
  expect(await log.streams()).toEqual([]);
  const pipe = join(dir, 'pipe');
  execFileSync('mkfifo', [pipe]);
  await expect(source({ path: pipe }).check()).rejects.toMatchObject({ code: 'not-a-file' });
  await expect(source({ path: pipe }).start()).rejects.toMatchObject({ code: 'not-a-file' });
});

test('bad lines of a span are kept where as JSON they are more than a batch, with their lines', async () => {
  writeFileSync(path, `${lines(0, 10)}${`${'\x01'.repeat(1023)}\n`.repeat(1000)}${lines(10, 12)}`);
  const reading = source({ follow: false, format: 'json-lines' });
  await reading.start();
  expect(reading.status()).toMatchObject({ events: 12, rejected: 1000 });
  const rejected = await events(rejectedStream);
  expect(rejected.map(({ line }) => line)).toEqual(Array.from({ length: 1000 }, (_, index) => index + 11));
});

test('a header that was read when nothing could be appended is no event afterwards', async () => {
  writeFileSync(path, 'n,name\n1,one\n2,two\n');
  const failing = Object.create(log, {
    append: { value: () => Promise.reject(new Error('the process ended here')) },
  }) as Log;
  const first = source({ follow: false, log: failing });
  await first.start().catch(() => {});
  await first.close();
  expect(await numbers()).toEqual([]);
  await source({ follow: false }).start();
  expect(await numbers()).toEqual([1, 2]);
});

test.each(['json-lines', 'access-common', 'logfmt'])(
  'however many lines of a span are bad, all are kept: %s',
  async format => {
    writeFileSync(path, 'bad\n'.repeat(10_500));
    const reading = source({ follow: false, format });
    await reading.start();
    expect(reading.status()).toMatchObject({ events: 0, rejected: 10_500 });
    const kept = (await events(rejectedStream)).map(({ line }) => line);
    expect(kept).toEqual(Array.from({ length: 10_500 }, (_, index) => index + 1));
  },
);

class RegistryOnFullDisk extends FileRegistry {
  isFull = true;

  override save(): void {
    if (this.isFull) throw Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' });
    super.save();
  }
}

test('a file that takes the place of another while the disk is full is read when there is room', async () => {
  const registry = new RegistryOnFullDisk(join(dir, 'sources.json'));
  registry.isFull = false;
  writeFileSync(path, '{"n":1}\n');
  const followed = source({ registry });
  await followed.start();
  registry.isFull = true;
  renameSync(path, `${path}.1`);
  writeFileSync(path, '{"n":2}\n');
  await expect.poll(() => followed.status().error).toContain('no space left');
  registry.isFull = false;
  await expect.poll(async () => (await events()).map(({ n }) => n)).toEqual([1, 2]);
  expect(followed.status()).toMatchObject({ state: 'following', error: undefined });
});

test('a file that does not change costs no more than a look at its size and time', async () => {
  writeFileSync(path, lines(0, 3));
  utimesSync(path, new Date(Date.now() - 60_000), new Date(Date.now() - 60_000));
  const registry = new FileRegistry(join(dir, 'sources.json'));
  const calls: string[] = [];
  for (const name of ['find', 'isSame', 'saveSoon'] as const) {
    const work = registry[name].bind(registry) as (...args: unknown[]) => never;
    registry[name] = (...args: unknown[]) => {
      calls.push(name);
      return work(...args);
    };
  }
  await source({ registry }).start();
  await sleep(100);
  expect(calls).toEqual(['find', 'saveSoon', 'isSame']);
  appendFileSync(path, lines(3, 5));
  await until(async () => (await numbers()).length === 5);
});

test('what cannot be saved now is saved later', () => {
  const file = join(dir, 'sources.json');
  const registry = new RegistryOnFullDisk(file);
  vi.useFakeTimers();
  try {
    registry.saveSoon();
    vi.advanceTimersByTime(500);
    registry.isFull = false;
    vi.advanceTimersByTime(500);
    expect(existsSync(file)).toBe(true);
  } finally {
    vi.useRealTimers();
  }
});

test('a file that goes while the rest of the one before is read is waited for', async () => {
  writeFileSync(path, '{"n":1}\n{"n":2}');
  const rest = (bytes: Uint8Array): boolean => new TextDecoder().decode(bytes).includes('"n":2');
  const followed = source({
    // The line without an end stays without one.
    clock: { ...systemClock, nowMs: () => 0 },
    log: Object.create(log, {
      append: {
        value: (...given: Parameters<Log['append']>) => {
          if (rest(given[2].bytes)) rmSync(path);
          return log.append(...given);
        },
      },
    }) as Log,
  });
  await followed.start();
  renameSync(path, `${path}.1`);
  writeFileSync(path, '');
  await expect.poll(() => followed.status().state).toBe('waiting');
  writeFileSync(path, '{"n":3}\n');
  await expect.poll(async () => (await events()).map(({ n }) => n)).toEqual([1, 2, 3]);
});

test('positions that cannot be read are told with what to do', () => {
  const file = join(dir, 'sources.json');
  writeFileSync(file, '{"files":');
  expect(() => new FileRegistry(file)).toThrow(
    expect.objectContaining({ code: 'sources-damaged', remedy: expect.stringContaining('come twice') }),
  );
});

test('a file that is there is never forgotten: beyond the bound those are that have gone, and then new ones are refused', async () => {
  const registry = new FileRegistry(join(dir, 'sources.json'));
  const others = new FileRegistry(join(dir, 'sources.json'));
  writeFileSync(path, lines(0, 3));
  const follow = (at: string, own: FileRegistry) =>
    source({ path: at, follow: false, registry: own }).start();
  await follow(path, registry);
  const look = (name: string, ino: number, dev = 0) => ({
    path: name,
    dev,
    ino,
    size: 5,
    head: new TextEncoder().encode(name),
  });
  for (let i = 1; i < recordsMax; i++) registry.create('app', look(`/gone/${i}`, i), 0);
  const next = join(dir, 'logs', 'next.log');
  writeFileSync(next, lines(3, 5));
  await follow(next, registry);
  await follow(path, registry);
  expect(await numbers()).toEqual([0, 1, 2, 3, 4]);

  const { dev, ino } = statSync(path);
  for (let i = 0; i < recordsMax; i++) others.create('app', look(path, ino, dev), 0);
  writeFileSync(next, lines(5, 6));
  await expect(follow(next, others)).rejects.toMatchObject({
    code: 'too-many-files',
    message: expect.stringContaining('20000'),
    remedy: expect.stringContaining('fewer files'),
  });
});
