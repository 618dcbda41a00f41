import { expect, test } from 'vitest';
import { at, MemoryLog, openEngine, startMs } from '../engine/engine.fixture.ts';

test('a chain of thirty views is defined and listed, though each view asks the one under it twice what is kept', async () => {
  const log = new MemoryLog();
  log.createStream('access');
  const engine = await openEngine(log);
  try {
    await engine.define({ name: 'v0', text: '-- every: 1m\nSELECT count(*) AS n FROM access' });
    for (let i = 1; i <= 30; i++) {
      await engine.define({ name: `v${i}`, text: `-- every: 1m\nSELECT sum(n) AS n FROM v${i - 1}` });
    }
    log.append('access', 0, [{ _time: at(0) }], startMs);
    const views = await engine.views();
    expect(views.map(({ name, state }) => [name, state])).toEqual(views.map(({ name }) => [name, 'live']));
    expect(views).toHaveLength(31);
    expect(new Set(views.map(({ resolutions }) => resolutions[0]!.keptFromUs)).size).toBe(1);
  } finally {
    await engine.close();
  }
});
