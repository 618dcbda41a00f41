// The tiny form of bench/log.bench.ts, so that it does not rot; its figures mean nothing.
import { expect, it } from 'vitest';
import { benchmark } from '../../bench/log.bench.ts';

it('runs the log benchmark in its tiny form', async () => {
  const cases = await benchmark.run({ tiny: true, seed: 1 });
  expect(cases.filter(({ peer }) => peer)).toHaveLength(2);
  expect(cases.every(({ value }) => Number.isFinite(value) && value > 0)).toBe(true);
  for (const unit of ['MB/s', 'durable events/s', 'GB/s', 'ms to ack', 'ms']) {
    expect(cases.map(one => one.unit)).toContain(unit);
  }
});
