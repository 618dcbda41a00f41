// millrace sql: one SELECT, as a table on a terminal and as CSV or JSON elsewhere.
import type { Command } from 'commander';
import { Option } from 'commander';
import type { SqlAnswer } from '../deliver/api.ts';
import { callApi, problemError } from '../running.ts';
import { withServerOf } from './client.ts';
import { type CommonOptions, whole, withCommon } from './options.ts';
import { countOf, print, say, style, table, write } from './terminal.ts';

interface SqlOptions extends CommonOptions {
  format?: 'table' | 'csv' | 'ndjson' | 'json';
  limit: number;
  timeout: string;
}

export function registerSql(program: Command): void {
  withCommon(program.command('sql'))
    .description('ask streams and views in SQL')
    .argument('<query>', 'one SELECT')
    .addOption(
      new Option('--format <format>', 'table on a terminal, csv in a pipe').choices([
        'table',
        'csv',
        'ndjson',
        'json',
      ]),
    )
    .option('--limit <rows>', 'rows at most', whole, 10_000)
    .option('--timeout <duration>', 'stop the query after this long', '30s')
    .addHelpText(
      'after',
      `
Examples:
  millrace sql "SELECT status, count(*) FROM access GROUP BY status ORDER BY 2 DESC"
  millrace sql "SELECT window_start, requests FROM access_traffic" --format csv > traffic.csv`,
    )
    .action(async (sql: string, options: SqlOptions) => {
      const format = options.json ? 'json' : (options.format ?? (process.stdout.isTTY ? 'table' : 'csv'));
      const request = { sql, limit: options.limit, timeout: options.timeout };
      await withServerOf(options, async server => {
        const init = (wire: string): RequestInit => ({
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ ...request, format: wire }),
        });
        if (format === 'csv' || format === 'ndjson') {
          const answer = await fetch(`${server.url}/v1/sql`, init(format));
          if (!answer.ok) throw await problemError(answer);
          write(await answer.text());
          if (answer.headers.get('millrace-truncated'))
            say(style('yellow', `Cut at ${options.limit} rows; --limit takes more.`));
          return;
        }
        const answer = await callApi<SqlAnswer>(server, '/v1/sql', init('json'));
        if (format === 'json') print(JSON.stringify(answer));
        else {
          const header = answer.columns.map(column => column.name);
          for (const line of table(header, answer.rows)) print(line);
          say(
            style(
              'dim',
              `${countOf(answer.rowCount, 'row')} in ${answer.elapsedMs.toFixed(0)} ms${answer.truncated ? ', cut; --limit takes more' : ''}`,
            ),
          );
        }
      });
    });
}
