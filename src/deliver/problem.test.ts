import { expect, test } from 'vitest';
import { MillraceError } from '../core/errors.ts';
import { diskFull, logOverloaded } from '../flow/log-errors.ts';
import { problemHeaders, problemOf } from './problem.ts';

test('an answer after which it may be tried again says after how many seconds', () => {
  const after = (error: Error): unknown => problemHeaders(problemOf(error))['retry-after'];
  expect(after(diskFull(1, 2))).toBe('5');
  expect(after(logOverloaded(1500))).toBe('2');
  expect(after(new MillraceError('engine-behind', '', { status: 503, canRetry: true }))).toBe('1');
  expect(after(new MillraceError('too-many-partitions', '', { status: 507 }))).toBeUndefined();
  expect(after(new MillraceError('bad-time', '', { status: 400, canRetry: true }))).toBeUndefined();
});
