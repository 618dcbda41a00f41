// The rows that the engine keeps in the state store. Keys are tuples (state-key.ts); a partition's part comes last, so that
// partial results of several workers lie side by side and are merged where they are read.
//
//   ['view', name]                                            → definition record, JSON
//   ['at', name, version, source, partition]                  → position record, JSON
//   ['window', name, version, everyMs, startUs, source, partition]  → window record: revision, flags, groups, overflow cell
//   ['cell', name, version, everyMs, startUs, …group, source, partition] → flags, [long group], weight, accumulators
//
// A group whose key would be long is keyed by its hash and carries its values in the row.
import type { ByteReader } from '../core/bytes.ts';
import { murmur128 } from '../core/hash.ts';
import { afterPrefix, decodeKey, encodeKey, type KeyPart, KeyWriter } from '../store/state-key.ts';
import type { RowWriter } from './row-writer.ts';

/** Bytes of group values kept in a key. */
const groupKeyBytesMax = 800;
const longGroupMark = '\u0000\u0000long';

export const definitionKey = (name: string): Uint8Array => encodeKey(['view', name]);
export const definitionRange = (): [Uint8Array, Uint8Array] => prefixRange(['view']);
export const positionKey = (name: string, version: string, source: number, partition: number): Uint8Array =>
  encodeKey(['at', name, version, source, partition]);

/** Every key that begins with `parts`. */
export function prefixRange(parts: KeyPart[]): [Uint8Array, Uint8Array] {
  const prefix = encodeKey(parts);
  return [prefix, afterPrefix(prefix)];
}

/** All rows of one version of a view: ranges to delete. */
export const versionRanges = (name: string, version: string): [Uint8Array, Uint8Array][] =>
  ['at', 'window', 'cell'].map(kind => prefixRange([kind, name, version]));

/** Writes the keys of one level of one view and partition. */
export class LevelKeys {
  private readonly windows = new KeyWriter();
  private readonly cells = new KeyWriter();
  private readonly windowPrefix: number;
  private readonly cellPrefix: number;
  private readonly suffix: Uint8Array;
  private readonly parts: KeyPart[];
  private readonly source: number;
  private readonly partition: number;

  constructor(name: string, version: string, everyMs: number, source: number, partition: number) {
    this.source = source;
    this.partition = partition;
    this.parts = [name, version, everyMs];
    for (const part of ['window', ...this.parts]) this.windows.part(part);
    for (const part of ['cell', ...this.parts]) this.cells.part(part);
    this.windowPrefix = this.windows.length;
    this.cellPrefix = this.cells.length;
    this.suffix = encodeKey([source, partition]);
  }

  isOwn(source: number, partition: number): boolean {
    return source === this.source && partition === this.partition;
  }

  window(startUs: number): Uint8Array {
    return this.windows.rewind(this.windowPrefix).part(startUs).raw(this.suffix).finish();
  }

  cell(startUs: number, group: readonly KeyPart[]): Uint8Array {
    const writer = this.cells.rewind(this.cellPrefix).part(startUs);
    const groupStart = writer.length;
    for (const value of group) writer.part(value);
    if (writer.length - groupStart > groupKeyBytesMax) {
      const { h1Low, h1High, h2Low, h2High } = murmur128(writer.finish().subarray(groupStart));
      writer.rewind(groupStart).part(longGroupMark);
      for (const word of [h1Low, h1High, h2Low, h2High]) writer.part(word);
    }
    return writer.raw(this.suffix).finish();
  }

  /** Windows of all partitions with fromUs ≤ start < toUs. */
  windowRange(fromUs: number, toUs: number): [Uint8Array, Uint8Array] {
    return [encodeKey(['window', ...this.parts, fromUs]), encodeKey(['window', ...this.parts, toUs])];
  }

  /** Cells of all partitions with fromUs ≤ start < toUs. */
  cellRange(fromUs: number, toUs: number): [Uint8Array, Uint8Array] {
    return [encodeKey(['cell', ...this.parts, fromUs]), encodeKey(['cell', ...this.parts, toUs])];
  }
}

const isLong = (group: readonly KeyPart[]): boolean => {
  let length = 0;
  for (const value of group) length += typeof value === 'string' ? value.length * 3 + 2 : 9;
  return length > groupKeyBytesMax;
};

export const cellFlag = { longGroup: 1, incomplete: 2 } as const;

/** Begins a cell's value; the accumulators follow. */
export function writeCellHead(writer: RowWriter, group: readonly KeyPart[], isIncomplete: boolean): void {
  const long = isLong(group);
  writer.u8((long ? cellFlag.longGroup : 0) | (isIncomplete ? cellFlag.incomplete : 0));
  if (!long) return;
  const bytes = encodeKey(group);
  writer.varint(bytes.length).bytes(bytes);
}

export interface CellHead {
  isIncomplete: boolean;
  /** Set where the key does not hold the group. */
  group: KeyPart[] | undefined;
}

/** Reads up to the accumulators. */
export function readCellHead(reader: ByteReader): CellHead {
  const flags = reader.u8();
  const group = (flags & cellFlag.longGroup) !== 0 ? decodeKey(reader.bytes(reader.varint())) : undefined;
  return { isIncomplete: (flags & cellFlag.incomplete) !== 0, group };
}

export interface CellKey {
  startUs: number;
  group: KeyPart[];
  source: number;
  partition: number;
}

export function parseCellKey(key: Uint8Array): CellKey {
  const parts = decodeKey(key);
  return {
    startUs: parts[4] as number,
    group: parts.slice(5, -2),
    source: parts.at(-2) as number,
    partition: parts.at(-1) as number,
  };
}

export interface WindowKey {
  startUs: number;
  source: number;
  partition: number;
}

export function parseWindowKey(key: Uint8Array): WindowKey {
  const parts = decodeKey(key);
  return { startUs: parts[4] as number, source: parts[5] as number, partition: parts[6] as number };
}

/** What is kept of a window beside its cells. */
export interface WindowRecord {
  revision: number;
  /** Groups in cells, the overflow group not counted. */
  groups: number;
  /** Events in all groups. */
  events: number;
  /** Small groups have been moved to the overflow group: a group that came later may be incomplete. */
  isCompacted: boolean;
  hasOverflow: boolean;
}

export function writeWindowRecord(writer: RowWriter, record: WindowRecord): void {
  writer.u8((record.isCompacted ? 1 : 0) | (record.hasOverflow ? 2 : 0));
  // A window that was never published has revision −1.
  writer
    .varint(record.revision + 1)
    .varint(record.groups)
    .varint(record.events);
}

/** The overflow cell's accumulators follow where there is one. */
export function readWindowRecord(reader: ByteReader): WindowRecord {
  const flags = reader.u8();
  return {
    revision: reader.varint() - 1,
    groups: reader.varint(),
    events: reader.varint(),
    isCompacted: (flags & 1) !== 0,
    hasOverflow: (flags & 2) !== 0,
  };
}
