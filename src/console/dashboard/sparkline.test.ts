import { expect, test } from 'vitest';
import { sparkline } from './sparkline.ts';

test('a course runs over the whole box, zero at its foot', () => {
  expect(sparkline([0, 5, 10])).toEqual({
    line: 'M0 29L50 15L100 1',
    area: 'M0 29L50 15L100 1L100 30L0 30Z',
  });
});

test('a gap splits the line and the area', () => {
  const { line, area } = sparkline([1, 1, null, 1, 1]);
  expect(line.match(/M/g)).toHaveLength(2);
  expect(area.match(/Z/g)).toHaveLength(2);
});

test('one point is no course', () => {
  expect(sparkline([null, 3])).toEqual({ line: '', area: '' });
});
