// DuckDB over the same events: parses the engine's SQL, and says what each query's rows are.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { formatUs } from '../../src/core/time.ts';
import type { ParseResult } from '../../src/process/plan/bind/parse-tree.ts';
import { eventColumns } from './events.ts';
import type { EventBatch } from './memory-events.ts';
import type { Query } from './queries.ts';

const typesOf = (columns: readonly { name: string; type: string }[]): string =>
  `{${columns.map(({ name, type }) => `'${name}': '${type}'`).join(', ')}}`;

/** One value as text, the same for the engine's and for DuckDB's form of it. */
function textOf(value: unknown): string {
  if (value !== null && typeof value === 'object' && 'micros' in value) return formatUs(Number(value.micros));
  return String(value);
}

export const rowText = (row: readonly unknown[]): string => row.map(textOf).join('\t');

export class Oracle {
  private readonly instance: DuckDBInstance;
  private readonly connection: DuckDBConnection;
  private readonly folder: string;
  private readonly known = new Map<string, string[]>();

  private constructor(instance: DuckDBInstance, connection: DuckDBConnection, folder: string) {
    this.instance = instance;
    this.connection = connection;
    this.folder = folder;
  }

  /** Loads the events of `batches`, in order, as table `nexmark`. */
  static async open(batches: readonly EventBatch[], folder: string): Promise<Oracle> {
    const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
    const oracle = new Oracle(instance, await instance.connect(), folder);
    const file = join(folder, 'events.ndjson');
    writeFileSync(file, Buffer.concat(batches.map(({ bytes }) => bytes)));
    await oracle.connection.run(
      `CREATE TABLE nexmark AS SELECT (row_number() OVER ()) - 1 AS _offset, *
       FROM read_json('${file}', format = 'newline_delimited', columns = ${typesOf(eventColumns)})`,
    );
    await oracle.connection.run('CREATE SCHEMA appended');
    return oracle;
  }

  readonly parseSql = async (sql: string): Promise<ParseResult> => {
    const reader = await this.connection.runAndReadAll(
      'SELECT json_serialize_sql($1::VARCHAR, skip_null := true, skip_empty := true)',
      [sql],
    );
    return JSON.parse(reader.getRows()[0]![0] as string) as ParseResult;
  };

  private async rows(sql: string): Promise<unknown[][]> {
    return (await this.connection.runAndReadAll(sql)).getRows() as unknown[][];
  }

  /** The rows of a view's batch form as sorted texts. `appends` gives the times where they are the appends'. */
  private async wanted(query: Query, appends: readonly Omit<EventBatch, 'bytes'>[]): Promise<string[]> {
    if (!query.byAppendTime) {
      const known = this.known.get(query.name) ?? (await this.rows(query.batch)).map(rowText).sort();
      this.known.set(query.name, known);
      return known;
    }
    const file = join(this.folder, 'appends.csv');
    const lines = appends.map(({ offset, appendTimeMs }) => `${offset},${appendTimeMs}\n`);
    writeFileSync(file, `first,ms\n${lines.join('')}`);
    await this.connection.run(`CREATE OR REPLACE VIEW appended.nexmark AS SELECT * REPLACE (make_timestamp(ms * 1000) AS _time)
      FROM main.nexmark ASOF JOIN read_csv('${file}', columns = {'first': 'BIGINT', 'ms': 'BIGINT'}) ON _offset >= first`);
    await this.connection.run("SET schema = 'appended'");
    try {
      return (await this.rows(query.batch)).map(rowText).sort();
    } finally {
      await this.connection.run("SET schema = 'main'");
    }
  }

  /** Throws where the rows (window start, window end, columns …) are not those of the batch; answers how many they are. */
  async checkRows(
    query: Query,
    rows: readonly (readonly unknown[])[],
    appends: readonly Omit<EventBatch, 'bytes'>[],
  ): Promise<number> {
    const wanted = await this.wanted(query, appends);
    const found = rows.map(rowText).sort();
    for (let i = 0; i < Math.max(found.length, wanted.length); i++) {
      if (found[i] === wanted[i]) continue;
      throw new Error(
        `${query.name}: ${found.length} rows, DuckDB has ${wanted.length}\n  ours   ${found[i]}\n  DuckDB ${wanted[i]}`,
      );
    }
    return found.length;
  }

  /** The same for a projection's output, NDJSON. */
  async checkEvents(query: Query, output: Uint8Array): Promise<number> {
    const file = join(this.folder, 'output.ndjson');
    writeFileSync(file, output);
    const columns = (await this.rows(`DESCRIBE ${query.batch}`)).map(([name, type]) => ({
      name: String(name),
      type: String(type),
    }));
    await this.connection.run(`CREATE OR REPLACE TEMP VIEW ours AS
      FROM read_json('${file}', format = 'newline_delimited', columns = ${typesOf(columns)}, maximum_object_size = 16777216)`);
    const [[missing, extra, count]] = (await this.rows(`SELECT
      (SELECT count(*) FROM (${query.batch} EXCEPT ALL FROM ours)),
      (SELECT count(*) FROM (FROM ours EXCEPT ALL ${query.batch})), (SELECT count(*) FROM ours)`)) as [
      bigint[],
    ];
    if (missing !== 0n || extra !== 0n) {
      const some = await this.rows(`(${query.batch} EXCEPT ALL FROM ours) LIMIT 2`);
      const others = await this.rows(`(FROM ours EXCEPT ALL ${query.batch}) LIMIT 2`);
      throw new Error(
        `${query.name}: ${missing} events missing, ${extra} not in the batch\n  ours   ${others.map(rowText).join('\n         ')}\n  DuckDB ${some.map(rowText).join('\n         ')}`,
      );
    }
    return Number(count);
  }

  close(): void {
    this.connection.closeSync();
    this.instance.closeSync();
  }
}
