import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Rng } from '../core/rng.ts';
import { diskFileSystem, type OpenFile, writeFully, writeFullySync } from './file-system.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'millrace-fs-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

/** A file that takes only some bytes of every write, and counts the chunks it was handed at once. */
function hesitant(rng: Rng): { file: OpenFile; content: () => Buffer; chunksMost: () => number } {
  const bytes = Buffer.alloc(1 << 20);
  let length = 0;
  let most = 0;
  const writeSync = (chunks: readonly Uint8Array[], position: number): number => {
    most = Math.max(most, chunks.length);
    const all = Buffer.concat(chunks);
    const taken = 1 + rng.below(all.length);
    bytes.set(all.subarray(0, taken), position);
    length = Math.max(length, position + taken);
    return taken;
  };
  const file = { write: async (chunks, position) => writeSync(chunks, position), writeSync } as OpenFile;
  return { file, content: () => bytes.subarray(0, length), chunksMost: () => most };
}

describe('writing fully', () => {
  it('goes on after every short write, at most 1,024 chunks a call', async () => {
    const rng = new Rng(1);
    for (const count of [1, 2, 50, 3000]) {
      const chunks = Array.from({ length: count }, () =>
        Uint8Array.from({ length: 1 + rng.below(20) }, () => rng.below(256)),
      );
      const expected = Buffer.concat(chunks);
      const one = hesitant(rng);
      await writeFully(one.file, chunks, 0);
      expect(one.content()).toEqual(expected);
      const other = hesitant(rng);
      writeFullySync(other.file, chunks, 0);
      expect(other.content()).toEqual(expected);
      expect(Math.max(one.chunksMost(), other.chunksMost())).toBeLessThanOrEqual(1024);
    }
  });

  it('gives up on a file that takes nothing', async () => {
    const file = { write: async () => 0, writeSync: () => 0 } as unknown as OpenFile;
    await expect(writeFully(file, [new Uint8Array(3)], 0)).rejects.toMatchObject({ code: 'EIO' });
    expect(() => writeFullySync(file, [new Uint8Array(3)], 0)).toThrow('EIO');
  });
});

describe('the disk', () => {
  it('reads what was written, less only at the end of the file', async () => {
    const file = await diskFileSystem.open(join(dir, 'a'), 'create');
    const rng = new Rng(2);
    const chunks = Array.from({ length: 2500 }, () => Buffer.from(`${rng.uint32()};`));
    const expected = Buffer.concat(chunks);
    await writeFully(file, chunks, 5);
    await file.sync();
    expect(await file.size()).toBe(5 + expected.length);
    const target = Buffer.alloc(expected.length + 100);
    expect(await file.read(target, 5)).toBe(expected.length);
    expect(target.subarray(0, expected.length)).toEqual(expected);
    const second = Buffer.alloc(target.length);
    expect(file.readSync(second, 5)).toBe(expected.length);
    expect(second).toEqual(target);
    await file.truncate(5);
    expect(await file.read(target, 5)).toBe(0);
    await file.close();
  });

  it('makes folders with their parents, and says what is missing by its code', async () => {
    await diskFileSystem.makeDirectory(join(dir, 'x', 'y', 'z'));
    await diskFileSystem.makeDirectory(join(dir, 'x', 'y', 'z'));
    expect(await diskFileSystem.list(join(dir, 'x', 'y'))).toEqual(['z']);
    expect(await diskFileSystem.list(join(dir, 'none'))).toEqual([]);
    expect(await diskFileSystem.sizeOf(join(dir, 'none'))).toBeUndefined();
    await expect(diskFileSystem.open(join(dir, 'none'), 'read')).rejects.toMatchObject({ code: 'ENOENT' });
    expect(await diskFileSystem.freeBytes(dir)).toBeGreaterThan(0);
  });
});
