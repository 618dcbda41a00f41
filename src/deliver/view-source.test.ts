import { describe, expect, test } from 'vitest';
import type { ViewQuery, ViewSummary } from '../process/view.ts';
import { historyCursor, needsHistory } from './view-source.ts';

const minute = 60_000_000;
const hour = 60 * minute;
const day = 24 * hour;
const now = 1000 * day;

/** Seconds are kept for two hours, minutes for ten days, hours for ever. */
const view = {
  window: { kind: 'tumbling', everyMs: [1000, 60_000, 3_600_000] },
  watermarkUs: now,
  resolutions: [
    { everyMs: 1000, keepMs: 7_200_000, keptFromUs: now - 2 * hour },
    { everyMs: 60_000, keepMs: 864_000_000, keptFromUs: now - 10 * day },
    { everyMs: 3_600_000, keepMs: null, keptFromUs: null },
  ],
} as unknown as ViewSummary;

const asks = (query: Partial<ViewQuery>): boolean => needsHistory(view, { view: 'v', ...query });

describe('the history is asked', () => {
  test('for windows of a resolution before it is kept', () => {
    expect(asks({ everyMs: 1000, fromUs: now - hour })).toBe(false);
    expect(asks({ everyMs: 1000, fromUs: now - 3 * hour })).toBe(true);
    expect(asks({ everyMs: 1000 })).toBe(true);
    expect(asks({ everyMs: 60_000, fromUs: now - 3 * hour })).toBe(false);
    expect(asks({ everyMs: 3_600_000 })).toBe(false);
  });

  test('for a total whose ends kept windows would miss by more than a hundredth of it', () => {
    expect(asks({ everyMs: 'total' })).toBe(false);
    expect(asks({ everyMs: 'total', fromUs: now - hour + 1 })).toBe(false);
    // Minutes are kept there: half an hour is told by them where it begins and ends with one.
    expect(asks({ everyMs: 'total', fromUs: now - day, toUs: now - day + 30 * minute })).toBe(false);
    expect(asks({ everyMs: 'total', fromUs: now - day + 1, toUs: now - day + 30 * minute })).toBe(true);
    expect(asks({ everyMs: 'total', fromUs: now - day + 1 })).toBe(false);
    expect(asks({ everyMs: 'total', fromUs: now - 20 * day + minute })).toBe(false);
    expect(asks({ everyMs: 'total', fromUs: now - 20 * day + minute, toUs: now - 19 * day })).toBe(true);
  });

  test('for a total of all events, unless all windows of a resolution are kept', () => {
    const of = (resolutions: ViewSummary['resolutions']): boolean =>
      needsHistory({ ...view, resolutions }, { view: 'v', everyMs: 'total', toUs: now });
    expect(of(view.resolutions.slice(0, 2))).toBe(true);
    expect(of([view.resolutions[0]!, { everyMs: 60_000, keepMs: 864_000_000, keptFromUs: null }])).toBe(
      false,
    );
    expect(of(view.resolutions)).toBe(false);
  });

  test('for windows that overlap likewise, and for sessions of which the beginning is not kept', () => {
    const resolutions = [{ everyMs: 60_000, keepMs: 864_000_000, keptFromUs: now - 10 * day }];
    const of = (window: ViewSummary['window'], query: Partial<ViewQuery>): boolean =>
      needsHistory({ ...view, window, resolutions }, { view: 'v', everyMs: 60_000, ...query });
    const hopping = { kind: 'hopping', sizeMs: 300_000, everyMs: 60_000 } as const;
    expect(of(hopping, { fromUs: now - 10 * day - 1 })).toBe(true);
    expect(of(hopping, { fromUs: now - 10 * day })).toBe(false);
    expect(of(hopping, { everyMs: 'total', fromUs: 0 })).toBe(false);
    const session: ViewSummary['window'] = { kind: 'session', gapMs: 60_000, by: ['who'] };
    expect(of(session, { fromUs: now - 10 * day + minute - 1 })).toBe(true);
    expect(of(session, { fromUs: now - 10 * day + minute })).toBe(false);
    expect(of(session, {})).toBe(true);
  });

  test('for the later pages of its own answers only', () => {
    expect(asks({ everyMs: 60_000, cursor: historyCursor(100) })).toBe(true);
    expect(asks({ everyMs: 1000, cursor: 'eyJza2lwIjoxfQ' })).toBe(false);
  });
});
