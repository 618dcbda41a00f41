import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatUs } from '../../core/time.ts';
import { jsonText, LineWriter } from './line-writer.ts';

const seed = Number(process.env['MILLRACE_SEED'] ?? 20_261_124);

function written(write: (writer: LineWriter) => void): string {
  const writer = new LineWriter();
  write(writer);
  return new TextDecoder().decode(writer.written());
}

const numbers = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.tuple(fc.maxSafeInteger(), fc.constantFrom(10, 100, 1000, 10_000)).map(([a, b]) => a / b),
  fc.tuple(fc.integer(), fc.constantFrom(10, 100, 1000, 10_000)).map(([a, b]) => a / b),
  fc.constantFrom(0.0005, 0.001, 0.1 + 0.2, 1e21, 1e15 + 0.5, 5e-324, 999_999_999, 1e9, 2 ** 53, -(2 ** 53)),
);

describe('the line writer', () => {
  it(`writes every number as the shortest digits that JSON.parse reads back (seed ${seed})`, () => {
    fc.assert(
      fc.property(numbers, value => {
        const text = written(writer => writer.number(value));
        if (!Number.isFinite(value)) expect(text).toBe('null');
        else {
          expect(JSON.parse(text)).toBe(value === 0 ? 0 : value);
          expect(text.length).toBeLessThanOrEqual(
            Math.max(String(value).length, String(value === 0 ? 0 : value).length),
          );
        }
      }),
      { numRuns: 5000, seed },
    );
  });

  it(`writes times and dates as the rest of the system does (seed ${seed})`, () => {
    const times = fc.oneof(
      fc.integer({ min: -62_167_219_200, max: 253_402_300_799 }).map(second => second * 1e6),
      fc.maxSafeInteger(),
      fc.integer({ min: -1e6, max: 1e6 }),
    );
    const writer = new LineWriter();
    fc.assert(
      fc.property(times, timeUs => {
        const text = (write: () => void): string => {
          writer.reset();
          write();
          return new TextDecoder().decode(writer.written());
        };
        const iso = formatUs(timeUs);
        const isUsual = /^\d{4}-/.test(iso);
        expect(text(() => writer.time(timeUs))).toBe(isUsual ? JSON.stringify(iso) : 'null');
        expect(text(() => writer.date(timeUs))).toBe(isUsual ? JSON.stringify(iso.slice(0, 10)) : 'null');
      }),
      { numRuns: 3000, seed },
    );
    expect(written(one => one.time(1e300))).toBe('null');
  });

  it('keeps what it holds when it grows, and copies long and short spans', () => {
    const writer = new LineWriter();
    const from = new Uint8Array(200).map((_, i) => i);
    const wanted: number[] = [];
    for (let i = 0; wanted.length < 300_000; i++) {
      const [start, end] = [i % 50, (i % 50) + ((i * 7) % 150)];
      writer.copy(from, start, end);
      wanted.push(...from.subarray(start, end));
    }
    expect(Buffer.compare(writer.written(), Uint8Array.from(wanted))).toBe(0);
    expect(writer.at).toBe(wanted.length);
  });

  it('escapes half a surrogate pair instead of losing it', () => {
    const text = 'a\ud800"\\\u0001\u2028😀';
    expect(JSON.parse(new TextDecoder().decode(jsonText(text)))).toBe(text);
  });
});
