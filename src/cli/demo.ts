// millrace demo: a simulated shop, sent over the HTTP API of a Millrace that is started for it.
import type { Command } from 'commander';
import { Sender } from '../demo/sender.ts';
import { Shop } from '../demo/shop.ts';
import { shopSet, shopStream } from '../demo/shop-set.ts';
import { openApp } from './open-app.ts';
import { type CommonOptions, dataDir, positive, whole, withCommon, withServer } from './options.ts';
import { untilStopped } from './stopping.ts';
import { bar, count, printJson, say, seconds, showProgress, style } from './terminal.ts';

interface DemoOptions extends CommonOptions {
  port: number;
  host: string;
  rate: number;
  speed: number;
  days: number;
  seed: number;
  duration?: number;
}

/** The last stretch of history has every event; before it, history is a sample, so that days of it load in seconds. */
const fullSeconds = 600;

/** Events a second of older history, at the default rate and at any other. */
const historyRate = 2;

export function registerDemo(program: Command): void {
  withServer(withCommon(program.command('demo')))
    .description('a simulated shop: page views, carts, orders, payments, campaigns and incidents')
    .option('--rate <n>', 'events a second at an average hour', positive, 3000)
    .option(
      '--speed <n>',
      'replay the history this much faster than life instead of loading it at once',
      positive,
      1,
    )
    .option('--days <n>', 'days of history', positive, 3)
    .option('--seed <n>', 'the same seed makes the same shop', whole, 42)
    .option('--duration <seconds>', 'end after this long', positive)
    .addHelpText(
      'after',
      `
Examples:
  millrace demo                        opens on days of history, then goes on live
  millrace demo --rate 20000           ten times the load
  millrace demo --speed 600 --days 2   two days go by in about five minutes`,
    )
    .action(async (options: DemoOptions) => {
      const app = await openApp({
        dataDir: dataDir({
          ...options,
          data: options.data === '.millrace' ? '.millrace/demo' : options.data,
        }),
        projectDir: options.project,
        projectName: 'demo',
        listen: { host: options.host, port: options.port },
        knownSets: new Map([[shopStream, shopSet]]),
        onNotice: line => say(line),
      });
      const stopping = new AbortController();
      const nowSecond = Math.floor(Date.now() / 1000);
      const alreadyThere = (await app.log.streams()).some(stream => stream.name === shopStream);
      const startedMs = performance.now();
      const sender = new Sender({
        url: app.url!,
        shop: new Shop({ seed: options.seed, rate: options.rate }),
        // A demo that ran before has its history; only what is new is sent.
        historySeconds: alreadyThere ? 0 : Math.round(options.days * 86_400),
        fullSeconds,
        historyShare: Math.min(1 / 60, historyRate / options.rate),
        speed: options.speed,
        signal: stopping.signal,
        onProgress: (sent, share) => showProgress(`${bar(share)} ${count(sent)} events of history`),
      });
      let live: Promise<void> = Promise.resolve();
      const closing = {
        close: async () => {
          stopping.abort();
          await live;
          await app.close();
        },
      };
      await untilStopped(closing, async () => {
        if (options.json) printJson({ url: app.url, pid: process.pid });
        say(`${style('bold', app.url!)}  ${style('dim', '(Ctrl-C stops)')}`);
        live = (async () => {
          await sender.sendHistory(nowSecond);
          if (!options.json && !stopping.signal.aborted) {
            say(
              `${count(sender.sent)} events of history in ${seconds(performance.now() - startedMs)}; about ${count(options.rate)} a second from now on`,
            );
          }
          await sender.sendLive(nowSecond);
        })();
        if (options.duration !== undefined) {
          setTimeout(() => process.kill(process.pid, 'SIGTERM'), options.duration * 1000).unref();
        }
        await live;
      });
    });
}
