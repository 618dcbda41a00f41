import { describe, expect, test } from 'vitest';
import type { SqlAnswer } from '../../deliver/api.ts';
import type { ViewValue } from '../../process/view.ts';
import { remembered } from './query-history.ts';
import { seriesOf } from './result-series.ts';
import { cellText, isNumeric, toCsv, toJson } from './result-text.ts';

function answer(columns: [string, string][], rows: ViewValue[][]): SqlAnswer {
  return {
    columns: columns.map(([name, type]) => ({ name, type })),
    rows,
    rowCount: rows.length,
    elapsedMs: 1,
    truncated: false,
  };
}

describe('text of a result', () => {
  test('cells show times without the T and the rest as it is', () => {
    expect(cellText('2015-05-17T10:05:03.000Z', 'TIMESTAMP')).toBe('2015-05-17 10:05:03');
    expect(cellText('2015-05-17T10:05:03.042Z', 'TIMESTAMP')).toBe('2015-05-17 10:05:03.042');
    expect(cellText('2015-05-17T10:05:03.000Z', 'VARCHAR')).toBe('2015-05-17T10:05:03.000Z');
    expect(cellText(null, 'BIGINT')).toBe('NULL');
    expect(cellText('9007199254740993', 'HUGEINT')).toBe('9007199254740993');
    expect(cellText({ a: [1] }, 'STRUCT(a BIGINT[])')).toBe('{"a":[1]}');
  });

  test('CSV quotes what RFC 4180 asks for and tells NULL from an empty text', () => {
    const csv = toCsv(
      answer(
        [
          ['a', 'VARCHAR'],
          ['b,c', 'VARCHAR'],
        ],
        [
          ['say "hi"', 'x\ny'],
          [null, ''],
        ],
      ),
    );
    expect(csv).toBe('a,"b,c"\r\n"say ""hi""","x\ny"\r\n,""\r\n');
  });

  test('JSON keeps every column, also of the same name', () => {
    const columns: [string, string][] = [
      ['n', 'BIGINT'],
      ['n', 'BIGINT'],
    ];
    expect(JSON.parse(toJson(answer(columns, [[1, 2]])))).toEqual([{ n: 1, n_2: 2 }]);
  });

  test('numeric types of DuckDB are known', () => {
    for (const type of ['TINYINT', 'INTEGER', 'UBIGINT', 'HUGEINT', 'DOUBLE', 'DECIMAL(18,3)']) {
      expect(isNumeric(type)).toBe(true);
    }
    for (const type of ['VARCHAR', 'BIGINT[]', 'INTERVAL']) expect(isNumeric(type)).toBe(false);
  });
});

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

test('the history has each query once, newest first, and is bounded', () => {
  expect(remembered(['a', 'b'], ' b ')).toEqual(['b', 'a']);
  expect(remembered(['a'], '  ')).toEqual(['a']);
  expect(
    remembered(
      Array.from({ length: 50 }, (_, n) => `q${n}`),
      'new',
    ),
  ).toHaveLength(50);
});
