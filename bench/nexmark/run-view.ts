// One query kept as a view by an engine of its own, on a state of its own on disk: from the definition to the last row read.
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { LogReader } from '../../src/flow/log.ts';
import type { Kernel } from '../../src/kernel/kernel.ts';
import { createEngine } from '../../src/process/engine/engine-core.ts';
import type { Engine } from '../../src/process/engine.ts';
import { openLmdbState } from '../../src/store/state-lmdb.ts';
import { eventColumns } from './events.ts';
import type { Oracle } from './oracle.ts';
import type { Query } from './queries.ts';

export interface RunInput {
  query: Query;
  oracle: Oracle;
  kernel: Kernel;
  folder: string;
  reader: LogReader;
  /** Resolves when every event is in the log. */
  appended: () => Promise<void>;
}

const pageRows = 100_000;

/** The rows: window start, window end (µs), and the columns. */
export async function runView({
  query,
  oracle,
  kernel,
  folder,
  reader,
  appended,
}: RunInput): Promise<unknown[][]> {
  const stateDir = mkdtempSync(join(folder, 'state-'));
  const state = openLmdbState(stateDir);
  const engine = await createEngine({
    log: reader,
    state,
    kernel,
    parseSql: oracle.parseSql,
    schema: () => (query.byAppendTime ? eventColumns.filter(({ name }) => name !== '_time') : eventColumns),
    readBytes: 4 * 1024 * 1024,
  });
  try {
    await engine.define({ name: query.name, text: query.sql });
    await appended();
    await engine.settled();
    const rows = await read(engine, query.name);
    const [summary] = await engine.views();
    if (summary!.state !== 'live')
      throw new Error(`${query.name} is ${summary!.state}: ${summary!.error ?? ''}`);
    return rows;
  } finally {
    await engine.close();
    await state.close();
    rmSync(stateDir, { recursive: true, force: true });
  }
}

async function read(engine: Engine, view: string): Promise<unknown[][]> {
  const rows: unknown[][] = [];
  let cursor: string | undefined;
  const [summary] = await engine.views();
  const { everyMs } = summary!.resolutions[0]!;
  do {
    const page = await engine.query({ view, everyMs, limit: pageRows, cursor });
    for (const { startUs, endUs, values } of page.rows) rows.push([startUs, endUs, ...values]);
    cursor = page.next;
  } while (cursor !== undefined);
  return rows;
}
