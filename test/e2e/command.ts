// Starts the real command in a folder of its own and talks to it as a user would.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
export const sharedData = resolve(root, '../shared/data');

const bin = join(root, 'bin', 'millrace');

export interface Ended {
  code: number | null;
  /** The signal that ended it, where one did. */
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

const running = new Set<ChildProcess>();
const folders: string[] = [];

export function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-e2e-'));
  folders.push(dir);
  return dir;
}

/** To be called after each file's tests: nothing outlives them. */
export async function cleanUp(): Promise<void> {
  await Promise.all(
    [...running].map(child => {
      const gone = new Promise(resolve => child.once('exit', resolve));
      child.kill('SIGKILL');
      return gone;
    }),
  );
  for (const dir of folders.splice(0)) rmSync(dir, { recursive: true, force: true });
}

function start(cwd: string, args: readonly string[]): { child: ChildProcess; ended: Promise<Ended> } {
  const child = spawn(process.execPath, [bin, ...args], { cwd, stdio: ['pipe', 'pipe', 'pipe'] });
  running.add(child);
  let stdout = '';
  let stderr = '';
  child.stdout!.on('data', chunk => (stdout += chunk));
  child.stderr!.on('data', chunk => (stderr += chunk));
  const ended = new Promise<Ended>(resolve => {
    child.on('close', (code, signal) => {
      running.delete(child);
      resolve({ code, signal, stdout, stderr });
    });
  });
  return { child, ended };
}

/** Runs a command to its end. */
export async function run(cwd: string, args: readonly string[], input?: string): Promise<Ended> {
  const { child, ended } = start(cwd, args);
  child.stdin!.end(input ?? '');
  return ended;
}

export interface Server {
  url: string;
  pid: number;
  ended: Promise<Ended>;
  kill(signal: NodeJS.Signals): void;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of any shape
  json<T = any>(path: string, init?: RequestInit): Promise<T>;
  sql(sql: string): Promise<unknown[][]>;
}

/** Starts a command that serves, waits until what it was asked to load is loaded, and gives its address. */
export async function serve(cwd: string, args: readonly string[]): Promise<Server> {
  const { child, ended } = start(cwd, [...args, '--port', '0', '--json']);
  child.stdin!.end();
  const loads = args[0] === 'up' && args.length > 1 && !args[1]!.startsWith('-');
  const url = await new Promise<string>((resolve, reject) => {
    let text = '';
    let found: string | undefined;
    child.stdout!.on('data', chunk => {
      text += chunk;
      for (const line of text.split('\n').slice(0, -1)) {
        const message = JSON.parse(line) as { url?: string; events?: number };
        if (message.url) found = message.url;
        if (found && (!loads || message.events !== undefined)) resolve(found);
      }
    });
    void ended.then(({ code, stderr }) => reject(new Error(`ended with ${code}: ${stderr}`)));
  });
  const json = async (path: string, init?: RequestInit) => (await fetch(url + path, init)).json();
  return {
    url,
    pid: child.pid!,
    ended,
    kill: signal => child.kill(signal),
    json: json as Server['json'],
    async sql(sql) {
      const answer = await json('/v1/sql', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ sql }),
      });
      if (!answer.rows) throw new Error(JSON.stringify(answer));
      return answer.rows;
    },
  };
}

/** Asks again and again until the answer is as wanted; the bound is on the number of tries. */
export async function eventually<T>(ask: () => Promise<T>, wanted: (answer: T) => boolean): Promise<T> {
  let answer: T | undefined;
  for (let i = 0; i < 600; i++) {
    answer = await ask();
    if (wanted(answer)) return answer;
    await new Promise(resolve => setTimeout(resolve, 25));
  }
  throw new Error(`still ${JSON.stringify(answer)}`);
}
