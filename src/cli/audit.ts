// millrace audit: recompute views from the history in one batch and compare.
import type { Command } from 'commander';
import { openApp } from '../app.ts';
import { formatDuration } from '../core/duration.ts';
import { MillraceError } from '../core/errors.ts';
import { formatUs } from '../core/time.ts';
import { findRunning } from '../running.ts';
import { type CommonOptions, dataDir, withCommon } from './options.ts';
import {
  bar,
  clearProgress,
  count,
  harmless,
  print,
  printJson,
  say,
  showProgress,
  style,
} from './terminal.ts';

export function registerAudit(program: Command): void {
  withCommon(program.command('audit'))
    .description('prove that views equal a batch recomputation of the history')
    .argument('[views...]', 'the views; all where left out')
    .addHelpText('after', '\nExamples:\n  millrace audit\n  millrace audit access_status --json')
    .action(async (names: string[], options: CommonOptions) => {
      const running = await findRunning(dataDir(options));
      if (running) {
        throw new MillraceError('running', `Millrace runs on this data folder (process ${running.pid}).`, {
          remedy: 'Stop it first: an audit compares views and history at one and the same moment.',
        });
      }
      const app = await openApp({
        dataDir: dataDir(options),
        projectDir: options.project,
        mustExist: true,
        onNotice: line => say(line),
      });
      try {
        await app.settled();
        const { reports, failed } = await app.audit(names, (view, share) =>
          showProgress(`${bar(share)} ${view}`),
        );
        clearProgress();
        if (options.json) printJson({ reports, failed });
        else {
          for (const report of reports) {
            const mark = report.differenceCount === 0 ? style('green', '✓') : style('red', '✗');
            print(
              `${mark} ${report.view}: ${count(report.windows)} windows, ${count(report.values)} values compared`,
            );
            if (report.skipped > 0)
              print(
                `    ${count(report.skipped)} rows compared in total only: their windows have more groups than are kept`,
              );
            for (const { everyMs, startUs, group, column, engine, batch, reason } of report.differences.slice(
              0,
              20,
            )) {
              const place = `${formatUs(startUs)} (${formatDuration(everyMs)}) ${group.map(value => JSON.stringify(value)).join(' ')}`;
              const values =
                column === undefined
                  ? ''
                  : ` ${column}: ${JSON.stringify(engine)}, batch ${JSON.stringify(batch)}`;
              print(`    ${place}${values} — ${reason}`);
            }
            if (report.differenceCount > 20) print(`    … and ${count(report.differenceCount - 20)} more`);
          }
          for (const { view, reason } of failed)
            print(`${style('red', '✗')} ${view}: could not be audited: ${harmless(reason)}`);
        }
        if (failed.length > 0 || reports.some(report => report.differenceCount > 0)) process.exitCode = 1;
      } finally {
        await app.close();
      }
    });
}
