// Groups that are written past the system's cache, on the machine's own disk: the files are the same as ever, readers
// see the same events from memory and from the file, and a file system that cannot do it is written as before.
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Rng } from '../core/rng.ts';
import { diskFileSystem, type FileSystem } from './file-system.ts';
import { openSegmentLog, type SegmentLog } from './segment-log.ts';
import { openSegmentReader } from './segment-reader.ts';

let dir: string;
beforeEach(async () => {
  // Beside the sources: the folder for temporary files is often one in memory, which has no cache to pass.
  dir = await mkdtemp(join(tmpdir(), 'millrace-past-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const options = { directBytes: 1, tailBytes: 256 * 1024, segmentBytes: 2_000_000, reserveBytes: 0 };

/** Appends batches of 1 to 60,000 bytes, some at once, and returns all of them. */
async function fill(log: SegmentLog, rng: Rng, rounds: number): Promise<Buffer> {
  const sent: Buffer[] = [];
  for (let round = 0; round < rounds; round++) {
    const batches = Array.from({ length: 1 + rng.below(6) }, () => {
      const pad = 'x'.repeat(rng.below(10) === 0 ? rng.below(60_000) : rng.below(3000));
      return Buffer.from(`{"n":${rng.below(1e9)},"pad":"${pad}"}\n`);
    });
    sent.push(...batches);
    await Promise.all(batches.map(bytes => log.append('s', 0, { bytes, count: 1 })));
  }
  return Buffer.concat(sent);
}

async function readAll(log: Pick<SegmentLog, 'range' | 'read'>): Promise<Buffer> {
  const parts: Buffer[] = [];
  const target = new Uint8Array(4 * 1024 * 1024);
  for (let { first: at, end } = await log.range('s', 0); at < end; ) {
    const { length, next } = await log.read('s', 0, at, target);
    parts.push(Buffer.from(target.subarray(0, length)));
    at = next;
  }
  return Buffer.concat(parts);
}

async function segmentBytes(): Promise<Buffer> {
  const folder = join(dir, 'streams', 's', '0');
  const names = (await readdir(folder)).filter(name => name.endsWith('.ndjson')).sort();
  return Buffer.concat(await Promise.all(names.map(name => readFile(join(folder, name)))));
}

it('leaves the segments that any other way leaves, over restarts', async () => {
  let expected = Buffer.alloc(0);
  for (let life = 0; life < 3; life++) {
    const log = await openSegmentLog({ dir, ...options, ...(life === 1 && { directBytes: 20_000 }) });
    await log.createStream('s');
    const reader = await openSegmentReader(structuredClone(log.share()));
    expected = Buffer.concat([expected, await fill(log, new Rng(life), 60)]);
    expect((await readAll(reader)).equals(expected)).toBe(true);
    expect((await readAll(log)).equals(expected)).toBe(true);
    expect((await segmentBytes()).equals(expected)).toBe(true);
    await reader.close();
    await log.close();
  }
});

/** The machine's file system with another answer to writing past the cache; counts the calls. */
function withBlocks(answer: 'refuses' | 'stops' | 'halves'): {
  fs: FileSystem;
  calls: () => number;
  reads: () => number;
} {
  let calls = 0;
  let reads = 0;
  const fs: FileSystem = {
    ...diskFileSystem,
    async open(path, how) {
      const file = await diskFileSystem.open(path, how);
      const isData = path.endsWith('.ndjson');
      const { readSync, writeBlocks } = file;
      file.readSync = (target, position) => {
        if (isData) reads++;
        return readSync.call(file, target, position);
      };
      file.writeBlocks = async (chunks, position) => {
        calls++;
        if (answer === 'refuses') return 0;
        if (answer === 'stops') throw Object.assign(new Error('ENOSPC: simulated'), { code: 'ENOSPC' });
        const half = Math.ceil(chunks[0]!.length / 2 / 4096) * 4096;
        return writeBlocks.call(file, [chunks[0]!.subarray(0, half)], position);
      };
      return file;
    },
  };
  return { fs, calls: () => calls, reads: () => reads };
}

it.each(['refuses', 'halves'] as const)('writes all of it where the file system %s', async answer => {
  const { fs, calls } = withBlocks(answer);
  const log = await openSegmentLog({ dir, ...options, fs });
  await log.createStream('s');
  const expected = await fill(log, new Rng(5), 40);
  expect(calls()).toBeGreaterThan(20);
  expect((await readAll(log)).equals(expected)).toBe(true);
  expect((await segmentBytes()).equals(expected)).toBe(true);
  await log.close();
});

it('takes back what did not fit, and goes on where it was', async () => {
  const log = await openSegmentLog({ dir, ...options });
  await log.createStream('s');
  const before = await fill(log, new Rng(6), 10);
  await log.close();
  const full = await openSegmentLog({ dir, ...options, fs: withBlocks('stops').fs });
  const bytes = Buffer.from(`{"pad":"${'y'.repeat(50_000)}"}\n`);
  await expect(full.append('s', 0, { bytes, count: 1 })).rejects.toMatchObject({ code: 'disk-full' });
  expect((await segmentBytes()).equals(before)).toBe(true);
  await full.close();
});

it('serves a reader at the tail without asking the file, and one that fell behind from it', async () => {
  const { fs, reads } = withBlocks('halves');
  const log = await openSegmentLog({ dir, ...options, fs });
  await log.createStream('s');
  const reader = await openSegmentReader(log.share(), { fs });
  const line = Buffer.from(`{"pad":"${'z'.repeat(40_000)}"}\n`);
  const target = new Uint8Array(4 * 1024 * 1024);
  for (let n = 0; n < 20; n++) {
    await log.append('s', 0, { bytes: line, count: 1 });
    const { batches } = await reader.read('s', 0, n, target);
    expect(batches.length).toBe(1);
    expect(line.equals(target.subarray(0, line.length))).toBe(true);
  }
  expect(reads()).toBe(0);
  const { length, next } = await reader.read('s', 0, 0, target);
  expect(length).toBe(20 * line.length);
  expect(next).toBe(20);
  expect(reads()).toBe(1);
  await reader.close();
  await log.close();
});

it('believes nothing in the memory that does not match what was appended', async () => {
  const log = await openSegmentLog({ dir, ...options });
  await log.createStream('s');
  const handle = log.share();
  const expected = await fill(log, new Rng(8), 10);
  const reader = await openSegmentReader(handle);
  // As after a copy that the writer overtook.
  new Uint8Array(handle.tail).fill(0x20, 64 * 1024);
  expect((await readAll(reader)).equals(expected)).toBe(true);
  await reader.close();
  await log.close();
});
