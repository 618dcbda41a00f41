import { afterAll, beforeAll, expect, test } from 'vitest';
import { Rng } from '../../core/rng.ts';
import type { ViewValue } from '../view.ts';
import { type Audited, auditOf, type OpenAudited, openAudited, useFolder } from './audit.fixture.ts';
import { areFrequent } from './frequent-items.ts';

useFolder();

const view = "SELECT approx_top_k(u, 3) AS top, approx_frequency(u, 'u7') AS seven FROM s";
const fields = { u: 'VARCHAR' };

/** Far more values than the summary has places for, some of them frequent. */
function skewed(seed: number, power: number): { u: string }[] {
  const rng = new Rng(seed);
  return Array.from({ length: 20_000 }, () => ({ u: `u${Math.floor(rng.float() ** power * 3000)}` }));
}

test.each([1, 2, 4])('counts that are as far off as is promised are right (power %i)', async power => {
  const report = await auditOf({ view, fields, events: skewed(13, power) });
  expect(report.differences).toEqual([]);
  expect(report.values).toBe(2);
});

test('values under other names are found', async () => {
  const events = Array.from({ length: 100 }, (_, i) => ({ u: i < 60 ? 'x' : i < 90 ? 'y' : 'z' }));
  const names: Record<string, string> = { x: 'AAA', y: 'BBB', z: 'z' };
  const history = events.map(({ u }) => ({ u: names[u] }));
  const { differences } = await auditOf({ view, fields, events, history });
  expect(differences).toMatchObject([{ column: 'top', reason: 'beyond its bound' }]);
});

let skewedView: OpenAudited;
beforeAll(async () => {
  skewedView = await openAudited({ view, fields, events: skewed(17, 4) });
});
afterAll(() => skewedView.close());

test('the view that is changed in the next tests is right as it is', async () => {
  expect((await skewedView.audit()).differences).toEqual([]);
});

test.each<[string, (top: { value: ViewValue; count: number }[]) => ViewValue]>([
  ['a count too high', ([first, ...rest]) => [{ ...first!, count: first!.count + 300 }, ...rest]],
  ['a count too low', ([first, ...rest]) => [{ ...first!, count: first!.count - 300 }, ...rest]],
  ['another name', ([first, ...rest]) => [{ ...first!, value: 'nobody' }, ...rest]],
  ['the name of a rare value', ([first, ...rest]) => [{ ...first!, value: 'u2999' }, ...rest]],
  ['the most frequent left out', top => top.slice(1)],
  ['one value twice', ([first, , ...rest]) => [first!, first!, ...rest]],
  ['one too many', top => [...top, top.at(-1)!]],
  ['none', () => []],
])('%s is found', async (_, change) => {
  const tamper: Audited['tamper'] = row => {
    row.values[0] = change(row.values[0] as { value: ViewValue; count: number }[]);
  };
  const { differences } = await skewedView.audit(tamper);
  expect(differences).toMatchObject([{ column: 'top' }]);
});

test('the count of one value is never too low and no further off than is promised', async () => {
  for (const off of [-1, 60]) {
    const tamper: Audited['tamper'] = row => {
      row.values[1] = Number(row.values[1]) + off;
    };
    const { differences } = await auditOf({ view, fields, events: skewed(19, 4).slice(0, 500), tamper });
    expect(differences).toMatchObject([{ column: 'seven' }]);
  }
});

test('numbers, times and values of several types are named as what they are', async () => {
  const kinds = ['1', '"1"', 'true', '[1, 2]'];
  const events = kinds.map(
    (e, i) =>
      `{"a":${i === 1 ? '9007199254740993' : i},"b":${i / 3},"c":"2026-01-0${i + 1}T00:00:00Z","e":${e}}`,
  );
  const report = await auditOf({
    view: 'SELECT approx_top_k(a, 3) AS a, approx_top_k(b, 3) AS b, approx_top_k(c::TIMESTAMP, 3) AS c, sample(c::TIMESTAMP, 3) AS d, approx_top_k(e, 3) AS e FROM s',
    fields: { a: 'BIGINT', b: 'DOUBLE', c: 'VARCHAR', e: 'JSON' },
    events,
  });
  expect(report.differences).toEqual([]);
});

test('what is rarer than all that is known may be anything up to the rarest of them', () => {
  const exact = { events: 1000, top: [9, 5].map((count, i) => ({ value: `v${i}`, count })) };
  const named = (value: string, count: number) => [
    { value: 'v0', count: 19 },
    { value, count },
  ];
  const ask = { wanted: 2, places: 2, share: 0.01 };
  expect(areFrequent(named('v1', 15), exact, ask)).toBe(true);
  expect(areFrequent(named('w', 15), exact, ask)).toBe(true);
  expect(areFrequent(named('w', 16), exact, ask)).toBe(false);
  expect(areFrequent(named('w', 16), exact, { ...ask, places: 3 })).toBe(false);
});
