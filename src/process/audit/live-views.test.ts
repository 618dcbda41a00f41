// Views are audited while events go on arriving: late ones, early ones, and those that put windows out of keep time.
import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Rng } from '../../core/rng.ts';
import type { AuditReport } from '../audit-report.ts';
import { at, MemoryLog, openEngine } from '../engine/engine.fixture.ts';
import type { Engine, ViewPage } from '../engine.ts';
import { duckdb } from '../plan/plan.fixture.ts';
import type { SqlRelation } from '../plan/sql/column-type.ts';
import { viewRelation } from '../plan/sql/view-sql.ts';
import type { ViewValue } from '../view.ts';
import { scratchFile, useFolder } from './audit.fixture.ts';
import { auditView } from './audit-view.ts';
import { capBelow, roughBelow } from './not-compared.ts';

useFolder();

const seed = Number(process.env['MILLRACE_SEED'] ?? 20261129);
const columns = [
  { name: '_time', type: 'TIMESTAMP' },
  { name: 'k', type: 'VARCHAR' },
  { name: 'v', type: 'BIGINT' },
];

/** Streams of two partitions to which events are appended, and their events below some offsets as a relation. */
class Streams {
  readonly log = new MemoryLog();
  private readonly events = new Map<string, object[][]>();
  private readonly rng = new Rng(seed);
  private nowMs = 0;

  constructor(...names: string[]) {
    for (const name of names) {
      this.log.createStream(name, 2);
      this.events.set(name, [[], []]);
    }
  }

  append(count: number, stepMs: number): void {
    const { rng } = this;
    for (const [name, partitions] of this.events) {
      const partition = rng.below(2);
      const events = Array.from({ length: count }, () => {
        this.nowMs += rng.below(stepMs);
        const late = rng.boolean(0.3) ? rng.below(this.nowMs + 1) : rng.below(3000);
        return { _time: at(this.nowMs - late), k: `k${rng.below(4)}`, v: rng.below(100) };
      });
      this.log.append(name, partition, events, Date.parse(at(this.nowMs)));
      partitions[partition]!.push(...events);
    }
  }

  relation(name: string, taken: { partition: number; offset: number }[]): string {
    const file = scratchFile();
    const lines = taken.flatMap(({ partition, offset }) =>
      this.events.get(name)![partition]!.slice(0, offset),
    );
    writeFileSync(file, lines.map(event => `${JSON.stringify(event)}\n`).join(''));
    const types = `{${columns.map(column => `"${column.name}": '${column.type}'`).join(', ')}}`;
    return `(SELECT * FROM read_json('${file}', format = 'newline_delimited', columns = ${types}))`;
  }
}

async function liveAudit(
  views: Record<string, string>,
  audited: string,
  change: (page: ViewPage) => void = () => {},
): Promise<{ report: AuditReport; pages: number; offsets: Set<number> }> {
  const streams = new Streams('a', 'b');
  for (let i = 0; i < 30; i++) streams.append(100, 700);
  const engine = await openEngine(streams.log, { schema: () => columns });
  for (const [name, text] of Object.entries(views)) await engine.define({ name, text });
  await engine.settled();
  const { plan } = await engine.plan(audited);
  let pages = 0;
  /** Events in the windows of a page. */
  const offsets = new Set<number>();
  const paged: Pick<Engine, 'page' | 'settled'> = {
    settled: () => engine.settled(),
    page: async query => {
      streams.append(20, 700);
      const page = await engine.page(query);
      change(page);
      return page;
    },
  };
  try {
    const report = await auditView({
      engine: paged,
      plan,
      history: async ({ served }) => {
        pages++;
        // What comes after the page must not be in the batch.
        streams.append(50, 700);
        if (pages % 2 === 1) await engine.settled();
        const { taken } = served['below'] ?? served[audited]!;
        offsets.add(taken.reduce((sum, { offset }) => sum + offset, 0));
        const relationOf = (name: string, source: number): SqlRelation => {
          const { plan, taken } = served[name]!;
          const { stream, view, everyMs } = plan.sources[source]!;
          if (!view) {
            const own = taken.filter(one => one.source === source);
            return { from: streams.relation(stream, own), columns };
          }
          return viewRelation(served[stream]!.plan, {
            events: (_: string, source: number) => relationOf(stream, source),
            ...(everyMs === undefined ? {} : { everyMs }),
          });
        };
        const relations = new Map<number, SqlRelation>();
        return {
          events: (_, source) => {
            if (!relations.has(source)) relations.set(source, relationOf(audited, source));
            return relations.get(source)!;
          },
        };
      },
      runSql: async sql => (await (await duckdb()).runAndReadAll(sql)).getRowsJson() as ViewValue[][],
    });
    return { report, pages, offsets };
  } finally {
    await engine.close();
  }
}

const select = 'SELECT k, count(*) AS n, sum(v) AS s, max(v) AS m FROM a GROUP BY k';
const both = 'SELECT k, count(*) AS n FROM (SELECT k FROM a UNION ALL SELECT k FROM b) GROUP BY k';
const cases: [string, Record<string, string>][] = [
  ['all windows kept', { v: `-- every: 1s, 1m\n-- keep: forever\n${select}` }],
  [
    'windows that go out of keep time',
    { v: `-- every: 1s, 1m\n-- keep: 1s for 10m, 1m for 15m\n-- delay: 1s\n${select}` },
  ],
  ['hopping windows', { v: `-- window: 10s every 1s\n-- keep: 12m\n${select}` }],
  [
    'sessions',
    { v: `-- session: 2s by k\n-- keep: forever\nSELECT k, count(*) AS n, sum(v) AS s FROM a GROUP BY k` },
  ],
  [
    'sessions that go out of keep time',
    {
      v: `-- session: 1s by k\n-- keep: 16m\n-- delay: 1s\nSELECT k, count(*) AS n, sum(v) AS s FROM a GROUP BY k`,
    },
  ],
  ['two streams as one', { v: `-- every: 1s\n-- keep: forever\n${both}` }],
  [
    'a view over a view',
    {
      below: `-- every: 1s, 1m\n-- keep: forever\n${select}`,
      v: '-- every: 10s, 1m\nSELECT k, sum(n) AS n, max(m) AS m FROM "below@1s" GROUP BY k',
    },
  ],
];

test.each(cases)('%s are right while events arrive', async (_, views) => {
  const { report, pages, offsets } = await liveAudit(views, 'v');
  expect(report.differences, `seed ${seed}`).toEqual([]);
  expect(report.rows).toBeGreaterThan(500);
  expect(pages).toBeGreaterThan(1);
  expect(offsets.size).toBeGreaterThan(1);
});

test('an event that is counted twice, or not at all, is found while others arrive', async () => {
  for (const wrong of [-1, 1]) {
    const { report } = await liveAudit(cases[0]![1], 'v', page => {
      const [row] = page.rows;
      row!.values[1] = Number(row!.values[1]) + wrong;
    });
    expect(new Set(report.differences.map(({ column }) => column))).toEqual(new Set(['n']));
  }
  const { report } = await liveAudit(cases[0]![1], 'v', page => {
    const part = Object.values(page.served)[0]!.taken[0]!;
    part.offset -= 1;
  });
  expect(report.differenceCount).toBeGreaterThan(0);
});

test('a window that is lost between two pages is missed', async () => {
  let pages = 0;
  const { report } = await liveAudit(cases[0]![1], 'v', page => {
    if (++pages !== 2) return;
    const { startUs } = page.rows[0]!;
    page.rows = page.rows.filter(row => row.startUs !== startUs);
  });
  expect(new Set(report.differences.map(({ reason }) => reason))).toEqual(new Set(['missing in the view']));
  expect(new Set(report.differences.map(({ startUs }) => startUs)).size).toBe(1);
});

test.each([
  ['SELECT k, sum(n) AS n, avg(q) AS q, approx_quantile(q, 0.5) AS qq FROM "below@1m" GROUP BY k', true],
  ['SELECT k, sum(n) AS n FROM "below@1m" GROUP BY k HAVING avg(q) > 1', false],
  ['SELECT q > 5 AS is_large, sum(n) AS n FROM "below@1m" GROUP BY 1', false],
])(
  'what is made of approximate values below is not compared, other columns are: %s',
  async (view, hasOthers) => {
    const { report } = await liveAudit(
      {
        below:
          '-- every: 1m\n-- keep: forever\nSELECT k, count(*) AS n, approx_quantile(v, 0.5) AS q FROM a GROUP BY k',
        v: `-- every: 10m\n${view}`,
      },
      'v',
    );
    expect(report.differences).toEqual([]);
    expect(report.values > 0).toBe(hasOthers);
    expect(report.notCompared).toEqual([{ rows: expect.any(Number), reason: roughBelow }]);
  },
);

test('rows of a view over one with more groups than it keeps are not compared', async () => {
  const { report } = await liveAudit(
    {
      below: `-- every: 1m\n-- keep: forever\n-- max groups: 2\n${select}`,
      v: '-- every: 10m\nSELECT k, sum(n) AS n FROM "below@1m" GROUP BY k',
    },
    'v',
  );
  expect(report).toMatchObject({ skipped: 0, differences: [] });
  expect(report.notCompared).toEqual([{ rows: expect.any(Number), reason: capBelow }]);
});
