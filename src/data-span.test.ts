import { expect, test } from 'vitest';
import { dataSpan } from './data-span.ts';
import type { ViewQuery, ViewResult, ViewSummary } from './process/view.ts';

const minuteUs = 60_000_000;

test('what cannot be asked now keeps nobody from the span of the others', async () => {
  const view = (name: string, stream: string) =>
    ({ name, streams: [stream], columns: [], watermarkUs: 0, resolutions: [{ everyMs: 60_000 }] }) as unknown;
  const query = async ({ view }: ViewQuery) => {
    if (view === 'failing') throw new Error('its rows cannot be computed');
    return { rows: [{ startUs: minuteUs, endUs: 2 * minuteUs }] } as ViewResult;
  };
  const views = async () => [view('failing', 'a'), view('fine', 'b')] as ViewSummary[];
  expect(await dataSpan({ views, query })).toEqual({
    from: '1970-01-01T00:01:00.000Z',
    to: '1970-01-01T00:02:00.000Z',
  });
  expect(await dataSpan({ views: () => Promise.reject(new Error('stopped')), query })).toBeNull();
});
