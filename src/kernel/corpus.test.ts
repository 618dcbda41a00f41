// Published corpora: the JSON parsing test suite (y_ accepted, n_ refused, i_ as JSON.parse does), naughty
// strings, an access log and a DNS log. Each document is wrapped as the value of one key, since a line of the
// kernel is an object.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import {
  accessLogBoth,
  arrayBoth,
  compiled,
  decodeBoth,
  everyKind,
  validateBoth,
} from './testing/compare.ts';
import { fill, kernels, toBytes, toText } from './testing/kernels.ts';

const data = fileURLToPath(new URL('../../../shared/data/', import.meta.url));
const has = (name: string): boolean => existsSync(data + name);
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const wrap = (document: Uint8Array): Uint8Array =>
  Uint8Array.from([...toBytes('{"v":'), ...document.map(byte => (byte === 0x0a ? 0x20 : byte)), 0x7d]);

/** What JSON.parse makes of the wrapped document, nested at most 63 deep inside it. */
function parses(line: Uint8Array): boolean {
  try {
    const deepest = (value: unknown): number =>
      typeof value !== 'object' || value === null ? 0 : 1 + Math.max(0, ...Object.values(value).map(deepest));
    return deepest(JSON.parse(strict.decode(line))) <= 64;
  } catch {
    return false;
  }
}

describe.skipIf(!has('json/test_parsing'))('the JSON parsing test suite (needs ../shared/data/json)', () => {
  const folder = `${data}json/test_parsing/`;
  const cases = has('json/test_parsing')
    ? readdirSync(folder)
        .filter(name => name.endsWith('.json'))
        // Deep enough to overflow the stack of the test itself; depth has tests of its own.
        .filter(name => !/100000_opening_arrays|open_array_object/.test(name))
    : [];

  test('has cases of every sort', () => {
    for (const sort of ['y_', 'n_', 'i_'])
      expect(cases.filter(name => name.startsWith(sort)).length).toBeGreaterThan(20);
  });

  test.each(kernels)(
    'the $name kernel accepts every y_, refuses every n_, and is JSON.parse on i_',
    ({ create }) => {
      const kernel = create();
      const wrong = cases.filter(name => {
        const document = readFileSync(folder + name);
        const line = wrap(document);
        const { count, rejected } = kernel.validate(fill(kernel, line));
        // One case is a newline inside a string: as part of a line it would be a blank, so it is left as it is.
        if (document.includes(0x0a) && name.startsWith('n_')) return !parses(line) && count > 0;
        const isAccepted = name.startsWith('i_') ? parses(line) : name.startsWith('y_');
        return count !== (isAccepted ? 1 : 0) || rejected !== (isAccepted ? 0 : 1);
      });
      expect(wrong).toEqual([]);
    },
  );

  test('both kernels agree on every case, as a line, as lines, as an array and as an element', () => {
    for (const name of readdirSync(folder)) {
      const document = readFileSync(folder + name);
      validateBoth(wrap(document));
      validateBoth(document);
      arrayBoth(document);
      arrayBoth(Uint8Array.from([...toBytes('[{},'), ...document, ...toBytes(',{}]')]));
    }
  });

  test('the values of every accepted case are those of JSON.parse', () => {
    const decoder = compiled.decoder([{ path: ['v'], kind: 'slice' }]);
    for (const name of cases) {
      const line = wrap(readFileSync(folder + name));
      const { count, length } = compiled.validate(fill(compiled, line));
      if (count !== 1) continue;
      const { columns } = decoder.decode(0, length);
      const raw = toText(compiled.input(0).slice(columns[0]!.start[0], columns[0]!.end[0]));
      expect(JSON.parse(raw), name).toEqual(JSON.parse(toText(line)).v);
      decodeBoth(compiled.input(0).slice(0, length), everyKind([['v'], ['v', 'a'], ['v', '']]));
    }
  });
});

test.skipIf(!has('fuzz/blns.json'))('naughty strings keep their values (needs ../shared/data/fuzz)', () => {
  const strings = JSON.parse(readFileSync(`${data}fuzz/blns.json`, 'utf8')) as string[];
  const ascii = (text: string): string =>
    JSON.stringify(text).replace(/[^ -~]/g, unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
  const lines = strings.flatMap((text, i) => [
    JSON.stringify({ [text]: i, v: text }),
    `{"v":${ascii(text)}}`,
    `{"v":0,${ascii(text)}:1,"v":${ascii(text)}}`,
  ]);
  const bytes = toBytes(lines.map(line => `${line}\n`).join(''));
  validateBoth(bytes);
  decodeBoth(bytes, everyKind([['v'], ['__proto__']]));
  const decoder = compiled.decoder([{ path: ['v'], kind: 'dict' }]);
  const { rows, columns } = decoder.decode(0, fill(compiled, bytes));
  expect(rows).toBe(lines.length);
  for (let row = 0; row < rows; row++) {
    expect(decoder.dictionaryValue(0, columns[0]!.values[row] as number)).toBe(JSON.parse(lines[row]!).v);
  }
});

test.skipIf(!has('access/apache_logs'))(
  'an access log is converted alike (needs ../shared/data/access)',
  () => {
    const bytes = readFileSync(`${data}access/apache_logs`);
    accessLogBoth(bytes, 'combined', true);
    const result = compiled.accessLogToNdjson(fill(compiled, bytes), 'combined', true);
    expect(result).toMatchObject({ count: 9999, rejected: 1, errors: [{ line: 8899, reason: 'bad agent' }] });
    const events = toText(result.output)
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line) as { ip: string; status: number; bytes: number | null; agent: string });
    expect(new Set(events.map(event => event.ip)).size).toBe(1753);
    expect(events.reduce((sum, event) => sum + (event.bytes ?? 0), 0)).toBe(2_747_282_505);
    expect(events.filter(event => event.status === 200).length).toBe(9125);
    expect(new Set(events.map(event => event.agent)).size).toBe(558);
    validateBoth(result.output.slice());
  },
);

test.skipIf(!has('zeek/dns.json.gz'))('a DNS log has its known counts (needs ../shared/data/zeek)', () => {
  const bytes = gunzipSync(readFileSync(`${data}zeek/dns.json.gz`));
  const length = fill(compiled, bytes);
  expect(compiled.validate(length)).toMatchObject({ count: 53_615, rejected: 0, length });
  const decoder = compiled.decoder([{ path: ['query'], kind: 'dict' }], { maxRows: 65_536 });
  const { rows, columns } = decoder.decode(0, length);
  expect(rows).toBe(53_615);
  const hasMissing = columns[0]!.state.some(state => state < 2);
  expect(decoder.dictionarySize(0) + (hasMissing ? 1 : 0)).toBe(1651);
  decodeBoth(
    bytes.subarray(0, bytes.indexOf(10, 200_000) + 1),
    everyKind([['query'], ['ts'], ['id.orig_h'], ['rtt']]),
  );
});
