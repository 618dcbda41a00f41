// The log contract on every implementation there is.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSegmentLog, type SegmentLogOptions } from '../../src/flow/segment-log.ts';
import { openSegmentReader } from '../../src/flow/segment-reader.ts';
import { describeLog } from './log.contract.ts';
import { MemoryLog, type MemoryStore } from './memory-log.ts';

const ways: Record<string, Partial<SegmentLogOptions>> = {
  fsync: {},
  'fsync, past the cache': { directBytes: 1 },
  interval: { durability: { intervalMs: 20 } },
  os: { durability: 'os' },
};

for (const [name, way] of Object.entries(ways)) {
  describeLog(`segment log, ${name}`, { isDense: true, hasSmallSegments: true }, async () => {
    const dir = await mkdtemp(join(tmpdir(), 'millrace-log-'));
    const options: SegmentLogOptions = { dir, segmentBytes: 20_000, reserveBytes: 0, ...way };
    let log = await openSegmentLog(options);
    return {
      log,
      async reopen() {
        await log.close();
        log = await openSegmentLog(options);
        return log;
      },
      reader: () => openSegmentReader(structuredClone(log.share())),
      async dispose() {
        await log.close();
        await rm(dir, { recursive: true, force: true });
      },
    };
  });
}

describeLog('in memory, offsets with holes', { isDense: false, hasSmallSegments: true }, async () => {
  const store: MemoryStore = new Map();
  let log = new MemoryLog(store);
  return {
    log,
    async reopen() {
      await log.close();
      log = new MemoryLog(store);
      return log;
    },
    dispose: () => log.close(),
  };
});
