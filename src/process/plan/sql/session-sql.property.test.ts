// Sessions as the SQL of a plan cuts them, against a plain loop over the events of each key: events at one time are never parted, and
// LIMIT counts the groups of each session.
import { expect, test } from 'vitest';
import { Rng } from '../../../core/rng.ts';
import { duckdb, planOf, query } from '../plan.fixture.ts';
import { planSql } from './plan-sql.ts';

const rounds = Number(process.env['MILLRACE_ROUNDS'] ?? 12);
const seed = Number(process.env['MILLRACE_SEED'] ?? 20261201);
const minuteUs = 60_000_000;
const gapUs = 30 * minuteUs;
const startUs = 1_767_225_600_000_000;

interface Event {
  timeUs: number;
  k: string | null;
  g: string;
}

const columns = [
  { name: 'k', type: 'VARCHAR' },
  { name: 'g', type: 'VARCHAR' },
];
const text = (value: string | null): string => (value === null ? 'NULL' : `'${value}'`);

/** What a plan's SQL says of the events: bounds as µs, and the outputs. */
async function answerOf(select: string, events: readonly Event[]): Promise<unknown[][]> {
  const rows = events.map(({ timeUs, k, g }) => `(make_timestamp(${timeUs}), ${text(k)}, ${text(g)})`);
  const connection = await duckdb();
  await connection.run(
    `CREATE OR REPLACE TABLE session_events AS SELECT * FROM (VALUES ${rows.join(', ')}) AS t(_time, k, g)`,
  );
  const plan = await planOf(`-- session: 30m by k\n${select}`, { schema: () => columns });
  const sql = planSql(plan, { events: () => ({ from: 'session_events', columns }) });
  return (await query(sql)).map(([from, to, ...values]) => [
    ...[from, to].map(time => Number((time as { micros: bigint }).micros)),
    ...values.map(value => (typeof value === 'bigint' ? Number(value) : value)),
  ]);
}

/** The sessions of each key: runs of events less than a gap apart. */
function sessionsOf(events: readonly Event[]): Event[][] {
  const sessions: Event[][] = [];
  const last = new Map<string | null, Event[]>();
  for (const event of [...events].sort((a, b) => a.timeUs - b.timeUs)) {
    const open = last.get(event.k);
    if (open && event.timeUs - open.at(-1)!.timeUs < gapUs) open.push(event);
    else {
      last.set(event.k, [event]);
      sessions.push(last.get(event.k)!);
    }
  }
  return sessions;
}

/** `limit`: how many groups of a session, those with the most events first. */
function expected(events: readonly Event[], limit = Number.POSITIVE_INFINITY): unknown[][] {
  return sessionsOf(events).flatMap(session => {
    const bounds = [session[0]!.timeUs, session.at(-1)!.timeUs + gapUs];
    const counts = new Map<string, number>();
    for (const { g } of session) counts.set(g, (counts.get(g) ?? 0) + 1);
    const ordered = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
    return ordered.slice(0, limit).map(([g, n]) => [...bounds, session[0]!.k, g, n]);
  });
}

const sorted = (rows: readonly unknown[][]): string[] => rows.map(row => JSON.stringify(row)).sort();
const grouped = 'SELECT k, g, count(*) AS n FROM s GROUP BY k, g';

test('events at one time, exactly a gap after the one before, begin one session together', async () => {
  const rng = new Rng(1);
  const inOrder = Array.from({ length: 200 }, (_, i) =>
    [0, gapUs, gapUs, gapUs].map(offset => ({ timeUs: startUs + offset, k: `k${i}`, g: 'x' })),
  ).flat();
  const events: Event[] = [];
  for (const event of inOrder) events.splice(rng.below(events.length + 1), 0, event);
  const counts = (await answerOf('SELECT k, count(*) AS n FROM s GROUP BY k', events)).map(row => row[3]);
  expect(counts.filter(count => count === 1)).toHaveLength(200);
  expect(counts.filter(count => count === 3)).toHaveLength(200);
  expect(counts).toHaveLength(400);
});

test('LIMIT counts the groups of each session, also of those with equal bounds', async () => {
  const events = ['a', 'b', 'c'].flatMap(k =>
    ['x', 'x', 'y'].map((g, i) => ({ timeUs: startUs + (i % 2) * minuteUs, k, g })),
  );
  const answer = await answerOf(`${grouped} ORDER BY n DESC LIMIT 1`, events);
  expect(answer.map(row => row.slice(2)).sort()).toEqual(['a', 'b', 'c'].map(k => [k, 'x', 2]));
});

test(`sessions are runs of events less than a gap apart, whatever their order (seed ${seed})`, async () => {
  for (let round = 0; round < rounds; round++) {
    const rng = new Rng(seed + round);
    const times = 2 + rng.below(40);
    const events = Array.from({ length: 20 + rng.below(600) }, () => ({
      timeUs: startUs + rng.below(times) * rng.pick([10 * minuteUs, gapUs]) - rng.below(2),
      k: rng.boolean(0.1) ? null : `k${rng.below(20)}`,
      g: rng.pick(['x', 'y', 'z']),
    }));
    const context = `seed ${seed + round}`;
    expect(sorted(await answerOf(grouped, events)), context).toEqual(sorted(expected(events)));
    const limited = await answerOf(`${grouped} ORDER BY n DESC, g LIMIT 2`, events);
    expect(sorted(limited), context).toEqual(sorted(expected(events, 2)));
  }
});
