// Who takes in what is sent of a view, at whatever pace, holds what a query says: with groups that are not shown, or look the same, over
// partitions, whole windows and sessions that grow together.
import { expect, test } from 'vitest';
import { WindowSet } from '../console/dashboard/window-set.ts';
import { Rng } from '../core/rng.ts';
import { formatUs } from '../core/time.ts';
import { at, MemoryLog, openEngine, startMs } from '../process/engine/engine.fixture.ts';
import type { ViewQuery, WindowRow } from '../process/view.ts';
import type { ViewWindow } from './api.ts';
import { viewWindow } from './view-json.ts';
import { WaitingRows } from './waiting-rows.ts';

const rounds = Number(process.env['MILLRACE_ROUNDS'] ?? 6);
const seed = Number(process.env['MILLRACE_SEED'] ?? 20260901);

const minute = '-- every: 1m\n-- keep: forever\n';
const session = '-- session: 10s by k\n-- keep: forever\n';
const views = [
  `${minute}SELECT k, count(*) AS n FROM access GROUP BY k`,
  `${minute}SELECT count(*) AS n FROM access GROUP BY k`,
  `${minute}SELECT upper(k) AS q, count(*) AS n FROM access GROUP BY k`,
  `${minute}SELECT k, count(*) AS n FROM access GROUP BY k, x HAVING count(*) < 4`,
  `${minute}SELECT count(*) AS n FROM access GROUP BY k ORDER BY n DESC LIMIT 2`,
  `${minute}SELECT x / y AS share, count(*) AS n FROM access GROUP BY share`,
  `${minute}SELECT k, max(x) AS most, count(*) AS n FROM access GROUP BY k, y ORDER BY most`,
  `${minute}-- max groups: 12\nSELECT count(*) AS n FROM access GROUP BY k, x, y`,
  `-- window: 1m every 20s\n-- keep: forever\nSELECT upper(k) AS q, count(*) AS n FROM access GROUP BY k`,
  `${session}SELECT k, count(*) AS n FROM access GROUP BY k`,
  `${session}SELECT k, count(*) AS n FROM access GROUP BY k, x`,
  `${session}SELECT k, x / y AS share, count(*) AS n FROM access GROUP BY k, share`,
  `${session}SELECT k, count(*) AS n FROM access GROUP BY k, x HAVING count(*) < 3`,
  `${session}-- max groups: 12\nSELECT k, count(*) AS n FROM access GROUP BY k, x ORDER BY n DESC LIMIT 2`,
];

const inJson = <Sent>(sent: Sent): Sent => JSON.parse(JSON.stringify(sent)) as Sent;

const shown = ({ start, end, values, overflow, incomplete }: ViewWindow): string =>
  JSON.stringify([start, end, values, overflow ?? false, incomplete ?? false]);

/** One connection and the table at its other end. */
class Client {
  readonly waiting: WaitingRows;
  readonly set: WindowSet;
  isReplaced = false;

  constructor(columns: ConstructorParameters<typeof WindowSet>[0]) {
    this.waiting = new WaitingRows(columns);
    this.set = new WindowSet(columns);
  }

  read(all: readonly WindowRow[]): void {
    const { waiting, set } = this;
    if (this.isReplaced) set.replace(inJson(all.map(viewWindow)));
    else {
      const { overlapping, by } = waiting;
      const rows = waiting.rows();
      expect(waiting.size).toBe(rows.length + waiting.whole().length);
      set.apply(inJson(rows.map(viewWindow)), waiting.whole().map(formatUs), overlapping, by);
    }
    this.isReplaced = false;
    waiting.clear();
  }
}

test(
  `who takes in what is sent, at any pace, holds what a query says (seed ${seed})`,
  async () => {
    for (let round = 0; round < rounds; round++) {
      const rng = new Rng(seed + round);
      const partitions = 1 + rng.below(2);
      const log = new MemoryLog();
      log.createStream('access', partitions);
      const settings = { publishMs: rng.pick([0, 1, 500]), cellsMax: rng.pick([20, 100_000]) };
      const engine = await openEngine(log, settings);
      const clients = new Map<string, Client>();
      const queries = new Map<string, ViewQuery>();
      for (const [index, text] of views.entries()) {
        const view = `v${index}`;
        const { columns, resolutions } = await engine.define({ name: view, text });
        const { everyMs } = resolutions[0]!;
        engine.watch(view, everyMs);
        clients.set(view, new Client(columns));
        queries.set(view, { view, everyMs, limit: 100_000 });
      }
      engine.onChange(change => {
        const client = clients.get(change.view)!;
        if (change.columns) client.isReplaced = true;
        client.waiting.take({ wholeStartUs: undefined, overlapping: undefined, by: undefined, ...change });
      });
      let time = 0;
      for (let step = 0; step < 25; step++) {
        for (let partition = 0; partition < partitions; partition++) {
          const events = Array.from({ length: rng.below(8) }, () => {
            time += rng.below(6000);
            const key = rng.pick(['a', 'A', 'b', 'c', null]);
            return {
              _time: at(time - rng.below(20_000)),
              k: key,
              x: rng.below(3),
              y: rng.pick([0, 0, 1, 2, null]),
            };
          });
          if (events.length > 0) log.append('access', partition, events, startMs + 1e9);
        }
        await engine.settled();
        for (const [view, client] of clients) {
          if (rng.boolean(0.5)) continue;
          const { rows } = await engine.query(queries.get(view)!);
          client.read(rows);
          const text = views[Number(view.slice(1))]!;
          expect(client.set.list().map(shown).sort(), text).toEqual(
            inJson(rows.map(viewWindow)).map(shown).sort(),
          );
        }
      }
      await engine.close();
    }
  },
  30_000 + rounds * 2000,
);
