// docs/log-format.md against what is on disk: every field is read by the position and size in its table.
import { hash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32c } from '@node-rs/crc32';
import { expect, it } from 'vitest';
import { openSegmentLog } from './segment-log.ts';

const document = await readFile(new URL('../../docs/log-format.md', import.meta.url), 'utf8');

/** Position and size of the field whose description begins so. */
function fieldAt(name: string): { at: number; size: number } {
  const row = new RegExp(`^\\| (\\d+) \\| (\\d+) \\| ${name}`, 'm').exec(document);
  if (!row) throw new Error(`the document has no field ${name}`);
  return { at: Number(row[1]), size: Number(row[2]) };
}

function read(record: Buffer, name: string): number {
  const { at, size } = fieldAt(name);
  if (size === 8) return Number(record.readBigUInt64LE(at));
  return record.readUIntLE(at, size);
}

it('finds in the files what the document says', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'millrace-format-'));
  const log = await openSegmentLog({ dir, reserveBytes: 0 });
  await log.createStream('access');
  const append = (
    text: string,
    count: number,
    producer: { key: string } | { id: string; first: number; next: number },
  ) => log.append('access', 0, { bytes: Buffer.from(text), count, producer });
  await append('{"a":1}\n{"a":2}\n', 2, { key: 'K' });
  const result = await append('{"a":3}\n', 1, { id: 'P', first: 7, next: 9 });
  await log.close();
  const place = join(dir, 'streams', 'access', '0', '0'.repeat(20));
  expect(await readFile(`${place}.ndjson`, 'utf8')).toBe('{"a":1}\n{"a":2}\n{"a":3}\n');
  const index = await readFile(`${place}.index`);
  expect(index.length).toBe(3 * 80);
  const [keyed, sequenced, seal] = [0, 80, 160].map(at => index.subarray(at, at + 80)) as [
    Buffer,
    Buffer,
    Buffer,
  ];
  const fields = {
    'position of': 16,
    'base offset': 2,
    'length of': 8,
    'count of': 1,
    'append time': result.appendTimeMs,
    'CRC32C of the batch': crc32c('{"a":3}\n'),
    'durable:': 1,
    'sequence: first': 7,
    'sequence: number after': 9,
    'kind:': 2,
    'format version': 1,
    'CRC32C of bytes 0 to 75': crc32c(sequenced.subarray(0, 76)),
  };
  for (const [name, value] of Object.entries(fields))
    expect([name, read(sequenced, name)]).toEqual([name, value]);
  const { at, size } = fieldAt('producer:');
  expect(keyed.subarray(at, at + size)).toEqual(hash('sha256', 'kK', 'buffer').subarray(0, 16));
  expect(sequenced.subarray(at, at + size)).toEqual(hash('sha256', 'pP', 'buffer').subarray(0, 16));
  expect([
    read(seal, 'kind:'),
    read(seal, 'position of'),
    read(seal, 'base offset'),
    read(seal, 'durable:'),
  ]).toEqual([3, 24, 3, 2]);
  await rm(dir, { recursive: true });
});

it('finds in a snapshot of producers and in "partitions" what the document says', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'millrace-format-'));
  const log = await openSegmentLog({ dir, reserveBytes: 0, segmentBytes: 30 });
  await log.createStream('s', { partitions: 3 });
  const append = (count: number, producer?: { key: string } | { id: string; first: number; next: number }) =>
    log.append('s', 0, {
      bytes: Buffer.from('{"a":1}\n'.repeat(count)),
      count,
      ...(producer && { producer }),
    });
  const key = await append(2, { key: 'K' });
  const batch = await append(1, { id: 'P', first: 7, next: 9 });
  await append(3);
  await log.close();
  const three = '3'.padStart(20, '0');
  expect(await readFile(join(dir, 'streams', 's', 'partitions'), 'latin1')).toBe(
    `${three} ${crc32c(three).toString(16).padStart(8, '0')}\n`,
  );
  const bytes = await readFile(join(dir, 'streams', 's', '0', `${three}.producers`));
  expect(bytes.toString('latin1', 0, 4)).toBe('MRPW');
  expect(bytes.readUInt32LE(4)).toBe(1);
  expect(read(bytes, 'offset, as in the name')).toBe(3);
  expect(read(bytes, 'number of keys')).toBe(1);
  expect(read(bytes, 'number of named producers')).toBe(1);
  expect(read(bytes, 'number of their batches')).toBe(1);
  expect(bytes.length).toBe(32 + 48 + 32 + 48 + 4);
  expect(bytes.readUInt32LE(bytes.length - 4)).toBe(crc32c(bytes.subarray(0, -4)));
  const hashOf = (name: string) => hash('sha256', name, 'buffer').subarray(0, 16);
  const answerAt = (at: number) => {
    const [offset, appendTimeMs] = [bytes.readBigUInt64LE(at), bytes.readBigUInt64LE(at + 8)].map(Number);
    return { offset, appendTimeMs, count: bytes.readUInt32LE(at + 16) };
  };
  expect(bytes.subarray(32, 48)).toEqual(hashOf('kK'));
  expect(key).toMatchObject(answerAt(48));
  expect(bytes.subarray(80, 96)).toEqual(hashOf('pP'));
  expect([bytes.readBigUInt64LE(96), bytes.readUInt32LE(104), bytes.readUInt32LE(108)]).toEqual([9n, 1, 0]);
  expect([bytes.readBigUInt64LE(112), bytes.readBigUInt64LE(120)]).toEqual([7n, 9n]);
  expect(batch).toMatchObject(answerAt(128));
  await rm(dir, { recursive: true });
});
