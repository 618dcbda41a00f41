import { expect, test } from 'vitest';
import { codeOf, MillraceError, textOf, toError, toWire, wordsOf } from './errors.ts';

const fail = (): never => {
  throw new Error('a trap');
};
const trapped = (target: object): object =>
  new Proxy(target, {
    apply: fail,
    get: fail,
    getOwnPropertyDescriptor: fail,
    getPrototypeOf: fail,
    has: fail,
    ownKeys: fail,
    set: fail,
  });
const revoked = Proxy.revocable({}, {});
revoked.revoke();

const hostile: [string, unknown][] = [
  ['an object without a prototype', Object.create(null)],
  ['one with fields', Object.assign(Object.create(null), { a: 1 })],
  ['a proxy that throws', trapped({})],
  ['a proxy of an error that throws', trapped(new Error('inside'))],
  ['a revoked proxy', revoked.proxy],
  ['an object whose toString throws', { toString: fail }],
  ['an object whose toPrimitive throws', { [Symbol.toPrimitive]: fail }],
  ['a symbol', Symbol('sign')],
  ['undefined', undefined],
  ['null', null],
  ['an error whose stack is a number', Object.assign(new Error('kept'), { stack: 5 })],
  ['an error whose message is an object', Object.assign(new Error(), { message: Object.create(null) })],
  ['an error whose name is a symbol', Object.assign(new Error('kept'), { name: Symbol('sign') })],
  ...['name', 'message', 'stack', 'code', 'remedy'].map((part): [string, unknown] => [
    `an error whose ${part} throws`,
    Object.defineProperty(new MillraceError('some-code', 'kept'), part, { get: fail }),
  ]),
];

test.each(hostile)('%s becomes an error with words', (_name, thrown) => {
  const { name, message, stack } = toError(thrown);
  expect([typeof name, typeof message, typeof stack]).toEqual(['string', 'string', 'string']);
  expect(Object.values(wordsOf(thrown)).every(words => typeof words === 'string')).toBe(true);
  expect(toWire(thrown)).toMatchObject({ code: expect.any(String), message: expect.any(String) });
  expect(['string', 'undefined']).toContain(typeof codeOf(thrown));
  expect(typeof textOf(thrown)).toBe('string');
});

test('what can be read of an error is kept, and one that can be read whole is itself', () => {
  const error = new MillraceError('some-code', 'It failed.', { remedy: 'Mend it.' });
  expect(toError(error)).toBe(error);
  expect(wordsOf(error)).toMatchObject({ name: 'MillraceError', message: 'It failed.', remedy: 'Mend it.' });
  expect(wordsOf(Object.assign(new TypeError('kept'), { stack: 5 }))).toMatchObject({
    name: 'TypeError',
    message: 'kept',
  });
  expect(wordsOf('text')).toMatchObject({ name: 'Error', message: 'text', remedy: '' });
});

test('an error that says another thing each time it is read has words', () => {
  let times = 0;
  const error = Object.defineProperty(new Error(), 'message', {
    get: () => (times++ % 2 === 0 ? 'once' : fail()),
  });
  for (let i = 0; i < 3; i++) expect(typeof wordsOf(error).message).toBe('string');
});
