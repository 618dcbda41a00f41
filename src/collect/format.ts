// Formats: how bytes become events. A format is chosen once for a source, from the beginning of its content; its reader
// then turns spans of whole lines into validated NDJSON. Whatever cannot become an event is handed back with its line
// number, its bytes and the reason: nothing is dropped.
import type { Kernel } from '../kernel/kernel.ts';

export interface Detection {
  /** 0–1: share of the sample's lines that the format explains, with ties broken by how particular it is. */
  confidence: number;
  /** For a person: "998 of 1,000 lines have the nine fields of a combined log line". */
  why: string;
}

export interface RejectedLine {
  /** 1-based within the span. */
  line: number;
  /** Byte of the span where the line starts. */
  start: number;
  /** Byte within the line, where known. */
  position?: number;
  reason: string;
  /** The line without its newline; the owner of the span's memory made a copy. */
  raw: Uint8Array;
}

export interface Converted {
  /** Valid NDJSON, `count` lines; valid until the reader's next call. */
  ndjson: Uint8Array;
  count: number;
  /**
   * Bytes of the span that were whole lines, or fewer where these made much NDJSON; the rest is to be put at the start of the next span,
   * and of the last one converted too.
   */
  consumed: number;
  /** Lines in the consumed bytes: events, rejected, blank, comments and headers. */
  lines: number;
  /** The first `maxRejected`; `rejectedCount` counts all. */
  rejected: RejectedLine[];
  rejectedCount: number;
}

/** Turns one source's bytes into events. Keeps what the beginning said (a header), so spans must come in order. */
export interface FormatReader {
  /** Where the caller puts the next span: at least `capacity` bytes. Valid until the next `convert`. */
  input(capacity: number): Uint8Array;
  /** Converts input[0, length). `last`: no more bytes follow, so a final line without a newline counts. */
  convert(length: number, last: boolean): Converted;
  /** For going on after a restart in the middle of a source: what `resume` takes. Undefined where nothing is needed. */
  state(): string | undefined;
}

export interface Format {
  /** Stable: "access-combined", "json-lines", "csv", … */
  id: string;
  /** For a person: "Apache/nginx combined access log". */
  title: string;
  detect(sample: readonly string[], text: string): Detection | undefined;
  reader(kernel: Kernel, state?: string): FormatReader;
}

/** Lines longer than this are rejected. */
export const maxLineBytes = 1024 * 1024;

/**
 * NDJSON at which a span ends early, so that it fits a batch of the log of twice as much: a table's header may be longer than its lines,
 * and a character becomes up to six. An event of more is rejected.
 */
export const spanNdjsonMax = 4 * 1024 * 1024;

/** Rejected lines described of one span; beyond it they are only counted. */
export const maxRejectedPerSpan = 10_000;

/** Where a span has to end for all lines refused in it to be described; undefined where they are. */
export function describedEnd({ rejected, rejectedCount }: Converted): number | undefined {
  return rejectedCount > rejected.length ? rejected.at(-1)!.start : undefined;
}
