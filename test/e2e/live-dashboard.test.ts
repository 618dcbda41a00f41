import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cleanUp, eventually, folder, type Server, serve } from './command.ts';

const executablePath = process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium';
const reason = existsSync(executablePath) ? '' : ` (skipped: no Chromium at ${executablePath})`;

describe.skipIf(reason !== '')(`the console on the running system${reason}`, () => {
  let browser: Browser;
  let server: Server;

  beforeAll(async () => {
    server = await serve(folder(), ['up']);
    browser = await chromium.launch({
      executablePath,
      args: [
        '--headless',
        '--no-sandbox',
        '--disable-gpu',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-sync',
      ],
    });
  });
  afterAll(async () => {
    await browser?.close();
    await cleanUp();
  });

  async function send(count: number, path: string): Promise<void> {
    const time = new Date(Date.now() - 2000).toISOString();
    const event = {
      _time: time,
      ip: '10.0.0.1',
      method: 'GET',
      path,
      status: 200,
      bytes: 10,
      referer: '-',
      agent: 'x',
    };
    const answer = await fetch(`${server.url}/v1/streams/web/events`, {
      method: 'POST',
      body: Array.from({ length: count }, () => JSON.stringify(event) + '\n').join(''),
    });
    expect(answer.status).toBe(200);
  }

  test('a dashboard draws, a live event moves it, and the browser has nothing to complain of', async () => {
    await send(20, '/first');
    await eventually(
      async () => (await server.json('/v1/dashboards')).dashboards.length as number,
      count => count === 1,
    );
    const page = await browser.newPage();
    const complaints: string[] = [];
    page.on('console', message => {
      // The test reads pixels back; the page does not.
      if (message.text().startsWith('Canvas2D: Multiple readback')) return;
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
    });
    page.on('pageerror', error => complaints.push(error.message));
    await page.goto(server.url);
    const charts = async (): Promise<string> =>
      (await page.locator('canvas').first().screenshot()).toString('base64');
    const painted = (): Promise<boolean> =>
      page
        .locator('canvas')
        .first()
        .evaluate((canvas: HTMLCanvasElement) => {
          const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
          return data.some(byte => byte > 0);
        });
    await page.getByText('/first').first().waitFor();
    await eventually(
      () => page.locator('canvas').count(),
      count => count > 3,
    );
    // Drawn, or the first painting would pass for the event's.
    await page
      .locator('[data-panel][data-phase="ready"]')
      .filter({ has: page.locator('canvas') })
      .first()
      .waitFor();
    await eventually(painted, isPainted => isPainted);
    const before = await charts();
    await send(500, '/<b>second</b>');
    await page.getByText('/<b>second</b>').first().waitFor();
    await eventually(charts, after => after !== before);
    await page.goto(`${server.url}/streams`);
    await page.getByText('web', { exact: true }).first().waitFor();
    await page.goto(`${server.url}/sql`);
    await page.getByRole('textbox').first().waitFor();
    expect(complaints).toEqual([]);
  });
});
