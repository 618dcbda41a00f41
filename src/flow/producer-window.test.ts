import { describe, expect, it } from 'vitest';
import { ProducerWindow, producerHash } from './producer-window.ts';

const answer = (offset: number) => ({ offset, count: 1, appendTimeMs: 0 });
const limits = { keysMax: 3, producersMax: 2, batchesPerProducerMax: 2 };
const key = (name: string) => ({ key: name });

describe('the producer window', () => {
  it('forgets keys beyond its batches, oldest first', () => {
    const window = new ProducerWindow<never>(limits);
    for (const name of ['a', 'b', 'c', 'd']) window.rememberKey(name, answer(name.charCodeAt(0)));
    expect(window.find(key('a'), 'a')).toBeUndefined();
    expect(window.find(key('b'), 'b')).toMatchObject({ offset: 98 });
  });

  it('cannot tell a gap where batches of a producer may have been lost, until it appends again', () => {
    const window = new ProducerWindow<never>(limits);
    const at = (first: number) => window.find({ id: 'P', first, next: first + 1 }, 'p');
    window.rememberSequence('p', 0, 1, answer(0));
    expect(() => at(5)).toThrow('sent sequence 5 where 1 was next');
    window.doubt();
    expect(at(5)).toBeUndefined();
    expect(at(0)).toMatchObject({ offset: 0 });
    window.rememberSequence('p', 5, 6, answer(1));
    expect(() => at(8)).toThrow('sent sequence 8 where 6 was next');
  });

  it('answers a repeat, and a part of one, names a gap with both numbers, refuses an overlap', () => {
    const window = new ProducerWindow<never>(limits);
    const at = (first: number, next: number) => window.find({ id: 'P', first, next }, 'p');
    expect(at(100, 105)).toBeUndefined();
    window.rememberSequence('p', 100, 105, answer(7));
    expect(at(100, 105)).toMatchObject({ offset: 7 });
    expect(at(102, 104)).toMatchObject({ offset: 7 });
    expect(at(105, 106)).toBeUndefined();
    expect(() => at(107, 108)).toThrow('sent sequence 107 where 105 was next');
    expect(() => at(103, 108)).toThrow(expect.objectContaining({ code: 'sequence-overlap' }));
  });

  it('refuses what is below all that it remembers, and does not say that it is appended', () => {
    const window = new ProducerWindow<never>(limits);
    for (let i = 0; i < 4; i++) window.rememberSequence('p', i, i + 1, answer(i));
    window.rememberSequence('late', 5, 6, answer(4));
    const known = 4 - limits.batchesPerProducerMax;
    for (const [name, context] of [
      ['p', { known, expected: 4 }],
      ['late', { known: 5, expected: 6 }],
    ] as const) {
      expect(() => window.find({ id: name, first: 0, next: 1 }, name)).toThrow(
        expect.objectContaining({
          code: 'duplicate-forgotten',
          message: expect.stringMatching(/nobody knows whether/),
          context: expect.objectContaining(context),
        }),
      );
    }
    expect(window.find({ id: 'P', first: 3, next: 4 }, 'p')).toMatchObject({ offset: 3 });
  });

  it('holds so many producers at least, and forgets those that were quiet longest', () => {
    const window = new ProducerWindow<never>(limits);
    window.rememberSequence('a', 0, 1, answer(0));
    window.rememberSequence('b', 0, 1, answer(1));
    window.rememberSequence('a', 1, 2, answer(2));
    window.rememberSequence('c', 0, 1, answer(3));
    expect(window.find({ id: 'b', first: 50, next: 51 }, 'b')).toBeUndefined();
    expect(() => window.find({ id: 'a', first: 50, next: 51 }, 'a')).toThrow();
    expect(() => window.find({ id: 'c', first: 50, next: 51 }, 'c')).toThrow();
  });

  it('keeps a key that came again after it was forgotten as long as any other', () => {
    const window = new ProducerWindow<never>(limits);
    for (const name of ['a', 'b', 'c', 'd']) window.rememberKey(name, answer(1));
    expect(window.find(key('a'), 'a')).toBeUndefined();
    window.rememberKey('a', answer(9));
    window.rememberKey('e', answer(10));
    window.rememberKey('f', answer(11));
    expect(window.find(key('a'), 'a')).toMatchObject({ offset: 9 });
  });

  it('keeps a key and a producer id of the same text apart, in 128 bits', () => {
    const names = [producerHash({ key: 'x' }), producerHash({ id: 'x', first: 0, next: 1 })];
    expect(new Set(names).size).toBe(2);
    expect(names.map(name => name.length)).toEqual([16, 16]);
  });
});
