import { describe, expect, test } from 'vitest';
import type { SqlAnswer } from '../../deliver/api.ts';
import type { ViewValue } from '../../process/view.ts';
import { seriesOf } from './result-series.ts';

function answer(columns: [string, string][], rows: ViewValue[][]): SqlAnswer {
  return {
    columns: columns.map(([name, type]) => ({ name, type })),
    rows,
    rowCount: rows.length,
    elapsedMs: 1,
    truncated: false,
  };
}

describe('chart of a result', () => {
  test('each numeric column is a line over the sorted times', () => {
    const series = seriesOf(
      answer(
        [
          ['t', 'TIMESTAMP'],
          ['n', 'BIGINT'],
          ['name', 'VARCHAR'],
          ['m', 'DOUBLE'],
        ],
        [
          ['2026-01-01 00:02:00', 2, 'x', null],
          ['2026-01-01T00:01:00Z', 1, 'y', 0.5],
        ],
      ),
    )!;
    expect(series.everyMs).toBe(60_000);
    expect(series.lines.map(line => [line.label, line.values])).toEqual([
      ['n', [1, 2]],
      ['m', [0.5, null]],
    ]);
  });

  test('time, text and number make a line of each text', () => {
    const series = seriesOf(
      answer(
        [
          ['t', 'DATE'],
          ['host', 'VARCHAR'],
          ['n', 'BIGINT'],
        ],
        [
          ['2026-01-01', 'a', 1],
          ['2026-01-02', 'b', '2'],
        ],
      ),
    )!;
    expect(series.lines.map(line => [line.label, line.values])).toEqual([
      ['a', [1, null]],
      ['b', [null, 2]],
    ]);
  });

  test('without a time first, a number or two rows there is none', () => {
    expect(seriesOf(answer([['n', 'BIGINT']], [[1], [2]]))).toBeUndefined();
    expect(seriesOf(answer([['t', 'TIMESTAMP']], [['2026-01-01'], ['2026-01-02']]))).toBeUndefined();
  });
});
