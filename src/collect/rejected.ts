// The stream `_rejected`: what could not become an event, with its bytes, where it came from and why.
import { formatUs } from '../core/time.ts';
import type { RejectedLine } from './format.ts';

export const rejectedStream = '_rejected';

/** Bytes of a rejected line that are kept. */
export const maxRawBytes = 16 * 1024;

/** What an event of the stream `_rejected` holds. */
export interface RejectedEvent {
  _time: string;
  stream: string;
  /** "file:/var/log/nginx/access.log", "http", "pipeline:visits". */
  source: string;
  /** 1-based line of the file or of the request body; none where the source is a pipeline. */
  line?: number;
  /** Of a pipeline: where in `stream` the event is. */
  partition?: number;
  offset?: number;
  /** Byte within the line where it went wrong, where known. */
  position?: number;
  reason: string;
  /** Of a pipeline: where its function failed. */
  stack?: string;
  /** The line as it was; `base64` where it is not UTF-8; cut at 16 KiB with `truncated`. */
  raw: string;
  encoding?: 'base64';
  truncated?: boolean;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The bytes of a rejected line as members of its event. */
export function rejectedText(line: Uint8Array): Pick<RejectedEvent, 'raw' | 'encoding' | 'truncated'> {
  const truncated = line.length > maxRawBytes;
  const bytes = truncated ? line.subarray(0, maxRawBytes) : line;
  try {
    return { raw: decoder.decode(bytes), ...(truncated ? { truncated } : {}) };
  } catch {
    const raw = Buffer.from(bytes).toString('base64');
    return { raw, encoding: 'base64', ...(truncated ? { truncated } : {}) };
  }
}

/** Lines that are kept together: NDJSON for `_rejected`. */
export interface RejectedBatch {
  bytes: Uint8Array;
  lines: readonly RejectedLine[];
}

/**
 * Batches for `_rejected`, in order, none larger than `bytesMax`: as JSON a line can be six times as long as it was. `firstLine` is the
 * 1-based line number of the span's first line.
 */
export function rejectedBatches(
  lines: readonly RejectedLine[],
  from: { stream: string; source: string; firstLine: number; nowMs: number },
  bytesMax: number,
): RejectedBatch[] {
  const batches: RejectedBatch[] = [];
  let texts: string[] = [];
  let length = 0;
  let first = 0;
  const cut = (end: number): void => {
    batches.push({ bytes: encoder.encode(texts.join('')), lines: lines.slice(first, end) });
    [texts, length, first] = [[], 0, end];
  };
  lines.forEach((line, index) => {
    const event: RejectedEvent = {
      _time: formatUs(from.nowMs * 1000),
      stream: from.stream,
      source: from.source,
      line: from.firstLine + line.line - 1,
      ...(line.position === undefined ? {} : { position: line.position }),
      reason: line.reason,
      ...rejectedText(line.raw),
    };
    const text = JSON.stringify(event) + '\n';
    const size = Buffer.byteLength(text);
    if (length > 0 && length + size > bytesMax) cut(index);
    texts.push(text);
    length += size;
  });
  if (length > 0) cut(lines.length);
  return batches;
}
