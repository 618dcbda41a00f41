// A real `millrace up` for the end-to-end benchmark: started on a folder of its own, asked over HTTP, its threads' processor time and
// memory read from /proc (Linux only).
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');

/** Seconds of processor time so far. */
export interface Cpu {
  main: number;
  /** The busiest other thread of the server's process: the engine. */
  engine: number;
  /** All other threads: file system, garbage collection, compilation. */
  others: number;
  /** The query process. */
  query: number;
}

export class Server {
  readonly dir: string;
  readonly port: number;
  private readonly child: ChildProcess;
  private readonly memoryTimer: NodeJS.Timeout;
  /** Most resident bytes seen, all processes together. */
  peakBytes = 0;

  /** With views, the project has just these; without, Millrace makes its own for each stream. */
  static async start(views: Readonly<Record<string, string>> | undefined): Promise<Server> {
    const dir = mkdtempSync(join(process.env['MILLRACE_BENCH_DIR'] ?? tmpdir(), 'millrace-bench-'));
    if (views) {
      mkdirSync(join(dir, 'views'));
      for (const [name, text] of Object.entries(views))
        writeFileSync(join(dir, 'views', `${name}.sql`), text);
    }
    const args = [join(root, 'bin', 'millrace'), 'up', '--port', '0', '--project', dir, '--json'];
    const nodeOptions = process.env['MILLRACE_BENCH_NODE_OPTIONS'];
    const child = spawn(process.execPath, [...(nodeOptions?.split(' ') ?? []), ...args], {
      cwd: dir,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      for await (const line of createInterface({ input: child.stdout! })) {
        if (line.startsWith('{')) return new Server(dir, child, Number(new URL(JSON.parse(line).url).port));
      }
      throw new Error('The server ended before it listened.');
    } catch (thrown) {
      child.kill('SIGKILL');
      rmSync(dir, { recursive: true, force: true });
      throw thrown;
    }
  }

  private constructor(dir: string, child: ChildProcess, port: number) {
    this.dir = dir;
    this.child = child;
    this.port = port;
    child.stdout!.resume();
    this.memoryTimer = setInterval(() => {
      this.peakBytes = Math.max(this.peakBytes, this.residentBytes());
    }, 200);
  }

  async get(path: string, body?: unknown): Promise<unknown> {
    const response = await fetch(`http://127.0.0.1:${this.port}${path}`, {
      ...(body === undefined
        ? {}
        : { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response.json();
  }

  private processes(): number[] {
    const pid = this.child.pid!;
    return [pid, ...childrenOf(pid)];
  }

  /** Resident bytes of all processes now; 0 where the system does not tell. */
  residentBytes(): number {
    let bytes = 0;
    for (const pid of this.processes()) {
      const match = /VmRSS:\s+(\d+) kB/.exec(readOr(`/proc/${pid}/status`));
      bytes += Number(match?.[1] ?? 0) * 1024;
    }
    return bytes;
  }

  cpu(): Cpu {
    const [pid, ...children] = this.processes();
    const threads = threadSeconds(pid!);
    const main = threads.get(pid!) ?? 0;
    threads.delete(pid!);
    const others = [...threads.values()].sort((a, b) => b - a);
    const sum = (seconds: Iterable<number>): number => [...seconds].reduce((total, one) => total + one, 0);
    return {
      main,
      engine: others[0] ?? 0,
      others: sum(others.slice(1)),
      query: sum(children.flatMap(child => [...threadSeconds(child).values()])),
    };
  }

  /** Stops the process; its folder stays until `remove`. */
  async stop(): Promise<void> {
    clearInterval(this.memoryTimer);
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = new Promise(resolve => this.child.once('exit', resolve));
    this.child.kill('SIGTERM');
    await gone;
  }

  remove(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}

function childrenOf(pid: number): number[] {
  const children: number[] = [];
  for (const task of listOr(`/proc/${pid}/task`)) {
    const text = readOr(`/proc/${pid}/task/${task}/children`);
    for (const child of text.split(' ').filter(Boolean).map(Number))
      children.push(child, ...childrenOf(child));
  }
  return children;
}

/** Linux counts processor time in hundredths of a second. */
const ticksPerSecond = 100;

function threadSeconds(pid: number): Map<number, number> {
  const seconds = new Map<number, number>();
  for (const task of listOr(`/proc/${pid}/task`)) {
    const stat = readOr(`/proc/${pid}/task/${task}/stat`);
    // Fields 14 and 15; the second one, the name, is in parentheses and may hold spaces.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields.length > 12)
      seconds.set(Number(task), (Number(fields[11]) + Number(fields[12])) / ticksPerSecond);
  }
  return seconds;
}

function listOr(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function readOr(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
