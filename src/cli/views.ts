// millrace views: the standing queries, what they cost and how far they are.
import type { Command } from 'commander';
import type { ViewList } from '../deliver/api.ts';
import { callApi } from '../running.ts';
import { withServerOf } from './client.ts';
import { type CommonOptions, withCommon } from './options.ts';
import { bytesText, count, print, printJson, table } from './terminal.ts';

export function registerViews(program: Command): void {
  withCommon(program.command('views'))
    .description('list the views')
    .option('--sql', 'print each definition')
    .addHelpText('after', '\nExamples:\n  millrace views\n  millrace views --sql > all-views.sql')
    .action(async (options: CommonOptions & { sql?: boolean }) => {
      await withServerOf(options, async server => {
        const { views } = await callApi<ViewList>(server, '/v1/views');
        if (options.json) return printJson({ views });
        if (options.sql) {
          for (const view of views) print(`-- views/${view.name}.sql\n${view.sql.trimEnd()}\n`);
          return;
        }
        const rows = views.map(view => [
          view.name,
          view.streams.join(', '),
          view.window,
          view.state === 'backfilling' ? `${Math.floor(view.progress * 100)} %` : view.state,
          view.watermark ?? '',
          count(view.groups),
          bytesText(view.stateBytes),
        ]);
        for (const line of table(
          ['view', 'of', 'every', 'state', 'complete up to', 'groups in windows', 'state size'],
          rows,
        ))
          print(line);
        for (const view of views) {
          if (view.expired > 0) {
            const events = view.expired === 1 ? 'event' : 'events';
            print(
              `\n${view.name}: ${count(view.expired)} ${events} came too late for any kept window; GET /v1/views/${view.name}/expired lists the last`,
            );
          }
        }
        for (const { name, error, notice } of views) {
          if (error) print(`\n${name}: ${error}`);
          if (notice) print(`\n${notice}`);
        }
      });
    });
}
