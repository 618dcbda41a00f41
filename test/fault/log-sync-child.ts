// The process that log-strace.test.ts watches: some appends, each told on standard output once it is answered.
import { writeSync } from 'node:fs';
import { openSegmentLog } from '../../src/flow/segment-log.ts';

async function main(dir: string, appends: number): Promise<void> {
  const log = await openSegmentLog({ dir, segmentBytes: 4000, reserveBytes: 0 });
  await log.createStream('s');
  for (let i = 0; i < appends; i++) {
    // One small batch, then three at once, one of which is large enough to be written by another thread.
    const sizes = i % 2 === 0 ? [300] : [300, 700_000, 20];
    await Promise.all(
      sizes.map(size =>
        log.append('s', 0, { bytes: Buffer.from(`{"a":"${'x'.repeat(size)}"}\n`), count: 1 }),
      ),
    );
    writeSync(1, `answered ${i}\n`);
  }
  await log.close();
}

void main(process.argv[2]!, Number(process.argv[3]));
