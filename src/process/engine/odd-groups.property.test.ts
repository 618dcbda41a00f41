// Groups by odd texts and numbers are counted as a map by their values would, while windows leave memory and come back, dictionaries
// begin anew and engines are killed.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { wellFormed } from '../../core/surrogates.ts';
import { createMemoryState } from '../../store/state-memory.ts';
import type { Engine } from '../engine.ts';
import { at, killable, MemoryLog, openEngine, startMs } from './engine.fixture.ts';

const seed = Number(process.env['MILLRACE_SEED'] ?? 20_261_130);
const numRuns = Number(process.env['MILLRACE_ROUNDS'] ?? 8);

const texts = [
  ...[
    '',
    '\0',
    'a',
    'a\0',
    'a\0\0',
    '\0a',
    'a\xff',
    '\ufffd',
    '\ud800',
    'x\udc00',
    '\ufeffa',
    'é',
    '가',
    '😀',
    '5',
    '9007199254740992',
  ],
  ...[
    'x'.repeat(4095),
    'x'.repeat(4096),
    'x'.repeat(4097),
    `${'x'.repeat(4096)}\0`,
    'é'.repeat(2048),
    'é'.repeat(2049),
  ],
];
const numbers = [0, -0, 1, -1, 0.5, 2 ** 53, 2 ** 53 + 2, -(2 ** 53), 1e300, 5e-324];

interface Event {
  second: number;
  k: string | number | boolean | null;
  n: number | null;
}
const event: fc.Arbitrary<Event> = fc.record({
  second: fc.integer({ min: 0, max: 40 }),
  k: fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...texts, null) },
    { weight: 1, arbitrary: fc.constantFrom(0, -0, 5, 0.5, 1e300, true, false) },
    fc.integer({ min: 0, max: 200 }).map(i => `path ${i}`),
  ),
  n: fc.oneof(fc.constantFrom(...numbers, null), fc.integer({ min: 0, max: 30 })),
});
const step = fc.oneof(
  { weight: 8, arbitrary: fc.array(event, { minLength: 1, maxLength: 60 }) },
  { weight: 2, arbitrary: fc.constant('settle' as const) },
  { weight: 2, arbitrary: fc.constant('kill' as const) },
  { weight: 1, arbitrary: fc.constant('close' as const) },
);

const nan = "CASE WHEN n = 1 THEN 'nan'::DOUBLE ELSE n END";
const keyOf = (k: Event['k']): Event['k'] => (typeof k === 'string' ? wellFormed(k) : k === 0 ? 0 : k);
const views: Record<string, { select: string; key: (event: Event) => unknown[] }> = {
  text: { select: 'k', key: ({ k }) => [keyOf(k)] },
  number: { select: 'n::DOUBLE', key: ({ n }) => [n === null ? null : n + 0] },
  both: { select: 'k, n::DOUBLE', key: ({ k, n }) => [keyOf(k), n === null ? null : n + 0] },
  nan: { select: nan, key: ({ n }) => [n === 1 ? 'NaN' : n === null ? null : n + 0] },
  // Minus zero is zero.
  signed: {
    select: 'n::DOUBLE * CASE WHEN k IS NULL THEN -1 ELSE 1 END',
    key: ({ k, n }) => [n === null ? null : n * (k === null ? -1 : 1) + 0],
  },
  none: { select: '', key: () => [] },
};

function wanted(events: readonly Event[], key: (event: Event) => unknown[]): string[] {
  const counts = new Map<string, number>();
  for (const one of events) {
    const of = JSON.stringify([one.second, ...key(one)]);
    counts.set(of, (counts.get(of) ?? 0) + 1);
  }
  return [...counts].map(([of, count]) => `${of.replace('"NaN"', 'null')} ${count}`).sort();
}

async function found(engine: Engine, view: string): Promise<string[]> {
  const rows: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await engine.query({ view, ...(cursor === undefined ? {} : { cursor }) });
    for (const { startUs, values } of page.rows) {
      const second = startUs / 1e6 - startMs / 1e3;
      rows.push(
        `${JSON.stringify([second, ...values.slice(0, -1).map(value => (value === 0 ? 0 : value))])} ${values.at(-1)}`,
      );
    }
    cursor = page.next;
  } while (cursor !== undefined);
  return rows.sort();
}

test(`groups of any values are those of a map (seed ${seed})`, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 1, maxLength: 12 }),
      fc.constantFrom(20, 200, 100_000),
      async (steps, cellsMax) => {
        const log = new MemoryLog();
        log.createStream('access');
        const store = createMemoryState();
        const events: Event[] = [];
        const open = async (): Promise<{ engine: Engine; kill: () => void }> => {
          const { state, kill } = killable(store);
          const engine = await openEngine(log, { state, cellsMax, commitMs: 0 });
          for (const [name, { select }] of Object.entries(views)) {
            const list = select === '' ? '' : `${select}, `;
            const text = `-- every: 1s\n-- keep: for ever\nSELECT ${list}count(*) AS c FROM access${select === '' ? '' : ` GROUP BY ${select}`}`;
            await engine.define({ name, text });
          }
          return { engine, kill };
        };
        let { engine, kill } = await open();
        try {
          for (const one of steps) {
            if (one === 'settle') await engine.settled();
            else if (one === 'kill' || one === 'close') {
              if (one === 'kill') kill();
              await engine.close().catch(() => {});
              ({ engine, kill } = await open());
            } else {
              events.push(...one);
              log.append(
                'access',
                0,
                one.map(({ second, k, n }) => ({ _time: at(second * 1000), k, n })),
                startMs,
              );
            }
          }
          await engine.settled();
          for (const [name, { key }] of Object.entries(views)) {
            expect({ name, rows: await found(engine, name) }).toEqual({ name, rows: wanted(events, key) });
          }
        } finally {
          await engine.close().catch(() => {});
        }
      },
    ),
    { seed, numRuns },
  );
}, 600_000);

test('groups are found again after those of windows that left memory are forgotten', async () => {
  const log = new MemoryLog();
  log.createStream('access');
  const engine = await openEngine(log, { cellsMax: 100, commitMs: 0 });
  try {
    for (const [name, select] of Object.entries({ one: 'k', two: 'k, n' })) {
      const text = `-- every: 1s\n-- keep: for ever\nSELECT ${select}, count(*) AS c FROM access GROUP BY ${select}`;
      await engine.define({ name, text });
    }
    const seconds = 12;
    const others = 2500;
    for (let second = 0; second < seconds; second++) {
      // Those that stay come after others, so that their numbers change with each collection.
      const keys = [...Array.from({ length: others }, (_, i) => `${second} ${i}`), 'a', 'b'];
      const events = keys.map(k => ({ _time: at(second * 1000), k, n: 1 }));
      log.append('access', 0, events, startMs);
      await engine.settled();
      log.append('access', 0, [{ _time: at(second * 1000), k: 'a', n: 1 }], startMs);
      await engine.settled();
      // Late, for a window that has to come back, and has a group more each time, of a number that changes.
      const late = [null, 'b', `late ${second}`].map(k => ({ _time: at(0), k, n: 1 }));
      log.append('access', 0, late, startMs);
      await engine.settled();
    }
    for (const view of ['one', 'two']) {
      const counts = new Map<string, number>();
      for (const row of await found(engine, view)) {
        const [key, count] = [row.slice(0, row.lastIndexOf(' ')), Number(row.slice(row.lastIndexOf(' ')))];
        counts.set(key, count);
      }
      expect(counts.size).toBe(seconds * (others + 2) + 1 + seconds);
      for (let second = 0; second < seconds; second++) {
        const tail = view === 'one' ? '' : ',1';
        const of = (k: string) => counts.get(`[${second},${k}${tail}]`);
        const late = second === 0 ? seconds : 0;
        expect(counts.get(`[0,"late ${second}"${tail}]`)).toBe(1);
        const nulls = second === 0 ? seconds : undefined;
        expect([of('null'), of('"a"'), of('"b"'), of(`"${second} 7"`)]).toEqual([nulls, 2, 1 + late, 1]);
      }
    }
  } finally {
    await engine.close();
  }
}, 60_000);

test('a group that was turned away in a full window is found in another that comes back with it', async () => {
  const log = new MemoryLog();
  log.createStream('access');
  const state = createMemoryState();
  const text =
    '-- every: 1s\n-- keep: for ever\n-- max groups: 4\nSELECT k, count(*) AS c FROM access GROUP BY k';
  const open = async (): Promise<Engine> => {
    const engine = await openEngine(log, { state: killable(state).state, commitMs: 0 });
    await engine.define({ name: 'v', text });
    return engine;
  };
  let engine = await open();
  const append = async (second: number, ...keys: string[]): Promise<void> => {
    log.append(
      'access',
      0,
      keys.map(k => ({ _time: at(second * 1000), k })),
      startMs,
    );
    await engine.settled();
  };
  try {
    const few = ['b0', 'b1', 'b2', 'b3', 'b4', 'b5'];
    await append(0, ...Array.from({ length: 3000 }, () => 'a'), ...few);
    await append(1, ...Array.from({ length: 3000 }, () => 'g'), ...few);
    await engine.close();
    engine = await open();
    await append(0, 'a');
    await append(0, 'g');
    await append(1, 'new');
    await append(1, 'g');
    expect(await found(engine, 'v')).toContain('[1,"g"] 3001');
  } finally {
    await engine.close();
  }
});
