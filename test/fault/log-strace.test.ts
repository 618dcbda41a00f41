// What the system saw: before an answer leaves the process, a fdatasync of the data and one of the index that
// began after the last write to them have ended. Needs strace and the right to trace.
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { bundleChild } from './bundle-child.ts';

const answers = 20;

interface FileState {
  writes: number;
  /** Writes that had ended when the newest ended sync began. */
  synced: number;
}

/** Calls in the order in which they began and ended, as strace -f -y writes them. */
function judge(trace: string): { answers: number; unsynced: string[] } {
  const files = new Map<string, FileState>();
  const under = new Map<string, { call: string; path: string; writes: number }>();
  const unsynced: string[] = [];
  let seen = 0;
  for (const line of trace.split('\n')) {
    const pid = line.split(/\s+/)[0]!;
    const begun = /^\d+ +(pwrite64|pwritev|fdatasync|fsync)\(\d+<([^>]+\.(?:ndjson|index))>/.exec(line);
    const resumed = /^\d+ +<\.\.\. (pwrite64|pwritev|fdatasync|fsync) resumed>/.test(line);
    if (begun) {
      const path = begun[2]!;
      const state = files.get(path) ?? { writes: 0, synced: 0 };
      files.set(path, state);
      under.set(pid, { call: begun[1]!, path, writes: state.writes });
    }
    if ((begun && !line.includes('<unfinished')) || resumed) {
      const call = under.get(pid);
      under.delete(pid);
      if (!call || / = -1 /.test(line)) continue;
      const state = files.get(call.path)!;
      if (call.call.startsWith('pwrite')) state.writes++;
      else state.synced = Math.max(state.synced, call.writes);
    }
    if (/write\(1<[^>]*>, "answered \d+/.test(line)) {
      seen++;
      for (const [path, { writes, synced }] of files) {
        if (writes > synced) unsynced.push(`answer ${seen}: ${path} has ${writes} writes, ${synced} synced`);
      }
    }
  }
  return { answers: seen, unsynced };
}

it('syncs data and index before every answer, as strace sees it', async ({ skip }) => {
  const dir = await mkdtemp(join(tmpdir(), 'millrace-strace-'));
  const probe = spawnSync('strace', ['-o', join(dir, 'probe'), 'true'], { encoding: 'utf8' });
  if (probe.error || probe.status !== 0) {
    await rm(dir, { recursive: true, force: true });
    return skip(`strace cannot be run here: ${probe.error?.message ?? probe.stderr}`);
  }
  const child = await bundleChild(new URL('./log-sync-child.ts', import.meta.url));
  try {
    const trace = join(dir, 'trace');
    const calls = 'trace=pwrite64,pwritev,fdatasync,fsync,write';
    const command = [
      '-f',
      '-y',
      '-e',
      calls,
      '-o',
      trace,
      process.execPath,
      child,
      join(dir, 'log'),
      `${answers}`,
    ];
    const run = spawnSync('strace', command, { encoding: 'utf8' });
    expect(run.stderr).toBe('');
    const judged = judge(await readFile(trace, 'utf8'));
    expect(judged).toEqual({ answers, unsynced: [] });
  } finally {
    await rm(dir, { recursive: true, force: true });
    await rm(dirname(child), { recursive: true, force: true });
  }
});
