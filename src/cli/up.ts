// millrace up: load files, follow them, serve the console and the API until Ctrl-C.
import type { Command } from 'commander';
import type { App } from '../app.ts';
import { formats } from '../collect/detect.ts';
import type { SourceStatus } from '../collect/source.ts';
import { openApp } from './open-app.ts';
import { type CommonOptions, dataDir, withCommon, withServer } from './options.ts';
import { untilStopped } from './stopping.ts';
import {
  bar,
  bytesText,
  clearProgress,
  count,
  countOf,
  printJson,
  say,
  seconds,
  showProgress,
  style,
} from './terminal.ts';

export interface UpOptions extends CommonOptions {
  port: number;
  host: string;
  stream?: string;
  format?: string;
  follow: boolean;
}

export function registerUp(program: Command): void {
  withServer(withCommon(program.command('up')))
    .description('load files, follow them, and serve the console and the API')
    .argument('[files...]', 'files to load and follow; none to serve what there is')
    .option('--stream <name>', 'stream for the files; named after each file where left out')
    .option(
      '--format <id>',
      `format of the files; detected where left out (${formats.map(format => format.id).join(', ')})`,
    )
    .option('--no-follow', 'stop reading at the end of each file')
    .addHelpText(
      'after',
      `
Examples:
  millrace up access.log                 detect the format, load, follow, open a dashboard
  millrace up logs/*.log --stream web    several files into one stream
  millrace up --port 0                   serve what is there on any free port`,
    )
    .action(async (files: string[], options: UpOptions) => {
      const app = await openApp({
        dataDir: dataDir(options),
        projectDir: options.project,
        listen: { host: options.host, port: options.port },
        onNotice: line => say(line),
      });
      await untilStopped(app, async () => {
        if (options.json) printJson({ url: app.url, pid: process.pid });
        await readFiles(app, files, options);
        say(`${style('bold', app.url!)}  ${style('dim', '(Ctrl-C stops)')}`);
      });
    });
}

/** A log that is busy is waited for by the way. */
const waitSaidMs = 1000;

/** Adds the files as sources and shows how their history loads. */
export async function readFiles(
  app: App,
  files: readonly string[],
  options: { stream?: string; format?: string; follow: boolean; json?: boolean },
): Promise<void> {
  if (files.length === 0) return;
  const startedMs = performance.now();
  const { stream, format, follow } = options;
  const reading = app.readFiles(files, {
    follow,
    ...(stream === undefined ? {} : { stream }),
    ...(format === undefined ? {} : { format }),
    onDetected: status => {
      if (!options.json)
        say(
          `${status.name}: ${style('bold', status.format)} → stream ${style('bold', status.stream)} (${status.why})`,
        );
    },
  });
  const sayWaits = waitsSaid();
  const timer = setInterval(() => {
    sayWaits(app.sources());
    showProgress(progressText(app.sources(), performance.now() - startedMs));
  }, 100);
  try {
    await reading;
  } finally {
    clearInterval(timer);
    clearProgress();
  }
  const statuses = app.sources();
  const sum = (pick: (status: SourceStatus) => number): number =>
    statuses.reduce((total, status) => total + pick(status), 0);
  const [events, rejected] = [sum(status => status.events), sum(status => status.rejected)];
  const elapsedMs = performance.now() - startedMs;
  for (const { name, state, bytesTotal } of statuses) {
    if (bytesTotal > 0 || options.json) continue;
    say(state === 'waiting' ? `${name} is empty; waiting for its first line` : `${name} is empty`);
  }
  if (options.json) printJson({ events, rejected, elapsedMs, sources: statuses });
  else {
    const isRead = statuses.every(({ bytesRead, bytesTotal }) => bytesRead >= bytesTotal);
    const isKnown =
      isRead && events === 0 && rejected === 0 && statuses.some(({ bytesTotal }) => bytesTotal > 0);
    const known = isKnown ? ' — nothing new since last time' : '';
    say(`${countOf(events, 'event')} loaded in ${seconds(elapsedMs)}${known}`);
    if (rejected > 0) {
      say(
        `${style('yellow', `${countOf(rejected, 'line')} ${rejected === 1 ? 'was' : 'were'} rejected`)}; see: millrace sql "SELECT line, reason, raw FROM _rejected"`,
      );
    }
  }
}

/** Says once what a file has been waiting for, such as room on the disk, for more than a moment. */
function waitsSaid(): (sources: readonly SourceStatus[]) => void {
  const since = new Map<string, number>();
  return sources => {
    for (const { name, error } of sources) {
      const began = since.get(name);
      if (error === undefined) since.delete(name);
      else if (began === undefined) since.set(name, performance.now());
      else if (performance.now() - began > waitSaidMs) {
        since.set(name, Number.POSITIVE_INFINITY);
        say(`${name} waits: ${error}`);
      }
    }
  };
}

function progressText(sources: readonly SourceStatus[], elapsedMs: number): string {
  const total = sources.reduce((sum, source) => sum + source.bytesTotal, 0);
  const read = sources.reduce((sum, source) => sum + source.bytesRead, 0);
  const events = sources.reduce((sum, source) => sum + source.events, 0);
  const share = total === 0 ? 0 : read / total;
  const rate = read / (elapsedMs / 1000);
  const left = rate > 0 ? seconds(((total - read) / rate) * 1000) : '…';
  return `${bar(share)} ${Math.floor(share * 100)} %  ${count(events)} events  ${bytesText(rate)}/s  ${left} left`;
}
