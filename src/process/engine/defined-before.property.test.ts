// A view that is defined before its stream has shown its fields gives the rows of one that is defined after, or is told that it does not
// fit; a name that was taken as an alias of its SELECT stays one, whatever field comes.
import { afterAll, expect, test } from 'vitest';
import { Rng } from '../../core/rng.ts';
import type { Engine } from '../engine.ts';
import { duckdb } from '../plan/plan.fixture.ts';
import type { ViewSummary } from '../view.ts';
import { at, MemoryLog, openEngine, startMs } from './engine.fixture.ts';

const rounds = Number(process.env['MILLRACE_ROUNDS'] ?? 150);
const seed = Number(process.env['MILLRACE_SEED'] ?? 11);

const fields = ['a', 'b', 'x'];
const columns = [
  { name: 'a', type: 'BIGINT' },
  { name: 'b', type: 'BIGINT' },
  { name: 'x', type: 'VARCHAR' },
];
const events = [
  { a: 10, b: 1, x: '/x' },
  { a: 30, b: 2, x: '/Y' },
  { a: 20, b: 3, x: '/y' },
  { a: 30, b: 3, x: '/Y' },
];

/** Aliases are names of fields more often than not. */
function randomSelect(rng: Rng): string {
  const number = (): string => rng.pick(['a', 'a', 'b', 'p', 'q']);
  const plain = (): string =>
    rng.pick([number(), `${number()} // 10`, `${number()} + 1`, "x LIKE '/x%'", 'lower(x)', 'x']);
  const aggregate = (): string =>
    rng.pick(['count(*)', `sum(${number()})`, `max(${number()})`, `min(${number()}) + 1`, 'max(lower(x))']);
  const names = ['a', 'b', 'x', 'p', 'q'];
  const items = Array.from({ length: 2 + rng.below(3) }, (_, index) => {
    const [name] = names.splice(rng.below(names.length), 1);
    return `${index > 0 && rng.boolean(0.6) ? aggregate() : plain()} AS ${name}`;
  });
  const where = rng.boolean(0.2) ? ` WHERE ${number()} > 1` : '';
  const group = rng.pick(['ALL', 'ALL', '1', rng.pick(fields), 'p']);
  const having = rng.boolean(0.3)
    ? ` HAVING ${rng.pick([number(), `max(${number()})`, 'count(*)'])} > 1`
    : '';
  const order = rng.boolean(0.3) ? ` ORDER BY ${rng.pick([...fields, 'p', `${number()} + 1`])}` : '';
  return `SELECT ${items.join(', ')} FROM later${where} GROUP BY ${group}${having}${order}`;
}

const sorted = (rows: readonly (readonly unknown[])[]): string[] =>
  rows.map(row => JSON.stringify(row.map(value => (value === null ? null : String(value))))).toSorted();

interface Outcome {
  rows: string[];
  notice: string | undefined;
  /** Fields whose names are aliases to it. */
  taken: string[];
}

const summaryOf = async (engine: Engine): Promise<ViewSummary> => (await engine.views())[0]!;

/** What is said of a view, defined before anything is known and with what is shown afterwards. Undefined where it is refused. */
async function outcome(
  select: string,
  known: typeof columns,
  shown: typeof columns,
): Promise<Outcome | undefined> {
  const log = new MemoryLog();
  log.createStream('later');
  const engine = await openEngine(log, { schema: () => known });
  try {
    await engine.define({ name: 'v', text: `-- every: 1d\n-- keep: forever\n${select}` });
    log.append(
      'later',
      0,
      events.map((event, index) => ({ _time: at(index), ...event })),
      startMs,
    );
    await engine.setSchema('later', shown);
    await engine.settled();
    await engine.settled();
    const { plan } = await engine.plan('v');
    const { rows } = await engine.query({ view: 'v' });
    return {
      rows: sorted(rows.map(({ values }) => values)),
      notice: (await summaryOf(engine)).notice,
      taken: fields.filter(name => plan.aliases?.includes(name)),
    };
  } catch (thrown) {
    expect(thrown, select).toMatchObject({ code: 'view-refused' });
    return undefined;
  } finally {
    await engine.close();
  }
}

afterAll(async () => {
  await (await duckdb()).run('DROP TABLE IF EXISTS later');
});

async function inDuckdb(select: string): Promise<string[] | undefined> {
  const connection = await duckdb();
  const values = events.map(({ a, b, x }) => `(${a}::BIGINT, ${b}::BIGINT, '${x}')`).join(', ');
  await connection.run(
    `CREATE OR REPLACE TEMP TABLE later AS SELECT * FROM (VALUES ${values}) AS t(a, b, x)`,
  );
  try {
    return sorted((await connection.runAndReadAll(select)).getRows());
  } catch {
    return undefined;
  }
}

test(`the same rows, before and after (seed ${seed})`, { timeout: 300_000 }, async () => {
  const rng = new Rng(seed);
  const seen = { same: 0, refused: 0, noticed: 0, taken: 0, asDuckdb: 0 };
  for (let round = 0; round < rounds; round++) {
    const select = randomSelect(rng);
    const after = await outcome(select, columns, columns);
    const before = await outcome(select, [], columns);
    const batch = await inDuckdb(select);
    if (after !== undefined && batch !== undefined) {
      expect(after.rows, select).toEqual(batch);
      seen.asDuckdb++;
    }
    if (before === undefined) {
      // As a field the name of an alias may fit where the alias does not.
      if (after !== undefined) expect(select).toMatch(/ AS [abx]\b/);
      seen.refused++;
    } else if (before.taken.length > 0) {
      const never = await outcome(select, [], []);
      expect({ ...before, notice: undefined }, select).toEqual(never);
      seen.taken++;
    } else if (after === undefined) {
      expect(before.notice, select).toBeDefined();
      seen.noticed++;
    } else {
      expect(before.notice, select).toBeUndefined();
      expect(before.rows, select).toEqual(after.rows);
      seen.same++;
    }
  }
  const { refused: _, noticed: __, ...counts } = seen;
  expect(
    Object.values(counts).every(count => count > 0),
    JSON.stringify(seen),
  ).toBe(true);
});
