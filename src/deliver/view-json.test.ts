import { expect, test } from 'vitest';
import { viewWindow } from './view-json.ts';

test('a window says that it stands for the groups beyond the cap, and which rows may lack a part', () => {
  const row = { startUs: 0, endUs: 60_000_000, revision: 2, final: false, values: [null, 5] };
  const plain = {
    start: '1970-01-01T00:00:00.000Z',
    end: '1970-01-01T00:01:00.000Z',
    revision: 2,
    final: false,
    values: [null, 5],
  };
  expect(viewWindow(row)).toEqual(plain);
  expect(viewWindow({ ...row, overflow: true })).toEqual({ ...plain, overflow: true });
  expect(viewWindow({ ...row, incomplete: true })).toEqual({ ...plain, incomplete: true });
});
