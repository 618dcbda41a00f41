// Timers survive the end of the process: whenever it dies and however long it is down, each timer of the wall clock and of an idle
// partition's event time fires exactly once, not before it is due, and moved or deleted ones only as they were left.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { PipelineContext } from '../pipeline.ts';
import type { PipelineFailpoint } from './partition-loop.ts';
import { type AnyDefinition, crash, PipelineHarness } from './pipeline.fixture.ts';

const rounds = {
  count: Number(process.env['MILLRACE_ROUNDS'] ?? 40),
  seed: Number(process.env['MILLRACE_SEED'] ?? 20270417),
};

interface Order {
  _time: string;
  key: string;
  /** When its timer of the wall clock is to fire; null deletes it. */
  wallMs: number | null;
  eventMs: number;
}

interface Fired {
  key: string;
  name: 'wall' | 'event';
  timeMs: number;
  isEarly: boolean;
  times: number;
}

const definition: AnyDefinition = {
  from: 'orders',
  to: 'fired',
  key: event => event.key,
  delay: '1s',
  ahead: '366d',
  process(event: Order, { timers }: PipelineContext) {
    if (event.wallMs === null) timers.delete('wall');
    else timers.set('wall', event.wallMs, 'wall');
    timers.set('event', event.eventMs);
  },
  onTimer({ name, timeMs }, { key, nowMs, state }: PipelineContext<{ state: Record<string, number> }>) {
    state.set(name, (state.get(name) ?? 0) + 1);
    return { key, name, timeMs, isEarly: name === 'wall' && nowMs < timeMs, times: state.get(name) };
  },
};

/** Orders, then perhaps a time that the process is down, then a time that it runs. */
const phase = fc.record({
  orders: fc.uniqueArray(
    fc.record({
      key: fc.nat(9),
      wait: fc.option(fc.integer({ min: 1, max: 60_000 }), { freq: 6 }),
      eventWait: fc.nat(30_000),
    }),
    { selector: ({ key }) => key, maxLength: 6 },
  ),
  downMs: fc.constantFrom(0, 0, 0, 20_000),
  upMs: fc.nat(40_000),
});

const failpoints: PipelineFailpoint[] = [
  'before-commit',
  'after-commit',
  'before-append',
  'after-append',
  'before-settle',
  'after-settle',
];

test(`timers fire once, over any crashes (seed ${rounds.seed})`, async () => {
  const seen = { crashes: 0, wall: 0, event: 0 };
  await fc.assert(
    fc.asyncProperty(
      fc.array(phase, { minLength: 1, maxLength: 8 }),
      fc.array(fc.record({ at: fc.constantFrom(...failpoints), hit: fc.nat(3) }), { maxLength: 8 }),
      fc.integer({ min: 1, max: 5 }),
      async (phases, plannedCrashes, callsMax) => {
        const harness = new PipelineHarness(callsMax);
        const planned = [...plannedCrashes];
        let hits = 0;
        let isDown = false;
        harness.failpoint = name => {
          // What is dead does nothing more.
          if (isDown) crash();
          if (planned[0]?.at !== name || hits++ < planned[0].hit) return;
          planned.shift();
          hits = 0;
          seen.crashes++;
          isDown = true;
          crash();
        };
        const revive = async (): Promise<void> => {
          await harness.settled(() => isDown);
          while (isDown) {
            isDown = false;
            await harness.restart();
            await harness.settled(() => isDown);
          }
        };
        await harness.append('orders', []);
        await harness.define({ p: definition });

        /** By key, when its timer of the wall clock is due; and those that have been due. */
        const wall = new Map<string, number>();
        const expected: string[] = [];
        const fired = async () => (await harness.events('fired')) as unknown as Fired[];
        const passed = (): void => {
          for (const [key, timeMs] of wall) {
            if (timeMs > harness.clock.nowMs()) continue;
            expected.push(`${key} ${timeMs}`);
            wall.delete(key);
          }
        };
        const told = async (name: Fired['name']): Promise<string[]> =>
          (await fired())
            .filter(event => event.name === name)
            .map(({ key, timeMs }) => `${key} ${timeMs}`)
            .sort();
        let count = 0;
        for (const { orders, downMs, upMs } of phases) {
          const nowMs = harness.clock.nowMs();
          const events = orders.map(({ key, wait, eventWait }): Order => {
            // Where time passes before they are read, a timer of before may fire first: those of new keys alone are told apart.
            const name = downMs > 0 ? `new${count++}` : `k${key}`;
            const wallMs = wait === null ? null : nowMs + wait;
            if (wallMs === null) wall.delete(name);
            else wall.set(name, wallMs);
            return { _time: new Date(nowMs).toISOString(), key: name, wallMs, eventMs: nowMs + eventWait };
          });
          if (downMs > 0) {
            isDown = true;
            await harness.append('orders', events);
            harness.clock.advance(downMs);
          } else await harness.append('orders', events);
          await revive();
          passed();
          expect(await told('wall')).toEqual(expected.toSorted());
          harness.clock.advance(upMs);
          await revive();
          passed();
          expect(await told('wall')).toEqual(expected.toSorted());
        }
        // The partition is idle: the last timers of event time fall due.
        for (let i = 0; i < 3; i++) {
          harness.clock.advance(60_000);
          await revive();
        }
        passed();
        expect(await told('wall')).toEqual(expected.toSorted());
        expect(harness.timers()).toEqual([]);
        const all = await fired();
        expect(all.filter(({ isEarly }) => isEarly)).toEqual([]);
        // State counts each firing once, as the output does.
        const times: Record<string, Record<string, number>> = {};
        for (const { key, name, times: nth } of all) {
          times[key] ??= {};
          times[key][name] = (times[key][name] ?? 0) + 1;
          expect(nth).toBe(times[key][name]);
        }
        expect(harness.keys('p')).toEqual(times);
        const event = await told('event');
        expect(new Set(event).size).toBe(event.length);
        const ordered = (await harness.events('orders')).map(({ key }) => key);
        expect(new Set(all.filter(({ name }) => name === 'event').map(({ key }) => key))).toEqual(
          new Set(ordered),
        );
        seen.wall += expected.length;
        seen.event += event.length;
        await harness.set.close();
      },
    ),
    { numRuns: rounds.count, seed: rounds.seed, endOnFailure: true },
  );
  // Runs in which nothing happens prove nothing; few runs may have fewer crashes than one each.
  expect(seen.crashes).toBeGreaterThan(rounds.count < 20 ? 0 : rounds.count);
  expect(seen.wall).toBeGreaterThan(rounds.count);
  expect(seen.event).toBeGreaterThan(rounds.count);
});
