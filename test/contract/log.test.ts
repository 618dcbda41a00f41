// The log contract on every implementation there is.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSegmentLog, type SegmentLogOptions } from '../../src/flow/segment-log.ts';
import { openSegmentReader } from '../../src/flow/segment-reader.ts';
import { describeLog } from './log.contract.ts';

for (const durability of ['fsync', { intervalMs: 20 }, 'os'] as const) {
  const name = typeof durability === 'string' ? durability : 'interval';
  describeLog(`segment log, ${name}`, { isDense: true, hasSmallSegments: true }, async () => {
    const dir = await mkdtemp(join(tmpdir(), 'millrace-log-'));
    const options: SegmentLogOptions = { dir, durability, segmentBytes: 20_000, reserveBytes: 0 };
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
