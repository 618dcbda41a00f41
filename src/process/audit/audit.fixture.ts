// For tests only: a view kept by the engine over some events, audited against DuckDB over the same events or others.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import type { Rng } from '../../core/rng.ts';
import type { AuditReport } from '../audit-report.ts';
import { MemoryLog, openEngine, startMs } from '../engine/engine.fixture.ts';
import type { Engine, LookupContent, LookupValue } from '../engine.ts';
import { duckdb, planOf } from '../plan/plan.fixture.ts';
import type { LookupRelation } from '../plan/sql/lookup-sql.ts';
import { viewRelation } from '../plan/sql/view-sql.ts';
import type { ViewValue, WindowRow } from '../view.ts';
import { auditView } from './audit-view.ts';

export interface Audited {
  /** The SELECT over `s`, or the whole file where it begins with a comment. */
  view: string;
  /** A view `below` over `s`, which the view reads. */
  below?: string;
  /** Types of the fields of `s` when the view is defined. */
  fields: Record<string, string>;
  /** Objects, or lines of JSON; one without a time is of the first second. */
  events: readonly (object | string)[];
  /** What the history has in their place. */
  history?: readonly (object | string)[];
  /** Types in the history, where they have drifted. */
  drifted?: Record<string, string>;
  /** Contents of the lookup table `names`, each joined to the events from its index on. */
  lookups?: readonly { from: number; content: LookupContent }[];
  /** From when on it is known what was joined with which content: the last one, which the history has for all events. */
  knownFromUs?: number;
  /** Changes what the engine answers. */
  tamper?: (row: WindowRow) => void;
}

let folder: string;
let files = 0;

export function useFolder(): void {
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-audit-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
}

export const scratchFile = (): string => join(folder, `${files++}.ndjson`);

const line = (event: object | string): string => (typeof event === 'string' ? event : JSON.stringify(event));

const timed = (event: object | string): string =>
  line(event).includes('"_time"')
    ? line(event)
    : line(event).replace('{', `{"_time":"${new Date(startMs).toISOString()}",`);

const columnsOf = (fields: Record<string, string>): { name: string; type: string }[] => [
  { name: '_time', type: 'TIMESTAMP' },
  ...Object.entries(fields).map(([name, type]) => ({ name, type })),
];

export async function auditOf({ tamper, ...audited }: Audited): Promise<AuditReport> {
  const { audit, close } = await openAudited(audited);
  try {
    return await audit(tamper);
  } finally {
    await close();
  }
}

export interface OpenAudited {
  audit(tamper?: Audited['tamper']): Promise<AuditReport>;
  close(): Promise<void>;
}

/** To audit one view several times, each time changed in another way. */
export async function openAudited(audited: Omit<Audited, 'tamper'>): Promise<OpenAudited> {
  const {
    view,
    below,
    fields,
    events,
    history = events,
    drifted = fields,
    knownFromUs,
    lookups = [],
  } = audited;
  const known = lookups.at(-1)?.content;
  const text = view.startsWith('--') ? view : `-- every: 1m\n${view}`;
  const log = new MemoryLog();
  log.createStream('s');
  const schema = () => columnsOf(fields);
  const engine = await openEngine(log, { schema });
  try {
    if (lookups[0]) await engine.setLookup('names', lookups[0].content);
    if (below !== undefined) await engine.define({ name: 'below', text: `-- every: 1m\n${below}` });
    await engine.define({ name: 'v', text });
    const cuts = lookups.slice(1).map(({ from }) => from);
    for (const [at, from] of [0, ...cuts].entries()) {
      if (at > 0) await engine.setLookup('names', lookups[at]!.content);
      log.append('s', 0, events.slice(from, cuts[at]).map(timed), startMs);
      await engine.settled();
    }
    const file = scratchFile();
    writeFileSync(file, history.map(event => `${timed(event)}\n`).join(''));
    const columns = columnsOf(drifted);
    const types = `{${columns.map(({ name, type }) => `"${name}": '${type}'`).join(', ')}}`;
    const from = `(SELECT * FROM read_json('${file}', format = 'newline_delimited', columns = ${types}))`;
    const plans = async (name: string) => (await engine.plan(name)).plan;
    const plan =
      below === undefined
        ? await planOf(
            text,
            { schema, lookups: name => (name === 'names' ? known?.columns : undefined) },
            'v',
          )
        : await plans('v');
    const relation =
      below === undefined
        ? { from, columns }
        : viewRelation(await plans('below'), { events: () => ({ from, columns }) });
    return {
      audit: tamper =>
        auditView({
          engine: tamper ? tampered(engine, tamper) : engine,
          plan,
          history: async () => ({
            events: () => relation,
            lookup: () => relationOf(known!),
            ...(knownFromUs === undefined ? {} : { fromUs: knownFromUs }),
          }),
          runSql: async sql => (await (await duckdb()).runAndReadAll(sql)).getRowsJson() as ViewValue[][],
        }),
      close: () => engine.close(),
    };
  } catch (thrown) {
    await engine.close();
    throw thrown;
  }
}

function relationOf({ columns, values }: LookupContent): LookupRelation {
  const text = (value: LookupValue): string => (typeof value === 'string' ? `'${value}'` : String(value));
  const rows = values[0]!.map((_, row) => `(${values.map(column => text(column[row]!)).join(', ')})`);
  const names = columns.map(({ name }) => name);
  return { from: `(SELECT * FROM (VALUES ${rows.join(', ')}) AS t(${names.join(', ')}))`, columns };
}

function tampered(engine: Engine, tamper: (row: WindowRow) => void): Pick<Engine, 'page' | 'settled'> {
  return {
    settled: () => engine.settled(),
    page: async query => {
      const result = await engine.page(query);
      result.rows.forEach(tamper);
      return result;
    },
  };
}

/**
 * Two or three values of two decimals in each group: many sums and averages lie on a step, where the last digit of a sum decides.
 */
export function onSteps(
  groups: number,
  rng: Rng,
): { events: { k: number; x: number; y: number }[]; fields: Record<string, string> } {
  const events = Array.from({ length: groups * 3 }, (_, i) => ({
    k: i % groups,
    x: rng.below(60) / 100,
    y: (rng.below(40) - 20) / 10,
  })).filter(({ k }, i) => k % 2 === 1 || i < 2 * groups);
  return { events, fields: { k: 'BIGINT', x: 'DOUBLE', y: 'DOUBLE' } };
}
