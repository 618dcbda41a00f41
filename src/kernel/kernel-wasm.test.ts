// What only the compiled kernel promises: bounded memory, safety on any bytes, views that last, freed things
// refused.
import { describe, expect, test } from 'vitest';
import { MillraceError } from '../core/errors.ts';
import { Rng } from '../core/rng.ts';
import { cell, type FieldSpec } from './kernel.ts';
import { decodeBoth, decodePlain, everyKind, guard } from './testing/compare.ts';
import { createWasmKernel, fill, toBytes } from './testing/kernels.ts';
import { seed } from './testing/rounds.ts';

const codeOf = (call: () => unknown): string => {
  try {
    call();
  } catch (thrown) {
    if (thrown instanceof MillraceError) return thrown.code;
    throw thrown;
  }
  return 'nothing thrown';
};

const events = (count: number, key: (i: number) => string): Uint8Array =>
  toBytes(Array.from({ length: count }, (_, i) => `{"k":"${key(i)}","n":${i}}\n`).join(''));
const keyField: FieldSpec[] = [{ path: ['k'], kind: 'dict' }];

describe('memory', () => {
  test('beyond its limit a call throws kernel-memory and the kernel goes on', () => {
    const maxMemoryBytes = 12 * 1024 * 1024;
    const kernel = createWasmKernel({ maxMemoryBytes });
    expect(codeOf(() => kernel.input(24 * 1024 * 1024))).toBe('kernel-memory');
    expect(codeOf(() => kernel.decoder(everyKind([['a']]), { maxRows: 1_048_576 }))).toBe('kernel-memory');
    const bytes = events(20_000, i => `a rather long key of some forty bytes, ${i}`);
    const decoder = kernel.decoder(keyField);
    const length = fill(kernel, bytes.subarray(0, 1_000_000));
    expect(codeOf(() => decoder.decode(0, length))).toBe('nothing thrown');
    expect(codeOf(() => decoder.decode(0, length))).toBe('nothing thrown');
    expect(kernel.memoryBytes()).toBeLessThanOrEqual(maxMemoryBytes);
    const grouper = kernel.grouper(1);
    const many = Uint32Array.from({ length: 1_000_000 }, (_, i) => i);
    expect(codeOf(() => grouper.assign([many], many.length))).toBe('kernel-memory');
    expect(kernel.memoryBytes()).toBeLessThanOrEqual(maxMemoryBytes);
    expect(kernel.validate(fill(kernel, '{"a":1}\n')).count).toBe(1);
  });

  test('a dictionary that may not grow throws, keeps what it had and serves it', () => {
    const kernel = createWasmKernel({ maxMemoryBytes: 2 * 1024 * 1024 });
    const decoder = kernel.decoder(keyField, { maxRows: 1024 });
    let thrown = 'nothing thrown';
    for (let first = 0; first < 200_000 && thrown === 'nothing thrown'; first += 1000) {
      const length = fill(
        kernel,
        events(1000, i => `key ${first + i}`),
      );
      thrown = codeOf(() => decoder.decode(0, length));
    }
    expect(thrown).toBe('kernel-memory');
    expect(decoder.dictionaryValue(0, 0)).toBe('key 0');
    const length = fill(
      kernel,
      events(10, i => `key ${i}`),
    );
    expect(Array.from(decoder.decode(0, length).columns[0]!.values as Uint32Array)).toEqual([
      0, 1, 2, 3, 4, 5, 6, 7, 8, 9,
    ]);
  });

  test('what is freed is used again', () => {
    const kernel = createWasmKernel();
    const length = fill(kernel, events(3000, String));
    const round = (): void => {
      const decoder = kernel.decoder([...keyField, ...everyKind([['n'], ['k', 'x']])]);
      decoder.decode(0, length);
      const grouper = kernel.grouper(3);
      const words = Uint32Array.from({ length: 3000 }, (_, i) => i);
      grouper.assign([words, words, words], 3000);
      grouper.free();
      decoder.free();
    };
    round();
    round();
    const before = kernel.memoryBytes();
    for (let i = 0; i < 50; i++) round();
    expect(kernel.memoryBytes()).toBe(before);
  });

  test('a bound on dictionary text flags what is beyond it', () => {
    const kernel = createWasmKernel();
    const decoder = kernel.decoder(keyField, { maxDictionaryBytes: 10 });
    const { columns } = decoder.decode(
      0,
      fill(
        kernel,
        events(4, i => 'abcd' + i),
      ),
    );
    expect(Array.from(columns[0]!.state)).toEqual([cell.value, cell.value, cell.other, cell.other]);
  });
});

describe('views', () => {
  test('columns stay readable while other calls let memory grow', () => {
    const kernel = createWasmKernel();
    const decoder = kernel.decoder([{ path: ['n'], kind: 'f64' }, ...keyField]);
    const { columns, rows } = decoder.decode(0, fill(kernel, events(1000, String)));
    const before = kernel.memoryBytes();
    kernel.grouper(4).assign(Array(4).fill(Uint32Array.from({ length: 200_000 }, (_, i) => i)), 200_000);
    expect(kernel.memoryBytes()).toBeGreaterThan(before);
    expect(Array.from(columns[0]!.values as Float64Array)).toEqual(Array.from({ length: rows }, (_, i) => i));
    expect(Array.from(kernel.grouper(1).assign([columns[1]!.values as Uint32Array], rows))).toEqual(
      Array.from({ length: rows }, (_, i) => i),
    );
  });

  test('columns that lie in the kernel and columns that do not are grouped alike', () => {
    const kernel = createWasmKernel();
    const decoder = kernel.decoder(keyField);
    const { columns, rows } = decoder.decode(
      0,
      fill(
        kernel,
        events(500, i => String(i % 7)),
      ),
    );
    const inside = columns[0]!.values as Uint32Array;
    const outside = inside.slice();
    const mask = Uint8Array.from(outside, code => code & 1);
    const ids = Array.from(kernel.grouper(2).assign([inside, outside], rows, mask));
    expect(ids).toEqual(Array.from(kernel.grouper(2).assign([outside, outside.slice()], rows, mask)));
  });

  test('the seed of the hash keys changes no result', () => {
    const bytes = events(2000, i => `${'k'.repeat(i % 40)}${i % 300}`);
    const results = [1, 2, undefined].map(hashSeed =>
      decodePlain(createWasmKernel({ hashSeed }), bytes, everyKind([['k'], ['n']])),
    );
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).toEqual(results[0]);
  });
});

test('arguments out of range and freed things are refused', () => {
  const kernel = createWasmKernel();
  const capacity = kernel.input(100).length;
  const decoder = kernel.decoder([{ path: ['a'], kind: 'f64' }]);
  const grouper = kernel.grouper(2);
  const words = new Uint32Array(4);
  for (const call of [
    () => kernel.input(-1),
    () => kernel.input(Number.NaN),
    () => kernel.validate(capacity + 1),
    () => kernel.hash(5, 4),
    () => decoder.decode(capacity, 1),
    () => decoder.decode(0, 0.5),
    () => decoder.dictionarySize(0),
    () => grouper.assign([words], 4),
    () => grouper.assign([words, words], 5),
    () => grouper.key(0),
    () => kernel.grouper(0),
    () => kernel.decoder([{ path: ['a'], kind: 'f64' }], { maxRows: 0 }),
  ]) {
    expect(codeOf(call), String(call)).toBe('kernel-range');
  }
  expect(codeOf(() => kernel.decoder([{ path: [], kind: 'f64' }]))).toBe('bad-field');
  expect(codeOf(() => kernel.decoder([{ path: ['\ud800'], kind: 'f64' }]))).toBe('bad-field');
  decoder.free();
  grouper.free();
  expect(codeOf(() => decoder.decode(0, 0))).toBe('kernel-freed');
  expect(codeOf(() => grouper.size())).toBe('kernel-freed');
});

describe('any bytes', () => {
  const fields = everyKind([['a'], ['b'], ['a', 'b'], ['']]);
  const alphabet = toBytes('{}[]":,\\ \n\r\tabu0123456789.eE+-tfn\u00e9');

  test('decoding them is safe: a row a line, nothing written behind them, no error', () => {
    const rng = new Rng(seed);
    const kernel = createWasmKernel();
    const decoder = kernel.decoder(fields);
    for (let round = 0; round < 3000; round++) {
      const isText = rng.boolean(0.8);
      const bytes = Uint8Array.from({ length: rng.below(120) }, () =>
        isText ? rng.pick([...alphabet]) : rng.below(256),
      );
      const length = fill(kernel, bytes);
      const check = guard(kernel, length);
      const { rows, consumed, columns } = decoder.decode(0, length);
      check();
      expect(rows).toBe(bytes.filter(byte => byte === 0x0a).length);
      expect(consumed).toBe(bytes.lastIndexOf(0x0a) + 1);
      for (const { state, start, end } of columns) {
        for (let row = 0; row < rows; row++) {
          if (state[row]! > cell.other) expect.fail('a state that is none');
          if (state[row]! >= cell.value && !(start[row]! < end[row]! && end[row]! <= consumed))
            expect.fail('no text');
        }
      }
    }
  });

  test('a line that ends inside a string, an escape or a container takes nothing of the next', () => {
    const kernel = createWasmKernel();
    for (const broken of [
      '{"a":"x',
      '{"a":"x\\',
      '{"a":[1,{"b":"',
      '{"a',
      '{"a"',
      '{"a":',
      '{"a":tru',
      '',
      '{"a":1',
      '{"b\\',
    ]) {
      const decoder = kernel.decoder([{ path: ['a'], kind: 'f64' }]);
      const text = `{"a":1}\n${broken}\n{"a":2}\n`;
      const { rows, consumed, columns } = decoder.decode(0, fill(kernel, text));
      expect([rows, consumed]).toEqual([3, text.length]);
      expect([columns[0]!.values[0], columns[0]!.state[1], columns[0]!.values[2]]).toEqual([
        1,
        cell.absent,
        2,
      ]);
      decoder.free();
    }
    // Joined these would be one object.
    const decoder = kernel.decoder([{ path: ['b'], kind: 'f64' }]);
    for (const joined of [
      '{"a":"x\n","b":1}\n',
      '{"a":"x\\\n","b":1}\n',
      '{"a":["x\\\n"],"b":1}\n',
      '{"a\\\n":1,"b":1}\n',
    ]) {
      expect(decoder.decode(0, fill(kernel, joined)).rows).toBe(2);
    }
  });

  test('an input split at every byte gives the same rows', () => {
    const text = toBytes(
      '{"a":"x\\"y","b":[1,{"c":"}"}]}\n{"b":null,"a":{"b":"é"}}\r\n{ "a" : 12.5 , "b":"2015-05-17T10:05:03Z"}\n',
    );
    const kernel = createWasmKernel();
    const whole = decodePlain(kernel, text, fields);
    for (let split = 0; split <= text.length; split++) {
      const decoder = kernel.decoder(fields);
      fill(kernel, text);
      const first = decoder.decode(0, split);
      const rest = decoder.decode(first.consumed, text.length - first.consumed);
      expect(first.rows + rest.rows).toBe(whole.rows);
      expect(first.consumed + rest.consumed).toBe(text.length);
      expect(first.consumed).toBe(text.subarray(0, split).lastIndexOf(0x0a) + 1);
      decoder.free();
    }
  });

  test('keys in changing order, left out, new or many are all found', () => {
    const rng = new Rng(seed);
    const names = Array.from({ length: 90 }, (_, i) => (i % 9 === 0 ? `${'long '.repeat(8)}${i}` : `k${i}`));
    const lines = Array.from({ length: 400 }, (_, row) => {
      const kept = names.filter(() => rng.boolean(row % 50 === 0 ? 0.1 : 0.9));
      if (row % 3 === 0) kept.sort(() => rng.float() - 0.5);
      const blank = row % 40 === 7 ? ' ' : '';
      return `{${kept.map(name => `"${name}":${blank}${rng.below(1000)}`).join(`,${blank}`)}}\n`;
    });
    decodeBoth(
      toBytes(lines.join('')),
      names.filter((_, i) => i % 6 === 0).map(name => ({ path: [name], kind: 'f64' })),
    );
  });

  test('strings, numbers and keys of every length end where they end', () => {
    const lines = Array.from({ length: 70 }, (_, i) => {
      const digits = '1234567890'.repeat(7).slice(0, i + 1);
      return `{"${'k'.repeat(i)}":${i},"b":"${'é'.repeat(i)}","a":${digits},"${'p'.repeat(i)}":[${digits}.${digits}]}\n`;
    });
    decodeBoth(toBytes(lines.join('')), everyKind([['a'], ['b'], ['k'.repeat(20)], ['']]));
  });
});
