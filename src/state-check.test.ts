import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test, vi } from 'vitest';
import { Rng } from './core/rng.ts';
import { checkState, damageOf } from './state-check.ts';
import { damagedCode, isOfSystem, openLmdbState } from './store/state-lmdb.ts';

const folder = mkdtempSync(join(tmpdir(), 'millrace-state-'));
const file = join(folder, 'state.lmdb');
const whole = join(folder, 'whole');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const pageBytes = 4096;
const key = (n: number): Uint8Array => Buffer.from(`k${String(n).padStart(6, '0')}`);

/** Leaves, branches, values of several pages and lists of free pages. */
async function makeState(): Promise<void> {
  const state = openLmdbState(folder);
  for (let round = 0; round < 40; round++) {
    state.transaction(t => {
      for (let i = 0; i < 200; i++)
        t.put(key((round * 200 + i * 7) % 4000), Buffer.alloc(50 + ((i * 37) % 900)));
      if (round % 3 === 0) t.put(Buffer.from(`v${round % 9}`), Buffer.alloc(30_000 + round * 1000));
      if (round % 5 === 4) for (let i = 0; i < 150; i++) t.delete(key((i * 13 + round) % 4000));
    });
  }
  await state.close();
}

/** Zeroes pages behind the two of the header, or flips bits in them. */
function damage(rng: Rng, isZeroed: boolean): void {
  const bytes = readFileSync(whole);
  const pages = bytes.length / pageBytes;
  for (let i = 0; i < (isZeroed ? 2 : 30); i++) {
    const at = (2 + rng.below(pages - 2)) * pageBytes;
    if (isZeroed) bytes.fill(0, at, at + pageBytes);
    else bytes[at + rng.below(pageBytes)]! ^= 1 << rng.below(8);
  }
  writeFileSync(file, bytes);
}

/** lmdb alone reads and writes all of the state, as an engine may: how its process ended. */
function use(): string | null {
  const script = `
    import { open } from 'lmdb';
    const database = open({ path: ${JSON.stringify(file)}, noSubdir: true, keyEncoding: 'binary', encoding: 'binary', noMemInit: true });
    const key = n => Buffer.from('k' + String(n).padStart(6, '0'));
    try {
      for (const { value } of database.getRange({ snapshot: true })) value.length;
      for (let round = 0; round < 30; round++) database.transactionSync(() => {
        for (let i = 0; i < 200; i++) database.putSync(key((round * 911 + i * 7) % 4000), Buffer.alloc(50 + ((i * 31) % 900)));
        for (let i = 0; i < 100; i++) database.removeSync(key((i * 17 + round * 3) % 4000));
        database.putSync(Buffer.from('v' + (round % 9)), Buffer.alloc(40000 + round * 1000));
      });
    } catch {}`;
  const cwd = fileURLToPath(new URL('../', import.meta.url));
  return spawnSync(process.execPath, ['--input-type=module', '-e', script], { cwd }).signal;
}

const seed = 20261130;

test(`a state that was left open is told as damaged where it would end the process (seeds from ${seed})`, async () => {
  await makeState();
  copyFileSync(file, whole);
  writeFileSync(join(folder, 'open'), '');
  await checkState(folder);
  expect(readFileSync(file).equals(readFileSync(whole))).toBe(true);
  let told = 0;
  for (let i = 0; i < 10; i++) {
    const rng = new Rng(seed + i);
    damage(rng, i % 2 === 0);
    const thrown: unknown = await checkState(folder).catch(error => error);
    if (thrown === undefined) {
      expect({ seed: seed + i, ended: use() }).toEqual({ seed: seed + i, ended: null });
      continue;
    }
    told++;
    expect(thrown).toMatchObject({
      code: 'state-damaged',
      message: expect.stringContaining(`Remove ${folder}: it is made again from the log and the lake.`),
    });
  }
  expect(told).toBeGreaterThan(3);
}, 60_000);

test('a state is no longer marked once a process has lived with it for a minute', async () => {
  copyFileSync(whole, file);
  vi.useFakeTimers();
  try {
    const state = openLmdbState(folder);
    vi.advanceTimersByTime(59_000);
    expect(existsSync(join(folder, 'open'))).toBe(true);
    vi.advanceTimersByTime(1000);
    expect(existsSync(join(folder, 'open'))).toBe(false);
    vi.useRealTimers();
    await state.close();
  } finally {
    vi.useRealTimers();
  }
});

test('what was closed is not read again, and is marked while it is open', async () => {
  copyFileSync(whole, file);
  const state = openLmdbState(folder);
  expect(existsSync(join(folder, 'open'))).toBe(true);
  await state.close();
  expect(existsSync(join(folder, 'open'))).toBe(false);
  damage(new Rng(seed), true);
  await checkState(folder);
});

test('a check that something else ends says nothing of the state', () => {
  expect(damageOf(0, null, '')).toBe(undefined);
  // Ctrl-C ends the check with all else; the system ends what is large where memory is short.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGKILL'])
    expect(damageOf(null, signal, '')).toBe(undefined);
  expect(damageOf(1, null, 'Error: Cannot find module')).toBe(undefined);
  expect(damageOf(null, 'SIGSEGV', '')).toBe('reading it ended with SIGSEGV');
  expect(damageOf(damagedCode, null, ' MDB_CORRUPTED: Located page was wrong type\n')).toBe(
    'MDB_CORRUPTED: Located page was wrong type',
  );
  expect(isOfSystem(new Error('Permission denied: Attempting to setup locks'))).toBe(true);
  expect(isOfSystem(new Error('keys are out of order'))).toBe(false);
});
