// millrace doctor: what runs, what it stands on, what is wrong and what to do about it.
import { execFileSync } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync, readFileSync, statfsSync, statSync } from 'node:fs';
import { totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import type { Command } from 'commander';
import { MillraceError } from '../core/errors.ts';
import { orUnusable } from '../data-folder.ts';
import type { Info, StreamList, ViewList } from '../deliver/api.ts';
import { verify as verifyLog } from '../flow/log-verification.ts';
import { callApi, findRunning } from '../running.ts';
import { type CommonOptions, dataDir, withCommon } from './options.ts';
import { bytesText, count, countOf, print, printJson, style } from './terminal.ts';

declare const __VERSION__: string;

interface Finding {
  level: 'ok' | 'warning' | 'problem';
  what: string;
  remedy?: string;
}

/** Free disk below which a warning is given, and the share of it. */
const lowDiskBytes = 2e9;

const fewOpenFiles = 4096;

export function registerDoctor(program: Command): void {
  withCommon(program.command('doctor'))
    .description('show what runs, versions, disk, limits, and what to do')
    .option('--verify', 'read the whole log and check every checksum (nothing may run on the folder)')
    .addHelpText(
      'after',
      '\nExamples:\n  millrace doctor\n  millrace doctor --verify --data /var/lib/millrace',
    )
    .action(async (options: CommonOptions & { verify?: boolean }) => {
      const dir = dataDir(options);
      const findings: Finding[] = [versions(), disk(dir), openFiles(), memory()];
      const running = await findRunning(dir);
      if (running) {
        findings.push({
          level: 'ok',
          what: `running: process ${running.pid} at ${running.url} since ${running.startedAt}`,
        });
        const info = await callApi<Info>(running, '/v1/info');
        const { streams } = await callApi<StreamList>(running, '/v1/streams');
        const { views } = await callApi<ViewList>(running, '/v1/views');
        for (const stream of streams) {
          findings.push({
            level: stream.rejected > 0 ? 'warning' : 'ok',
            what: `stream ${stream.name}: ${countOf(stream.events, 'event')}, ${bytesText(stream.bytes)}, ${stream.rate.toFixed(1)} a second, ${count(stream.rejected)} rejected`,
            ...(stream.rejected > 0
              ? { remedy: 'The Streams page of the console shows what was rejected and why.' }
              : {}),
          });
        }
        for (const view of views) {
          if (view.state === 'failed')
            findings.push({ level: 'problem', what: `view ${view.name} failed: ${view.error}` });
        }
        for (const problem of info.problems) findings.push({ level: 'problem', what: problem });
      } else {
        findings.push({
          level: 'ok',
          what: existsSync(dir) ? `nothing runs on ${dir}` : `no data yet at ${dir}`,
        });
      }
      if (existsSync(dir)) findings.push(data(dir, running !== undefined));
      if (options.verify) findings.push(...(await verify(join(dir, 'log'), running !== undefined)));
      if (options.json) printJson({ findings });
      else {
        for (const { level, what, remedy } of findings) {
          const mark =
            level === 'ok'
              ? style('green', '✓')
              : level === 'warning'
                ? style('yellow', '!')
                : style('red', '✗');
          print(`${mark} ${what}`);
          if (remedy) print(`  ${remedy}`);
        }
      }
      if (findings.some(finding => finding.level === 'problem')) process.exitCode = 1;
    });
}

function versions(): Finding {
  return {
    level: 'ok',
    what: `millrace ${__VERSION__}, Node ${process.versions.node}, ${process.platform} ${process.arch}`,
  };
}

function disk(dir: string): Finding {
  let place = dir;
  while (!existsSync(place) && dirname(place) !== place) place = dirname(place);
  const { bavail, bsize, blocks } = statfsSync(place);
  const free = bavail * bsize;
  const what = `disk: ${bytesText(free)} free of ${bytesText(blocks * bsize)}`;
  if (free >= lowDiskBytes) return { level: 'ok', what };
  return {
    level: 'warning',
    what,
    remedy:
      'Free some space or shorten "keep" in millrace.yaml; when the disk is full, new events are refused (507), none is lost.',
  };
}

function openFiles(): Finding {
  let limit = Number.NaN;
  try {
    limit = Number(/Max open files\s+(\d+)/.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]);
  } catch {
    try {
      limit = Number(execFileSync('sh', ['-c', 'ulimit -n'], { encoding: 'utf8' }));
    } catch {
      return { level: 'ok', what: 'open files: limit unknown on this system' };
    }
  }
  const what = `open files: ${count(limit)} allowed`;
  if (!(limit < fewOpenFiles)) return { level: 'ok', what };
  return {
    level: 'warning',
    what,
    remedy: 'Raise it with "ulimit -n 65536" before the start, or LimitNOFILE in a systemd unit.',
  };
}

function memory(): Finding {
  return { level: 'ok', what: `memory: ${bytesText(totalmem())}` };
}

/** How much there is; where nothing runs, also the first of it that this user could not run on. */
function data(dir: string, isRunning: boolean): Finding {
  const wanted = isRunning ? constants.F_OK : constants.R_OK | constants.W_OK;
  let total = 0;
  try {
    accessSync(dir, wanted);
    for (const entry of readdirSync(dir, { recursive: true }) as string[]) {
      const path = join(dir, entry);
      const stat = statSync(path, { throwIfNoEntry: false });
      if (stat?.isFile()) total += stat.blocks * 512;
      // What runs removes files meanwhile.
      if (stat && !isRunning) accessSync(path, wanted);
    }
  } catch (thrown) {
    const forbidden = orUnusable(dir, thrown);
    if (!(forbidden instanceof MillraceError)) throw thrown;
    const { message, remedy } = forbidden;
    return { level: 'problem', what: message, ...(remedy && { remedy }) };
  }
  return { level: 'ok', what: `data: ${bytesText(total)} in ${dir}` };
}

async function verify(dir: string, isRunning: boolean): Promise<Finding[]> {
  if (isRunning) {
    return [
      {
        level: 'problem',
        what: 'the log was not verified: it is in use',
        remedy: 'Stop the process, then run this again.',
      },
    ];
  }
  const report = await verifyLog(dir);
  const damage = report.problems.map(problem => ({ level: 'problem' as const, what: problem }));
  if (damage.length > 0) return damage;
  return [
    {
      level: 'ok',
      what: `log verified: ${count(report.events)} events in ${count(report.batches)} batches of ${count(report.partitions)} partitions, every checksum right`,
    },
  ];
}
