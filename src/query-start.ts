// Starts the process that runs DuckDB, with its bounds.
import { availableParallelism, totalmem } from 'node:os';
import { join } from 'node:path';
import { distDir } from './built-files.ts';
import { QueryProcess } from './query/query-process.ts';

/** Without a request for so long the process ends, and the next one starts another. */
const idleMs = 300_000;

export function queryProcess(temporaryDir: string, lakeDir: string, lookupDir?: string): QueryProcess {
  return new QueryProcess({
    entry: join(distDir, 'app-query.js'),
    lakeDir,
    ...(lookupDir === undefined ? {} : { lookupDir }),
    temporaryDir,
    threads: Math.max(1, availableParallelism()),
    memoryLimitMb: Math.max(512, Math.floor(totalmem() / 4 / 1e6)),
    idleMs,
  });
}
