// A state whose last process ended soon after opening it, and without closing it, is read before it is opened again, by a process of its own:
// a damaged page would end this one, at each start anew.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { distDir } from './built-files.ts';
import { damaged, damagedCode, wasLeftOpen } from './store/state-lmdb.ts';

/** How the system ends a process that trusts a damaged page. Any other signal comes from someone who wants it to end. */
const ofDamage: readonly (string | null)[] = ['SIGSEGV', 'SIGBUS', 'SIGABRT', 'SIGILL', 'SIGFPE', 'SIGTRAP'];

/** Throws `state-damaged`, naming the folder that is to be removed. Does nothing where the last stop was a clean one. */
export async function checkState(folder: string): Promise<void> {
  if (!wasLeftOpen(folder)) return;
  const entry = join(distDir, 'app-state-check.js');
  const child = spawn(process.execPath, [entry, folder], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', bytes => {
    said += bytes;
  });
  // A process that cannot be begun has seen nothing.
  const [code, signal] = (await once(child, 'close').catch(() => [0, null])) as [
    number | null,
    string | null,
  ];
  const why = damageOf(code, signal, said);
  if (why !== undefined) throw damaged(why, folder);
}

/** What the end of the process that reads a state says of the state: undefined where it is whole, or was not read to its end. */
export function damageOf(code: number | null, signal: string | null, said: string): string | undefined {
  if (ofDamage.includes(signal)) return `reading it ended with ${signal}`;
  return code === damagedCode ? said.trim().slice(0, 500) : undefined;
}
