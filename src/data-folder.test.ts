import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { MillraceError } from './core/errors.ts';
import { makeEmptyFolder, orUnusable, refuseWithoutLog } from './data-folder.ts';

test('a folder is emptied and stays the one that it was, as a mount has to', () => {
  const above = mkdtempSync(join(tmpdir(), 'millrace-folder-'));
  const folder = join(above, 'tmp');
  makeEmptyFolder(folder);
  expect(existsSync(folder)).toBe(true);
  const { birthtimeMs } = statSync(folder);
  mkdirSync(join(folder, 'spool'));
  writeFileSync(join(folder, 'spool', 'file'), 'left');
  writeFileSync(join(folder, 'file'), 'left');
  makeEmptyFolder(folder);
  expect(readdirSync(folder)).toEqual([]);
  expect(statSync(folder).birthtimeMs).toBe(birthtimeMs);
  rmSync(above, { recursive: true });
});

test('what this user may not do in a data folder is said as that, and nothing else is', () => {
  const forbidden = expect.objectContaining({
    code: 'bad-data-folder',
    message: expect.stringContaining('The data folder d cannot be used'),
    remedy: expect.stringContaining('--data'),
  });
  const scan = Object.assign(new Error("EACCES: permission denied, scandir 'd/lake'"), { code: 'EACCES' });
  // Of LMDB, out of another thread.
  const locks = new MillraceError('internal', 'Permission denied: Attempting to setup locks');
  for (const thrown of [scan, locks]) expect(orUnusable('d', thrown)).toEqual(forbidden);
  const damaged = new MillraceError('state-damaged', 'The state cannot be read.');
  expect(orUnusable('d', damaged)).toBe(damaged);
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  expect(orUnusable('d', full)).toMatchObject({
    code: 'disk-full',
    message: 'The disk of the data folder d has no space left to start with.',
  });
});

test('a log is missing only beside what came from it: what the system puts into a mount is nothing', () => {
  const data = mkdtempSync(join(tmpdir(), 'millrace-folder-'));
  const refuse = (): void => refuseWithoutLog(data);
  const missing = expect.objectContaining({ code: 'log-missing' });
  mkdirSync(join(data, 'lake', 'lost+found'), { recursive: true });
  refuse();
  mkdirSync(join(data, 'lake', 'ev'));
  expect(refuse).toThrow(missing);
  mkdirSync(join(data, 'log', 'lost+found'), { recursive: true });
  expect(refuse).toThrow(missing);
  mkdirSync(join(data, 'log', 'streams'));
  refuse();
  rmSync(data, { recursive: true });
});
