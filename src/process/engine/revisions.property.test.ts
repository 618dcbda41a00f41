// Whoever keeps the value with a window's highest revision has the newest, whatever the moments of publishing, committing and kill -9.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createMemoryState } from '../../store/state-memory.ts';
import { at, killable, MemoryLog, openEngine } from './engine.fixture.ts';

const view = '-- every: 1s, 1m\nSELECT count(*) AS n FROM access';

const life = fc.record({
  /** Second of each event; those together are appended at once, and then published. */
  rounds: fc.array(fc.array(fc.nat(3), { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 6 }),
  commits: fc.boolean(),
});

test('a newer value of a window has a higher revision, over kills too', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(life, { minLength: 2, maxLength: 5 }), async lives => {
      const log = new MemoryLog();
      log.createStream('access');
      const kept = createMemoryState();
      /** By window: of each count that was published, the revisions it had. */
      const published = new Map<string, { n: number; revision: number }[]>();
      for (const { rounds, commits } of lives) {
        const { state, kill } = killable(kept);
        const engine = await openEngine(log, { state, publishMs: 0, commitMs: commits ? 0 : 1e9 });
        engine.onChange(({ everyMs, rows }) => {
          for (const { startUs, revision, values } of rows) {
            const key = `${everyMs} ${startUs}`;
            published.set(key, [...(published.get(key) ?? []), { n: Number(values[0]), revision }]);
          }
        });
        await engine.define({ name: 'v', text: view });
        for (const everyMs of [1000, 60_000]) engine.watch('v', everyMs);
        for (const seconds of rounds) {
          const events = seconds.map(second => ({ _time: at(second * 1000) }));
          log.append('access', 0, events);
          await engine.settled();
        }
        kill();
        await engine.close().catch(() => {});
      }
      expect(published.size).toBeGreaterThan(0);
      for (const values of published.values()) {
        values.forEach(({ n, revision }, index) => {
          for (const before of values.slice(0, index))
            if (before.n < n) expect(revision).toBeGreaterThan(before.revision);
        });
      }
    }),
    { seed: 20261129, numRuns: 60 },
  );
});
