import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isHolderAlive, type LockHolder, lockFolder } from './folder-lock.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'millrace-lock-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const holderIn = async (): Promise<LockHolder> => JSON.parse(await readFile(join(dir, 'lock'), 'utf8'));

describe('the folder lock', () => {
  it('tells a second opener who holds the folder, and lets it in after the release', async () => {
    const release = await lockFolder(dir);
    await expect(lockFolder(dir)).rejects.toMatchObject({
      code: 'log-locked',
      status: 409,
      context: { holder: { pid: process.pid, host: hostname() } },
    });
    await release();
    await (await lockFolder(dir))();
    expect(await readdir(dir)).toEqual([]);
  });

  it('lets exactly one of many in', async () => {
    const settled = await Promise.allSettled(Array.from({ length: 20 }, () => lockFolder(dir)));
    const won = settled.flatMap(one => (one.status === 'fulfilled' ? [one.value] : []));
    expect(won).toHaveLength(1);
    await won[0]!();
    expect(await readdir(dir)).toEqual([]);
  });

  it('lets exactly one of many in where a dead process left its lock', async () => {
    for (let round = 0; round < 5; round++) {
      await leaveStaleLock();
      const settled = await Promise.allSettled(Array.from({ length: 10 }, () => lockFolder(dir)));
      const won = settled.flatMap(one => (one.status === 'fulfilled' ? [one.value] : []));
      expect(won).toHaveLength(1);
      await won[0]!();
    }
  });

  it('recognises the lock of a process that was killed', async () => {
    await leaveStaleLock();
    const release = await lockFolder(dir);
    expect((await holderIn()).pid).toBe(process.pid);
    await release();
  });

  it('does not take another process with the same pid for the holder', async ({ skip }) => {
    if (process.platform !== 'linux') return skip('start times of processes come from /proc');
    const release = await lockFolder(dir);
    const holder = await holderIn();
    await release();
    // This process lives, but it is not the one that wrote the lock: its start time differs.
    const imposter = { ...holder, startTicks: holder.startTicks - 1000, token: 'other' };
    expect(await isHolderAlive(imposter)).toBe(false);
    await writeFile(join(dir, 'lock'), JSON.stringify(imposter));
    await (await lockFolder(dir))();
  });

  it('takes a lock of an earlier boot for stale and one of another host for held', async () => {
    const release = await lockFolder(dir);
    const holder = await holderIn();
    expect(await isHolderAlive(holder)).toBe(true);
    if (holder.bootId) expect(await isHolderAlive({ ...holder, bootId: 'earlier' })).toBe(false);
    expect(await isHolderAlive({ ...holder, host: 'elsewhere', socket: '' })).toBe(true);
    await release();
  });

  it('recovers from a lock file that is not readable', async () => {
    await writeFile(join(dir, 'lock'), '{"pid":');
    await (await lockFolder(dir))();
    expect(await readdir(dir)).toEqual([]);
  });
});

/** A real process takes the lock's place in the file, then dies without a release. */
async function leaveStaleLock(): Promise<void> {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  const release = await lockFolder(dir);
  const holder = await holderIn();
  await release();
  const stat = await readFile(`/proc/${child.pid}/stat`, 'latin1').catch(() => '');
  const startTicks = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? 0);
  const left = { ...holder, pid: child.pid!, startTicks, token: `t${child.pid}` };
  expect(await isHolderAlive(left)).toBe(true);
  child.kill('SIGKILL');
  await once(child, 'exit');
  await writeFile(join(dir, 'lock'), JSON.stringify(left) + '\n');
}
