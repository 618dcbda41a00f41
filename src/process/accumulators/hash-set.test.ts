import { expect, test } from 'vitest';
import { Rng } from '../../core/rng.ts';
import { HashSet } from './hash-set.ts';

const random = (rng: Rng): Uint32Array => Uint32Array.from({ length: 4 }, () => rng.below(2 ** 32));

test('each hash is visited once, and all zeros is one', () => {
  const rng = new Rng(1);
  for (const count of [0, 1, 5, 6, 100, 3000]) {
    const set = new HashSet();
    const wanted = new Set<string>();
    for (let i = 0; i < count; i++) {
      const hash = i === 4 ? new Uint32Array(4) : random(rng);
      expect([set.add(hash, 0), set.add(hash, 0)]).toEqual([true, false]);
      wanted.add(i === 4 ? '0,0,0,1' : hash.join());
    }
    const seen: string[] = [];
    set.each((words, at) => seen.push(words.subarray(at, at + 4).join()));
    expect(seen).toHaveLength(count);
    expect(new Set(seen)).toEqual(wanted);
  }
});

test('the first hashes that are visited belong to all parts of a smaller table alike', () => {
  const rng = new Rng(2);
  const set = new HashSet();
  for (let i = 0; i < 20_000; i++) set.add(random(rng), 0);
  const order: number[] = [];
  set.each((words, at) => order.push(words[at]! & 4095));
  for (const visited of [1000, 3000, 9000]) {
    const parts = new Array<number>(8).fill(0);
    for (const place of order.slice(0, visited)) parts[place >>> 9]!++;
    expect(Math.max(...parts)).toBeLessThan(1.3 * (visited / 8));
  }
});

test('hashes that differ in one word are two', () => {
  for (let word = 0; word < 4; word++) {
    const set = new HashSet();
    const hash = Uint32Array.of(1, 2, 3, 4);
    expect(set.add(hash, 0)).toBe(true);
    hash[word]! += 1;
    expect(set.add(hash, 0)).toBe(true);
  }
});
