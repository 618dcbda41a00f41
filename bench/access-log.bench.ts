// From an access log to finished views: the whole `millrace load` command with its default views, beside GoAccess on the same file.
// The file has 200,000 paths and 1 M addresses, long-tailed, in combined format.
import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Rng } from '../src/core/rng.ts';
import type { Benchmark, Case, RunOptions } from './harness.ts';

const here = dirname(fileURLToPath(import.meta.url));
const command = resolve(here, '..', 'bin', 'millrace');

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** Writes `lines` lines over one day. */
function writeLog(file: string, lines: number, seed: number): void {
  const random = new Rng(seed);
  const paths = Math.max(10, lines / 10);
  const addresses = Math.max(10, lines / 2);
  const rank = (n: number): number => Math.floor(n ** random.float());
  const two = (value: number): string => String(value).padStart(2, '0');
  const handle = openSync(file, 'w');
  let text = '';
  for (let i = 0; i < lines; i++) {
    const time = new Date(Date.UTC(2026, 0, 5) + Math.floor((i / lines) * 86_400_000));
    const day = `${two(time.getUTCDate())}/${months[time.getUTCMonth()]}/${time.getUTCFullYear()}`;
    const clock = `${two(time.getUTCHours())}:${two(time.getUTCMinutes())}:${two(time.getUTCSeconds())}`;
    const address = rank(addresses);
    const ip = `10.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`;
    const status = random.float() < 0.9 ? 200 : random.pick([301, 304, 404, 500]);
    const path = random.float() < 0.5 ? rank(paths) : random.below(paths);
    text += `${ip} - - [${day}:${clock} +0000] "GET /section/${path % 50}/page-${path}.html HTTP/1.1" ${status} ${random.below(90_000)} "https://www.example.org/${rank(500)}" "Mozilla/5.0 (X11; Linux x86_64) Version/${rank(60)}"\n`;
    if (text.length > 4_000_000) {
      writeSync(handle, text);
      text = '';
    }
  }
  writeSync(handle, text);
  closeSync(handle);
}

async function run({ tiny, seed }: RunOptions): Promise<Case[]> {
  const lines = tiny ? 2_000 : 2_000_000;
  const dir = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
  try {
    const file = join(dir, 'access.log');
    writeLog(file, lines, seed);
    const started = performance.now();
    execFileSync(process.execPath, [command, 'load', file, '--data', join(dir, 'data')], {
      cwd: dir,
      stdio: 'ignore',
    });
    const seconds = (performance.now() - started) / 1000;
    const cases: Case[] = [
      {
        name: 'millrace load, default views',
        peer: false,
        unit: 's',
        value: seconds,
        note: `${lines} lines, start and end of the process included`,
      },
    ];
    const peerStarted = performance.now();
    const peer = spawnSync('goaccess', [file, '--log-format=COMBINED', '-o', join(dir, 'report.json')], {
      stdio: 'ignore',
    });
    if (peer.error || peer.status !== 0) cases[0]!.note += '; GoAccess is not installed, so it was left out';
    else {
      const value = (performance.now() - peerStarted) / 1000;
      cases.push({ name: 'GoAccess', peer: true, unit: 's', value, note: 'one report of the whole file' });
    }
    return cases;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

export const benchmark: Benchmark = { name: 'access-log', title: 'An access log to finished views', run };
