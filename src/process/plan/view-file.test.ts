import { describe, expect, it } from 'vitest';
import { parseViewFile } from './view-file.ts';

const [second, minute, hour, day] = [1000, 60_000, 3_600_000, 86_400_000];
const parse = (text: string) => parseViewFile('view', text);

describe('the header of a view', () => {
  it('has defaults', () => {
    expect(parse('SELECT 1')).toEqual({
      window: { kind: 'tumbling', everyMs: [second, minute, hour, day] },
      keepMs: [
        { everyMs: second, keepMs: 2 * hour },
        { everyMs: minute, keepMs: 14 * day },
        { everyMs: hour, keepMs: null },
        { everyMs: day, keepMs: null },
      ],
      delayMs: 10 * second,
      latenessMs: minute,
      aheadMs: hour,
      maxGroups: 10_000,
      positions: {},
    });
  });

  it('says resolutions, keep times and bounds', () => {
    const header = parse(
      '-- every: 5m, 30s, 1h\n-- keep: 30s for 1d, 1h for ever\n-- delay: 2s\n-- lateness: 1h\n-- ahead: 5m\n-- max groups: 1,000\nSELECT 1',
    );
    expect(header.window).toEqual({ kind: 'tumbling', everyMs: [30 * second, 5 * minute, hour] });
    expect(header.keepMs).toEqual([
      { everyMs: 30 * second, keepMs: day },
      { everyMs: 5 * minute, keepMs: 14 * day },
      { everyMs: hour, keepMs: null },
    ]);
    expect(header).toMatchObject({ delayMs: 2000, latenessMs: hour, aheadMs: 5 * minute, maxGroups: 1000 });
  });

  it('says hopping windows and sessions', () => {
    expect(parse('-- window: 5m every 1m\n-- keep: 30d\nSELECT 1')).toMatchObject({
      window: { kind: 'hopping', sizeMs: 5 * minute, everyMs: minute },
      keepMs: [{ everyMs: minute, keepMs: 30 * day }],
    });
    expect(parse('-- window: 1m every 1m\nSELECT 1').window).toEqual({ kind: 'tumbling', everyMs: [minute] });
    expect(parse('-- session: 30m by user, "the page"\nSELECT 1')).toMatchObject({
      window: { kind: 'session', gapMs: 30 * minute, by: ['user', 'the page'] },
      keepMs: [{ everyMs: 30 * minute, keepMs: 14 * day }],
    });
  });

  it.each([
    '-- window: 5m every 1m\n-- keep: for ever',
    '-- session: 30m by user\n-- keep: for ever',
    '-- every: 1m\n-- keep: for ever',
    '-- every: 1m\n-- keep: 1m for ever',
  ])('keeps windows for ever: %s', text => {
    expect(parse(`${text}\nSELECT 1`).keepMs).toMatchObject([{ keepMs: null }]);
  });

  it('stands behind comments of the other kind as well', () => {
    const header = parse(
      '/* Owner: shop\n-- every: 5m */\n--- every: 1m\n/* -- keep: 1d */ -- keep: 2d\nSELECT 1',
    );
    expect(header.keepMs).toEqual([{ everyMs: minute, keepMs: 2 * day }]);
    expect(parse('-- see /* below\n-- every: 1m\n/* */ SELECT 1 -- every: 5m').window).toEqual(
      parse('-- every: 1m').window,
    );
  });

  it.each([
    ['-- every 1m', 4, 'has no colon', 'Write: -- every: 1m'],
    ['/* a */ -- Keep = 1m for 2h, 1h for 1d', 12, 'has no colon', 'Write: -- keep: 1m for 2h, 1h for 1d'],
    ['-- every 1h30m', 4, 'has no colon', 'Write: -- every: 1h30m'],
    ['-- session 30m by user', 4, 'has no colon', 'Write: -- session: 30m by user'],
    ['-- keep forever', 4, 'has no colon', 'Write: -- keep: forever'],
    ['-- max groups 5,000', 4, 'has no colon', 'Write: -- max groups: 5,000'],
    ['-- tumbling: 5m', 4, 'no key', 'Did you mean "every"?'],
    ['-- hop: 5m every 1m', 4, 'no key', 'Did you mean "window"?'],
    ['-- ttl: 30d', 4, 'no key', 'Did you mean "keep"?'],
    ['-- every: 1m, 60s', 11, '1m is given twice', 'once'],
  ])('refuses what would be a mere comment, or cannot be meant: %s', (text, column, reason, remedy) => {
    expect(() => parse(`${text}\nSELECT 1`)).toThrow(
      expect.objectContaining({
        message: expect.stringContaining(reason),
        remedy: expect.stringContaining(remedy),
        context: expect.objectContaining({ line: 1, column }),
      }),
    );
  });

  it.each([
    '-- every 5 minutes we look',
    '-- interval: as the team wanted',
    '-- window 5',
    '-- keep 30d by law',
    '-- delay 5s for slow phones',
    '-- every 1h for the team',
    '-- max groups 5 of a kind',
  ])('leaves a comment alone that only begins like a key: %s', text => {
    expect(parse(`${text}\nSELECT 1`)).toEqual(parse('SELECT 1'));
  });

  it('leaves other comments alone, and what comes after the SELECT', () => {
    const header = parse('-- TODO: nothing\n-- Note that every: is a key\n\nSELECT 1\n-- every: 5m');
    expect(header.window).toEqual({ kind: 'tumbling', everyMs: [second, minute, hour, day] });
  });

  it('says where each value is', () => {
    const text = '-- a note\n--  every :  1m\nSELECT 1';
    expect(text.slice(parse(text).positions['every'])).toMatch(/^1m\n/);
  });
});
