// The kernel beside DuckDB on one thread and JSON.parse with a Map, in one process: events of 245 bytes and 10 fields.
// The peers answer the same question, and their answers are compared before anything is timed.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DuckDBInstance, version as duckDbVersion } from '@duckdb/node-api';
import { Rng } from '../src/core/rng.ts';
import { cell, type FieldSpec, type Kernel } from '../src/kernel/kernel.ts';
import { loadKernel } from '../src/kernel/load-kernel.ts';

/** A figure, as the bench harness prints it. */
export interface Case {
  name: string;
  peer: boolean;
  unit: string;
  value: number;
  note?: string;
}

const paths = [
  '/',
  '/cart',
  '/checkout',
  '/products/1042',
  '/products/77',
  '/search',
  '/help',
  '/account',
  '/login',
  '/a',
];
const methods = ['GET', 'GET', 'GET', 'POST', 'PUT'];
const countries = ['DE', 'US', 'FR', 'JP', 'BR', 'IN', 'GB', 'IT'];

const blockRows = 16_384;
const found = cell.value;
const hexDigits = (rng: Rng, digits: number): string =>
  rng.uint32().toString(16).padStart(8, '0').slice(0, digits);

/** NDJSON of `count` events, each 245 bytes with its newline. */
export function makeEvents(count: number, seed: number): Buffer {
  const rng = new Rng(seed);
  const lines: string[] = [];
  for (let i = 0; i < count; i++) {
    const event = {
      _time: new Date(1_790_000_000_000 + i * 7).toISOString(),
      user: `u${rng.below(Math.max(1, count >> 2))}`,
      session: `${hexDigits(rng, 8)}-${hexDigits(rng, 4)}`,
      method: rng.pick(methods),
      path: rng.pick(paths),
      status: rng.boolean(0.93) ? 200 : rng.pick([301, 404, 500]),
      bytes: rng.below(50_000),
      ms: Math.round(rng.exponential(0.02) * 100) / 100,
      country: rng.pick(countries),
      agent: '',
    };
    const rest = 244 - JSON.stringify(event).length;
    event.agent =
      'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0 and so on and so forth'.slice(
        0,
        rest,
      );
    lines.push(JSON.stringify(event).padEnd(244));
  }
  return Buffer.from(`${lines.join('\n')}\n`);
}

interface Timed {
  /** Not timed. */
  prepare?: () => void;
  work: () => unknown;
}

/** Mean seconds of the faster half of each one's runs. They take turns, so that a slow moment of the machine meets all of them. */
async function secondsOf(runs: number, all: readonly Timed[]): Promise<number[]> {
  const seconds = all.map((): number[] => []);
  for (let i = 0; i < runs; i++) {
    for (const [place, { prepare, work }] of all.entries()) {
      prepare?.();
      const start = process.hrtime.bigint();
      await work();
      seconds[place]!.push(Number(process.hrtime.bigint() - start) / 1e9);
    }
  }
  return seconds.map(each => {
    const best = each.sort((a, b) => a - b).slice(0, Math.ceil(runs / 2));
    return best.reduce((sum, value) => sum + value, 0) / best.length;
  });
}

/** Feeds an input to a decoder half a MB at a time: what the second-level cache holds. */
function eachBlock(kernel: Kernel, input: Buffer, visit: (length: number) => number): void {
  const blockBytes = 512 * 1024;
  for (let at = 0; at < input.length; ) {
    const block = input.subarray(at, at + blockBytes);
    kernel.input(blockBytes).set(block);
    at += visit(block.length);
  }
}

const threeFields: FieldSpec[] = [
  { path: ['path'], kind: 'dict' },
  { path: ['status'], kind: 'f64' },
  { path: ['bytes'], kind: 'f64' },
];

/** SELECT path, count(*), sum(bytes) WHERE status < 400 GROUP BY path. */
function keepBelow(
  state: Uint8Array,
  values: Float64Array,
  limit: number,
  rows: number,
  mask: Uint8Array,
): void {
  for (let row = 0; row < rows; row++) mask[row] = state[row] === found && values[row]! < limit ? 1 : 0;
}

function addRows(
  ids: Uint32Array,
  state: Uint8Array,
  values: Float64Array,
  rows: number,
  counts: Float64Array,
  sums: Float64Array,
): void {
  for (let row = 0; row < rows; row++) {
    const id = ids[row]!;
    if (id === 0xffffffff) continue;
    counts[id]! += 1;
    if (state[row] === found) sums[id]! += values[row]!;
  }
}

export function groupThree(kernel: Kernel, input: Buffer): Map<string, [number, number]> {
  const decoder = kernel.decoder(threeFields, { maxRows: blockRows });
  const grouper = kernel.grouper(1);
  const mask = new Uint8Array(blockRows);
  let counts = new Float64Array(64);
  let sums = new Float64Array(64);
  eachBlock(kernel, input, length => {
    let position = 0;
    for (;;) {
      const { rows, consumed, columns } = decoder.decode(position, length - position);
      if (rows === 0) return position;
      position += consumed;
      const [path, status, bytes] = columns as [
        (typeof columns)[0],
        (typeof columns)[0],
        (typeof columns)[0],
      ];
      keepBelow(status.state, status.values as Float64Array, 400, rows, mask);
      const ids = grouper.assign([path.values as Uint32Array], rows, mask);
      if (grouper.size() > counts.length) {
        const grown = new Float64Array(grouper.size() * 2);
        grown.set(counts);
        counts = grown;
        const grownSums = new Float64Array(grouper.size() * 2);
        grownSums.set(sums);
        sums = grownSums;
      }
      addRows(ids, bytes.state, bytes.values as Float64Array, rows, counts, sums);
    }
  });
  const result = new Map<string, [number, number]>();
  for (let id = 0; id < grouper.size(); id++) {
    result.set(String(decoder.dictionaryValue(0, grouper.key(id)[0]!)), [counts[id]!, sums[id]!]);
  }
  decoder.free();
  grouper.free();
  return result;
}

const eightFields: FieldSpec[] = [
  { path: ['user'], kind: 'dict' },
  { path: ['session'], kind: 'dict' },
  { path: ['_time'], kind: 'time' },
  { path: ['method'], kind: 'dict' },
  { path: ['path'], kind: 'dict' },
  { path: ['status'], kind: 'f64' },
  { path: ['bytes'], kind: 'f64' },
  { path: ['ms'], kind: 'f64' },
];

/** Groups by user and session: count, sums, latest time, methods and paths seen (as codes); groups and a checksum. */
export function groupEight(kernel: Kernel, input: Buffer): { groups: number; bytes: number } {
  const decoder = kernel.decoder(eightFields, { maxRows: blockRows });
  const grouper = kernel.grouper(2, { maxGroups: 16_777_216 });
  const capacity = Math.ceil(input.length / 245) + 1;
  const counts = new Float64Array(capacity);
  const sums = new Float64Array(capacity);
  const times = new Float64Array(capacity);
  const slowest = new Float64Array(capacity);
  const lastMethod = new Uint32Array(capacity);
  const lastPath = new Uint32Array(capacity);
  eachBlock(kernel, input, length => {
    let position = 0;
    for (;;) {
      const { rows, consumed, columns } = decoder.decode(position, length - position);
      if (rows === 0) return position;
      position += consumed;
      const ids = grouper.assign([columns[0]!.values, columns[1]!.values] as Uint32Array[], rows);
      const values = columns.map(column => column.values);
      const [, , time, method, path, status, bytes, ms] = values as Float64Array[];
      for (let row = 0; row < rows; row++) {
        const id = ids[row]!;
        counts[id]!++;
        sums[id]! += bytes![row]! + (status![row]! >= 400 ? 0.5 : 0);
        if (time![row]! >= times[id]!) {
          times[id] = time![row]!;
          lastMethod[id] = method![row]!;
          lastPath[id] = path![row]!;
        }
        if (ms![row]! > slowest[id]!) slowest[id] = ms![row]!;
      }
    }
  });
  const result = {
    groups: grouper.size(),
    bytes: Math.floor(sums.reduce((sum, value) => sum + Math.floor(value), 0)),
  };
  decoder.free();
  grouper.free();
  return result;
}

function parseAndGroup(input: Buffer): Map<string, [number, number]> {
  const groups = new Map<string, [number, number]>();
  for (let at = 0; at < input.length; ) {
    const end = input.indexOf(10, at);
    const event = JSON.parse(input.toString('utf8', at, end)) as {
      path: string;
      status: number;
      bytes: number;
    };
    at = end + 1;
    if (event.status >= 400) continue;
    const group = groups.get(event.path);
    if (group) {
      group[0]++;
      group[1] += event.bytes;
    } else groups.set(event.path, [1, event.bytes]);
  }
  return groups;
}

function parseEach(input: Buffer): number {
  let count = 0;
  for (let at = 0; at < input.length; ) {
    const end = input.indexOf(10, at);
    if (JSON.parse(input.toString('utf8', at, end)) !== null) count++;
    at = end + 1;
  }
  return count;
}

/** Combined lines of varied length. */
function makeAccessLog(count: number, seed: number): Buffer {
  const rng = new Rng(seed);
  const agents = [
    'curl/8.5.0',
    `Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 ${'Chrome/126.0'.repeat(3)}`,
  ];
  const lines = Array.from({ length: count }, (_, i) => {
    const second = String(Math.floor(i / 20) % 60).padStart(2, '0');
    const minute = String(Math.floor(i / 1200) % 60).padStart(2, '0');
    const request = `${rng.pick(methods)} ${rng.pick(paths)}?id=${rng.below(200_000)} HTTP/1.1`;
    const ip = `${rng.below(256)}.${rng.below(256)}.${rng.below(256)}.${rng.below(256)}`;
    return `${ip} - - [17/May/2015:10:${minute}:${second} +0000] "${request}" 200 ${rng.below(90_000)} "-" "${rng.pick(agents)}"\n`;
  });
  return Buffer.from(lines.join(''));
}

const sql = (file: string) => ({
  three: `SELECT path, count(*)::DOUBLE, sum(bytes)::DOUBLE FROM read_json('${file}', format = 'newline_delimited', columns = {path: 'VARCHAR', status: 'BIGINT', bytes: 'BIGINT'}) WHERE status < 400 GROUP BY path`,
  eight: `SELECT count(*)::DOUBLE, sum(b)::DOUBLE FROM (SELECT user, session, count(*), sum(bytes) AS b, count_if(status >= 400), max(_time), arg_max(method, _time), arg_max(path, _time), max(ms) FROM read_json('${file}', format = 'newline_delimited', columns = {_time: 'TIMESTAMP', user: 'VARCHAR', session: 'VARCHAR', method: 'VARCHAR', path: 'VARCHAR', status: 'BIGINT', bytes: 'BIGINT', ms: 'DOUBLE'}) GROUP BY user, session)`,
});

function fail(message: string): never {
  throw new Error(`kernel bench: ${message}`);
}

async function run({ tiny, seed }: { tiny: boolean; seed: number }): Promise<Case[]> {
  const wasm = ['../dist/kernel.wasm', './kernel.wasm'].map(path =>
    fileURLToPath(new URL(path, import.meta.url)),
  );
  const kernel = loadKernel(wasm.find(existsSync) ?? fail('dist/kernel.wasm is not built'));
  const count = tiny ? 2000 : 400_000;
  const runs = tiny ? 1 : 6;
  const input = makeEvents(count, seed);
  const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
  const file = join(folder, 'events.ndjson');
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    writeFileSync(file, input);
    await connection.run('SET threads = 1');
    const queries = sql(file);
    const rowsOf = async (query: string) => (await connection.runAndReadAll(query)).getRows();

    const wanted = JSON.stringify([...parseAndGroup(input)].sort());
    const fromDuckDb = (await rowsOf(queries.three)).map(([path, ...numbers]) => [path, numbers]);
    if (JSON.stringify([...groupThree(kernel, input)].sort()) !== wanted) fail('the kernel disagrees');
    if (JSON.stringify(fromDuckDb.sort()) !== wanted) fail('DuckDB disagrees');
    const eight = groupEight(kernel, input);
    const [groups, bytes] = (await rowsOf(queries.eight))[0]!;
    if (eight.groups !== groups || eight.bytes !== bytes) fail('eight fields disagree');

    const take = (bytes: Buffer): void => kernel.input(bytes.length).set(bytes);
    const log = makeAccessLog(count, seed);
    take(input);
    if (kernel.validate(input.length).count !== count) fail('validation lost events');
    take(log);
    if (kernel.accessLogToNdjson(log.length, 'combined', true).count !== count)
      fail('log lines were refused');
    const seconds = await secondsOf(runs, [
      { prepare: () => take(input), work: () => kernel.validate(input.length) },
      { work: () => parseEach(input) },
      { work: () => groupThree(kernel, input) },
      { work: () => rowsOf(queries.three) },
      { work: () => parseAndGroup(input) },
      { work: () => groupEight(kernel, input) },
      { work: () => rowsOf(queries.eight) },
      { prepare: () => take(log), work: () => kernel.accessLogToNdjson(log.length, 'combined', true) },
    ]);
    const [validate, parse, three, threeDuckDb, threeParse, eightKernel, eightDuckDb, accessLog] =
      seconds as [number, number, number, number, number, number, number, number];

    // Cases are compared within a unit, so each question has its own.
    const events = (fields: number, name: string, seconds: number): Case => ({
      name,
      peer: !name.startsWith('millrace'),
      unit: `M events/s (${fields} fields)`,
      value: count / seconds / 1e6,
    });
    const bytesOf = (what: string, name: string, size: number, seconds: number): Case => ({
      name,
      peer: !name.startsWith('millrace'),
      unit: `GB/s of ${what}`,
      value: size / seconds / 1e9,
    });
    const duckDb = `DuckDB ${duckDbVersion()} read_json, one thread, columns given`;
    return [
      bytesOf('NDJSON', 'millrace validate', input.length, validate),
      bytesOf('NDJSON', 'JSON.parse of each line', input.length, parse),
      events(3, 'millrace decode, filter, group by one, sum', three),
      events(3, duckDb, threeDuckDb),
      events(3, 'JSON.parse and a Map', threeParse),
      events(8, 'millrace decode, group by two of high cardinality', eightKernel),
      events(8, duckDb, eightDuckDb),
      bytesOf('access log', 'millrace accessLogToNdjson', log.length, accessLog),
    ];
  } finally {
    connection.closeSync();
    instance.closeSync();
    rmSync(folder, { recursive: true, force: true });
  }
}

export const benchmark = { name: 'kernel', title: 'Kernel: decode, group, validate', run };
