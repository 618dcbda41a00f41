import { describe, expect, it } from 'vitest';
import { difference } from '../expression/expression-oracle.fixture.ts';
import { query } from '../plan.fixture.ts';
import { scalarFunction } from './registry.ts';

describe('strftime', () => {
  it.each(['%f', '%H:%M:%S', '%H:%M', '%I %p', '%Y-%m-%d', '%j %a %u %w', '%G-%V', '%b %y 100%%', 'plain'])(
    '%s follows DuckDB over times that go on by little, across every boundary, and back',
    async format => {
      const steps = [0, 1, 999_999, 1_000_000, 59_000_000, 60_000_000, 3_599_999_999, 3_600_000_000];
      const days = [-1, 0, 58, 59, 60, 364, 365, 20_453, 20_454, -400_000];
      const times = days.flatMap(day =>
        [...steps, 43_200_000_000, 86_399_999_999].map(us => day * 86_400_000_000 + us),
      );
      times.push(...[...times].reverse());
      const { scalar } = scalarFunction('strftime')!.signatures[0]!;
      const apply = scalar as (timeUs: number, format: string) => string;
      const wanted = await query(
        `SELECT strftime(make_timestamp(us), '${format}') FROM (VALUES ${times
          .map((us, index) => `(${index}, ${us}::BIGINT)`)
          .join(', ')}) AS times(nth, us) ORDER BY nth`,
      );
      expect(times.map(us => apply(us, format))).toEqual(wanted.map(([text]) => text));
    },
  );
});

const row = { i: 0n, j: 0n, x: 0, y: 0, s: '', t: '', b: true, c: true, d: 0, e: 0 };

describe('times from numbers', () => {
  it.each(['to_timestamp(x)', 'epoch_ms(x)', 'make_timestamp(i)', 'epoch_us(to_timestamp(x))'])(
    '%s is NULL where the number is beyond 2^53 µs, here and in an audit',
    async sql => {
      const far = [1e300, -1e300, 9e9, 9.1e9, 9.1e12, -9.1e12, 1.5, -1.5, 0];
      const whole = [2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n - 1n, 2n ** 53n, 15n, -15n, 0n, 1n, 2n];
      const rows = far.map((x, index) => ({ ...row, x, i: whole[index]! }));
      expect(await difference(sql, rows as never)).toBeUndefined();
    },
  );
});

describe('numbers of seconds', () => {
  it('are rounded to microseconds half to even, as DuckDB rounds them', async () => {
    const numbers = [0.0000005, 0.0000015, -0.0000005, -0.0000025, 2.0000005, 1_700_000_000.1234565];
    const rows = numbers.map(x => ({ ...row, x }));
    for (const sql of ['epoch_us(to_timestamp(x))', 'epoch(to_seconds(x))'])
      expect(await difference(sql, rows)).toBeUndefined();
  });
});

describe('intervals as text', () => {
  it('are what DuckDB writes of the difference of two times', async () => {
    const hours = [0, 1, 23.999, 24, 25.5, 48, 1000].flatMap(hour => [hour * 3600e6, -hour * 3600e6]);
    const lengths = [...hours, 2e6, -2e6, 1, -1, 500_000, -500_000, 86_400e6 + 1, -86_400e6 - 1, 1.7e15];
    const rows = lengths.map(length => ({ ...row, d: length, e: 0 }));
    expect(await difference('(d - e)::VARCHAR', rows)).toBeUndefined();
    expect(await difference("concat(d - e, '')", rows)).toBeUndefined();
    expect(await difference("'after ' || (d - e)", rows)).toBeUndefined();
    expect(await difference("INTERVAL '1 hour 2.5 seconds'::VARCHAR", [row])).toBeUndefined();
  });
});

describe('whole numbers', () => {
  it.each([
    '1 / epoch_ms(d)',
    "1 / date_diff('week', e, d)",
    '1 / round(i, -1)',
    '1 / (i % 3)',
    '1 / (i // 9)',
  ])('%s knows no negative zero', async sql => {
    expect(await difference(sql, [{ ...row, d: -3, i: -3n }])).toBeUndefined();
  });
});
