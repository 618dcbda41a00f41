import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { testStateContract } from '../../test/contract/state.contract.ts';
import { openLmdbState } from './state-lmdb.ts';

testStateContract('lmdb', () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-state-'));
  const openHere = () => openLmdbState(folder);
  return { open: openHere, reopen: openHere, clean: () => rmSync(folder, { recursive: true, force: true }) };
});

test('kill -9 loses no transaction that was reported', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-state-'));
  // lmdb alone, as the child of a plain node cannot import TypeScript; the options are those of state-lmdb.ts.
  const script = `
    import { open } from 'lmdb';
    const database = open({ path: ${JSON.stringify(join(folder, 'state.lmdb'))}, noSubdir: true,
      keyEncoding: 'binary', encoding: 'binary', noMemInit: true });
    for (let i = 0; i < 100000; i++) {
      database.transactionSync(() => {
        database.putSync(Buffer.from('n'), Buffer.from(String(i)));
        database.putSync(Buffer.from('k' + i), Buffer.alloc(200));
      });
      process.stdout.write(i + '\\n');
    }`;
  const cwd = fileURLToPath(new URL('../../', import.meta.url));
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    cwd,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let seen = '';
  child.stdout.on('data', chunk => {
    seen += chunk;
    if (seen.split('\n').length > 200) child.kill('SIGKILL');
  });
  await once(child, 'close');
  const reported = Number(seen.trimEnd().split('\n').at(-1));
  const store = openLmdbState(folder);
  const kept = Number(new TextDecoder().decode(store.get(new TextEncoder().encode('n'))));
  expect(kept).toBeGreaterThanOrEqual(reported);
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

test('a disk is told as full before a write to it fails, keeps what was committed, and takes more when there is room', async ({
  skip,
}) => {
  const mount = mkdtempSync(join(tmpdir(), 'millrace-state-'));
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=68m', 'tmpfs', mount]);
  if (status !== 0) {
    rmSync(mount, { recursive: true });
    return skip('a tmpfs cannot be mounted here');
  }
  try {
    const ballast = join(mount, 'ballast');
    writeFileSync(ballast, Buffer.alloc(1_000_000));
    const state = openLmdbState(join(mount, 'state'));
    const add = (n: number) => state.transaction(t => t.put(Uint8Array.of(n), new Uint8Array(100_000)));
    let kept = 0;
    const fill = (): void => {
      for (; kept < 100; kept++) add(kept);
    };
    expect(fill).toThrow(expect.objectContaining({ code: 'state-full', canRetry: true }));
    // A write that fails can end the process, so none may come to that, nor one that is the whole of what there is room for.
    const { bavail, bsize } = statfsSync(mount);
    expect(bavail * bsize).toBeGreaterThan(60 * 1024 * 1024);
    rmSync(ballast);
    const tooMuch = () => state.transaction(t => t.put(Uint8Array.of(200), new Uint8Array(8_000_000)));
    expect(tooMuch).toThrow(expect.objectContaining({ code: 'state-full' }));
    add(kept);
    const keys = Array.from(state.range(Uint8Array.of(0), Uint8Array.of(255)), ({ key }) => key[0]);
    expect(keys).toEqual(Array.from({ length: kept + 1 }, (_, n) => n));
    await state.close();
  } finally {
    spawnSync('umount', ['-l', mount]);
    rmSync(mount, { recursive: true, force: true });
  }
});

test('a file that is no state is refused with what to do, and an empty one made anew', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-state-'));
  const path = join(folder, 'state.lmdb');
  const refused = expect.objectContaining({
    code: 'state-damaged',
    message: expect.stringContaining(`Remove ${folder}`),
  });
  try {
    await openLmdbState(folder).close();
    const whole = readFileSync(path);
    for (const bytes of [Buffer.alloc(whole.length), whole.subarray(0, 4096), whole.subarray(0, 20)]) {
      writeFileSync(path, bytes);
      expect(() => openLmdbState(folder)).toThrow(refused);
    }
    writeFileSync(path, '');
    await openLmdbState(folder).close();
  } finally {
    rmSync(folder, { recursive: true });
  }
});
