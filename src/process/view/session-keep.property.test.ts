// Sessions whose beginning goes out of keep time: what is shown, and told to who watches, is a session of all events or not there.
import { expect, test } from 'vitest';
import { Rng } from '../../core/rng.ts';
import { createMemoryState } from '../../store/state-memory.ts';
import { at, killable, MemoryLog, openEngine, startMs } from '../engine/engine.fixture.ts';
import type { Engine } from '../engine.ts';
import type { WindowRow } from '../view.ts';

const rounds = Number(process.env['MILLRACE_ROUNDS'] ?? 12);
const seed = Number(process.env['MILLRACE_SEED'] ?? 20261101);

const us = (ms: number): number => (startMs + ms) * 1000;

interface Session {
  startUs: number;
  endUs: number;
  who: string;
  n: number;
}

/** Of all events, however long ago. */
function sessionsOf(events: readonly { ms: number; who: string }[], gapMs: number): Session[] {
  const sessions: Session[] = [];
  for (const who of new Set(events.map(event => event.who))) {
    const times = events.flatMap(event => (event.who === who ? [us(event.ms)] : [])).sort((a, b) => a - b);
    let open: Session | undefined;
    for (const timeUs of times) {
      const endUs = timeUs + gapMs * 1000;
      if (open === undefined || timeUs >= open.endUs)
        sessions.push((open = { startUs: timeUs, endUs, who, n: 1 }));
      else Object.assign(open, { endUs, n: open.n + 1 });
    }
  }
  return sessions;
}

const text = ({ startUs, endUs, who, n }: Session): string => JSON.stringify([startUs, endUs, who, n]);
const textOf = ({ startUs, endUs, values }: WindowRow): string => JSON.stringify([startUs, endUs, ...values]);

async function keptFromUs(engine: Engine): Promise<number> {
  return (await engine.views())[0]!.resolutions[0]!.keptFromUs ?? Number.NEGATIVE_INFINITY;
}

test('a session that goes on longer than it is kept is not shown as one that begins later', async () => {
  const log = new MemoryLog();
  log.createStream('access');
  const engine = await openEngine(log);
  try {
    const select = 'SELECT who, count(*) AS n FROM access GROUP BY who';
    await engine.define({ name: 'v', text: `-- session: 20s by who\n-- keep: 1m\n${select}` });
    const told: WindowRow[] = [];
    engine.onChange(({ rows }) => told.push(...rows));
    engine.watch('v', 20_000);
    for (let i = 0; i < 66; i++) {
      const events = [{ _time: at(5000 + i * 10_000), who: 'a' }];
      if (i === 64) events.push({ _time: at(640_000), who: 'b' });
      log.append('access', 0, events, startMs);
      await engine.settled();
    }
    const b = { startUs: us(640_000), values: ['b', 1] };
    expect((await engine.query({ view: 'v' })).rows).toMatchObject([b]);
    expect((await engine.query({ view: 'v', order: [{ column: 'n', descending: true }] })).rows).toHaveLength(
      1,
    );
    expect(new Set(told.filter(row => !row.gone).map(({ startUs }) => startUs))).toEqual(
      new Set([us(5000), us(640_000)]),
    );
    // Who holds it takes it out.
    const last = told.findLast(({ values }) => values[0] === 'a')!;
    expect(last).toMatchObject({ gone: true, endUs: us(655_000 + 20_000) });
    await engine.define({ name: 'v', text: `-- session: 20s by who\n-- keep: 1d\n${select}` });
    log.append('access', 0, [{ _time: at(665_000), who: 'a' }], startMs);
    await engine.settled();
    expect((await engine.query({ view: 'v' })).rows).toMatchObject([b]);
    // Another one of who has been left out is shown.
    log.append('access', 0, [{ _time: at(700_000), who: 'a' }], startMs);
    await engine.settled();
    expect((await engine.query({ view: 'v' })).rows).toMatchObject([b, { values: ['a', 1] }]);
  } finally {
    await engine.close();
  }
});

test(`a session is whole or not there, and who watches holds what a query says (seed ${seed})`, async () => {
  let [shown, left, gone] = [0, 0, 0];
  for (let round = 0; round < rounds; round++) {
    const rng = new Rng(seed + round);
    const partitions = 1 + rng.below(2);
    const gapMs = rng.pick([3000, 10_000]);
    const lateMs = rng.pick([0, 8000, 60_000]);
    const log = new MemoryLog();
    log.createStream('access', partitions);
    const kept = createMemoryState();
    let life = killable(kept);
    const options = () => ({
      publishMs: rng.pick([0, 1]),
      commitMs: rng.pick([0, 1e9]),
      cellsMax: rng.pick([5, 100_000]),
    });
    let engine = await openEngine(log, { state: life.state, ...options() });
    let held: WindowRow[] = [];
    let told: WindowRow[] = [];
    const all = async () => (await engine.query({ view: 'v', limit: 100_000 })).rows;
    const watch = (): void => {
      engine.watch('v', gapMs);
      engine.onChange(({ rows, columns }) => {
        expect(columns).toBeUndefined();
        told.push(...rows.filter(row => !row.gone));
        held = held.filter(
          ({ startUs, endUs, values }) =>
            !rows.some(row => row.values[0] === values[0] && startUs < row.endUs && row.startUs < endUs),
        );
        held.push(...rows.filter(row => !row.gone));
        gone += rows.filter(row => row.gone).length;
      });
    };
    const define = (keep: string) =>
      engine.define({
        name: 'v',
        text: `-- session: ${gapMs / 1000}s by who\n-- keep: ${keep}\n-- delay: 1s\nSELECT who, count(*) AS n FROM access GROUP BY who`,
      });
    await define('30s');
    watch();
    const events: { ms: number; who: string }[] = [];
    let time = 0;
    for (let step = 0; step < 40; step++) {
      const some = Array.from({ length: 1 + rng.below(8) }, () => {
        time += rng.below(1500);
        const who = rng.pick(['a', 'a', 'a', 'b', 'c']);
        return { ms: Math.max(0, time - rng.below(lateMs + 1)), who };
      });
      if (rng.boolean(0.05)) time += 100_000;
      events.push(...some);
      log.append(
        'access',
        rng.below(partitions),
        some.map(({ ms, who }) => ({ _time: at(ms), who })),
        startMs + 1e9,
      );
      await engine.settled();
      const sessions = sessionsOf(events, gapMs);
      const exact = new Set(sessions.map(text));
      const cutUs = await keptFromUs(engine);
      const gapUs = gapMs * 1000;
      const wholeFromUs = Number.isFinite(cutUs) ? Math.floor(cutUs / gapUs) * gapUs + gapUs : cutUs;
      const rows = await all();
      const wanted = sessions.filter(({ startUs }) => startUs >= wholeFromUs);
      expect(rows.map(textOf).sort()).toEqual(wanted.map(text).sort());
      shown += wanted.length;
      left += sessions.length - wanted.length;
      for (const row of told) expect(exact).toContain(textOf(row));
      told = [];
      const since = held.filter(({ startUs }) => startUs >= wholeFromUs);
      expect(since.map(textOf).sort()).toEqual(rows.map(textOf).sort());
      // Those from before are as they were when they were kept, unless they have grown by events that are too late.
      const { expired } = (await engine.views())[0]!;
      if (lateMs < 30_000 && expired === 0) for (const row of held) expect(exact).toContain(textOf(row));
      if (rng.boolean(0.1)) await define(rng.pick(['30s', '1m', '40s']));
      if (rng.boolean(0.1)) {
        life.kill();
        await engine.close().catch(() => {});
        life = killable(kept);
        engine = await openEngine(log, { state: life.state, ...options() });
        watch();
        await engine.settled();
        told = [];
        held = await all();
      }
    }
    await engine.close();
  }
  expect(shown).toBeGreaterThan(rounds * 20);
  expect(left).toBeGreaterThan(rounds * 20);
  expect(gone).toBeGreaterThan(rounds);
});
