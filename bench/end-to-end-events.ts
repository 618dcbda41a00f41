// The events of the end-to-end benchmark: bodies of NDJSON in memory that are stamped anew before each sending, so that no two
// requests are alike and the sender costs next to nothing. Each batch carries its number, by which the log is checked afterwards.
import { Rng } from '../src/core/rng.ts';

/** Bytes of one event with its newline. */
export const eventBytes = 245;

const paths = ['/', '/cart', '/checkout', '/products/1042', '/search', '/help', '/account', '/login', '/a'];
const methods = ['GET', 'GET', 'GET', 'POST', 'PUT'];
const countries = ['DE', 'US', 'FR', 'JP', 'BR', 'IN', 'GB', 'IT'];
const statuses = [301, 404, 500];
const agent = 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0 and so on and so forth';

const timeAt = '{"_time":"'.length;
const timeText = '2026-01-01T00:00:00.000Z';
const batchAt = timeAt + timeText.length + '","session":"'.length;
/** Digits of a batch's number. */
const batchDigits = 8;

/** What the view `SELECT status, count(*), sum(bytes) … GROUP BY status` must say of some events. */
export type Totals = Map<number, { count: number; bytes: number }>;

export function addTotals(into: Totals, more: Totals): void {
  for (const [status, { count, bytes }] of more) {
    const total = into.get(status) ?? { count: 0, bytes: 0 };
    into.set(status, { count: total.count + count, bytes: total.bytes + bytes });
  }
}

/** A body that one connection sends again and again, each time as another batch. */
export class Body {
  readonly bytes: Buffer;
  readonly events: number;
  readonly totals: Totals = new Map();
  /** What is stamped on every event now. */
  private stamped = { time: timeText, batch: '0'.repeat(batchDigits) };

  /** `head` is put in front of the events: the request's head. */
  constructor(head: string, events: number, seed: number) {
    const rng = new Rng(seed);
    const lines: string[] = [];
    for (let line = 0; line < events; line++) {
      const status = rng.boolean(0.93) ? 200 : rng.pick(statuses);
      const bytes = rng.below(50_000);
      const event = {
        _time: timeText.replace('.000Z', `.${String(rng.below(1000)).padStart(3, '0')}Z`),
        session: `${'0'.repeat(batchDigits)}-${String(line).padStart(4, '0')}`,
        user: `u${rng.below(1_000_000)}`,
        method: rng.pick(methods),
        path: rng.pick(paths),
        status,
        bytes,
        ms: Math.round(rng.exponential(0.02) * 100) / 100,
        country: rng.pick(countries),
        agent: '',
      };
      event.agent = agent.slice(0, Math.max(0, eventBytes - 1 - JSON.stringify(event).length));
      lines.push(`${JSON.stringify(event).padEnd(eventBytes - 1)}\n`);
      addTotals(this.totals, new Map([[status, { count: 1, bytes }]]));
    }
    this.bytes = Buffer.from(head + lines.join(''));
    this.events = events;
  }

  /** Makes it batch `batch` of the second `nowMs`. Digits that stay are not written again. */
  stamp(batch: number, nowMs: number): void {
    const time = new Date(nowMs).toISOString();
    const number = String(batch).padStart(batchDigits, '0');
    this.overwrite(timeAt, this.stamped.time.slice(0, 19), time);
    this.overwrite(batchAt, this.stamped.batch, number);
    this.stamped = { time, batch: number };
  }

  private overwrite(at: number, before: string, after: string): void {
    const { bytes, events } = this;
    const first = bytes.length - events * eventBytes + at;
    for (let i = 0; i < before.length; i++) {
      const digit = after.charCodeAt(i);
      if (before.charCodeAt(i) === digit) continue;
      for (let place = first + i; place < bytes.length; place += eventBytes) bytes[place] = digit;
    }
  }
}

/** The batch's number in the event at `at`, and the event's place in the batch. */
export function readStamp(bytes: Uint8Array, at: number): { batch: number; line: number } {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + at + batchAt, batchDigits + 5).toString('latin1');
  return { batch: Number(text.slice(0, batchDigits)), line: Number(text.slice(batchDigits + 1)) };
}
