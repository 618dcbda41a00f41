import { expect, test } from 'vitest';
import { Metrics } from './metrics.ts';

test('what has been dropped is left out', async () => {
  let names = ['kept', 'dropped'];
  const view = (name: string) => ({ name, stateBytes: 5, memoryBytes: 7, groups: 2, expired: 1 });
  const options = {
    log: { streams: async () => [], consumers: () => [] },
    engine: {
      views: async () => names.map(view),
      status: async () => ({
        memoryBytes: 9,
        positions: names.map(stream => ({ stream, partition: 0, offset: 1, lag: 0 })),
      }),
    },
    stats: { totals: () => new Map() },
    queryPid: () => undefined,
    pipelines: async () => [],
  };
  const metrics = new Metrics(options as unknown as ConstructorParameters<typeof Metrics>[0]);
  expect((await metrics.text()).match(/="dropped"/g)).toHaveLength(5);
  names = ['kept'];
  const text = await metrics.text();
  expect(text).not.toContain('="dropped"');
  expect(text).toContain('millrace_view_state_bytes{view="kept"} 5');
});

test('an engine and pipelines that have stopped take no figures of others with them', async () => {
  const stopped = async () => {
    throw new Error('stopped');
  };
  const partitions = [{ partition: 0, first: 0, end: 3, bytes: 30 }];
  const options = {
    log: { streams: async () => [{ name: 's', partitions }], consumers: () => [] },
    engine: { views: stopped, status: stopped },
    stats: { totals: () => new Map([['s', 3]]) },
    queryPid: () => 1,
    pipelines: stopped,
  };
  const metrics = new Metrics(options as unknown as ConstructorParameters<typeof Metrics>[0]);
  const text = await metrics.text();
  expect(text).toContain('millrace_log_end_offset{stream="s",partition="0"} 3');
  expect(text).not.toContain('view=');
  expect(text).not.toMatch(/^millrace_engine_memory_bytes /m);
});
