// The law of pipelines: whatever the batches, partitions and crashes, output, state and rejected events equal one plain run over the
// events in memory. The oracle below shares no code with the system but the user's functions.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { rejectedStream } from '../../collect/rejected.ts';
import type { PipelineContext } from '../pipeline.ts';
import type { PipelineFailpoint } from './partition-loop.ts';
import { type AnyDefinition, crash, PipelineHarness } from './pipeline.fixture.ts';

interface Input {
  _time: string;
  user: string;
  amount: number;
}

const rounds = {
  count: Number(process.env['MILLRACE_ROUNDS'] ?? 40),
  seed: Number(process.env['MILLRACE_SEED'] ?? 20261123),
};

const sessionMs = 5000;
const startMs = Date.UTC(2025, 11, 1);

/** Sums by user until nothing came for a while; alerts on large amounts; fails on some. */
const definition: AnyDefinition = {
  from: 'in',
  to: 'sessions',
  sides: ['alerts'],
  key: event => event.user,
  delay: '2s',
  process(event: Input, context: PipelineContext<{ state: Record<string, number> }>) {
    context.state.set('count', (context.state.get('count') ?? 0) + 1);
    if (event.amount === 13) throw new Error('unlucky');
    context.state.set('total', (context.state.get('total') ?? 0) + event.amount);
    const until = Math.max(context.timers.get('end')?.timeMs ?? 0, context.timeMs + sessionMs);
    context.timers.set('end', until);
    if (event.amount > 90) context.emitTo('alerts', { user: event.user, amount: event.amount });
    return event.amount % 10 === 0 ? [{ seen: event.amount }, { seen: event.user }] : undefined;
  },
  onTimer(timer, { key, state }: PipelineContext<{ state: Record<string, number> }>) {
    const session = { user: key, count: state.get('count'), total: state.get('total'), until: timer.timeMs };
    state.delete('count');
    state.delete('total');
    return session;
  },
};

interface Outcome {
  sessions: object[];
  alerts: object[];
  rejected: { offset: number; raw: string }[];
  keys: Record<string, object>;
  timers: [timeMs: number, key: string][];
}

/** One partition, one event after the other, in plain words. */
function plainRun(events: readonly Input[], offsets: readonly number[]): Outcome {
  const outcome: Outcome = { sessions: [], alerts: [], rejected: [], keys: {}, timers: [] };
  const users = new Map<string, { count: number; total: number; endMs: number }>();
  let watermarkMs = Number.NEGATIVE_INFINITY;
  events.forEach((event, i) => {
    const timeMs = Date.parse(event._time);
    if (event.amount === 13) outcome.rejected.push({ offset: offsets[i]!, raw: JSON.stringify(event) });
    else {
      const user = users.get(event.user) ?? { count: 0, total: 0, endMs: 0 };
      users.set(event.user, user);
      user.count++;
      user.total += event.amount;
      user.endMs = Math.max(user.endMs, timeMs + sessionMs);
      const _time = event._time;
      if (event.amount > 90) outcome.alerts.push({ _time, user: event.user, amount: event.amount });
      if (event.amount % 10 === 0)
        outcome.sessions.push({ _time, seen: event.amount }, { _time, seen: event.user });
    }
    watermarkMs = Math.max(watermarkMs, timeMs - 2000);
    const due = [...users].filter(([, { endMs }]) => endMs <= watermarkMs);
    due.sort(([a, { endMs: x }], [b, { endMs: y }]) => x - y || (a < b ? -1 : 1));
    for (const [user, { count, total, endMs }] of due) {
      const _time = new Date(endMs).toISOString();
      outcome.sessions.push({ _time, user, count, total, until: endMs });
      users.delete(user);
    }
  });
  for (const [user, { count, total, endMs }] of users) {
    outcome.keys[user] = { count, total };
    outcome.timers.push([endMs, user]);
  }
  outcome.timers.sort(([x, a], [y, b]) => x - y || (a < b ? -1 : 1));
  return outcome;
}

const eventArbitrary = fc
  .record({
    at: fc.nat(60_000),
    user: fc.constantFrom('ann', 'bob', 'cyd', 'é', ''),
    amount: fc.nat(100),
  })
  .map(({ at, user, amount }): Input => ({ _time: new Date(startMs + at).toISOString(), user, amount }));

/** Mostly forward, now and then far back. */
const partitionArbitrary = fc
  .array(fc.record({ event: eventArbitrary, isAnywhere: fc.boolean() }), { maxLength: 60 })
  .map(all => {
    const sorted = all.map(({ event }) => event).sort((a, b) => (a._time < b._time ? -1 : 1));
    return sorted.map((event, i) => (all[i]!.isAnywhere && i % 4 === 0 ? all[i]!.event : event));
  });

const failpoints: PipelineFailpoint[] = [
  'before-commit',
  'after-commit',
  'before-append',
  'after-append',
  'before-settle',
  'after-settle',
];

test('output, state, timers and rejected events equal a plain run, over any batches and crashes', async () => {
  let crashes = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.tuple(partitionArbitrary, partitionArbitrary),
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 8 }),
      fc.array(fc.record({ at: fc.constantFrom(...failpoints), hit: fc.nat(2) }), {
        minLength: 1,
        maxLength: 8,
      }),
      async (partitions, sizes, plannedCrashes) => {
        const harness = new PipelineHarness(sizes[0]);
        const planned = [...plannedCrashes];
        let appends = 0;
        harness.appendTurns = () => sizes[appends++ % sizes.length]!;
        let hits = 0;
        let isDown = false;
        harness.failpoint = name => {
          // What is dead does nothing more.
          if (isDown) crash();
          if (planned[0]?.at !== name || hits++ < planned[0].hit) return;
          planned.shift();
          hits = 0;
          crashes++;
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
        await harness.append('in', [], 0, 2);
        await harness.define({ p: definition });
        // In pieces of changing size, so that crashes meet work in every state.
        const at = [0, 0];
        for (let i = 0; at.some((n, p) => n < partitions[p]!.length); i++) {
          const partition = i % 2;
          const events = partitions[partition]!.slice(
            at[partition],
            at[partition]! + sizes[i % sizes.length]!,
          );
          at[partition]! += events.length;
          await harness.append('in', events, partition, 2);
          // Sometimes the next events come while the output of the last is on its way.
          for (let turns = i % 4; turns > 0; turns--) await new Promise(resolve => setImmediate(resolve));
          if (isDown || i % 5 === 4) await revive();
        }
        await revive();
        await judge(harness, partitions);
        await harness.set.close();
      },
    ),
    { numRuns: rounds.count, seed: rounds.seed, endOnFailure: true },
  );
  // Runs that never crash prove nothing; few runs may have fewer crashes than one each.
  expect(crashes).toBeGreaterThan(rounds.count < 20 ? 0 : rounds.count / 2);
});

async function judge(harness: PipelineHarness, partitions: readonly (readonly Input[])[]): Promise<void> {
  const rejected = await harness.events(rejectedStream);
  for (const [partition, events] of partitions.entries()) {
    const offsets = harness.store
      .get('in')!
      [partition]!.batches.flatMap(({ offset, count }) =>
        Array.from({ length: count }, (_, i) => offset + i),
      );
    const expected = plainRun(events, offsets);
    expect(await harness.events('sessions', partition)).toEqual(expected.sessions);
    expect(await harness.events('alerts', partition)).toEqual(expected.alerts);
    const mine = rejected.filter(event => event.partition === partition);
    expect(mine.map(({ offset, raw }) => ({ offset, raw }))).toEqual(expected.rejected);
    expect(harness.keys('p', partition)).toEqual(expected.keys);
    const timers = harness.timers().filter(([, at]) => at === partition);
    expect(timers.map(([, , , timeUs, key]) => [Number(timeUs) / 1000, key])).toEqual(expected.timers);
  }
}
