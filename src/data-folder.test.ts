import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeEmptyFolder } from './data-folder.ts';

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
