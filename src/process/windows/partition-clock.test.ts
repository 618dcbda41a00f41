import { expect, test } from 'vitest';
import type { Batch } from '../batch.ts';
import { planOf } from '../plan/plan.fixture.ts';
import { levelOptionsOf } from './cut.ts';
import { PartitionClock } from './partition-clock.ts';

const second = 1_000_000;
const start = Date.UTC(2026, 0, 1) * 1000;

async function clockOf(header: string): Promise<PartitionClock> {
  return new PartitionClock(await planOf(`${header}\nSELECT count(*) FROM s`), undefined);
}

/** Events at seconds after the start, appended at one of them. */
function batch(appended: number, ...at: number[]): Batch {
  return {
    rows: at.length,
    firstOffset: 0,
    timesUs: Float64Array.from(at, seconds => start + seconds * second),
    appendUs: new Float64Array(at.length).fill(start + appended * second),
    mismatched: 0,
  } as unknown as Batch;
}

const watermark = ({ record }: PartitionClock): number => (record.watermarkUs! - start) / second;

test('an idle partition follows the wall clock by ten seconds and its delay, and never goes back', async () => {
  const clock = await clockOf('-- every: 1s\n-- delay: 5s');
  const nowMs = (seconds: number): number => start / 1000 + seconds * 1000;
  expect(clock.idle(nowMs(0))).toBe(false);
  clock.advance(batch(100, 100));
  clock.noteEvents(nowMs(100));
  expect(watermark(clock)).toBe(95);
  expect(clock.idle(nowMs(109.999))).toBe(false);
  expect(clock.idle(nowMs(110))).toBe(false);
  expect(clock.idle(nowMs(130))).toBe(true);
  expect(watermark(clock)).toBe(115);
  expect(clock.idle(nowMs(130))).toBe(false);
  expect(clock.idle(nowMs(120))).toBe(false);
  clock.advance(batch(140, 110));
  expect(watermark(clock)).toBe(115);
  clock.advance(batch(140, 125));
  expect(watermark(clock)).toBe(120);
});

test('a partition whose events are late is idle ten seconds after the last of them', async () => {
  const clock = await clockOf('-- every: 1s\n-- delay: 0s');
  clock.advance(batch(100, 50));
  clock.noteEvents(start / 1000 + 100_000);
  expect(clock.idle(start / 1000 + 109_999)).toBe(false);
  expect(clock.idle(start / 1000 + 110_000)).toBe(true);
  expect(watermark(clock)).toBe(100);
});

test('an event moves the clock up to its append time and `ahead`, and what is later is counted', async () => {
  const clock = await clockOf('-- every: 1s\n-- delay: 0s\n-- ahead: 1m');
  clock.advance(batch(0, 60, 60.000001, 3600));
  expect(clock.record).toMatchObject({ ahead: 2, highUs: start + 60 * second, lowUs: start + 60 * second });
  clock.advance(batch(0, 10));
  expect(clock.record).toMatchObject({ ahead: 2, highUs: start + 60 * second, lowUs: start + 10 * second });
  clock.advance(batch(0, 20));
  expect(clock.record.lowUs).toBe(start + 10 * second);
});

test('an event is expired by those that came before it, of which one far ahead is none', async () => {
  const header = '-- every: 1s\n-- delay: 0s\n-- keep: 1h';
  const levels = levelOptionsOf(await planOf(`${header}\nSELECT count(*) FROM s`)).map(options => ({
    options,
  }));
  const masked = async (...at: number[]): Promise<{ mask: number[]; clock: PartitionClock }> => {
    const clock = await clockOf(header);
    const events = batch(7200, ...at);
    const mask = new Uint8Array(at.length).fill(1);
    if (clock.advance(events)) clock.clearExpired(events, mask, 0, 0, levels);
    return { mask: [...mask], clock };
  };
  const { mask, clock } = await masked(7200, 0, 1e9, 7199);
  expect(mask).toEqual([1, 0, 1, 1]);
  expect(clock.record).toMatchObject({ expired: 1, recentExpired: [{ offset: 1, timeUs: start }] });
  expect((await masked(0, 7200)).mask).toEqual([1, 1]);
  // The window of a second that ends where the keep time begins has gone.
  expect((await masked(7200, 3599.999999, 3600)).mask).toEqual([1, 0, 1]);
  const many = await masked(7200, ...Array(150).fill(0));
  expect(many.clock.record.expired).toBe(150);
  expect(many.clock.record.recentExpired.map(({ offset }) => offset)).toEqual(
    Array.from({ length: 100 }, (_, i) => 51 + i),
  );
});
