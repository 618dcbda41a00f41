// The quick form of log-crash.fault.test.ts: every failpoint once, two random moments.
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { Rng } from '../../src/core/rng.ts';
import { openSegmentLog } from '../../src/flow/segment-log.ts';
import { bundleChild } from './bundle-child.ts';
import { CrashTrial, failpoints } from './log-crash.ts';

it('loses and repeats nothing when killed at every failpoint and at random moments', async () => {
  const trial = new CrashTrial(await mkdtemp(join(tmpdir(), 'millrace-crash-')));
  const rng = new Rng(11);
  try {
    await trial.prepare();
    for (const failpoint of [...failpoints, undefined, undefined]) {
      await trial.round(rng, failpoint).catch(thrown => {
        throw new Error(`seed 11, ${failpoint ?? 'random moment'}: ${(thrown as Error).message}`, {
          cause: thrown,
        });
      });
    }
    expect(trial.answered).toBeGreaterThan(100);
    expect(trial.events).toBeGreaterThan(100);
  } finally {
    await trial.dispose();
  }
});

it('refuses the data folder to a second process and tells it who holds it', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'millrace-second-'));
  const child = await bundleChild(new URL('./log-crash-child.ts', import.meta.url));
  const log = await openSegmentLog({ dir, reserveBytes: 0 });
  try {
    const orders = JSON.stringify({ dir, next: [0], retains: false });
    const second = spawnSync(process.execPath, [child, orders], { encoding: 'utf8' });
    expect(second.status).not.toBe(0);
    expect(second.stdout).toBe('');
    expect(second.stderr).toContain(`in use by process ${process.pid} on `);
  } finally {
    await log.close();
    await rm(dir, { recursive: true, force: true });
    await rm(dirname(child), { recursive: true, force: true });
  }
});
