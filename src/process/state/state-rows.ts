// The rows that the engine keeps in the state store. Keys are tuples (state-key.ts); a partition's part comes last, so that
// partial results of several workers lie side by side and are merged where they are read.
//
//   ['starts']                                                → how often the numbers of values began higher, digits
//   ['view', name]                                            → definition record, JSON
//   ['at', name, version, source, partition]                  → position record, JSON
//   ['window', name, version, everyMs, startUs, source, partition]  → window record, [overflow accumulators], page 0
//   ['page', name, version, everyMs, startUs, page, source, partition]  → page, for the later ones of a window of many groups
//
// A page is a count, then as many groups: flags, length and bytes of the tuple of values, weight, accumulators.
import type { ByteReader, ByteWriter } from '../../core/bytes.ts';
import { afterPrefix, decodeKey, encodeKey, type KeyPart, KeyWriter } from '../../store/state-key.ts';

export const startsKey = (): Uint8Array => encodeKey(['starts']);
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
  ['at', 'window', 'page'].map(kind => prefixRange([kind, name, version]));

/** Writes the keys of one level of one view and partition. */
export class LevelKeys {
  private readonly windows = new KeyWriter();
  private readonly pages = new KeyWriter();
  private readonly windowPrefix: number;
  private readonly pagePrefix: number;
  private readonly suffix: Uint8Array;
  private readonly parts: KeyPart[];
  private readonly source: number;
  private readonly partition: number;

  constructor(name: string, version: string, everyMs: number, source: number, partition: number) {
    this.source = source;
    this.partition = partition;
    this.parts = [name, version, everyMs];
    for (const part of ['window', ...this.parts]) this.windows.part(part);
    for (const part of ['page', ...this.parts]) this.pages.part(part);
    this.windowPrefix = this.windows.length;
    this.pagePrefix = this.pages.length;
    this.suffix = encodeKey([source, partition]);
  }

  isOwn(source: number, partition: number): boolean {
    return source === this.source && partition === this.partition;
  }

  window(startUs: number): Uint8Array {
    return this.windows.rewind(this.windowPrefix).part(startUs).raw(this.suffix).finish();
  }

  page(startUs: number, page: number): Uint8Array {
    return this.pages.rewind(this.pagePrefix).part(startUs).part(page).raw(this.suffix).finish();
  }

  /** Windows of all partitions with fromUs ≤ start < toUs. */
  windowRange(fromUs: number, toUs: number): [Uint8Array, Uint8Array] {
    return [encodeKey(['window', ...this.parts, fromUs]), encodeKey(['window', ...this.parts, toUs])];
  }

  /** Pages of all partitions' windows with fromUs ≤ start < toUs. */
  pageRange(fromUs: number, toUs: number): [Uint8Array, Uint8Array] {
    return [encodeKey(['page', ...this.parts, fromUs]), encodeKey(['page', ...this.parts, toUs])];
  }
}

/** Begins a group of a page; the values' tuple and the accumulators follow. */
export function writeCellHead(writer: ByteWriter, isIncomplete: boolean): void {
  writer.u8(isIncomplete ? 1 : 0);
}

/** Hands out the groups' keys of a page one after another; `take` reads each one's accumulators. */
export function readPage(reader: ByteReader, take: (key: Uint8Array, isIncomplete: boolean) => void): void {
  for (let left = reader.varint(); left > 0; left--) {
    const isIncomplete = (reader.u8() & 1) !== 0;
    take(reader.bytes(reader.varint()), isIncomplete);
  }
}

export function parsePageKey(key: Uint8Array): WindowKey & { page: number } {
  const parts = decodeKey(key);
  return {
    startUs: parts[4] as number,
    page: parts[5] as number,
    source: parts[6] as number,
    partition: parts[7] as number,
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
  /** How often it was published. */
  published: number;
  /** Groups in pages, the overflow group not counted. */
  groups: number;
  /** Events in all groups. */
  events: number;
  /** Small groups have been moved to the overflow group: a group that came later may be incomplete. */
  isCompacted: boolean;
  hasOverflow: boolean;
}

export function writeWindowRecord(writer: ByteWriter, record: WindowRecord): void {
  writer.u8((record.isCompacted ? 1 : 0) | (record.hasOverflow ? 2 : 0));
  writer.varint(record.published).varint(record.groups).varint(record.events);
}

/** The overflow group's accumulators follow where there is one, then the first page. */
export function readWindowRecord(reader: ByteReader): WindowRecord {
  const flags = reader.u8();
  return {
    published: reader.varint(),
    groups: reader.varint(),
    events: reader.varint(),
    isCompacted: (flags & 1) !== 0,
    hasOverflow: (flags & 2) !== 0,
  };
}
