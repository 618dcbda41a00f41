// What a view says it keeps is what lies in the store, whatever was written, expired, capped, crashed or opened again.
import { expect, test } from 'vitest';
import { ByteReader } from '../../core/bytes.ts';
import { MillraceError } from '../../core/errors.ts';
import { Rng } from '../../core/rng.ts';
import type { StateReader, StateStore } from '../../store/state.ts';
import { createMemoryState } from '../../store/state-memory.ts';
import { prefixRange, readWindowRecord } from '../state/state-rows.ts';
import { at, killable, MemoryLog, openEngine, startMs } from './engine.fixture.ts';

const rounds = Number(process.env['MILLRACE_ROUNDS'] ?? 6);
const seed = Number(process.env['MILLRACE_SEED'] ?? 4);

const texts = [
  '-- every: 1s, 1m\n-- keep: 1s for 20s, 1m for 1m\nSELECT key, count(*) AS n FROM access GROUP BY key',
  '-- every: 10s\n-- max groups: 40\nSELECT key, count(*) AS n FROM access GROUP BY key',
  '-- every: 1m\n-- max groups: 2000\nSELECT key, ok, approx_count_distinct(n) AS d FROM access GROUP BY ALL',
  '-- window: 20s every 5s\n-- keep: 1m\nSELECT ok, sum(n) AS s FROM access GROUP BY ok',
  '-- session: 10s by key\n-- keep: 2m\nSELECT key, count(*) AS n FROM access GROUP BY key',
];

function inStore(state: StateReader, name: string): { groups: number; bytes: number } {
  let [groups, bytes] = [0, 0];
  for (const kind of ['window', 'page']) {
    for (const { key, value } of state.range(...prefixRange([kind, name]))) {
      bytes += key.length + value.length;
      if (kind === 'window') groups += readWindowRecord(new ByteReader(value)).groups;
    }
  }
  return { groups, bytes };
}

/** Some transactions fail in passing, as on a full disk. */
function failing(state: StateStore, rng: Rng): StateStore {
  return {
    ...killable(state).state,
    transaction: work =>
      state.transaction(transaction => {
        const result = work(transaction);
        if (rng.boolean(0.2)) throw new MillraceError('state-full', 'full', { status: 507, canRetry: true });
        return result;
      }),
  };
}

test(`groups and bytes of every view, after each restart (seed ${seed})`, { timeout: 120_000 }, async () => {
  for (let round = 0; round < rounds; round++) {
    const rng = new Rng(seed + round);
    const log = new MemoryLog();
    log.createStream('access', 1 + rng.below(3));
    const partitions = (await log.streams())[0]!.partitions.length;
    const state = createMemoryState();
    let time = 0;
    let wasSeen = false;
    for (let life = 0; life < 4; life++) {
      const mortal = killable(life === 0 ? state : failing(state, rng));
      const engine = await openEngine(log, { state: mortal.state, cellsMax: rng.pick([50, 1000, 100_000]) });
      if (life === 0) for (const [i, text] of texts.entries()) await engine.define({ name: `v${i}`, text });
      for (const view of await engine.views()) {
        expect({ groups: view.groups, bytes: view.stateBytes }, view.name).toEqual(inStore(state, view.name));
        wasSeen ||= view.groups > 0;
      }
      for (let batch = 0; batch < 6; batch++) {
        const events = Array.from({ length: rng.below(400) }, () => ({
          _time: at((time += rng.below(120)) - (rng.boolean(0.1) ? rng.below(60_000) : 0)),
          key: `k${rng.below(rng.pick([5, 900]))}`,
          ok: rng.boolean(0.5),
          n: rng.below(1000),
        }));
        if (events.length > 0) log.append('access', rng.below(partitions), events, startMs + time);
        await engine.settled();
        if (rng.boolean(0.5)) await new Promise(resolve => setTimeout(resolve, 8));
      }
      if (rng.boolean(0.5)) mortal.kill();
      await engine.close().catch(() => {});
    }
    expect(wasSeen).toBe(true);
  }
});
