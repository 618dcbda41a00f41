import { describe, expect, test } from 'vitest';
import type { SqlAnswer } from '../../deliver/api.ts';
import type { ViewValue } from '../../process/view.ts';
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
