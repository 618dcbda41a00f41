// Whoever keeps the value with a window's highest revision has the newest, whatever the moments of publishing, committing and kill -9,
// over partitions, streams and other definitions of the view.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createMemoryState } from '../../store/state-memory.ts';
import type { WindowRow } from '../view.ts';
import { at, killable, MemoryLog, openEngine } from './engine.fixture.ts';

/** Two forms of a SELECT that count alike, so that one can take the other's place. */
const select = (form: number, rest: string): string =>
  `SELECT count(*) AS n${form === 1 ? ', 1 AS one' : ''}${rest}`;
const union = '(SELECT _time FROM access UNION ALL SELECT _time FROM other)';

/** All events are in one session. */
const views = [
  {
    name: 'v',
    everyMs: [1000, 60_000],
    text: (form: number) => `-- every: 1s, 1m\n${select(form, ' FROM access')}`,
  },
  {
    name: 's',
    everyMs: [10_000],
    text: (form: number) => `-- session: 10s by who\n${select(form, ', who FROM access GROUP BY who')}`,
  },
  {
    name: 'both',
    everyMs: [1000],
    text: (form: number) => `-- every: 1s\n${select(form, ` FROM ${union}`)}`,
  },
  { name: 'over', everyMs: [1000], text: () => '-- every: 1s\nSELECT sum(n) AS n FROM v' },
];

const partitions = 3;

const life = fc.record({
  /** Partition and second of each event; those together are appended at once, and then published. */
  rounds: fc.array(fc.array(fc.tuple(fc.nat(partitions - 1), fc.nat(3)), { minLength: 1, maxLength: 3 }), {
    minLength: 1,
    maxLength: 5,
  }),
  commits: fc.boolean(),
  form: fc.nat(1),
  changes: fc.boolean(),
});

test('a newer value of a window has a higher revision, over kills and changes too', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(life, { minLength: 2, maxLength: 4 }), async lives => {
      const log = new MemoryLog();
      log.createStream('access', partitions);
      log.createStream('other');
      const kept = createMemoryState();
      /** By window: of each count that was published, the revisions it had. */
      const published = new Map<string, { n: number; revision: number }[]>();
      for (const { rounds, commits, form, changes } of lives) {
        const { state, kill } = killable(kept);
        const engine = await openEngine(log, { state, publishMs: 0, commitMs: commits ? 0 : 1e9 });
        const note = (view: string, everyMs: number, rows: readonly WindowRow[]): void => {
          for (const { startUs, revision, values } of rows) {
            const key = view === 's' ? view : `${view} ${everyMs} ${startUs}`;
            published.set(key, [...(published.get(key) ?? []), { n: Number(values[0]), revision }]);
          }
        };
        engine.onChange(({ view, everyMs, rows }) => note(view, everyMs, rows));
        const ask = async (): Promise<void> => {
          for (const { name, everyMs } of views)
            for (const every of everyMs)
              note(name, every, (await engine.query({ view: name, everyMs: every })).rows);
        };
        const define = async (which: number) => {
          for (const { name, text } of views) await engine.define({ name, text: text(which) });
        };
        await define(form);
        for (const { name, everyMs } of views) for (const every of everyMs) engine.watch(name, every);
        await engine.settled();
        await ask();
        for (const [index, events] of rounds.entries()) {
          for (const [partition, second] of events) {
            log.append('access', partition, [{ _time: at(second * 1000), who: 'a' }]);
            if (second === 1) log.append('other', 0, [{ _time: at(second * 1000) }]);
          }
          if (changes && index === 1) await define(1 - form);
          await engine.settled();
          await ask();
        }
        kill();
        await engine.close().catch(() => {});
      }
      expect(new Set([...published.keys()].map(key => key.split(' ')[0])).size).toBe(views.length);
      for (const [key, values] of published) {
        values.forEach(({ n, revision }, index) => {
          for (const before of values.slice(0, index)) {
            if (before.n < n) expect(revision, key).toBeGreaterThan(before.revision);
          }
        });
      }
    }),
    { seed: 20261129, numRuns: 30 },
  );
});

test('what was committed before it was published has a higher revision after it has left memory', async () => {
  const log = new MemoryLog();
  log.createStream('access');
  const engine = await openEngine(log, { publishMs: 0, commitMs: 0, cellsMax: 20 });
  await engine.define({
    name: 'v',
    text: '-- every: 1s\n-- keep: 1s for 1h\nSELECT count(*) AS n FROM access',
  });
  const revisionAfter = async (seconds: readonly number[]): Promise<number> => {
    log.append(
      'access',
      0,
      seconds.map(second => ({ _time: at(second * 1000) })),
    );
    await engine.settled();
    return (await engine.query({ view: 'v' })).rows[0]!.revision;
  };
  const revisions = [await revisionAfter([0])];
  engine.holdChanges!(true);
  await revisionAfter([0]);
  // Another flush, so that the one before it has been committed.
  await revisionAfter([1]);
  engine.holdChanges!(false);
  await engine.settled();
  revisions.push((await engine.query({ view: 'v' })).rows[0]!.revision);
  for (let round = 1; round < 4; round++) {
    await revisionAfter(Array.from({ length: 100 }, (_, i) => round * 100 + i));
  }
  revisions.push(await revisionAfter([0]));
  expect(revisions).toEqual([...new Set(revisions)].sort((a, b) => a - b));
  await engine.close();
});
