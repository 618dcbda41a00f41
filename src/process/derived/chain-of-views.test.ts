import { expect, test } from 'vitest';
import { createMemoryState } from '../../store/state-memory.ts';
import { at, MemoryLog, openEngine, startMs } from '../engine/engine.fixture.ts';
import { chainMax } from '../plan/bind/catalog.ts';
import { readRecords, writeRecord } from '../state/view-record.ts';

const over = (name: string): string => `-- every: 1m\nSELECT sum(n) AS n FROM ${name}`;

test('a chain of views is listed and answered as far as it may go; the next one is refused, at its place', async () => {
  const log = new MemoryLog();
  log.createStream('access');
  const engine = await openEngine(log);
  try {
    await engine.define({ name: 'v0', text: '-- every: 1m\nSELECT count(*) AS n FROM access' });
    for (let i = 1; i <= chainMax.depth; i++) await engine.define({ name: `v${i}`, text: over(`v${i - 1}`) });
    const { depth } = chainMax;
    await expect(engine.define({ name: 'next', text: over(`v${depth}`) })).rejects.toMatchObject({
      code: 'view-refused',
      message: expect.stringMatching(
        /"next", line 2, column 25: It would be view 6 of a chain .* may have 5/,
      ),
      remedy: expect.stringContaining('further down'),
    });
    log.append('access', 0, [{ _time: at(0) }], startMs);
    await engine.settled();
    const views = await engine.views();
    expect(views.map(({ name, state }) => [name, state])).toEqual(views.map(({ name }) => [name, 'live']));
    expect(views).toHaveLength(depth + 1);
    expect(new Set(views.map(({ resolutions }) => resolutions[0]!.keptFromUs)).size).toBe(1);
    expect((await engine.query({ view: `v${depth}` })).rows.map(({ values }) => values)).toEqual([[1]]);
  } finally {
    await engine.close();
  }
});

test('views that read the same ones again and again are refused too: each time counts', async () => {
  const log = new MemoryLog();
  log.createStream('access');
  const engine = await openEngine(log);
  const reading = (name: string, times: number): string =>
    `-- every: 1m\nSELECT sum(n) AS n FROM (${Array(times).fill(`SELECT n FROM ${name}`).join(' UNION ALL ')})`;
  try {
    await engine.define({ name: 'v0', text: '-- every: 1m\nSELECT count(*) AS n FROM access' });
    await engine.define({ name: 'v1', text: reading('v0', 10) });
    await engine.define({ name: 'v2', text: reading('v1', 2) });
    await expect(engine.define({ name: 'v3', text: reading('v1', 3) })).rejects.toThrow(
      /would read 33 views, .* may read 32/,
    );
  } finally {
    await engine.close();
  }
});

test('a chain that was defined before there was a bound fails beyond it, and says why', async () => {
  const log = new MemoryLog();
  log.createStream('access');
  const state = createMemoryState();
  const before = await openEngine(log, { state });
  await before.define({ name: 'v0', text: '-- every: 1m\nSELECT count(*) AS n FROM access' });
  await before.define({ name: 'v1', text: over('v0') });
  await before.close();
  const plan = [...readRecords(state)].find(({ name }) => name === 'v1')!.current;
  state.transaction(t => {
    for (let i = 2; i <= 30; i++) {
      const sources = plan.sources.map(source => ({ ...source, stream: `v${i - 1}` }));
      const current = { ...plan, name: `v${i}`, sql: over(`v${i - 1}`), sources };
      writeRecord(t, { name: `v${i}`, current });
    }
  });
  const engine = await openEngine(log, { state });
  try {
    log.append('access', 0, [{ _time: at(0) }], startMs);
    await engine.settled();
    const views = await engine.views();
    const failed = views.filter(view => view.state === 'failed').map(({ name }) => name);
    expect(failed).toHaveLength(30 - chainMax.depth);
    expect(views.find(({ name }) => name === 'v6')!.error).toMatch(/view 6 of a chain .* further down/);
    expect((await engine.query({ view: 'v5' })).rows.map(({ values }) => values)).toEqual([[1]]);
    await expect(engine.query({ view: 'v30' })).rejects.toThrow(/chain of views/);
  } finally {
    await engine.close();
  }
});
