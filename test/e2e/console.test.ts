// The console in a real browser, against the fixture server: what a dashboard must do, under the strict content
// security policy. No test passes if the page logged an error. The rest is in console.long.test.ts.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { event, hasBrowser, hasNaughty, naughtyPath, useConsole } from './console-browser.ts';
import { lastMs } from './console-fixture.ts';

describe.skipIf(!hasBrowser)('the console in a browser', () => {
  const c = useConsole();

  test('opens on the first dashboard and draws every panel over all data, years old', async () => {
    await c.open('/');
    await c.allDrawn();
    await expect.poll(() => new URL(c.page.url()).pathname).toBe('/d/access');
    await expect.poll(() => c.statText('requests')).toBe('1,000');
    await expect
      .poll(() => c.page.getByRole('button', { name: 'Time range' }).textContent())
      .toContain('All data');
    await expect.poll(() => c.pixelsOf('by-status', '--status-2')).toBeGreaterThan(5000);
    await expect.poll(() => c.pixelsOf('sizes', '--series-1')).toBeGreaterThan(100);
    await expect.poll(() => c.panel('paths').locator('li').count()).toBe(10);
    await expect.poll(() => c.page.title()).toBe('Web access — semicomplete — Millrace');
    expect(c.complaints).toEqual([]);
  });

  test('all data is the span of this dashboard, also where another stream reaches to this day', async () => {
    c.fixture.otherToMs = Date.UTC(2026, 0, 1);
    await c.open('/d/access');
    await c.allDrawn();
    await expect.poll(() => c.pixelsOf('by-status', '--status-2')).toBeGreaterThan(5000);
    await expect.poll(() => c.statText('requests')).toBe('1,000');
    expect(c.complaints).toEqual([]);
  });

  test('a live event moves the chart and then the totals, and a cut connection comes back', async () => {
    await c.open('/d/access');
    await c.allDrawn();
    await c.page.locator('[data-live="live"]').waitFor();
    // Painted, or there would be nothing to compare with.
    await expect.poll(() => c.pixelsOf('by-status', '--status-2')).toBeGreaterThan(5000);
    const red = await c.pixelsOf('by-status', '--status-5');
    for (let i = 0; i < 40; i++) c.fixture.add({ ...event, timeMs: lastMs - 30 * 3_600_000 });
    await expect.poll(() => c.pixelsOf('by-status', '--status-5')).toBeGreaterThan(red + 50);
    await expect.poll(() => c.statText('requests'), { timeout: 10_000 }).toBe('1,040');
    c.fixture.dropLive();
    await c.page.locator('[data-live="reconnecting"]').waitFor();
    await c.page.locator('[data-live="live"]').waitFor();
    c.fixture.add(event);
    await expect.poll(() => c.statText('requests'), { timeout: 10_000 }).toBe('1,041');
    // The cut itself is reported by the browser; nothing else is.
    expect(
      c.complaints.filter(it => !/ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_CONNECTION|ERR_EMPTY/.test(it)),
    ).toEqual([]);
  });

  test('a click on a row filters everything, the chip negates and goes', async () => {
    await c.open('/d/access');
    await c.allDrawn();
    const first = c.panel('paths').locator('.list-filter').first();
    const path = (await first.textContent())!;
    const matching = c.fixture.events.filter(it => it.path === path).length;
    await first.click();
    await expect.poll(() => c.statText('requests')).toBe(String(matching));
    await expect.poll(() => c.param('where')).toBe(`path=${path}`);
    await expect.poll(() => c.panel('paths').locator('li').count()).toBe(1);
    await c.page
      .getByRole('button', { name: `Exclude path = ${path}` })
      .first()
      .click();
    await expect.poll(() => c.statText('requests')).toBe((1000 - matching).toLocaleString('en'));
    await expect.poll(() => c.param('where')).toBe(`path!=${path}`);
    await c.page.getByRole('button', { name: `Remove filter path!=${path}` }).click();
    await expect.poll(() => c.statText('requests')).toBe('1,000');
    await c.page.goBack();
    await expect.poll(() => c.statText('requests')).toBe((1000 - matching).toLocaleString('en'));
    await c.page.getByLabel('Add a filter').fill('status=404');
    await c.page.getByLabel('Add a filter').press('Enter');
    await expect
      .poll(() => new URL(c.page.url()).searchParams.getAll('where'))
      .toEqual([`path!=${path}`, 'status=404']);
    expect(c.complaints).toEqual([]);
  });

  test('dragging on a chart zooms all panels, back undoes it, and zooming out widens', async () => {
    await c.open('/d/access');
    await c.allDrawn();
    const plot = c.panel('by-status').locator('.u-over');
    await plot.scrollIntoViewIfNeeded();
    const box = (await plot.boundingBox())!;
    await c.page.mouse.move(box.x + box.width * 0.25, box.y + 40);
    await c.page.mouse.down();
    await c.page.mouse.move(box.x + box.width * 0.4, box.y + 40, { steps: 4 });
    await c.page.mouse.move(box.x + box.width * 0.5, box.y + 40, { steps: 4 });
    await c.page.mouse.up();
    await expect.poll(() => c.param('from')).toMatch(/^2015-05-1[78]T\d\d:00:00Z$/);
    const fromMs = Date.parse(c.param('from')!);
    const toMs = Date.parse(c.param('to')!);
    expect((toMs - fromMs) / 3_600_000).toBeGreaterThan(15);
    expect((toMs - fromMs) / 3_600_000).toBeLessThan(27);
    const inside = c.fixture.events.filter(it => it.timeMs >= fromMs && it.timeMs < toMs).length;
    await expect.poll(() => c.statText('requests')).toBe(inside.toLocaleString('en'));
    await c.page.getByRole('button', { name: 'Zoom out' }).click();
    await expect
      .poll(() => Date.parse(c.param('to')!) - Date.parse(c.param('from')!))
      .toBe((toMs - fromMs) * 2);
    await c.page.goBack();
    await c.page.goBack();
    await expect.poll(() => c.statText('requests')).toBe('1,000');
    expect(c.complaints).toEqual([]);
  });

  test('SQL: an error is marked at its place, a query gives rows, a chart and a file', async () => {
    await c.open('/sql');
    const editor = c.page.locator('.cm-content');
    await editor.click();
    await c.page.keyboard.type('SELECT 1,\n  no_such_column');
    await c.page.keyboard.press('Control+Enter');
    await c.page.getByRole('alert').waitFor();
    await expect.poll(() => c.page.locator('.cm-sql-error').textContent()).toBe('no_such_column');
    await expect.poll(() => c.page.getByRole('alert').textContent()).toContain('line 2, column 3');
    await c.page.keyboard.press('Control+a');
    await c.page.keyboard.type('SELECT hour, requests FROM access');
    await c.page.keyboard.press('Control+Enter');
    await c.page.getByRole('table').waitFor();
    await expect.poll(() => c.page.locator('.cm-sql-error').count()).toBe(0);
    await expect.poll(() => c.param('q')).toBe('SELECT hour, requests FROM access');
    await c.page.getByRole('radio', { name: 'Chart' }).check();
    await c.page.locator('.sql-chart canvas').waitFor();
    const download = c.page.waitForEvent('download');
    await c.page.getByRole('button', { name: 'Download CSV' }).click();
    const lines = readFileSync(await (await download).path(), 'utf8').split('\r\n');
    expect(lines[0]).toBe('hour,requests');
    expect(lines.length).toBeGreaterThan(70);
    expect(c.complaints.filter(it => !it.includes('400'))).toEqual([]);
  });

  test.skipIf(!hasNaughty)('strings of events are text, whatever they hold', async () => {
    const strings = JSON.parse(readFileSync(naughtyPath, 'utf8')) as string[];
    const markup = strings.filter(it => /[<>]|javascript:|&#/i.test(it));
    expect(markup.length).toBeGreaterThan(100);
    const script = markup.find(it => it.startsWith('<script>'))!;
    for (let i = 0; i < 600; i++)
      c.fixture.events.push({ ...event, path: script, agent: script, referer: script });
    for (const path of strings) c.fixture.events.push({ ...event, path, referer: path, agent: path });
    await c.open('/d/access');
    await c.allDrawn();
    await expect.poll(() => c.panel('paths').locator('.list-filter').allTextContents()).toContain(script);
    for (const path of ['/streams/access', '/streams/access?tab=rejected', '/sql?q=SELECT%201']) {
      await c.page.goto(c.origin + path);
      await c.page.locator('.event-row, .rejected li, .result-table tr').first().waitFor();
    }
    await c.page.locator('.result-scroll').evaluate(async element => {
      for (let top = 0; top < element.scrollHeight; top += 600) {
        element.scrollTop = top;
        await new Promise(requestAnimationFrame);
      }
    });
    await c.page.goto(`${c.origin}/d/access?where=${encodeURIComponent(`path=${script}`)}`);
    await c.allDrawn();
    await expect.poll(() => c.page.locator('.chip-value').textContent()).toBe(script);
    const made = await c.page.evaluate(
      () => document.querySelectorAll('#app script, #app iframe, #app img, #app [onerror]').length,
    );
    expect(made).toBe(0);
    expect(c.complaints).toEqual([]);
  });
});
