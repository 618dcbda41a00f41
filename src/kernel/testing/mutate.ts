// Seeded damage to documents: the fuzzers' only source of input besides the corpora.
import type { Rng } from '../../core/rng.ts';

/** Pieces that a parser may trip over. */
const pieces = [
  ...[
    '"',
    '\\',
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '\n',
    '\r\n',
    '\0',
    ' ',
    '\t',
    '-',
    '0',
    '1',
    '.',
    'e',
    'E+',
    '\ufeff',
  ],
  ...[
    'true',
    'false',
    'null',
    'nul',
    '\\u',
    '\\ud800',
    '\\u0000',
    '\\udc00',
    '1e400',
    '-0',
    '"":',
    '{"":',
    '__proto__',
  ],
  ...[
    'é',
    '\u2028',
    '😀',
    '[[[[[[[[',
    '{"a":{"a":{"a":',
    '9007199254740993',
    '123456789012345678901234567890',
  ],
].map(text => new TextEncoder().encode(text));
const oddBytes = [0x80, 0xbf, 0xc0, 0xc2, 0xe0, 0xed, 0xf0, 0xf4, 0xf5, 0xff, 0x00, 0x1f, 0x7f];

function splice(bytes: Uint8Array, at: number, remove: number, insert: Uint8Array): Uint8Array {
  const result = new Uint8Array(
    Math.min(at, bytes.length) + insert.length + Math.max(0, bytes.length - at - remove),
  );
  result.set(bytes.subarray(0, at));
  result.set(insert, at);
  result.set(bytes.subarray(at + remove), at + insert.length);
  return result;
}

/** A copy with one to four bytes, pieces or stretches changed. */
export function mutate(rng: Rng, source: Uint8Array): Uint8Array {
  let bytes: Uint8Array = source.slice();
  for (let i = rng.below(4); i >= 0; i--) {
    const at = rng.below(bytes.length + 1);
    const length = Math.min(rng.below(8), bytes.length - at);
    const kind = rng.below(6);
    if (kind === 0) bytes = splice(bytes, at, length, new Uint8Array());
    else if (kind === 1) bytes = splice(bytes, at, 0, rng.pick(pieces));
    else if (kind === 2) bytes = splice(bytes, at, length, rng.pick(pieces));
    else if (kind === 3) bytes = splice(bytes, at, 1, Uint8Array.of(rng.pick(oddBytes)));
    else if (kind === 4) bytes = splice(bytes, at, 1, Uint8Array.of(rng.below(256)));
    else {
      const from = rng.below(bytes.length + 1);
      bytes = splice(bytes, at, 0, bytes.slice(from, from + rng.below(40)));
    }
  }
  return bytes;
}
