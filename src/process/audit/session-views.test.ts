// Views of sessions, audited: the cut of keep time, sessions that go on behind a page, overflow groups, and contents of lookup tables
// that are no longer known.
import { expect, test } from 'vitest';
import { Rng } from '../../core/rng.ts';
import { at, startMs } from '../engine/engine.fixture.ts';
import type { LookupContent } from '../engine.ts';
import { auditOf, useFolder } from './audit.fixture.ts';
import { nothingAddsUp, unknownContents } from './not-compared.ts';

useFolder();

const rounds = Number(process.env['MILLRACE_ROUNDS'] ?? 40);
const seed = Number(process.env['MILLRACE_SEED'] ?? 20261370);
const second = 1000;
const fields = { k: 'VARCHAR', v: 'BIGINT' };
const counted = 'SELECT k, count(*) AS n, sum(v) AS s FROM s GROUP BY k';

test('a session that keep time has cut, and HAVING leaves out, is none of the batch either', async () => {
  const events = [
    { _time: at(2 * second), k: 'a', v: 1 },
    { _time: at(3 * second), k: 'a', v: 1 },
    { _time: at(8 * second), k: 'a', v: 1 },
    { _time: at(60 * second), k: 'b', v: 1 },
    { _time: at(75 * second), k: 'b', v: 1 },
  ];
  const view = `-- session: 10s by k\n-- keep: 1m\n${counted} HAVING count(*) < 3`;
  expect(await auditOf({ view, fields, events })).toMatchObject({ differences: [], rows: 2 });
});

test(`sessions with a keep time, HAVING and LIMIT have no differences (seed ${seed})`, async () => {
  for (let round = 0; round < rounds; round++) {
    const rng = new Rng(seed + round);
    let time = 0;
    const keys = rng.pick([1, 2, 5]);
    const step = rng.pick([2000, 4000, 8000]);
    const events = Array.from({ length: 60 + rng.below(60) }, () => {
      time += rng.below(step);
      return { _time: at(time - rng.below(4000)), k: `k${rng.below(keys)}`, v: rng.below(10) };
    });
    const header = `-- session: ${rng.pick([3, 5, 10])}s by k\n-- keep: ${rng.pick(['1m', '97s', '2m', 'forever'])}`;
    const having = rng.pick(['', ' HAVING count(*) < 3', ' HAVING count(*) < 5']);
    const [select, limit] = rng.pick([
      [counted, ' ORDER BY n LIMIT 1'],
      ['SELECT k, v, count(*) AS n FROM s GROUP BY ALL', ' ORDER BY v LIMIT 2'],
    ] as const);
    const view = `${header}\n${select}${having}${rng.boolean() ? limit : ''}`;
    expect((await auditOf({ view, fields, events })).differences, `seed ${seed + round}: ${view}`).toEqual(
      [],
    );
  }
});

test(`sessions beyond the cap, and those that keep time has cut, add up to all events that are kept (seed ${seed})`, async () => {
  let [skipped, left] = [0, 0];
  for (let round = 0; round < rounds / 2; round++) {
    const rng = new Rng(seed + round);
    let time = 0;
    const step = rng.pick([200, 1000]);
    const events = Array.from({ length: 200 + rng.below(100) }, () => {
      time += rng.below(step);
      const isRush = Math.floor(time / 30_000) % 2 === 0;
      return { _time: at(time - rng.below(4000)), k: `k${rng.below(isRush ? 40 : 3)}`, v: rng.below(10) };
    });
    const keep = rng.pick(['20s', '37s', '1m']);
    const having = rng.pick(['', ' HAVING count(*) < 3', ' ORDER BY n LIMIT 1']);
    const view = `-- session: 5s by k\n-- keep: ${keep}\n-- delay: 1s\n-- max groups: 12\n${counted}${having}`;
    const report = await auditOf({ view, fields, events });
    expect(report.differences, `seed ${seed + round}: ${view}`).toEqual([]);
    expect(report.notCompared).toEqual([]);
    skipped += report.skipped;
    // Of the first panes nothing else is left.
    const cutMs =
      Math.floor((time - 1000 - Number.parseInt(keep === '1m' ? '60' : keep, 10) * 1000) / 5000) * 5000;
    const early = events.findIndex(({ _time }) => Date.parse(_time) - startMs > cutMs);
    if (cutMs < 0 || early < 1) continue;
    left++;
    if (report.skipped === 0) continue;
    const history = events.filter((_, index) => index !== early);
    const { differenceCount } = await auditOf({ view, fields, events, history });
    expect(differenceCount, `seed ${seed + round}: ${view}`).toBeGreaterThan(0);
  }
  expect(skipped).toBeGreaterThan(rounds);
  expect(left).toBeGreaterThan(rounds / 20);
});

test('of sessions that go on behind a page, and HAVING leaves out, all events are seen', async () => {
  // A session begins each second, and every fifth goes on for minutes.
  const events = Array.from({ length: 1200 }, (_, i) => [
    { _time: at(i * second), k: `k${i}`, v: 1 },
    ...(i % 5 === 0 ? Array.from({ length: 30 }, (_, j) => at(i * second + (j + 1) * 9000)) : []).map(
      _time => ({ _time, k: `k${i}`, v: 1 }),
    ),
  ]).flat();
  const view = `-- session: 10s by k\n-- keep: forever\n${counted} HAVING count(*) < 5`;
  const report = await auditOf({ view, fields, events });
  expect(report.differences).toEqual([]);
  expect(report.rows).toBe(960);
});

/** Many at one time; `v` of the first is `first`. */
const crowd = (first: string): string[] =>
  Array.from(
    { length: 60 },
    (_, i) => `{"_time":"${at(i)}","k":"k${i}","v":${i === 0 ? first : '9007199254740993'}}`,
  );

test('a sum of whole numbers over all sessions is exact to the last digit', async () => {
  const view = `-- session: 10s by k\n-- keep: forever\n-- max groups: 12\n${counted}`;
  const events = crowd('9007199254740993');
  const right = await auditOf({ view, fields, events });
  expect(right).toMatchObject({ differences: [], values: 2, notCompared: [] });
  expect(right.skipped).toBeGreaterThan(10);
  const history = crowd('9007199254740994');
  expect((await auditOf({ view, fields, events, history })).differences).toMatchObject([
    {
      group: ['all sessions together'],
      column: 's',
      engine: '540431955284459580',
      batch: '540431955284459581',
    },
  ]);
});

test.each(['HAVING count(*) < 2', 'ORDER BY n LIMIT 1', 'HAVING sum(v) < 0 ORDER BY n LIMIT 1'])(
  'all sessions are compared in total where there is %s',
  async clause => {
    const events = crowd('7');
    const view = `-- session: 10s by k\n-- keep: forever\n-- max groups: 12\n${counted} ${clause}`;
    expect(await auditOf({ view, fields, events })).toMatchObject({
      differences: [],
      values: 2,
      notCompared: [],
    });
    const { differences } = await auditOf({ view, fields, events, history: events.slice(1) });
    expect(differences.map(({ column }) => column)).toEqual(['n', 's']);
  },
);

test('where nothing adds up over sessions, their rows are not compared', async () => {
  const view = '-- session: 10s by k\n-- max groups: 12\nSELECT k, max(v) AS m FROM s GROUP BY k';
  const report = await auditOf({ view, fields, events: crowd('7') });
  expect(report).toMatchObject({ values: 0, skipped: 0, rows: 0, differences: [] });
  expect(report.notCompared).toEqual([{ rows: expect.any(Number), reason: nothingAddsUp }]);
  expect(report.notCompared[0]!.rows).toBeGreaterThan(10);
});

/** The table `names` in which every key has this price. */
const content = (price: number): LookupContent => ({
  name: 'names',
  version: `v${price}`,
  columns: [
    { name: 'id', type: 'VARCHAR' },
    { name: 'price', type: 'BIGINT' },
  ],
  values: [Array.from({ length: 60 }, (_, i) => `k${i}`), Array.from({ length: 60 }, () => price)],
});

const joined = (select: string, header: string): string =>
  `-- session: 10s by k\n-- keep: forever\n${header}SELECT ${select} FROM s LEFT JOIN names ON s.k = names.id GROUP BY ALL`;

/** Two crowds, a minute apart, each joined with another content. */
const twice = [0, 60].flatMap(s =>
  Array.from({ length: 60 }, (_, i) => ({ _time: at(s * second + i), k: `k${i}`, v: i })),
);
const lookups = [
  { from: 0, content: content(5) },
  { from: 60, content: content(7) },
];
const knownFromUs = (startMs + 30 * second) * 1000;

test('what was joined with forgotten contents is left out of the total of all sessions', async () => {
  const events = { fields, events: twice, lookups, knownFromUs };
  const view = joined('k, count(*) AS n, sum(price) AS p', '-- max groups: 12\n');
  const report = await auditOf({ ...events, view });
  expect(report.differences).toEqual([]);
  // The count alone.
  expect(report.values).toBe(1);
  expect(report.skipped).toBeGreaterThan(10);
  const nothing = await auditOf({ ...events, view: joined('k, sum(price) AS p', '-- max groups: 12\n') });
  expect(nothing).toMatchObject({ values: 0, skipped: 0, differences: [] });
  expect(nothing.notCompared.map(({ reason }) => reason)).toContain(unknownContents);
  const { differences } = await auditOf({ ...events, view, history: twice.slice(1) });
  expect(differences.map(({ column }) => column)).toEqual(['n']);
});

test('sessions that begin before the contents are known are not compared, and said to be so', async () => {
  // One goes on from before to behind it.
  const over = [20, 28, 36, 44].map(s => ({ _time: at(s * second), k: 'k1', v: 1 }));
  const events = [...twice.slice(0, 60), ...over, ...twice.slice(60)];
  const since = [lookups[0]!, { ...lookups[1]!, from: 62 }];
  const view = joined('k, price, count(*) AS n', '');
  const report = await auditOf({ view, fields, events, lookups: since, knownFromUs });
  expect(report.differences).toEqual([]);
  expect(report.rows).toBe(60);
  expect(report.notCompared).toEqual([{ rows: 62, reason: unknownContents }]);
});
