// Values that are known beforehand, where one accumulator compared with another could be wrong together with it: edges, ties, what is
// left out, and the turns from few values to a sketch.
import { describe, expect, test } from 'vitest';
import { ByteReader, ByteWriter } from '../../core/bytes.ts';
import { Rng } from '../../core/rng.ts';
import type { Aggregate, AggregateFunction } from '../plan/plan.ts';
import { GrowingDictionary, type Vector } from '../plan/vector.ts';
import type { Accumulator, AggregateValue } from './accumulator.ts';
import { createAccumulator } from './create.ts';
import { DistinctAccumulator } from './distinct.ts';

type Value = number | string | null;

function vectorOf(values: readonly Value[], dictionary = new GrowingDictionary()): Vector {
  const rows = values.length;
  const valid = Uint8Array.from(values, value => (value === null ? 0 : 1));
  if (values.some(value => typeof value === 'string')) {
    const codes = Uint32Array.from(values, value =>
      value === null ? 0 : dictionary.intern(value as string),
    );
    return { kind: 'dictionary', rows, codes, valid, dictionary };
  }
  return { kind: 'number', rows, values: Float64Array.from(values, value => Number(value ?? 0)), valid };
}

function accumulatorOf(name: AggregateFunction, args: number, parameters: Aggregate['parameters'] = []) {
  const field = { kind: 'field' as const, path: ['x'], type: 'any' as const };
  const accumulator = createAccumulator({ function: name, args: Array(args).fill(field), parameters });
  accumulator.reserve(2);
  return accumulator;
}

function add<One extends Accumulator>(accumulator: One, ...args: (readonly Value[])[]): One {
  const rows = args[0]!.length;
  accumulator.update(
    args.map(values => vectorOf(values)),
    rows,
    new Int32Array(rows),
  );
  return accumulator;
}

const first = Int32Array.of(0);
const numbers = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

test.each<[AggregateFunction, Aggregate['parameters'], Value[][], AggregateValue]>([
  [
    'histogram',
    [[100, 9.5, 10, 10]],
    [[9.5, 10, 10.5, 100, 100.5, null]],
    { '9.5': 1, '10': 1, '100': 2, Infinity: 1 },
  ],
  ['approx_quantile', [[0, 0.5, 0.67, 1]], [[3, 1, 2, null]], [1, 2, 3, 3]],
  ['approx_quantile', [[0, 1]], [[Infinity, 2, NaN, -Infinity]], [2, 2]],
  ['max', [], [[1, Number.NaN, 2]], Number.NaN],
  ['min', [], [[3, Number.NaN, 2]], 2],
  [
    'arg_min',
    [],
    [
      ['b', 'a', 'c', null],
      [1, 1, 2, 0],
    ],
    'a',
  ],
  [
    'arg_max',
    [],
    [
      ['b', 'c', 'a', null],
      [2, 2, 1, 3],
    ],
    'c',
  ],
  [
    'covar_pop',
    [],
    [
      [1, 2, 3, 4],
      [2, 4, null, 8],
    ],
    28 / 9,
  ],
  ['var_pop', [], [[1, Number.POSITIVE_INFINITY]], null],
  ['var_pop', [], [[1e200, -1e200]], null],
  [
    'covar_pop',
    [],
    [
      [3.3, 3.3],
      [1, Number.POSITIVE_INFINITY],
    ],
    Number.NaN,
  ],
])('%s(…, %j) of %j is %j', (name, parameters, args, expected) => {
  expect(add(accumulatorOf(name, args.length, parameters), ...args).value(0)).toEqual(expected);
});

test('no correlation is beyond ±1', () => {
  const rng = new Rng(4);
  for (let round = 0; round < 500; round++) {
    const x = Array.from({ length: 3 }, () => rng.float());
    const factor = rng.gaussian();
    const corr = add(
      accumulatorOf('corr', 2),
      x,
      x.map(value => value * factor),
    ).value(0) as number;
    expect(Math.abs(corr)).toBeLessThanOrEqual(1);
  }
});

test.each<[AggregateFunction, Aggregate['parameters'], Value[]]>([
  ['count', [], [1]],
  ['sum', [], [1]],
  ['min', [], ['a']],
  ['max', [], [1]],
  ['first', [], [1]],
  ['var_pop', [], [1, 2]],
  ['count_distinct', [], [1]],
  ['approx_count_distinct', [], numbers(0, 9)],
  ['approx_quantile', [0.5], numbers(0, 9)],
  ['approx_top_k', [2], ['a']],
  ['sample', [2], ['a']],
  ['histogram', [[1]], [1]],
])('what is read takes the place of what a slot held: %s', (name, parameters, values) => {
  const args = name === 'first' ? [values, values] : [values];
  const accumulator = add(accumulatorOf(name, args.length, parameters), ...args);
  const empty = accumulatorOf(name, args.length, parameters);
  const writer = new ByteWriter();
  empty.write(0, writer);
  accumulator.read(0, new ByteReader(writer.finish()));
  expect(accumulator.value(0)).toEqual(empty.value(0));
  expect(add(accumulator, ...args).value(0)).toEqual(add(empty, ...args).value(0));
});

describe('distinct counts', () => {
  test.each<AggregateFunction>(['count_distinct', 'approx_count_distinct'])(
    'of few values are those of all parts together: %s',
    name => {
      const sizes = [0, 1, 3, 4, 5, 9, 60];
      for (const left of sizes) {
        for (const right of sizes) {
          const target = add(accumulatorOf(name, 1), numbers(0, left));
          target.merge(add(accumulatorOf(name, 1), numbers(left - 1, left + right)), first, first, 1);
          expect(target.value(0)).toBe(left + right + (left === 0 ? 1 : 0));
        }
      }
    },
  );

  const estimated = (values: readonly number[]): DistinctAccumulator => {
    const accumulator = add(new DistinctAccumulator(1), values);
    expect(accumulator.memoryBytes()).toBeGreaterThan(0);
    return accumulator;
  };

  test('of an estimate and of values one by one are merged to an estimate of both', () => {
    const exact = (): DistinctAccumulator => add(new DistinctAccumulator(), numbers(0, 1000));
    for (const [target, source] of [
      [exact(), estimated(numbers(1000, 1500))],
      [estimated(numbers(1000, 1500)), exact()],
      [estimated(numbers(0, 1000)), estimated(numbers(1000, 1500))],
    ] as const) {
      target.merge(source, first, first, 1);
      expect(Math.abs(target.value(0) - 1500)).toBeLessThan(3 * 0.0081 * 1500);
    }
  });

  test('of all groups beyond the bound turn the largest into an estimate', () => {
    const accumulator = new DistinctAccumulator(4000);
    const slots = Int32Array.from({ length: 5000 }, (_, i) => (i < 3000 ? 0 : 1 + ((i - 3000) % 200)));
    accumulator.update([vectorOf(numbers(0, 5000))], 5000, slots);
    const writer = new ByteWriter();
    for (const slot of [0, 1]) accumulator.write(slot, writer.reset());
    expect(writer.finish()[0]).toBe(0);
    accumulator.write(0, writer.reset());
    expect(writer.finish()[0]).toBe(1);
  });

  test('are off by 0.81 % where they are estimates', () => {
    let squares = 0;
    for (let round = 0; round < 60; round++) {
      const from = round * 10_000;
      squares += (estimated(numbers(from, from + 5000)).value(0) / 5000 - 1) ** 2;
    }
    expect(Math.sqrt(squares / 60)).toBeLessThan(0.0081);
  });

  test('follow a dictionary that takes the place of a full one', () => {
    const accumulator = accumulatorOf('count_distinct', 1);
    accumulator.update([vectorOf(['a', 'b'], new GrowingDictionary())], 2, new Int32Array(2));
    accumulator.update([vectorOf(['c', 'b'], new GrowingDictionary())], 2, new Int32Array(2));
    expect(accumulator.value(0)).toBe(3);
  });
});
