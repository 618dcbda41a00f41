// Events that the log's retention has removed, read back from the lake as the NDJSON they were: for views that are filled from their
// beginning. Their time is the `_time` that the lake holds, to the microsecond; a field that was null or absent is null.
import type { Chunk, Lake } from './lake.ts';
import { chunkSelect, columnFields, identifier, quoted } from './lake-sql.ts';

export interface HistoryRequest {
  stream: string;
  partition: number;
  from: number;
  /** The offset at which the log begins: nothing is read from there on. */
  until: number;
  maxBytes: number;
}

/** Lines of whole events back to back; `batches` as the log's. */
export interface HistoryRead {
  bytes: Uint8Array;
  batches: { position: number; length: number; offset: number; count: number; appendTimeMs: number }[];
  /** The offset to ask for next; `from` where the lake has nothing from there on. */
  next: number;
}

export interface LakeHistoryOptions {
  /** The folder of the lake. */
  dir: string;
  lake: Lake;
  /** Runs SQL over the lake's files; at most `maxRows` rows, and no more once `maxBytes` are passed. */
  sql(request: { sql: string; maxRows: number; maxBytes: number }): Promise<{ rows: unknown[][] }>;
  /** Events read at once; default 16,384. */
  rows?: number;
}

export class LakeHistory {
  private readonly options: LakeHistoryOptions;

  constructor(options: LakeHistoryOptions) {
    this.options = options;
  }

  async read({ stream, partition, from, until, maxBytes }: HistoryRequest): Promise<HistoryRead> {
    const nothing: HistoryRead = { bytes: new Uint8Array(0), batches: [], next: from };
    const { lake, rows: rowsMax = 16_384 } = this.options;
    const chunk = lake.stream(stream)?.chunks.find(one => one.partition === partition && one.last >= from);
    if (chunk === undefined || chunk.first >= until) return nothing;
    const start = Math.max(from, chunk.first);
    const end = Math.min(start + rowsMax, chunk.last + 1, until);
    // A character takes at most three bytes; a first row beyond that is read alone.
    const request = { maxRows: rowsMax, maxBytes: Math.floor(maxBytes / 4) };
    const { rows } = await this.options.sql({ ...request, sql: this.select(stream, chunk, start, end) });
    const encoder = new TextEncoder();
    const bytes = new Uint8Array(maxBytes);
    const batches: HistoryRead['batches'] = [];
    let length = 0;
    let next = start;
    for (const [place, text] of rows) {
      const line = encoder.encode(`${text}\n`);
      if (length + line.length > maxBytes) return { bytes: bytes.subarray(0, length), batches, next };
      bytes.set(line, length);
      const offset = Number(place);
      const appendTimeMs = appendedMs(chunk, offset);
      const last = batches.at(-1);
      if (last && last.offset + last.count === offset && last.appendTimeMs === appendTimeMs) {
        last.length += line.length;
        last.count++;
      } else batches.push({ position: length, length: line.length, offset, count: 1, appendTimeMs });
      length += line.length;
      next = offset + 1;
    }
    const isCut = rows.length > 0 && next < end && rows.length < end - start;
    return { bytes: bytes.subarray(0, length), batches, next: isCut ? next : end };
  }

  private select(stream: string, chunk: Chunk, start: number, end: number): string {
    const fields = columnFields(chunk.schema);
    const files = chunk.files.map(file => `${this.options.dir}/${stream}/${file}`);
    const members = [
      `'_time': strftime(_time, '%Y-%m-%dT%H:%M:%S.%fZ')`,
      ...fields.map(({ name }) => `${quoted(name)}: ${identifier(name)}`),
    ];
    return (
      `SELECT _offset, to_json({${members.join(', ')}})::VARCHAR FROM (${chunkSelect(files, chunk.schema, fields)}) ` +
      `WHERE _offset >= ${start} AND _offset < ${end} ORDER BY _offset`
    );
  }
}

function appendedMs({ appended }: Chunk, offset: number): number {
  return appended?.findLast(([first]) => first <= offset)?.[1] ?? appended?.[0]?.[1] ?? 0;
}
