// millrace audit: recompute views from the history in one batch and compare, in the process that runs on the folder where there is one.
import type { Command } from 'commander';
import { formatDuration } from '../core/duration.ts';
import { MillraceError } from '../core/errors.ts';
import { formatUs } from '../core/time.ts';
import type { AuditLine } from '../deliver/api.ts';
import type { AuditReport, AuditResult } from '../process/audit-report.ts';
import { bodyOf, findRunning, problemError, problemOfBody, type Running } from '../running.ts';
import { openApp } from './open-app.ts';
import { type CommonOptions, dataDir, withCommon } from './options.ts';
import {
  bar,
  clearProgress,
  count,
  countOf,
  harmless,
  print,
  printJson,
  say,
  showProgress,
  style,
} from './terminal.ts';

const listedMax = 20;

export function registerAudit(program: Command): void {
  withCommon(program.command('audit'))
    .description('prove that views equal a batch recomputation of the history')
    .argument('[views...]', 'the views; all where left out')
    .addHelpText('after', '\nExamples:\n  millrace audit\n  millrace audit access_status --json')
    .action(async (names: string[], options: CommonOptions) => {
      const running = await findRunning(dataDir(options));
      const result = running ? await auditThere(running, names) : await auditHere(names, options);
      clearProgress();
      if (options.json) printJson(result);
      else printResult(result);
      const { reports, failed } = result;
      if (failed.length > 0 || reports.some(report => report.differenceCount > 0)) process.exitCode = 1;
    });
}

const showShare = (view: string, share: number): void =>
  showProgress(`${bar(share)} ${Math.floor(share * 100)} % ${harmless(view)}`);

async function auditHere(names: readonly string[], options: CommonOptions): Promise<AuditResult> {
  const app = await openApp({
    dataDir: dataDir(options),
    projectDir: options.project,
    forTheMoment: true,
    mustExist: true,
    onNotice: line => say(line),
  });
  try {
    await app.settled();
    return await app.audit(names, showShare);
  } finally {
    await app.close();
  }
}

async function auditThere(running: Running, names: readonly string[]): Promise<AuditResult> {
  const answer = await fetch(`${running.url}/v1/audit`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(names.length > 0 ? { views: names } : {}),
  });
  if (!answer.ok) throw await problemError(answer);
  const decoder = new TextDecoder();
  let text = '';
  const cut = (): MillraceError =>
    new MillraceError('audit-cut', `The process ${running.pid} ended before the audit did.`, {
      remedy: 'Run the audit again.',
      canRetry: true,
    });
  for await (const bytes of bodyOf(answer, cut)) {
    text += decoder.decode(bytes, { stream: true });
    const lines = text.split('\n');
    text = lines.pop()!;
    for (const line of lines) {
      const said = JSON.parse(line) as AuditLine;
      if ('share' in said) showShare(said.view ?? '', said.share);
      else if ('problem' in said) throw problemOfBody(said.problem);
      else return said;
    }
  }
  throw cut();
}

function printResult({ reports, failed }: AuditResult): void {
  for (const report of reports) printReport(report);
  for (const { view, reason } of failed)
    print(`${style('red', '✗')} ${view}: could not be audited: ${harmless(reason)}`);
}

function printReport(report: AuditReport): void {
  const { view, windows, values, skipped, notCompared, differences, differenceCount } = report;
  const isCompared = values > 0 || notCompared.length === 0;
  const agreed = isCompared ? style('green', '✓') : style('yellow', '–');
  const mark = differenceCount === 0 ? agreed : style('red', '✗');
  print(`${mark} ${view}: ${countOf(windows, 'window')}, ${countOf(values, 'value')} compared`);
  if (skipped > 0)
    print(
      `    ${countOf(skipped, 'row')} compared in total only: their windows have more groups than are kept`,
    );
  for (const { rows, reason } of notCompared) print(`    ${countOf(rows, 'row')} not compared: ${reason}`);
  for (const { everyMs, startUs, group, column, engine, batch, reason } of differences.slice(0, listedMax)) {
    const place = `${formatUs(startUs)} (${formatDuration(everyMs)}) ${group.map(value => JSON.stringify(value)).join(' ')}`;
    const both =
      column === undefined ? '' : ` ${column}: ${JSON.stringify(engine)}, batch ${JSON.stringify(batch)}`;
    print(`    ${place}${both} — ${reason}`);
  }
  if (differenceCount > listedMax) print(`    … and ${count(differenceCount - listedMax)} more`);
}
