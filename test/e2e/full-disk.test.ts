// A disk without room: what waits for it says so, and goes on by itself.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from './command.ts';

test('load says that it waits for room on the disk, ends when it is stopped, and says nothing untrue', async ({
  skip,
}) => {
  const mount = mkdtempSync(join(tmpdir(), 'millrace-full-'));
  // Less than the log's reserve.
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=100m', 'tmpfs', mount]);
  if (status !== 0) {
    rmSync(mount, { recursive: true });
    return skip('a tmpfs cannot be mounted here');
  }
  try {
    writeFileSync(join(mount, 'ev.ndjson'), '{"a":1}\n');
    const command = [join(root, 'bin', 'millrace'), 'load', 'ev.ndjson', '--data', 'data'];
    const child = spawn(process.execPath, command, { cwd: mount });
    let said = '';
    child.stderr.on('data', bytes => {
      said += bytes;
    });
    const ended = new Promise(resolve => child.once('close', resolve));
    await expect
      .poll(() => said, { timeout: 20_000 })
      .toMatch(/ev\.ndjson waits: The disk of the log has \d+ bytes left, .* writing resumes by itself\.\n/);
    child.kill('SIGINT');
    await ended;
    expect(said).not.toContain('nothing new');
    expect(said.match(/waits/g)).toHaveLength(1);
    spawnSync('mount', ['-o', 'remount,size=600m', mount]);
    const again = spawnSync(process.execPath, command, { cwd: mount, encoding: 'utf8' });
    expect(again.stderr).toContain('1 event loaded');
  } finally {
    spawnSync('umount', ['-l', mount]);
    rmSync(mount, { recursive: true, force: true });
  }
}, 60_000);
