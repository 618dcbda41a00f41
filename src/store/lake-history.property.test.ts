// Reading the history back under every hindrance at once: gaps in the offsets, long lines, little room, a query process that can hold
// little. Every event must come once, at its offset, with its bytes and the time of its append.
import { describe, expect, test } from 'vitest';
import { MillraceError } from '../core/errors.ts';
import { Rng } from '../core/rng.ts';
import type { Lake } from './lake.ts';
import { LakeHistory } from './lake-history.ts';

const rounds = Number(process.env['MILLRACE_ROUNDS'] ?? 20);
const seed = Number(process.env['MILLRACE_SEED'] ?? 1);

interface Stored {
  offset: number;
  text: string;
  appendTimeMs: number;
}

/** Answers what the history asks of DuckDB, from a list; no more than `holds` characters at once. */
function answering(events: readonly Stored[], holds: number) {
  return async ({ sql, maxBytes }: { sql: string; maxBytes: number }) => {
    const [, from, until, together] = /_offset >= (\d+) AND _offset < (\d+)\) GROUP BY _offset \/\/ (\d+)/
      .exec(sql)!
      .map(Number);
    const asked = events.filter(({ offset }) => offset >= from! && offset < until!);
    if (asked.length > 1 && asked.reduce((sum, { text }) => sum + text.length, 0) > holds) {
      throw new MillraceError('sql-memory', 'too much');
    }
    const groups = new Map<number, Stored[]>();
    for (const event of asked) {
      const place = Math.floor(event.offset / together!);
      groups.set(place, [...(groups.get(place) ?? []), event]);
    }
    const rows: unknown[][] = [];
    let bytes = 0;
    for (const group of groups.values()) {
      if (bytes > maxBytes) return { rows, truncated: true };
      const text = group.map(event => event.text).join('\n');
      bytes += text.length;
      rows.push([String(group[0]!.offset), String(group.at(-1)!.offset), String(group.length), text]);
    }
    return { rows, truncated: false };
  };
}

describe('lake history', () => {
  test('every event comes once, whatever hinders', async () => {
    for (let round = 0; round < rounds; round++) {
      const random = new Rng(seed * 1000 + round);
      const events: Stored[] = [];
      const appended: [number, number][] = [];
      let offset = random.below(50);
      const isGappy = random.float() < 0.5;
      for (let i = 0; i < 3000; i++) {
        if (i === 0 || random.float() < 0.01) appended.push([offset, 1000 + i]);
        const length = random.float() < 0.01 ? 3000 : random.below(60);
        const text = `{"_time":"${offset}","é":"${'€'.repeat(random.below(3))}${'x'.repeat(length)}"}`;
        events.push({ offset, text, appendTimeMs: appended.at(-1)![1] });
        offset += isGappy && random.float() < 0.02 ? 2 + random.below(600) : 1;
      }
      const first = events[0]!.offset;
      const last = events.at(-1)!.offset;
      const cut = first + random.below(last - first);
      const chunk = {
        partition: 0,
        rows: 0,
        bytes: 0,
        files: ['f'],
        schema: [],
        fromUs: 0,
        toUs: 0,
        appended,
      };
      const chunks = [
        { ...chunk, first, last: cut },
        { ...chunk, first: cut + 1, last },
      ];
      const history = new LakeHistory({
        dir: 'lake',
        lake: { stream: () => ({ chunks }) } as unknown as Lake,
        sql: answering(events, 5000 + random.below(200_000)),
      });
      const maxBytes = 3200 + random.below(60_000);
      const found: Stored[] = [];
      for (let from = 0; from <= last; ) {
        const read = await history.read({
          stream: 's',
          partition: 0,
          from,
          until: last + 1,
          maxBytes,
          keys: ['é'],
        });
        expect(read.next).toBeGreaterThan(from);
        expect(read.bytes.length).toBeLessThanOrEqual(maxBytes);
        for (const { position, length, offset: begin, count, appendTimeMs } of read.batches) {
          const text = new TextDecoder().decode(read.bytes.subarray(position, position + length));
          const lines = text.split('\n');
          expect(lines.pop()).toBe('');
          expect(lines).toHaveLength(count);
          found.push(...lines.map((line, index) => ({ offset: begin + index, text: line, appendTimeMs })));
        }
        from = read.next;
      }
      expect(found).toEqual(events);
    }
  });
});
