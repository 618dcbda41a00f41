// What the browser tests of the console share: Chromium, a fixture server for each test, and a page whose errors and
// policy violations are collected. Where there is no Chromium the tests are skipped, with the reason.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { ConsoleFixture, type FixtureOptions, type LogEvent, lastMs } from './console-fixture.ts';

const executablePath = process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium';
export const hasBrowser = existsSync(executablePath);
if (!hasBrowser) console.warn(`skipped: no Chromium at ${executablePath}; CHROMIUM_PATH says where one is`);

export const naughtyPath = fileURLToPath(new URL('../../../shared/data/fuzz/blns.json', import.meta.url));
export const hasNaughty = existsSync(naughtyPath);
if (!hasNaughty) console.warn(`skipped: ${naughtyPath} is not there, so no naughty strings are tried`);

const args =
  '--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking ' +
  '--disable-component-update --disable-sync';

/** An event later than all of the fixture's. */
export const event: LogEvent = {
  timeMs: lastMs,
  ip: '10.9.9.9',
  status: 503,
  bytes: 1234,
  path: '/live',
  referer: null,
  agent: 'curl/8',
};

export class ConsoleBrowser {
  browser!: Browser;
  fixture!: ConsoleFixture;
  origin!: string;
  page!: Page;
  /** Errors and warnings of the page, policy violations among them. */
  complaints: string[] = [];

  async serve(options: FixtureOptions): Promise<void> {
    await this.fixture?.close();
    this.fixture = new ConsoleFixture(options);
    this.origin = await this.fixture.listen();
  }

  async open(path: string, options: BrowserContextOptions = {}): Promise<void> {
    const context = await this.browser.newContext({ locale: 'en-GB', timezoneId: 'UTC', ...options });
    this.page = await context.newPage();
    this.complaints = [];
    this.page.on('console', message => {
      // The tests read pixels back; the page does not.
      if (message.text().startsWith('Canvas2D: Multiple readback')) return;
      if (message.type() === 'error' || message.type() === 'warning') this.complaints.push(message.text());
    });
    this.page.on('pageerror', error => this.complaints.push(String(error)));
    await this.page.goto(this.origin + path);
  }

  panel(id: string) {
    return this.page.locator(`[data-panel="${id}"]`);
  }

  allDrawn() {
    return this.page.waitForFunction(() => {
      const panels = [...document.querySelectorAll('[data-panel]')];
      return panels.length === 11 && panels.every(it => it.getAttribute('data-phase') === 'ready');
    });
  }

  statText(id: string) {
    return this.panel(id).locator('.stat-value').textContent();
  }

  param(name: string): string | null {
    return new URL(this.page.url()).searchParams.get(name);
  }

  /** How many pixels of a panel's canvas are of a colour near that of a token. */
  pixelsOf(id: string, token: string): Promise<number> {
    return this.panel(id)
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
  }
}

/** To be called in a `describe`: a browser for all of its tests and a server for each. */
export function useConsole(): ConsoleBrowser {
  const c = new ConsoleBrowser();
  beforeAll(async () => {
    c.browser = await chromium.launch({ executablePath, args: args.split(' ') });
  });
  afterAll(() => c.browser?.close());
  beforeEach(() => c.serve({ events: 1000 }));
  afterEach(async () => {
    await c.page?.context().close();
    await c.fixture.close();
  });
  return c;
}
