// Keep times and delays that are made longer and shorter while events come, late ones too, over kill -9: what is shown of a window is all of
// its events, and no window is missing that was in keep time ever since.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createMemoryState } from '../../store/state-memory.ts';
import { at, killable, MemoryLog, openEngine, startMs } from './engine.fixture.ts';

const keeps = [5, 20, 60, 'forever'] as const;
const delays = [1, 30];

const step = fc.record({
  /** Of each event, how far it takes time on, s, and how much earlier than that it is. */
  events: fc.array(fc.tuple(fc.nat(3), fc.oneof(fc.constant(0), fc.nat(40))), { maxLength: 20 }),
  keep: fc.option(fc.nat(keeps.length - 1)),
  delay: fc.nat(delays.length - 1),
  settles: fc.boolean(),
  kills: fc.oneof({ weight: 3, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
});

const views = [
  { name: 'v', window: 'every: 1s, 10s', sizes: [1, 10], keep: (text: string) => `1s for ${text}` },
  { name: 'h', window: 'window: 4s every 2s', sizes: [4], keep: (text: string) => text },
];

test('a window is whole or not there, however keep times change', async () => {
  let [rows, gone] = [0, 0];
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 8 }), fc.boolean(), async (steps, commits) => {
      const log = new MemoryLog();
      log.createStream('access');
      const kept = createMemoryState();
      const options = { publishMs: 0, commitMs: commits ? 0 : 1e9 };
      let life = killable(kept);
      let engine = await openEngine(log, { state: life.state, ...options });
      const times: number[] = [];
      let [now, high, floor] = [0, 0, Number.NEGATIVE_INFINITY];
      let keep: (typeof keeps)[number] = 60;
      let delay = 1;
      const define = async (): Promise<void> => {
        for (const { name, window, keep: line } of views) {
          const text = `-- ${window}\n-- keep: ${line(keep === 'forever' ? keep : `${keep}s`)}\n-- delay: ${delay}s\nSELECT count(*) AS n FROM access`;
          await engine.define({ name, text });
        }
      };
      const noteFloor = (): void => {
        if (keep !== 'forever') floor = Math.max(floor, high - delay - keep);
      };
      await define();
      for (const { events, keep: next, delay: nextDelay, settles, kills } of steps) {
        const seconds = events.map(([on, late]) => Math.max(0, (now += on) - late));
        if (seconds.length > 0)
          log.append(
            'access',
            0,
            seconds.map(one => ({ _time: at(one * 1000) })),
            startMs + 1e7,
          );
        times.push(...seconds);
        high = Math.max(high, ...seconds);
        if (settles || next !== null) await engine.settled();
        noteFloor();
        if (next !== null) {
          keep = keeps[next]!;
          delay = delays[nextDelay]!;
          await define();
        }
        if (kills) {
          life.kill();
          await engine.close().catch(() => {});
          life = killable(kept);
          engine = await openEngine(log, { state: life.state, ...options });
          await define();
        }
        noteFloor();
      }
      await engine.settled();
      for (const { name, sizes } of views) {
        for (const size of sizes) {
          const answer = await engine.query({ view: name, everyMs: name === 'h' ? 2000 : size * 1000 });
          const shown = new Map(
            answer.rows.map(({ startUs, values }) => [startUs / 1e6 - startMs / 1000, values[0]]),
          );
          rows += shown.size;
          for (const [start, n] of shown) {
            expect(n, `${name} ${size} ${start}`).toBe(
              times.filter(time => time >= start && time < start + size).length,
            );
          }
          if (size === 10) continue;
          for (const time of times) {
            const start = time - (time % (name === 'h' ? 2 : 1));
            if (start + size > floor) expect(shown.has(start), `${name} ${size} ${start}`).toBe(true);
            else gone++;
          }
        }
      }
      await engine.close();
    }),
    { seed: 20261130, numRuns: Number(process.env['MILLRACE_ROUNDS'] ?? 40) },
  );
  expect(rows).toBeGreaterThan(100);
  expect(gone).toBeGreaterThan(10);
});
