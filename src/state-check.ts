// A state whose last process ended soon after opening it, and without closing it, is read before it is opened again, by a process of its own:
// a damaged page would end this one, at each start anew.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { distDir } from './built-files.ts';
import { damaged, wasLeftOpen } from './store/state-lmdb.ts';

/** Throws `state-damaged`, naming the folder that is to be removed. Does nothing where the last stop was a clean one. */
export async function checkState(folder: string): Promise<void> {
  if (!wasLeftOpen(folder)) return;
  const entry = join(distDir, 'app-state-check.js');
  const child = spawn(process.execPath, [entry, folder], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', bytes => {
    said += bytes;
  });
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  if (code === 0) return;
  throw damaged(signal === null ? said.trim().slice(0, 500) : `reading it ended with ${signal}`, folder);
}
