// What every StateStore must do, run against each implementation by its own test file.
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { StateStore } from '../../src/store/state.ts';
import { afterPrefix, compareBytes, encodeKey } from '../../src/store/state-key.ts';

export interface StateSubject {
  open(): StateStore;
  /** Opens again what the last `open` kept; absent where nothing is kept. */
  reopen?: () => StateStore;
  clean(): void;
}

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

export function testStateContract(name: string, makeSubject: () => StateSubject): void {
  describe(`state contract: ${name}`, () => {
    let subject: StateSubject;
    let store: StateStore;
    beforeEach(() => {
      subject = makeSubject();
      store = subject.open();
    });
    afterEach(async () => {
      await store.close();
      subject.clean();
    });

    const put = (entries: [string, string][]): void =>
      store.transaction(transaction => {
        for (const [key, value] of entries) transaction.put(text(key), text(value));
      });
    const keysOf = (range: Iterable<{ key: Uint8Array }>): string[] =>
      [...range].map(({ key }) => new TextDecoder().decode(key));

    test('reads what was put and nothing else', () => {
      put([['a', '1']]);
      expect([...store.get(text('a'))!]).toEqual([...text('1')]);
      expect(store.get(text('b'))).toBeUndefined();
    });

    test('keeps a value when the caller reuses its bytes', () => {
      const value = text('before');
      store.transaction(transaction => transaction.put(text('a'), value));
      const read = store.get(text('a'))!;
      value.fill(0);
      put([['b', 'another']]);
      expect(new TextDecoder().decode(read)).toBe('before');
      expect(new TextDecoder().decode(store.get(text('a')))).toBe('before');
    });

    test('walks a range in key order, start included, end not, both ways and limited', () => {
      put(['d', 'b', 'a', 'c', 'e'].map(key => [key, key]));
      expect(keysOf(store.range(text('b'), text('e')))).toEqual(['b', 'c', 'd']);
      expect(keysOf(store.range(text('b'), text('e'), { reverse: true }))).toEqual(['d', 'c', 'b']);
      expect(keysOf(store.range(text('b'), text('e'), { limit: 1 }))).toEqual(['b']);
      expect(keysOf(store.range(text('b'), text('e'), { reverse: true, limit: 2 }))).toEqual(['d', 'c']);
    });

    test('a transaction that throws leaves nothing behind', () => {
      put([['a', '1']]);
      expect(() =>
        store.transaction(transaction => {
          transaction.put(text('a'), text('2'));
          transaction.put(text('b'), text('3'));
          transaction.delete(text('a'));
          throw new Error('no');
        }),
      ).toThrow('no');
      expect(new TextDecoder().decode(store.get(text('a')))).toBe('1');
      expect(store.get(text('b'))).toBeUndefined();
    });

    test('a transaction sees its own writes', () => {
      store.transaction(transaction => {
        transaction.put(text('a'), text('1'));
        transaction.put(text('b'), text('2'));
        transaction.delete(text('a'));
        expect(transaction.get(text('a'))).toBeUndefined();
        expect(keysOf(transaction.range(text('a'), text('z')))).toEqual(['b']);
      });
    });

    test('deletes a range and says how many, also when there are thousands', () => {
      put(Array.from({ length: 10_000 }, (_, i) => [`k${String(i).padStart(6, '0')}`, 'v']));
      expect(store.transaction(t => t.deleteRange(text('k000010'), text('k009990')))).toBe(9980);
      expect([...store.range(text('k'), text('l'))].length).toBe(20);
    });

    test('keeps the order of tuples', () => {
      const part = fc.oneof(
        fc.constant(null),
        fc.boolean(),
        fc.double({ noNaN: true }),
        fc.string({ maxLength: 12 }),
      );
      fc.assert(
        fc.property(fc.uniqueArray(fc.tuple(part, part), { selector: p => JSON.stringify(p) }), tuples => {
          const keys = tuples.map(tuple => encodeKey(['p', ...tuple]));
          store.transaction(transaction => {
            transaction.deleteRange(encodeKey(['p']), afterPrefix(encodeKey(['p'])));
            for (const key of keys) transaction.put(key, text('x'));
          });
          const unique = new Map(keys.map(key => [key.toString(), key]));
          const read = [...store.range(encodeKey(['p']), afterPrefix(encodeKey(['p'])))].map(e => [...e.key]);
          expect(read).toEqual([...unique.values()].sort(compareBytes).map(key => [...key]));
        }),
        { seed: 4, numRuns: 40 },
      );
    });

    test('holds large values and reports its size', async () => {
      const value = new Uint8Array(300_000).fill(7);
      store.transaction(transaction => transaction.put(text('large'), value));
      await store.flush();
      expect(store.get(text('large'))!.length).toBe(300_000);
      expect(store.sizeBytes()).toBeGreaterThan(300_000);
    });

    test('is there again after it was closed', async context => {
      if (!subject.reopen) return context.skip('this implementation keeps nothing');
      put([['a', '1']]);
      await store.close();
      store = subject.reopen();
      expect(new TextDecoder().decode(store.get(text('a')))).toBe('1');
    });
  });
}
