// The console in a real browser, further: pausing, typed ranges, failures, streams, keyboard, languages, widths.
import { describe, expect, test } from 'vitest';
import { event, hasBrowser, useConsole } from './console-browser.ts';

describe.skipIf(!hasBrowser)('the console in a browser, further', () => {
  const c = useConsole();

  test('paused, nothing moves; resumed, it catches up', async () => {
    await c.open('/d/access?live=off');
    await c.allDrawn();
    await c.page.locator('[data-live="off"]').waitFor();
    expect(c.fixture.requests.filter(it => it.includes('/v1/live'))).toEqual([]);
    c.fixture.add(event);
    await c.page.keyboard.press('l');
    await expect.poll(() => c.statText('requests')).toBe('1,001');
    await expect.poll(() => c.param('live')).toBeNull();
    expect(c.complaints).toEqual([]);
  });

  test('hovering shows exact values and moves the cursor of the other charts', async () => {
    await c.open('/d/access');
    await c.allDrawn();
    const plot = c.panel('by-status').locator('.u-over');
    const box = (await plot.boundingBox())!;
    await c.page.mouse.move(box.x + box.width / 2, box.y + 40);
    const tooltip = c.panel('by-status').locator('.tooltip');
    await tooltip.waitFor();
    await expect
      .poll(async () => {
        const values = await tooltip.locator('td').allTextContents();
        const total = Number(values.pop());
        return values.reduce((sum, value) => sum + Number(value), 0) - total;
      })
      .toBe(0);
    await expect.poll(() => c.page.locator('.tooltip').count()).toBe(1);
    const other = c.panel('traffic').locator('.u-cursor-x');
    await expect.poll(() => other.evaluate(line => !line.classList.contains('u-off'))).toBe(true);
    expect(c.complaints).toEqual([]);
  });

  test('a typed range is applied, a wrong one is refused with words', async () => {
    await c.open('/d/access');
    await c.allDrawn();
    await c.page.keyboard.press('t');
    await c.page.getByLabel('From', { exact: true }).fill('whenever');
    await c.page.getByRole('button', { name: 'Apply' }).click();
    await expect.poll(() => c.page.getByRole('alert').textContent()).toContain('whenever');
    await c.page.getByLabel('From', { exact: true }).fill('2015-05-18 00:00');
    await c.page.getByLabel('To', { exact: true }).fill('2015-05-19 00:00');
    await c.page.keyboard.press('Enter');
    await expect.poll(() => c.param('from')).toBe('2015-05-18T00:00:00Z');
    const [fromMs, toMs] = [Date.UTC(2015, 4, 18), Date.UTC(2015, 4, 19)];
    const inside = c.fixture.events.filter(it => it.timeMs >= fromMs && it.timeMs < toMs).length;
    await expect.poll(() => c.statText('requests')).toBe(String(inside));
    // The day before holds data from mid-morning only, so there is no comparison with it.
    await expect.poll(() => c.page.locator('.stat-change').count()).toBe(0);
    expect(c.complaints).toEqual([]);
  });

  test('an empty range says so and leads back to the data', async () => {
    await c.open('/d/access?from=-1h');
    await c.panel('by-status').getByText('No events in this range').waitFor();
    await c.panel('by-status').getByRole('button', { name: 'All data' }).click();
    await c.allDrawn();
    await expect.poll(() => c.param('from')).toBe('all');
    expect(c.complaints).toEqual([]);
  });

  test('a failing server is explained with its remedy and can be asked again', async () => {
    await c.open('/d/access');
    await c.allDrawn();
    c.fixture.isFailing = true;
    await c.page.keyboard.press('t');
    await c.page.getByRole('button', { name: 'Last 7 days' }).click();
    await c.panel('by-status').getByRole('alert').waitFor();
    await expect
      .poll(() => c.panel('by-status').getByRole('alert').textContent())
      .toContain('Try again in a second.');
    c.fixture.isFailing = false;
    await c.panel('by-status').getByRole('button', { name: 'Try again' }).click();
    await c.panel('by-status').getByText('No events in this range').waitFor();
    expect(c.complaints.filter(it => !it.includes('503'))).toEqual([]);
  });

  test('what is loading and what is wrong are shown', async () => {
    c.fixture.sources = [
      {
        name: 'access.log',
        stream: 'access',
        format: 'Apache combined',
        why: 'all of the first 100 lines match',
        state: 'loading',
        bytesRead: 50,
        bytesTotal: 200,
        events: 10,
        rejected: 0,
      },
    ];
    c.fixture.problems = ['The disk is nearly full.'];
    await c.open('/d/access');
    await c.page.getByText('The disk is nearly full.').waitFor();
    await expect.poll(() => c.page.locator('.progress-text').textContent()).toContain('25%');
    c.fixture.sources = [];
    await expect.poll(() => c.page.locator('.progress').count()).toBe(0);
    expect(c.complaints).toEqual([]);
  });

  test('SQL: names are completed, only rows in sight are in the page, history is kept', async () => {
    await c.open(`/sql?q=${encodeURIComponent('SELECT * FROM access')}`);
    await c.page.getByText('1,000 rows').waitFor();
    await c.page.locator('.result-table tbody tr').first().waitFor();
    expect(await c.page.locator('.result-table tbody tr').count()).toBeLessThan(80);
    await c.page.locator('.result-scroll').evaluate(element => element.scrollTo(0, element.scrollHeight));
    await c.page.locator('.result-table tbody tr[aria-rowindex="1001"]').waitFor();
    await c.page.locator('.result-table').getByText('9007199254740993').first().waitFor();
    await c.page.locator('.cm-content').click();
    await c.page.keyboard.press('Control+a');
    await c.page.keyboard.type('SELECT a.ag');
    await c.page.keyboard.press('Control+a');
    await c.page.keyboard.type('SELECT * FROM access_re');
    await c.page.locator('.cm-tooltip-autocomplete').getByText('access_referer').waitFor();
    await c.page.keyboard.press('Escape');
    await c.page.getByRole('button', { name: 'History' }).click();
    await c.page.locator('.history').getByText('SELECT * FROM access', { exact: true }).click();
    await expect.poll(() => c.page.locator('.cm-content').textContent()).toBe('SELECT * FROM access');
    expect(c.complaints).toEqual([]);
  });

  test('streams: the table, newest events, live tail, and what was rejected and why', async () => {
    await c.open('/streams');
    await c.page.getByRole('link', { name: 'access', exact: true }).click();
    await c.page.locator('.event-row').first().waitFor();
    await c.page.getByRole('listbox').focus();
    await c.page.keyboard.press('ArrowDown');
    await c.page.keyboard.press('ArrowDown');
    await expect.poll(() => c.page.locator('.detail').textContent()).toContain('Offset 998');
    await c.page.getByRole('button', { name: 'Live tail' }).click();
    await c.page.locator('.tail-state.live-live').waitFor();
    c.fixture.add({ ...event, path: '/tailed' });
    await c.page.locator('.event-row').getByText('/tailed').waitFor();
    await c.page.getByRole('link', { name: /Rejected/ }).click();
    await c.page.getByText('The user agent is not closed by a quote.').waitFor();
    await expect.poll(() => c.page.locator('.rejected').textContent()).toContain('line 8,899');
    await expect.poll(() => c.page.locator('.rejected mark').count()).toBe(3);
    await c.page.getByRole('link', { name: 'Partitions' }).click();
    await c.page.getByRole('rowheader', { name: 'lake' }).waitFor();
    expect(c.complaints).toEqual([]);
  });

  test('the keyboard alone reaches everything: pages, filter, chart, help', async () => {
    await c.open('/d/access');
    await c.allDrawn();
    await c.page.keyboard.press('Tab');
    await expect.poll(() => c.page.evaluate(() => document.activeElement?.className)).toBe('skip');
    const canvas = c.panel('by-status').locator('.chart-canvas');
    await canvas.focus();
    for (let i = 0; i < 10; i++) await c.page.keyboard.press('ArrowRight');
    await c.panel('by-status').locator('.tooltip').waitFor();
    for (let i = 0; i < 5; i++) await c.page.keyboard.press('Shift+ArrowRight');
    await c.page.keyboard.press('Enter');
    await expect.poll(() => (Date.parse(c.param('to')!) - Date.parse(c.param('from')!)) / 3_600_000).toBe(6);
    await c.page.keyboard.press('?');
    await c.page.getByRole('dialog').waitFor();
    await c.page.keyboard.press('Escape');
    await c.page.getByRole('dialog').waitFor({ state: 'hidden' });
    await c.page.keyboard.press('f');
    const filter = c.page.getByLabel('Add a filter');
    await expect.poll(() => filter.evaluate(input => input === document.activeElement)).toBe(true);
    await c.page.keyboard.type('status=200');
    await c.page.keyboard.press('Enter');
    await expect.poll(() => c.param('where')).toBe('status=200');
    await c.page.evaluate(() => (document.activeElement as HTMLElement).blur());
    await c.page.keyboard.press('g');
    await c.page.keyboard.press('s');
    await expect.poll(() => new URL(c.page.url()).pathname).toBe('/streams');
    expect(c.complaints).toEqual([]);
  });

  test.each([
    ['ko-KR', 'dark', '웹 접속', '전체 데이터'],
    ['en-GB', 'light', 'Web access', 'All data'],
  ] as const)(
    'in %s and %s, from 360 px to 4K, nothing overflows and nothing complains',
    async (locale, colorScheme, title, all) => {
      await c.open('/d/access', { locale, colorScheme });
      await c.allDrawn();
      await expect.poll(() => c.page.locator('h1').textContent()).toBe(title);
      await c.page.getByText(all).first().waitFor();
      await expect
        .poll(() => c.page.evaluate(() => document.documentElement.dataset['theme']))
        .toBe(colorScheme);
      await expect.poll(() => c.page.evaluate(() => document.documentElement.lang)).toBe(locale.slice(0, 2));
      for (const [path, content] of [
        ['/d/access', '[data-panel="by-status"] canvas'],
        ['/sql?q=SELECT%201', '.result-table tbody tr'],
        ['/streams', 'table tbody tr'],
        ['/streams/access', '.event-row'],
        ['/streams/access?tab=rejected', '.rejected li'],
      ] as const) {
        await c.page.goto(c.origin + path);
        await c.page.locator(content).first().waitFor();
        for (const width of [360, 768, 1440, 3840]) {
          await c.page.setViewportSize({ width, height: 900 });
          // Charts take their new width in the frame after the one in which they see it.
          await c.page.evaluate(async () => {
            for (let i = 0; i < 3; i++) await new Promise(requestAnimationFrame);
          });
          const excess = () => c.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
          await expect
            .poll(async () => ({ path, width, excess: Math.max(0, await excess()) }))
            .toEqual({ path, width, excess: 0 });
        }
      }
      expect(c.complaints).toEqual([]);
    },
  );

  test('on a phone what opens stays on the screen', async () => {
    await c.open('/d/access', { viewport: { width: 360, height: 740 } });
    await c.allDrawn();
    await c.page.getByRole('button', { name: 'Time range' }).click();
    await expect
      .poll(async () => {
        const box = (await c.page.locator('.popover').boundingBox())!;
        const isInside = box.x >= 0 && box.y >= 0 && box.x + box.width <= 360 && box.y + box.height <= 740;
        return isInside ? 'inside' : box;
      })
      .toBe('inside');
    await c.page.getByRole('button', { name: 'Last 30 days' }).click();
    await expect.poll(() => c.page.locator('.popover').count()).toBe(0);
    expect(c.complaints).toEqual([]);
  });

  test('language and theme are switched in place and remembered', async () => {
    await c.open('/d/access', { colorScheme: 'dark' });
    await c.allDrawn();
    await c.page.getByRole('radio', { name: '한국어' }).check();
    await c.page.getByRole('radio', { name: '밝게' }).check();
    // The canvas is painted anew in the colours of the other theme.
    await expect.poll(() => c.pixelsOf('by-status', '--status-2')).toBeGreaterThan(5000);
    await c.page.reload();
    await c.allDrawn();
    await expect.poll(() => c.page.locator('h1').textContent()).toBe('웹 접속');
    await expect.poll(() => c.page.evaluate(() => document.documentElement.dataset['theme'])).toBe('light');
    await expect.poll(() => c.pixelsOf('by-status', '--status-2')).toBeGreaterThan(5000);
    expect(c.complaints).toEqual([]);
  });
});
