// The frame of formats that are parsed in plain code, a line at a time: split, parse, collect what was refused.
import {
  type Converted,
  type FormatReader,
  maxLineBytes,
  maxRejectedPerSpan,
  type RejectedLine,
  spanNdjsonMax,
} from '../format.ts';

/** What a line became: an event, nothing (comment, header, blank), or a refusal. */
export type LineOutcome = Record<string, unknown> | undefined | { rejected: string; position?: number };

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

export function isRefusal(outcome: LineOutcome): outcome is { rejected: string; position?: number } {
  return (
    outcome !== undefined &&
    typeof outcome['rejected'] === 'string' &&
    Object.getPrototypeOf(outcome) === refusal
  );
}

const refusal = {};

/** A refusal that no event can be mistaken for. */
export function refuse(reason: string, position?: number): { rejected: string; position?: number } {
  const outcome = Object.create(refusal) as { rejected: string; position?: number };
  outcome.rejected = reason;
  if (position !== undefined) outcome.position = position;
  return outcome;
}

export class LineFormatReader implements FormatReader {
  private buffer = new Uint8Array(0);
  private readonly parseLine: (line: string) => LineOutcome;
  private readonly readState: () => string | undefined;

  constructor(parseLine: (line: string) => LineOutcome, state: () => string | undefined = () => undefined) {
    this.parseLine = parseLine;
    this.readState = state;
  }

  input(capacity: number): Uint8Array {
    if (this.buffer.length < capacity) {
      const grown = new Uint8Array(capacity);
      grown.set(this.buffer);
      this.buffer = grown;
    }
    return this.buffer;
  }

  state(): string | undefined {
    return this.readState();
  }

  convert(length: number, last: boolean): Converted {
    const rejected: RejectedLine[] = [];
    let text = '';
    let size = 0;
    let count = 0;
    let lines = 0;
    let at = 0;
    while (at < length && size < spanNdjsonMax && rejected.length < maxRejectedPerSpan) {
      let end = this.buffer.indexOf(10, at);
      if (end < 0 || end >= length) {
        if (!last) break;
        end = length;
      }
      const start = at;
      at = Math.min(end + 1, length);
      lines++;
      const stop = end > start && this.buffer[end - 1] === 13 ? end - 1 : end;
      if (stop === start) continue;
      const bytes = this.buffer.subarray(start, stop);
      let outcome =
        bytes.length > maxLineBytes
          ? refuse(`longer than ${maxLineBytes} bytes`)
          : this.parseLine(decoder.decode(bytes));
      if (outcome === undefined) continue;
      const json = isRefusal(outcome) ? '' : JSON.stringify(outcome) + '\n';
      const jsonBytes = Buffer.byteLength(json);
      if (jsonBytes > spanNdjsonMax) outcome = refuse(`longer than ${spanNdjsonMax} bytes as JSON`);
      if (isRefusal(outcome)) {
        rejected.push({
          line: lines,
          start,
          ...(outcome.position === undefined ? {} : { position: outcome.position }),
          reason: outcome.rejected,
          raw: bytes.slice(),
        });
        continue;
      }
      text += json;
      size += jsonBytes;
      count++;
    }
    return {
      ndjson: encoder.encode(text),
      count,
      consumed: at,
      lines,
      rejected,
      rejectedCount: rejected.length,
    };
  }
}
