// The long form of the differential fuzz: mutated documents of the corpora and of a generator, compiled
// against reference. MILLRACE_ROUNDS sets the rounds a test, MILLRACE_SEED the seed; a failure prints the
// round's own seed.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, test } from 'vitest';
import { Rng } from '../core/rng.ts';
import {
  accessLogBoth,
  arrayBoth,
  decodeBoth,
  everyKind,
  reference,
  validateBoth,
} from './testing/compare.ts';
import { fill, toBytes } from './testing/kernels.ts';
import { mutate } from './testing/mutate.ts';
import { roundsOr, seed } from './testing/rounds.ts';

const rounds = roundsOr(100_000);
const data = fileURLToPath(new URL('../../../shared/data/', import.meta.url));

const lines = [
  '{"a":1,"b":"x","c":{"a":[1,2,{"b":null}],"b":true}}',
  '{"_time":"2015-05-17T10:05:03.123Z","a":"17/May/2015:10:05:03 +0200","b":1431857103000}',
  '{"a":"é\\u00e9\\ud83d\\ude00😀","b":-12.50e-3,"a":9007199254740993}',
  '{ "a" : { "b" : { "a" : 1 } } , "b" : [ ] }',
  '{"__proto__":{"a":1},"a.b":2,"\\u0061":3,"":4}',
  '{"a":0.1,"b":123456789012345678901234567890,"c":5e-324,"d":1.7976931348623159e308}',
].map(toBytes);
const accessLines = [
  '1.2.3.4 - - [17/May/2015:10:05:03 +0000] "GET /a?b=c HTTP/1.1" 200 2326 "http://x/" "Mozilla/5.0 (X11; \\"é\\")"',
  'a:80 ::1 - u v [29/Feb/2016:23:59:59 -0730] "\\x16\\x03" 400 - "-" "\\xc3\\xa9 \\xe2\\x82\\n"',
  '9.9.9.9 - - [01/Jan/1970:00:00:00 +0100] "-" 000 0',
].map(toBytes);

function joined(rng: Rng, sources: readonly Uint8Array[], separator: string): Uint8Array {
  const parts = Array.from({ length: 1 + rng.below(5) }, () => [...rng.pick(sources), ...toBytes(separator)]);
  return Uint8Array.from(parts.flat());
}

/** Runs `round` with generators that each replay alone. */
function fuzz(round: (rng: Rng) => void): void {
  for (let i = 0; i < rounds; i++) {
    try {
      round(new Rng(seed + i));
    } catch (thrown) {
      throw new Error(`failed with MILLRACE_SEED=${seed + i} MILLRACE_ROUNDS=1`, { cause: thrown });
    }
  }
}

const some = (rng: Rng, bytes: Uint8Array): Uint8Array => {
  for (let i = rng.below(3); i > 0; i--) bytes = mutate(rng, bytes);
  return bytes;
};

describe(`compiled equals reference on mutated input (${rounds} rounds, seed ${seed})`, () => {
  const documents = [...lines];
  beforeAll(() => {
    const folder = `${data}json/test_parsing/`;
    if (!existsSync(folder)) return;
    for (const name of readdirSync(folder)) {
      const document = readFileSync(folder + name);
      if (document.length < 500)
        documents.push(Uint8Array.from([...toBytes('{"a":'), ...document, ...toBytes(',"b":1}')]));
    }
  });
  const fields = everyKind([['a'], ['b'], ['a', 'b'], ['c', 'a'], ['a.b'], ['__proto__', 'a'], ['']]);

  test('validate', () => {
    fuzz(rng =>
      validateBoth(some(rng, joined(rng, documents, rng.pick(['\n', '\r\n', '\n\n']))), {
        maxLineBytes: 400,
      }),
    );
  });

  test('decode what validation left', () => {
    fuzz(rng => {
      const length = fill(reference, some(rng, joined(rng, documents, '\n')));
      decodeBoth(reference.input(0).slice(0, reference.validate(length).length), fields);
    });
  });

  test('arrayToNdjson', () => {
    fuzz(rng => {
      const elements = joined(rng, documents, rng.pick([',', ' ,\n', '\r\n,']));
      arrayBoth(some(rng, Uint8Array.from([0x5b, ...elements, ...toBytes('{}]')])));
      arrayBoth(some(rng, joined(rng, documents, rng.pick(['\n', ' ', '#']))));
    });
  });

  test('accessLogToNdjson', () => {
    fuzz(rng => {
      const variant = rng.pick(['common', 'combined', 'vhost'] as const);
      accessLogBoth(some(rng, joined(rng, accessLines, rng.pick(['\n', '\r\n']))), variant, rng.boolean());
    });
  });
});
