// One 80-byte record of a segment's index, little-endian, with its own CRC32C. Its invariant: a record that
// decodes is byte for byte one that was encoded. The layout is documented in docs/log-format.md.
import { crc32c } from '@node-rs/crc32';

export const recordBytes = 80;
const formatVersion = 1;

/** What a record is. A seal says how much before it is durable; it is overwritten by the next batch. */
export const recordKind = { plain: 0, keyed: 1, sequenced: 2, seal: 3 } as const;

export interface IndexRecord {
  kind: number;
  /** Where the batch begins in the segment file. */
  position: number;
  length: number;
  /** Offset of the batch's first event; of a seal, the offset after the last event. */
  offset: number;
  count: number;
  /** CRC32C of the batch's bytes. */
  dataCrc: number;
  appendTimeMs: number;
  /** Records of this segment known to be on disk when this one was written. */
  durable: number;
  /** 128-bit hash of the key or producer id as 16 latin1 characters; empty where there is none. */
  producer: string;
  first: number;
  next: number;
}

const noProducer = '\0'.repeat(16);

function writeU64(target: Buffer, value: number, at: number): void {
  target.writeUInt32LE(value % 4294967296, at);
  target.writeUInt32LE(Math.floor(value / 4294967296), at + 4);
}

function readU64(source: Buffer, at: number): number {
  return source.readUInt32LE(at + 4) * 4294967296 + source.readUInt32LE(at);
}

export function encodeRecord(record: IndexRecord, target: Buffer, at: number): void {
  writeU64(target, record.position, at);
  writeU64(target, record.offset, at + 8);
  target.writeUInt32LE(record.length, at + 16);
  target.writeUInt32LE(record.count, at + 20);
  writeU64(target, record.appendTimeMs, at + 24);
  target.writeUInt32LE(record.dataCrc, at + 32);
  target.writeUInt32LE(record.durable, at + 36);
  target.write(record.producer || noProducer, at + 40, 16, 'latin1');
  writeU64(target, record.first, at + 56);
  writeU64(target, record.next, at + 64);
  target.writeUInt8(record.kind, at + 72);
  target.writeUInt8(formatVersion, at + 73);
  target.writeUInt16LE(0, at + 74);
  target.writeUInt32LE(crc32c(target.subarray(at, at + 76)), at + 76);
}

/** The record at `at`, or undefined where the bytes there are not one. */
export function decodeRecord(source: Buffer, at: number): IndexRecord | undefined {
  if (at + recordBytes > source.length || source[at + 73] !== formatVersion) return undefined;
  if (crc32c(source.subarray(at, at + 76)) !== source.readUInt32LE(at + 76)) return undefined;
  const kind = source[at + 72]!;
  return {
    kind,
    position: readU64(source, at),
    offset: readU64(source, at + 8),
    length: source.readUInt32LE(at + 16),
    count: source.readUInt32LE(at + 20),
    appendTimeMs: readU64(source, at + 24),
    dataCrc: source.readUInt32LE(at + 32),
    durable: source.readUInt32LE(at + 36),
    producer:
      kind === recordKind.keyed || kind === recordKind.sequenced
        ? source.toString('latin1', at + 40, at + 56)
        : '',
    first: readU64(source, at + 56),
    next: readU64(source, at + 64),
  };
}
