// The console in a real browser, against the fixture server: everything on a page is drawn from the API under the
// strict content security policy, and no test passes if the page logged an error.
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ConsoleFixture, type LogEvent, lastMs } from './console-fixture.ts';

const executablePath = process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium';
const hasBrowser = existsSync(executablePath);
if (!hasBrowser)
  console.warn(`skipped: no Chromium at ${executablePath}; set CHROMIUM_PATH to run the console's tests`);

const naughtyPath = fileURLToPath(new URL('../../../shared/data/fuzz/blns.json', import.meta.url));
const hasNaughty = existsSync(naughtyPath);
const args =
  '--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking ' +
  '--disable-component-update --disable-sync';

const event: LogEvent = {
  timeMs: lastMs,
  ip: '10.9.9.9',
  status: 503,
  bytes: 1234,
  path: '/live',
  referer: null,
  agent: 'curl/8',
};

describe.skipIf(!hasBrowser)('the console in a browser', () => {
  let browser: Browser;
  let fixture: ConsoleFixture;
  let origin: string;
  let page: Page;
  let complaints: string[];

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath, args: args.split(' ') });
  });
  afterAll(() => browser?.close());

  beforeEach(async () => {
    fixture = new ConsoleFixture({ events: 1500 });
    origin = await fixture.listen();
  });
  afterEach(async () => {
    await page?.context().close();
    await fixture.close();
  });

  async function open(path: string, options: BrowserContextOptions = {}): Promise<void> {
    const context = await browser.newContext({ locale: 'en-GB', timezoneId: 'UTC', ...options });
    page = await context.newPage();
    complaints = [];
    page.on('console', message => {
      // The tests read pixels back; the page does not.
      if (message.text().startsWith('Canvas2D: Multiple readback')) return;
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
    });
    page.on('pageerror', error => complaints.push(String(error)));
    await page.goto(origin + path);
  }

  const panel = (id: string) => page.locator(`[data-panel="${id}"]`);
  const allDrawn = () =>
    page.waitForFunction(() => {
      const panels = [...document.querySelectorAll('[data-panel]')];
      return panels.length === 11 && panels.every(it => it.getAttribute('data-phase') === 'ready');
    });
  const statText = (id: string) => panel(id).locator('.stat-value').textContent();
  const param = (name: string) => new URL(page.url()).searchParams.get(name);
  /** How many pixels of the canvas are of a colour near that of a token. */
  const pixelsOf = (id: string, token: string) =>
    panel(id)
      .locator('canvas')
      .evaluate((canvas: HTMLCanvasElement, name) => {
        const hex = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
        const wanted = [1, 3, 5].map(at => Number.parseInt(hex.slice(at, at + 2), 16));
        const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
        let count = 0;
        for (let i = 0; i < data.length; i += 4) {
          if (wanted.every((part, at) => Math.abs(part - data[i + at]!) < 8) && data[i + 3]! > 200) count++;
        }
        return count;
      }, token);

  test('opens on the first dashboard and draws every panel over all data, years old', async () => {
    await open('/');
    await allDrawn();
    expect(new URL(page.url()).pathname).toBe('/d/access');
    expect(await statText('requests')).toBe('1,500');
    expect(await page.getByRole('button', { name: 'Time range' }).textContent()).toContain('All data');
    expect(await pixelsOf('by-status', '--status-2')).toBeGreaterThan(5000);
    expect(await pixelsOf('sizes', '--series-1')).toBeGreaterThan(100);
    expect(await panel('paths').locator('li').count()).toBe(10);
    expect(await page.title()).toBe('Web access — semicomplete — Millrace');
    expect(complaints).toEqual([]);
  });

  test('a live event moves the chart and then the totals, and a cut connection comes back', async () => {
    await open('/d/access');
    await allDrawn();
    await page.locator('[data-live="live"]').waitFor();
    const red = await pixelsOf('by-status', '--status-5');
    for (let i = 0; i < 40; i++) fixture.add({ ...event, timeMs: lastMs - 30 * 3_600_000 });
    await expect.poll(() => pixelsOf('by-status', '--status-5')).toBeGreaterThan(red + 50);
    await expect.poll(() => statText('requests'), { timeout: 10_000 }).toBe('1,540');
    fixture.dropLive();
    await page.locator('[data-live="reconnecting"]').waitFor();
    await page.locator('[data-live="live"]').waitFor();
    fixture.add(event);
    await expect.poll(() => statText('requests'), { timeout: 10_000 }).toBe('1,541');
    // The cut itself is reported by the browser; nothing else is.
    expect(
      complaints.filter(it => !/ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_CONNECTION|ERR_EMPTY/.test(it)),
    ).toEqual([]);
  });

  test('paused, nothing moves; resumed, it catches up', async () => {
    await open('/d/access?live=off');
    await allDrawn();
    await page.locator('[data-live="off"]').waitFor();
    expect(fixture.requests.filter(it => it.includes('/v1/live'))).toEqual([]);
    fixture.add(event);
    await page.keyboard.press('l');
    await expect.poll(() => statText('requests')).toBe('1,501');
    expect(param('live')).toBeNull();
    expect(complaints).toEqual([]);
  });

  test('a click on a row filters everything, the chip negates and goes', async () => {
    await open('/d/access');
    await allDrawn();
    const first = panel('paths').locator('.list-filter').first();
    const path = (await first.textContent())!;
    const matching = fixture.events.filter(it => it.path === path).length;
    await first.click();
    await expect.poll(() => statText('requests')).toBe(String(matching));
    expect(param('where')).toBe(`path=${path}`);
    expect(await panel('paths').locator('li').count()).toBe(1);
    await page
      .getByRole('button', { name: `Exclude path = ${path}` })
      .first()
      .click();
    await expect.poll(() => statText('requests')).toBe((1500 - matching).toLocaleString('en'));
    expect(param('where')).toBe(`path!=${path}`);
    await page.getByRole('button', { name: `Remove filter path!=${path}` }).click();
    await expect.poll(() => statText('requests')).toBe('1,500');
    await page.goBack();
    await expect.poll(() => statText('requests')).toBe((1500 - matching).toLocaleString('en'));
    await page.getByLabel('Add a filter').fill('status=404');
    await page.getByLabel('Add a filter').press('Enter');
    await expect
      .poll(() => new URL(page.url()).searchParams.getAll('where'))
      .toEqual([`path!=${path}`, 'status=404']);
    expect(complaints).toEqual([]);
  });

  test('dragging on a chart zooms all panels, back undoes it, and zooming out widens', async () => {
    await open('/d/access');
    await allDrawn();
    const plot = panel('by-status').locator('.u-over');
    await plot.scrollIntoViewIfNeeded();
    const box = (await plot.boundingBox())!;
    await page.mouse.move(box.x + box.width * 0.25, box.y + 40);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.4, box.y + 40, { steps: 4 });
    await page.mouse.move(box.x + box.width * 0.5, box.y + 40, { steps: 4 });
    await page.mouse.up();
    await expect.poll(() => param('from')).toMatch(/^2015-05-1[78]T\d\d:00:00Z$/);
    const fromMs = Date.parse(param('from')!);
    const toMs = Date.parse(param('to')!);
    expect((toMs - fromMs) / 3_600_000).toBeGreaterThan(15);
    expect((toMs - fromMs) / 3_600_000).toBeLessThan(27);
    const inside = fixture.events.filter(it => it.timeMs >= fromMs && it.timeMs < toMs).length;
    await expect.poll(() => statText('requests')).toBe(inside.toLocaleString('en'));
    await page.getByRole('button', { name: 'Zoom out' }).click();
    await expect.poll(() => Date.parse(param('to')!) - Date.parse(param('from')!)).toBe((toMs - fromMs) * 2);
    await page.goBack();
    await page.goBack();
    await expect.poll(() => statText('requests')).toBe('1,500');
    expect(complaints).toEqual([]);
  });

  test('hovering shows exact values and moves the cursor of the other charts', async () => {
    await open('/d/access');
    await allDrawn();
    const plot = panel('by-status').locator('.u-over');
    const box = (await plot.boundingBox())!;
    await page.mouse.move(box.x + box.width / 2, box.y + 40);
    const tooltip = panel('by-status').locator('.tooltip');
    await tooltip.waitFor();
    const values = await tooltip.locator('td').allTextContents();
    const total = Number(values.pop());
    expect(values.reduce((sum, value) => sum + Number(value), 0)).toBe(total);
    expect(await page.locator('.tooltip').count()).toBe(1);
    const other = panel('traffic').locator('.u-cursor-x');
    expect(await other.evaluate(line => !line.classList.contains('u-off'))).toBe(true);
    expect(complaints).toEqual([]);
  });

  test('a typed range is applied, a wrong one is refused with words', async () => {
    await open('/d/access');
    await allDrawn();
    await page.keyboard.press('t');
    await page.getByLabel('From', { exact: true }).fill('whenever');
    await page.getByRole('button', { name: 'Apply' }).click();
    expect(await page.getByRole('alert').textContent()).toContain('whenever');
    await page.getByLabel('From', { exact: true }).fill('2015-05-18 00:00');
    await page.getByLabel('To', { exact: true }).fill('2015-05-19 00:00');
    await page.keyboard.press('Enter');
    await expect.poll(() => param('from')).toBe('2015-05-18T00:00:00Z');
    const [fromMs, toMs] = [Date.UTC(2015, 4, 18), Date.UTC(2015, 4, 19)];
    const inside = fixture.events.filter(it => it.timeMs >= fromMs && it.timeMs < toMs).length;
    await expect.poll(() => statText('requests')).toBe(String(inside));
    // The day before holds data from mid-morning only, so there is no comparison with it.
    expect(await page.locator('.stat-change').count()).toBe(0);
    expect(complaints).toEqual([]);
  });

  test('an empty range says so and leads back to the data', async () => {
    await open('/d/access?from=-1h');
    await panel('by-status').getByText('No events in this range').waitFor();
    await panel('by-status').getByRole('button', { name: 'All data' }).click();
    await allDrawn();
    expect(param('from')).toBe('all');
    expect(complaints).toEqual([]);
  });

  test('a failing server is explained with its remedy and can be asked again', async () => {
    await open('/d/access');
    await allDrawn();
    fixture.isFailing = true;
    await page.keyboard.press('t');
    await page.getByRole('button', { name: 'Last 7 days' }).click();
    await panel('by-status').getByRole('alert').waitFor();
    expect(await panel('by-status').getByRole('alert').textContent()).toContain('Try again in a second.');
    fixture.isFailing = false;
    await panel('by-status').getByRole('button', { name: 'Try again' }).click();
    await panel('by-status').getByText('No events in this range').waitFor();
    expect(complaints.filter(it => !it.includes('503'))).toEqual([]);
  });

  test('what is loading and what is wrong are shown', async () => {
    fixture.sources = [
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
    fixture.problems = ['The disk is nearly full.'];
    await open('/d/access');
    await page.getByText('The disk is nearly full.').waitFor();
    expect(await page.locator('.progress-text').textContent()).toContain('25%');
    fixture.sources = [];
    await expect.poll(() => page.locator('.progress').count()).toBe(0);
    expect(complaints).toEqual([]);
  });

  test('SQL: an error is marked at its place, a query gives rows, a chart and a file', async () => {
    await open('/sql');
    const editor = page.locator('.cm-content');
    await editor.click();
    await page.keyboard.type('SELECT 1,\n  no_such_column');
    await page.keyboard.press('Control+Enter');
    await page.getByRole('alert').waitFor();
    expect(await page.locator('.cm-sql-error').textContent()).toBe('no_such_column');
    expect(await page.getByRole('alert').textContent()).toContain('line 2, column 3');
    await page.keyboard.press('Control+a');
    await page.keyboard.type('SELECT hour, requests FROM access');
    await page.keyboard.press('Control+Enter');
    await page.getByRole('table').waitFor();
    expect(await page.locator('.cm-sql-error').count()).toBe(0);
    expect(param('q')).toBe('SELECT hour, requests FROM access');
    await page.getByRole('radio', { name: 'Chart' }).check();
    await page.locator('.sql-chart canvas').waitFor();
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Download CSV' }).click();
    const lines = readFileSync(await (await download).path(), 'utf8').split('\r\n');
    expect(lines[0]).toBe('hour,requests');
    expect(lines.length).toBeGreaterThan(70);
    expect(complaints.filter(it => !it.includes('400'))).toEqual([]);
  });

  test('SQL: names are completed, only rows in sight are in the page, history is kept', async () => {
    await open(`/sql?q=${encodeURIComponent('SELECT * FROM access')}`);
    await page.getByText('1,500 rows').waitFor();
    expect(await page.locator('.result-table tbody tr').count()).toBeLessThan(80);
    await page.locator('.result-scroll').evaluate(element => element.scrollTo(0, element.scrollHeight));
    await page.locator('.result-table tbody tr[aria-rowindex="1501"]').waitFor();
    await page.locator('.result-table').getByText('9007199254740993').first().waitFor();
    await page.locator('.cm-content').click();
    await page.keyboard.press('Control+a');
    await page.keyboard.type('SELECT a.ag');
    await page.keyboard.press('Control+a');
    await page.keyboard.type('SELECT * FROM access_re');
    await page.locator('.cm-tooltip-autocomplete').getByText('access_referer').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'History' }).click();
    await page.locator('.history').getByText('SELECT * FROM access', { exact: true }).click();
    expect(await page.locator('.cm-content').textContent()).toBe('SELECT * FROM access');
    expect(complaints).toEqual([]);
  });

  test('streams: the table, newest events, live tail, and what was rejected and why', async () => {
    await open('/streams');
    await page.getByRole('link', { name: 'access', exact: true }).click();
    await page.locator('.event-row').first().waitFor();
    await page.getByRole('listbox').focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    expect(await page.locator('.detail').textContent()).toContain('Offset 1498');
    await page.getByRole('button', { name: 'Live tail' }).click();
    await page.locator('.tail-state.live-live').waitFor();
    fixture.add({ ...event, path: '/tailed' });
    await page.locator('.event-row').getByText('/tailed').waitFor();
    await page.getByRole('link', { name: /Rejected/ }).click();
    await page.getByText('The user agent is not closed by a quote.').waitFor();
    expect(await page.locator('.rejected').textContent()).toContain('line 8,899');
    expect(await page.locator('.rejected mark').count()).toBe(3);
    await page.getByRole('link', { name: 'Partitions' }).click();
    await page.getByRole('rowheader', { name: 'lake' }).waitFor();
    expect(complaints).toEqual([]);
  });

  test('the keyboard alone reaches everything: pages, filter, chart, help', async () => {
    await open('/d/access');
    await allDrawn();
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.className)).toBe('skip');
    const canvas = panel('by-status').locator('.chart-canvas');
    await canvas.focus();
    for (let i = 0; i < 10; i++) await page.keyboard.press('ArrowRight');
    await panel('by-status').locator('.tooltip').waitFor();
    for (let i = 0; i < 5; i++) await page.keyboard.press('Shift+ArrowRight');
    await page.keyboard.press('Enter');
    await expect.poll(() => (Date.parse(param('to')!) - Date.parse(param('from')!)) / 3_600_000).toBe(6);
    await page.keyboard.press('?');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('f');
    await page.keyboard.type('status=200');
    await page.keyboard.press('Enter');
    await expect.poll(() => param('where')).toBe('status=200');
    await page.evaluate(() => (document.activeElement as HTMLElement).blur());
    await page.keyboard.press('g');
    await page.keyboard.press('s');
    await expect.poll(() => new URL(page.url()).pathname).toBe('/streams');
    expect(complaints).toEqual([]);
  });

  test.each([
    ['ko-KR', 'dark', '웹 접속', '전체 데이터'],
    ['en-GB', 'light', 'Web access', 'All data'],
  ] as const)(
    'in %s and %s, from 360 px to 4K, nothing overflows and nothing complains',
    async (locale, colorScheme, title, all) => {
      await open('/d/access', { locale, colorScheme });
      await allDrawn();
      expect(await page.locator('h1').textContent()).toBe(title);
      await page.getByText(all).first().waitFor();
      expect(await page.evaluate(() => document.documentElement.dataset['theme'])).toBe(colorScheme);
      expect(await page.evaluate(() => document.documentElement.lang)).toBe(locale.slice(0, 2));
      for (const path of [
        '/d/access',
        '/sql?q=SELECT%201',
        '/streams',
        '/streams/access',
        '/streams/access?tab=rejected',
      ]) {
        await page.goto(origin + path);
        for (const width of [360, 768, 1440, 3840]) {
          await page.setViewportSize({ width, height: 900 });
          await page.waitForTimeout(60);
          const excess = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
          expect({ path, width, excess: Math.max(0, excess) }).toEqual({ path, width, excess: 0 });
        }
      }
      expect(complaints).toEqual([]);
    },
  );

  test('language and theme are switched in place and remembered', async () => {
    await open('/d/access', { colorScheme: 'dark' });
    await allDrawn();
    await page.getByRole('radio', { name: '한국어' }).check();
    await page.getByRole('radio', { name: '밝게' }).check();
    await page.reload();
    await allDrawn();
    expect(await page.locator('h1').textContent()).toBe('웹 접속');
    expect(await page.evaluate(() => document.documentElement.dataset['theme'])).toBe('light');
    expect(await pixelsOf('by-status', '--status-2')).toBeGreaterThan(5000);
    expect(complaints).toEqual([]);
  });

  test.skipIf(!hasNaughty)('strings of events are text, whatever they hold', async () => {
    await fixture.close();
    const strings = JSON.parse(readFileSync(naughtyPath, 'utf8')) as string[];
    const markup = strings.filter(it => /[<>]|javascript:|&#/i.test(it));
    expect(markup.length).toBeGreaterThan(100);
    fixture = new ConsoleFixture({ events: 1500 });
    const script = markup.find(it => it.startsWith('<script>'))!;
    for (let i = 0; i < 900; i++)
      fixture.events.push({ ...event, path: script, agent: script, referer: script });
    for (const path of strings) fixture.events.push({ ...event, path, referer: path, agent: path });
    origin = await fixture.listen();
    await open('/d/access');
    await allDrawn();
    const shown = await panel('paths').locator('.list-filter').allTextContents();
    expect(shown).toContain(script);
    for (const path of ['/streams/access', '/streams/access?tab=rejected', '/sql?q=SELECT%201']) {
      await page.goto(origin + path);
      await page.locator('.event-row, .rejected li, .result-table tr').first().waitFor();
    }
    await page.locator('.result-scroll').evaluate(async element => {
      for (let top = 0; top < element.scrollHeight; top += 600) {
        element.scrollTop = top;
        await new Promise(requestAnimationFrame);
      }
    });
    await page.goto(`${origin}/d/access?where=${encodeURIComponent(`path=${script}`)}`);
    await allDrawn();
    expect(await page.locator('.chip-value').textContent()).toBe(script);
    const made = await page.evaluate(
      () => document.querySelectorAll('#app script, #app iframe, #app img, #app [onerror]').length,
    );
    expect(made).toBe(0);
    expect(complaints).toEqual([]);
  });
});
