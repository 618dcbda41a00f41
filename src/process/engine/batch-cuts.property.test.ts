// Where batches are cut must not show in results: whole numbers beyond 2^53 beside fractions, texts and nulls.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { at, MemoryLog, openEngine, startMs } from './engine.fixture.ts';

const seed = Number(process.env['MILLRACE_SEED'] ?? 20261123);
const numRuns = Number(process.env['MILLRACE_ROUNDS'] ?? 60);

const value = fc.constantFrom(
  ...['1', '-7', '1.5', '0.25', '9007199254740993', '-9007199254740995', '9223372036854775807'],
  ...[
    '18446744073709551615',
    '100000000000000000000',
    '"9007199254740993"',
    '"x"',
    '"2.5"',
    'true',
    'null',
    '[1]',
  ],
);
async function answer(
  select: string,
  values: readonly string[],
  cuts: readonly number[],
  type: string,
): Promise<unknown> {
  const log = new MemoryLog();
  log.createStream('access');
  const lines = values.map((one, index) => `{"_time":"${at(index)}","v":${one}}`);
  const engine = await openEngine(log, { schema: () => [{ name: 'v', type }] });
  try {
    await engine.define({ name: 'v', text: `-- every: 1d\n-- keep: forever\n${select}` });
    const ends = [...new Set(cuts.map(cut => cut % lines.length))].sort((a, b) => a - b);
    for (const [index, end] of [...ends, lines.length].entries()) {
      const part = lines.slice(index === 0 ? 0 : ends[index - 1]!, end);
      if (part.length > 0) log.append('access', 0, part, startMs);
      await engine.settled();
    }
    return (await engine.query({ view: 'v' })).rows.map(({ values: row }) => row);
  } finally {
    await engine.close();
  }
}

const statements = {
  aggregates: `SELECT count(v) AS n, sum(v) AS s, min(v) AS lo, max(v) AS hi, first(v) AS f, last(v) AS l,
    count_if(v = 9007199254740993) AS same, count_if(v > 9007199254740992) AS more, count(DISTINCT v) AS d,
    max(v + 1) AS next, avg(v) AS mean FROM access`,
  groups: 'SELECT v + 0 AS k, v AS plain, count(*) AS n FROM access GROUP BY ALL ORDER BY k, plain',
};

const cases = Object.entries(statements).flatMap(([name, select]) =>
  ['BIGINT', 'DOUBLE'].map(type => ({ name, select, type })),
);

for (const { name, select, type } of cases) {
  test(`${name} do not depend on where batches are cut, for a field of ${type} (seed ${seed})`, async () => {
    const run = async (values: string[], cuts: number[]): Promise<void> => {
      expect(await answer(select, values, cuts, type)).toEqual(await answer(select, values, [], type));
    };
    const examples: [string[], number[]][] = [
      [['9007199254740993', '1.5'], [1]],
      [['9007199254740993', '18446744073709551615'], [1]],
    ];
    await fc.assert(
      fc.asyncProperty(
        fc.array(value, { minLength: 1, maxLength: 8 }),
        fc.array(fc.nat(7), { maxLength: 4 }),
        run,
      ),
      { seed, numRuns, examples },
    );
  });
}
