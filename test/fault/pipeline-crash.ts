// kill -9 of the real process, again and again, while events come in over HTTP and a pipeline with state, timers of both clocks, side
// outputs and failing calls works on them. At the end its output, rejected events and state are compared with one plain run over the input.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Rng } from '../../src/core/rng.ts';
import { openSegmentLog } from '../../src/flow/segment-log.ts';
import { decodeKey } from '../../src/store/state-key.ts';
import { openLmdbState } from '../../src/store/state-lmdb.ts';
import { eventually, folder, type Server, serve } from '../e2e/command.ts';

interface Input {
  _time: string;
  user: string;
  n: number;
  amount: number;
}

const code = `
import { pipeline } from 'millrace';

interface Input { user: string; n: number; amount: number }

export default pipeline<{ event: Input; state: { count: number; total: number } }>({
  from: 'in',
  to: 'out',
  sides: ['large', 'waited'],
  key: event => event.user,
  delay: '1s',
  ahead: '366d',
  process(event, context) {
    context.state.set('count', (context.state.get('count') ?? 0) + 1);
    if (event.amount === 13) throw new Error('unlucky');
    context.state.set('total', (context.state.get('total') ?? 0) + event.amount);
    context.timers.set('end', Math.max(context.timers.get('end')?.timeMs ?? 0, context.timeMs + 2000));
    if (event.amount > 95) context.emitTo('large', { n: event.n });
    if (event.n % 20 === 0) context.timers.set('wait ' + event.n, context.nowMs + event.amount * 5, 'wall');
    return { n: event.n, count: context.state.get('count') };
  },
  onTimer(timer, context) {
    const { key, state } = context;
    if (timer.clock === 'wall') {
      context.emitTo('waited', { n: Number(timer.name.slice(5)), isEarly: context.nowMs < timer.timeMs });
      return;
    }
    const session = { user: key, total: state.get('total') };
    state.delete('count');
    state.delete('total');
    return session;
  },
});
`;

const batchEvents = 100;

export class PipelineCrashTrial {
  readonly dir = folder();
  sent = 0;
  kills = 0;
  private readonly startMs: number;
  private readonly seed: number;
  private batch = 0;

  /** Event times lie ahead of the wall clock, so that idling moves no watermark and a plain run knows them all. */
  constructor(seed: number) {
    this.seed = seed;
    this.startMs = Date.now() + 100 * 86_400_000;
    mkdirSync(join(this.dir, 'pipelines'));
    writeFileSync(join(this.dir, 'pipelines', 'sums.ts'), code);
  }

  /** What batch `i` holds is the same however often it is sent. */
  private eventsOf(batch: number): Input[] {
    const rng = new Rng(this.seed * 1_000_003 + batch);
    return Array.from({ length: batchEvents }, (_, i) => {
      const n = batch * batchEvents + i;
      const timeMs = this.startMs + n * 10 - rng.below(1500);
      return { _time: new Date(timeMs).toISOString(), user: `u${rng.below(40)}`, n, amount: rng.below(100) };
    });
  }

  private async sendOne(server: Server): Promise<void> {
    const answer = await fetch(`${server.url}/v1/streams/in/events`, {
      method: 'POST',
      headers: { 'millrace-producer': 'load', 'millrace-sequence': String(this.batch) },
      body: this.eventsOf(this.batch)
        .map(event => `${JSON.stringify(event)}\n`)
        .join(''),
    });
    if (answer.status !== 200) throw new Error(`batch ${this.batch}: ${await answer.text()}`);
    this.batch++;
    this.sent += batchEvents;
  }

  /** One life: load until the process is killed at a random moment. */
  async life(rng: Rng): Promise<void> {
    const server = await serve(this.dir, ['up']);
    await this.sendOne(server);
    // Some lives end in the middle of work, some when the pipeline has caught up and settles.
    const killAfterMs = rng.below(900);
    let isKilled = false;
    const killed = new Promise<void>(resolve => {
      setTimeout(() => {
        isKilled = true;
        server.kill('SIGKILL');
        resolve();
      }, killAfterMs);
    });
    const pauses = rng.boolean(0.3);
    while (!isKilled) {
      try {
        await this.sendOne(server);
        if (pauses) await new Promise(resolve => setTimeout(resolve, 30));
      } catch (thrown) {
        if (!isKilled) throw thrown;
      }
    }
    await killed;
    await server.ended;
    this.kills++;
  }

  /** Lets the pipeline catch up, stops, and compares; resolves with how many events came out. */
  async judge(): Promise<number> {
    const server = await serve(this.dir, ['up']);
    await this.sendOne(server);
    await eventually(
      () => server.json('/v1/pipelines/sums'),
      ({ lag, eventsIn }) => lag === 0 && eventsIn > 0,
    );
    const waiting = this.waiting();
    await eventually(
      () => server.json('/v1/streams/waited'),
      ({ events }) => events >= waiting.length,
    );
    server.kill('SIGTERM');
    const { code: exit, stderr } = await server.ended;
    if (exit !== 0) throw new Error(`ended with ${exit}: ${stderr}`);
    const found = await this.found();
    const expected = plainRun(found.input);
    if (found.input.length !== this.sent)
      throw new Error(`${found.input.length} of ${this.sent} events are there`);
    for (const name of ['out', 'large', 'rejected', 'keys', 'timers'] as const)
      same(name, found[name], expected[name]);
    same('waited', found.waited, waiting);
    return found.out.length;
  }

  /** What the timers of the wall clock say, each once, in the order of the events that set them. */
  private waiting(): string[] {
    const events = Array.from({ length: this.batch }, (_, batch) => this.eventsOf(batch)).flat();
    return events
      .filter(({ n, amount }) => n % 20 === 0 && amount !== 13)
      .map(({ n }) => JSON.stringify({ n, isEarly: false }));
  }

  private async found(): Promise<Outcome & { input: Input[]; waited: string[] }> {
    const data = join(this.dir, '.millrace');
    const log = await openSegmentLog({ dir: join(data, 'log'), maxBatchBytes: 8 * 1024 * 1024 });
    const state = openLmdbState(join(data, 'pipelines'));
    try {
      const read = async (stream: string): Promise<Record<string, unknown>[]> => {
        const events: Record<string, unknown>[] = [];
        const target = new Uint8Array(log.maxBatchBytes);
        const { end } = await log.range(stream, 0);
        for (let at = 0; at < end; ) {
          const { length, next } = await log.read(stream, 0, at, target);
          const lines = Buffer.from(target.subarray(0, length)).toString().split('\n').slice(0, -1);
          events.push(...lines.map(line => JSON.parse(line) as Record<string, unknown>));
          at = next;
        }
        return events;
      };
      const keys: string[] = [];
      const timers: string[] = [];
      for (const { key, value } of state.range(Uint8Array.of(0), Uint8Array.of(255))) {
        const parts = decodeKey(key);
        if (parts[0] === 'pipeline-key') {
          const { values } = JSON.parse(Buffer.from(value).toString()) as { values: [string, string][] };
          keys.push(`${String(parts[3])} ${JSON.stringify(Object.fromEntries(values))}`);
        }
        if (parts[0] === 'pipeline-timer') timers.push(`${Number(parts[4]) / 1000} ${String(parts[5])}`);
      }
      const rejected = await read('_rejected');
      return {
        input: (await read('in')) as unknown as Input[],
        out: (await read('out')).map(event => JSON.stringify(event)),
        large: (await read('large')).map(event => JSON.stringify(event)),
        waited: (await read('waited'))
          .sort((a, b) => Number(a['n']) - Number(b['n']))
          .map(({ n, isEarly }) => JSON.stringify({ n, isEarly })),
        rejected: rejected.map(({ offset, reason, raw }) => `${offset} ${reason} ${raw}`),
        keys,
        timers,
      };
    } finally {
      await state.close();
      await log.close();
    }
  }
}

interface Outcome {
  out: string[];
  large: string[];
  rejected: string[];
  keys: string[];
  timers: string[];
}

function plainRun(input: readonly Input[]): Outcome {
  const outcome: Outcome = { out: [], large: [], rejected: [], keys: [], timers: [] };
  const users = new Map<string, { count: number; total: number; endMs: number }>();
  let watermarkMs = Number.NEGATIVE_INFINITY;
  input.forEach((event, offset) => {
    const { _time, amount, n } = event;
    const timeMs = Date.parse(_time);
    if (amount === 13) outcome.rejected.push(`${offset} Error: unlucky ${JSON.stringify(event)}`);
    else {
      const user = users.get(event.user) ?? { count: 0, total: 0, endMs: 0 };
      users.set(event.user, user);
      user.count++;
      user.total += amount;
      user.endMs = Math.max(user.endMs, timeMs + 2000);
      if (amount > 95) outcome.large.push(JSON.stringify({ _time, n }));
      outcome.out.push(JSON.stringify({ _time, n, count: user.count }));
    }
    watermarkMs = Math.max(watermarkMs, timeMs - 1000);
    const due = [...users].filter(([, { endMs }]) => endMs <= watermarkMs);
    due.sort(([a, { endMs: x }], [b, { endMs: y }]) => x - y || (a < b ? -1 : 1));
    for (const [user, { total, endMs }] of due) {
      outcome.out.push(JSON.stringify({ _time: new Date(endMs).toISOString(), user, total }));
      users.delete(user);
    }
  });
  for (const [user, { count, total, endMs }] of [...users].sort(([a], [b]) => (a < b ? -1 : 1))) {
    outcome.keys.push(`${user} ${JSON.stringify({ count: String(count), total: String(total) })}`);
    outcome.timers.push(`${endMs} ${user}`);
  }
  outcome.timers.sort((a, b) => Number.parseFloat(a) - Number.parseFloat(b) || (a < b ? -1 : 1));
  return outcome;
}

function same(name: string, found: readonly string[], expected: readonly string[]): void {
  const at = expected.findIndex((line, i) => line !== found[i]);
  if (at < 0 && found.length === expected.length) return;
  const place = at < 0 ? expected.length : at;
  throw new Error(
    `${name}: ${found.length} instead of ${expected.length}; at ${place} ${found[place]} instead of ${expected[place]}`,
  );
}
