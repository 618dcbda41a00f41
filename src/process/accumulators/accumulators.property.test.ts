// The law of accumulators: any split of the rows, in any order, merged in any order and passed through bytes at any moment,
// gives what one pass gives; exactly for exact aggregates.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ByteReader, ByteWriter } from '../../core/bytes.ts';
import { Rng } from '../../core/rng.ts';
import type { Aggregate, AggregateFunction, Expression, ScalarType } from '../plan/plan.ts';
import { GrowingDictionary, type Vector } from '../plan/vector.ts';
import type { Accumulator, AggregateValue } from './accumulator.ts';
import { createAccumulator } from './create.ts';
import { DistinctAccumulator, distinctMax } from './distinct.ts';

const field = (type: ScalarType): Expression => ({ kind: 'field', path: ['x'], type });

function aggregate(
  name: AggregateFunction,
  types: ScalarType[],
  parameters: Aggregate['parameters'] = [],
): Aggregate {
  return { function: name, args: types.map(field), parameters };
}

type Row = { group: number; x: number | null; y: number | null; text: string | null; flag: boolean | null };

const dictionary = new GrowingDictionary();

function vectorsOf(rows: readonly Row[]): Record<'number' | 'other' | 'text' | 'boolean', Vector> {
  const valid = (pick: (row: Row) => unknown): Uint8Array =>
    Uint8Array.from(rows, row => (pick(row) === null ? 0 : 1));
  const count = rows.length;
  return {
    number: {
      kind: 'number',
      rows: count,
      values: Float64Array.from(rows, r => r.x ?? 0),
      valid: valid(r => r.x),
    },
    other: {
      kind: 'number',
      rows: count,
      values: Float64Array.from(rows, r => r.y ?? 0),
      valid: valid(r => r.y),
    },
    text: {
      kind: 'dictionary',
      rows: count,
      codes: Uint32Array.from(rows, r => (r.text === null ? 0 : dictionary.intern(r.text))),
      valid: valid(r => r.text),
      dictionary,
    },
    boolean: {
      kind: 'boolean',
      rows: count,
      values: Uint8Array.from(rows, r => (r.flag ? 1 : 0)),
      valid: valid(r => r.flag),
    },
  };
}

type Argument = keyof ReturnType<typeof vectorsOf>;
const exact: { aggregate: Aggregate; args: Argument[] }[] = [
  { aggregate: aggregate('count', []), args: [] },
  { aggregate: aggregate('count', ['any']), args: ['text'] },
  { aggregate: aggregate('count_if', ['boolean']), args: ['boolean'] },
  { aggregate: aggregate('sum', ['number']), args: ['number'] },
  { aggregate: aggregate('sum', ['integer']), args: ['number'] },
  { aggregate: aggregate('avg', ['number']), args: ['number'] },
  { aggregate: aggregate('min', ['number']), args: ['number'] },
  { aggregate: aggregate('max', ['number']), args: ['number'] },
  { aggregate: aggregate('min', ['text']), args: ['text'] },
  { aggregate: aggregate('max', ['text']), args: ['text'] },
  { aggregate: aggregate('var_samp', ['number']), args: ['number'] },
  { aggregate: aggregate('stddev_pop', ['number']), args: ['number'] },
  { aggregate: aggregate('corr', ['number', 'number']), args: ['number', 'other'] },
  { aggregate: aggregate('covar_samp', ['number', 'number']), args: ['number', 'other'] },
  { aggregate: aggregate('bool_and', ['boolean']), args: ['boolean'] },
  { aggregate: aggregate('bool_or', ['boolean']), args: ['boolean'] },
  { aggregate: aggregate('arg_min', ['any', 'number']), args: ['text', 'number'] },
  { aggregate: aggregate('arg_max', ['any', 'any']), args: ['number', 'text'] },
  { aggregate: aggregate('count_distinct', ['any']), args: ['text'] },
  { aggregate: aggregate('approx_count_distinct', ['any']), args: ['number'] },
  { aggregate: aggregate('approx_quantile', ['number'], [[0, 0.25, 0.5, 1]]), args: ['number'] },
  { aggregate: aggregate('approx_top_k', ['any'], [3]), args: ['text'] },
  { aggregate: aggregate('approx_frequency', ['any'], ['b']), args: ['text'] },
  { aggregate: aggregate('histogram', ['number'], [[0, 10, 100]]), args: ['number'] },
];

const groups = 3;

function feed(accumulator: Accumulator, rows: readonly Row[], args: readonly Argument[]): Accumulator {
  const vectors = vectorsOf(rows);
  accumulator.reserve(groups);
  accumulator.update(
    args.map(arg => vectors[arg]),
    rows.length,
    Int32Array.from(rows, ({ group }) => group),
  );
  return accumulator;
}

function throughBytes(accumulator: Accumulator, make: () => Accumulator): Accumulator {
  const copy = make();
  copy.reserve(groups);
  for (let slot = 0; slot < groups; slot++) {
    const writer = new ByteWriter();
    accumulator.write(slot, writer);
    const reader = new ByteReader(writer.finish());
    copy.read(slot, reader);
    expect(reader.remaining).toBe(0);
  }
  return copy;
}

const all = Int32Array.from({ length: groups }, (_, slot) => slot);
const valuesOf = (accumulator: Accumulator): AggregateValue[] =>
  [...all].map(slot => accumulator.value(slot));

// Cents, large whole numbers that do not fit one double's sum, and small integers.
const number = fc.oneof(
  fc.integer({ min: -100_000, max: 100_000 }).map(cents => cents / 100),
  fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }).map(x => x * 2 ** 21 + 1),
  fc.integer({ min: -20, max: 20 }),
);
const row: fc.Arbitrary<Row> = fc.record({
  // −1 is a row that belongs to no slot.
  group: fc.integer({ min: -1, max: groups - 1 }),
  x: fc.option(number, { freq: 8 }),
  y: fc.option(number, { freq: 8 }),
  text: fc.option(fc.constantFrom('a', 'b', 'B', 'ä', '\u{1f600}', '\uffee', '', '1', '\u0000x'), {
    freq: 8,
  }),
  flag: fc.option(fc.boolean(), { freq: 8 }),
});

describe.each(exact.map(one => ({ ...one, name: `${one.aggregate.function}(${one.args.join(', ')})` })))(
  '$name',
  ({ aggregate: definition, args }) => {
    test('gives the same for any order, split and merge, and through bytes', () => {
      const make = (): Accumulator => createAccumulator(definition);
      fc.assert(
        fc.property(fc.array(row, { maxLength: 60 }), fc.integer(), (rows, seed) => {
          const whole = feed(make(), rows, args);
          const rng = new Rng(seed);
          const shuffled = rows.map(r => ({ r, at: rng.float() })).sort((a, b) => a.at - b.at);
          const parts: Row[][] = [[], [], []];
          for (const { r } of shuffled) parts[rng.below(3)]!.push(r);
          const merged = feed(make(), parts[0]!, args);
          merged.merge(throughBytes(feed(make(), parts[1]!, args), make), all, all, groups);
          const last = feed(make(), parts[2]!, args);
          last.merge(merged, all, all, groups);
          const got = valuesOf(throughBytes(last, make));
          valuesOf(whole).forEach((value, slot) => {
            if (typeof value === 'number' && !Number.isInteger(value)) {
              // The last bit of a quotient or root may differ; sums and means may not.
              const slack = ['sum', 'avg', 'min', 'max'].includes(definition.function) ? 0 : 1e-12;
              expect(Math.abs((got[slot] as number) - value)).toBeLessThanOrEqual(slack * Math.abs(value));
            } else expect(got[slot]).toEqual(value);
          });
        }),
        { seed: 41, numRuns: 60 },
      );
    });

    test('a cleared slot is as new, and others keep their state', () => {
      const accumulator = createAccumulator(definition);
      const rng = new Rng(5);
      const rows = Array.from(
        { length: 40 },
        (): Row => ({
          group: rng.below(groups),
          x: rng.below(50),
          y: rng.below(50),
          text: rng.pick(['a', 'b', 'c', 'd', 'e', 'f']),
          flag: rng.boolean(),
        }),
      );
      feed(accumulator, rows, args);
      const before = valuesOf(accumulator);
      accumulator.clear(1, 2);
      const fresh = createAccumulator(definition);
      fresh.reserve(groups);
      expect(accumulator.value(1)).toEqual(fresh.value(1));
      expect(accumulator.value(0)).toEqual(before[0]);
      expect(accumulator.value(2)).toEqual(before[2]);
    });
  },
);

describe('values that are all the same', () => {
  const spreads = (['var_pop', 'var_samp', 'stddev_pop', 'stddev_samp'] as const).map(name => ({
    definition: aggregate(name, ['number']),
    args: ['number'] as Argument[],
    expected: 0 as number | null,
  }));
  const together = (['covar_pop', 'covar_samp', 'corr'] as const).flatMap(name => {
    const definition = aggregate(name, ['number', 'number']);
    const expected = name === 'corr' ? null : 0;
    const orders: Argument[][] = [
      ['number', 'other'],
      ['other', 'number'],
    ];
    return orders.map(args => ({ definition, args, expected }));
  });

  test.each([...spreads, ...together])('have no spread at all: $definition.function of $args', one => {
    const make = (): Accumulator => createAccumulator(one.definition);
    const value = fc.oneof(
      fc.constantFrom(3.3, 99.99, 0.1, -7.7, 1e9 + 0.1, 0),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
    );
    const others = fc.array(fc.double({ min: -1000, max: 1000, noNaN: true }), {
      minLength: 2,
      maxLength: 60,
    });
    fc.assert(
      fc.property(value, others, fc.integer(), (x, ys, seed) => {
        const rng = new Rng(seed);
        const parts: Row[][] = [[], [], []];
        for (const y of ys) parts[rng.below(3)]!.push({ group: 0, x, y, text: null, flag: null });
        const merged = feed(make(), parts[0]!, one.args);
        merged.merge(throughBytes(feed(make(), parts[1]!, one.args), make), all, all, groups);
        const last = feed(make(), parts[2]!, one.args);
        last.merge(merged, all, all, groups);
        expect(last.value(0)).toBe(one.expected);
        expect(throughBytes(last, make).value(0)).toBe(one.expected);
      }),
      { seed: 43, numRuns: 100 },
    );
  });

  test('are forgotten with the first that differs, through bytes too', () => {
    for (const x of [3.3, 99.99, 1e9 + 0.1, 1e-200, 0]) {
      const make = (): Accumulator => createAccumulator(aggregate('var_pop', ['number']));
      const at = (value: number): Row => ({ group: 0, x: value, y: null, text: null, flag: null });
      const same = throughBytes(feed(make(), Array(99).fill(at(x)), ['number']), make);
      const more = feed(same, [at(x + 1)], ['number']);
      expect(Math.abs((more.value(0) as number) - 0.0099)).toBeLessThan(1e-12 * Math.max(1, x ** 2 * 1e-15));
      expect(throughBytes(more, make).value(0)).toBe(more.value(0));
    }
  });

  test('are not told in a state that was written without them', () => {
    const accumulator = createAccumulator(aggregate('var_pop', ['number']));
    accumulator.reserve(1);
    // Count, sum and sum of squares of 1, 2 and 3.
    const writer = new ByteWriter().varint(3).f64(6).f64(0).f64(14).f64(0);
    accumulator.read(0, new ByteReader(writer.finish()));
    expect(accumulator.value(0)).toBeCloseTo(2 / 3, 15);
  });
});

test('sums of whole numbers stay exact far beyond 2^53', () => {
  const accumulator = createAccumulator(aggregate('sum', ['integer']));
  accumulator.reserve(1);
  const rng = new Rng(3);
  let exactSum = 0n;
  for (let batch = 0; batch < 50; batch++) {
    const values = Float64Array.from({ length: 1000 }, () => Math.floor(rng.float() * 2 ** 53) - 2 ** 51);
    for (const value of values) exactSum += BigInt(value);
    const vector: Vector = { kind: 'number', rows: 1000, values, valid: new Uint8Array(1000).fill(1) };
    accumulator.update([vector], 1000, new Int32Array(1000));
  }
  expect(accumulator.value(0)).toBe(exactSum);
});

test('64-bit integers are summed exactly', () => {
  const accumulator = createAccumulator(aggregate('sum', ['integer']));
  accumulator.reserve(1);
  const values = BigInt64Array.of(2n ** 63n - 1n, 2n ** 63n - 1n, -3n, 9007199254740993n);
  const vector: Vector = { kind: 'integer', rows: 4, values, valid: new Uint8Array(4).fill(1) };
  accumulator.update([vector], 4, new Int32Array(4));
  expect(accumulator.value(0)).toBe(2n ** 64n - 2n - 3n + 9007199254740993n);
});

test('estimates keep their stated bounds over many merges', () => {
  const distinct = createAccumulator(aggregate('approx_count_distinct', ['any']));
  const quantile = createAccumulator(aggregate('approx_quantile', ['number'], [[0.5, 0.99]]));
  const target = {
    distinct: createAccumulator(aggregate('approx_count_distinct', ['any'])),
    quantile: createAccumulator(aggregate('approx_quantile', ['number'], [[0.5, 0.99]])),
  };
  for (const one of [distinct, quantile, target.distinct, target.quantile]) one.reserve(1);
  const rng = new Rng(8);
  const one = Int32Array.of(0);
  const seen: number[] = [];
  for (let part = 0; part < 100; part++) {
    const values = Float64Array.from({ length: 500 }, () => Math.round(rng.gaussian() * 1e6));
    seen.push(...values);
    const vector: Vector = { kind: 'number', rows: 500, values, valid: new Uint8Array(500).fill(1) };
    for (const accumulator of [distinct, quantile]) {
      accumulator.clear(0, 1);
      accumulator.update([vector], 500, new Int32Array(500));
    }
    target.distinct.merge(distinct, one, one, 1);
    target.quantile.merge(quantile, one, one, 1);
  }
  const truth = new Set(seen).size;
  expect(Math.abs((target.distinct.value(0) as number) - truth) / truth).toBeLessThan(4 * 0.0162);
  seen.sort((a, b) => a - b);
  for (const [i, q] of [0.5, 0.99].entries()) {
    const value = (target.quantile.value(0) as number[])[i]!;
    const exact = seen[Math.ceil(q * seen.length) - 1]!;
    expect(Math.abs(value - exact)).toBeLessThanOrEqual(0.01 * Math.abs(exact) + 1e-9);
  }
});

test('a sample is of the right size and uniform over merged parts', () => {
  const definition = aggregate('sample', ['any'], [10]);
  let fromFirst = 0;
  const [a, b] = [createAccumulator(definition), createAccumulator(definition)];
  for (let round = 0; round < 200; round++) {
    a.clear(0, 1);
    b.clear(0, 1);
    const part = (from: number, count: number): Vector => ({
      kind: 'number',
      rows: count,
      values: Float64Array.from({ length: count }, (_, i) => from + i + round * 1000),
      valid: new Uint8Array(count).fill(1),
    });
    a.update([part(0, 100)], 100, new Int32Array(100));
    b.update([part(100, 300)], 300, new Int32Array(300));
    a.merge(b, Int32Array.of(0), Int32Array.of(0), 1);
    const items = a.value(0) as number[];
    expect(items).toHaveLength(10);
    expect(new Set(items).size).toBe(10);
    fromFirst += items.filter(x => x % 1000 < 100).length;
  }
  // 200 draws of 10 where a quarter comes from the first part: 500 ± 5 standard deviations of 19.
  expect(Math.abs(fromFirst - 500)).toBeLessThan(97);
});

describe('a distinct count beyond its bound', () => {
  const countOf = (values: Float64Array, slots: Int32Array, accumulator: DistinctAccumulator) => {
    const rows = values.length;
    accumulator.update([{ kind: 'number', rows, values, valid: new Uint8Array(rows).fill(1) }], rows, slots);
    return accumulator;
  };
  const numbers = (count: number) => Float64Array.from({ length: count }, (_, i) => i);

  test('of a group turns into an estimate and stays close', () => {
    const count = distinctMax + 1000;
    const accumulator = countOf(numbers(count), new Int32Array(count), new DistinctAccumulator());
    expect(accumulator.value(0)).not.toBe(count);
    expect(Math.abs(accumulator.value(0) - count) / count).toBeLessThan(4 * 0.0081);
    expect(countOf(numbers(100_000), new Int32Array(100_000), new DistinctAccumulator()).value(0)).toBe(
      100_000,
    );
  });

  test('of all groups turns the largest into estimates and leaves the others exact', () => {
    // Group 0 has 3,000 values, groups 1 to 200 have ten each.
    const slots = Int32Array.from({ length: 5000 }, (_, i) => (i < 3000 ? 0 : 1 + ((i - 3000) % 200)));
    const accumulator = countOf(numbers(5000), slots, new DistinctAccumulator(4000));
    expect(Math.abs(accumulator.value(0) - 3000) / 3000).toBeLessThan(4 * 0.0081);
    for (let slot = 1; slot <= 200; slot++) expect(accumulator.value(slot)).toBe(10);
    accumulator.clear(0, 201);
    const again = countOf(numbers(4000), new Int32Array(4000), accumulator);
    expect(again.value(0)).toBe(4000);
  });
});
