// Events that the log's retention has removed, read back from the lake as NDJSON: for views that are filled from their beginning. Of
// each event only what is asked for is read. Its time is the `_time` that the lake holds, to the microsecond; a field that was null
// or absent is null.
import { codeOf } from '../core/errors.ts';
import { foldedName } from '../core/folded-name.ts';
import type { Chunk, Lake } from './lake.ts';
import { chunkSelect, columnFields, identifier, quoted } from './lake-sql.ts';
import type { FieldType } from './schema.ts';

export interface HistoryRequest {
  stream: string;
  partition: number;
  from: number;
  /** The offset at which the log begins: nothing is read from there on. */
  until: number;
  maxBytes: number;
  /** Top-level keys of the events that are wanted; others may be left out. */
  keys: readonly string[];
}

/** Lines of whole events back to back; `batches` as the log's. */
export interface HistoryRead {
  bytes: Uint8Array;
  batches: { position: number; length: number; offset: number; count: number; appendTimeMs: number }[];
  /** The offset to ask for next; `from` where the lake has nothing from there on, or an event is longer than `maxBytes`. */
  next: number;
}

export interface LakeHistoryOptions {
  /** The folder of the lake. */
  dir: string;
  lake: Lake;
  /** Runs SQL over the lake's files; at most `maxRows` rows, and no more once `maxBytes` are passed. Throws `sql-memory`. */
  sql(request: {
    sql: string;
    maxRows: number;
    maxBytes: number;
  }): Promise<{ rows: unknown[][]; truncated: boolean }>;
  /** Events read at once before it is known how long they are; default 16,384. */
  rows?: number;
}

/** Events read at once at most. */
const rowsMax = 131_072;
/** Lines that come as one text: a row of its own costs more than a line. */
const linesTogether = 256;
/** Share of the room that is asked for by the length of the lines before. */
const filling = 0.8;

export class LakeHistory {
  private readonly options: LakeHistoryOptions;
  /** By stream and wanted keys: mean length of the lines last read. */
  private readonly lineBytes = new Map<string, number>();

  constructor(options: LakeHistoryOptions) {
    this.options = options;
  }

  async read(request: HistoryRequest): Promise<HistoryRead> {
    const { stream, partition, from, until, maxBytes, keys } = request;
    const { lake } = this.options;
    const chunk = lake.stream(stream)?.chunks.find(one => one.partition === partition && one.last >= from);
    if (chunk === undefined || chunk.first >= until)
      return { bytes: new Uint8Array(0), batches: [], next: from };
    const start = Math.max(from, chunk.first);
    const kind = JSON.stringify([stream, keys]);
    const expected = this.lineBytes.get(kind);
    let rows = expected
      ? Math.max(1, Math.min(rowsMax, Math.floor((maxBytes * filling) / expected)))
      : (this.options.rows ?? 16_384);
    // What is too much at once is asked for again in smaller parts, at last an event at a time.
    for (;;) {
      const end = Math.min(start + rows, chunk.last + 1, until);
      const read = await this.readRows(request, chunk, start, end);
      if (read !== undefined && (read.next > start || rows === 1)) {
        const events = read.batches.reduce((sum, { count }) => sum + count, 0);
        if (events > 0) this.lineBytes.set(kind, read.bytes.length / events);
        return read;
      }
      rows = Math.ceil(rows / 8);
    }
  }

  /** Undefined where that many events are more than the query process can hold. */
  private async readRows(
    request: HistoryRequest,
    chunk: Chunk,
    start: number,
    end: number,
  ): Promise<HistoryRead | undefined> {
    const { maxBytes } = request;
    for (const together of [linesTogether, 1]) {
      let answer: { rows: unknown[][]; truncated: boolean };
      try {
        const sql = this.select(request, chunk, start, end, together);
        answer = await this.options.sql({ sql, maxRows: end - start, maxBytes });
      } catch (thrown) {
        if (codeOf(thrown) !== 'sql-memory' || end - start === 1) throw thrown;
        return undefined;
      }
      const spans = answer.rows.map(([first, last, count, text]) => ({
        first: Number(first),
        last: Number(last),
        count: Number(count),
        text: String(text),
      }));
      // Where offsets are missing, only lines on their own tell which.
      if (together > 1 && spans.some(({ first, last, count }) => last - first + 1 !== count)) continue;
      const lines = new Lines(maxBytes, chunk, start);
      const isWhole = spans.every(({ text, first, count }) => lines.add(text, first, count));
      return lines.read(isWhole && !answer.truncated ? end : lines.next);
    }
    return undefined;
  }

  private select(
    { stream, keys }: HistoryRequest,
    chunk: Chunk,
    start: number,
    end: number,
    together: number,
  ): string {
    const wanted = new Set(keys.map(foldedName));
    const fields = columnFields(chunk.schema).filter(({ name }) => wanted.has(foldedName(name)));
    const files = chunk.files.map(file => `${this.options.dir}/${stream}/${file}`);
    const members = [
      `'_time': strftime(_time, '%Y-%m-%dT%H:%M:%S.%fZ')`,
      ...fields.map(({ name, type }) => `${quoted(name)}: ${jsonSql(identifier(name), type)}`),
    ];
    return (
      'SELECT min(_offset), max(_offset), count(*), string_agg(_line, chr(10) ORDER BY _offset) ' +
      `FROM (SELECT _offset, to_json({${members.join(', ')}})::VARCHAR AS _line ` +
      `FROM (${chunkSelect(files, chunk.schema, fields)}) ` +
      `WHERE _offset >= ${start} AND _offset < ${end}) GROUP BY _offset // ${together} ORDER BY 1`
    );
  }
}

/** Numbers beyond doubles are infinite in the lake, for which JSON has no word: they come as numbers that are beyond doubles again. */
function jsonSql(column: string, type: FieldType): string {
  if (type !== 'DOUBLE') return column;
  return `CASE ${column} WHEN 'inf' THEN '1e999'::JSON WHEN '-inf' THEN '-1e999'::JSON WHEN 'nan' THEN 'null'::JSON ELSE to_json(${column}) END`;
}

/** Gathers lines as the bytes and batches of a read. */
class Lines {
  /** The offset after the last line. */
  next: number;
  private readonly bytes: Uint8Array;
  private readonly encoder = new TextEncoder();
  private readonly appended: NonNullable<Chunk['appended']>;
  private readonly batches: HistoryRead['batches'] = [];
  private length = 0;
  /** Of `appended`, the one that holds for the next line. */
  private step = 0;

  constructor(maxBytes: number, { appended = [] }: Chunk, start: number) {
    this.bytes = new Uint8Array(maxBytes);
    this.appended = appended;
    this.next = start;
  }

  /** Adds lines of consecutive offsets; false, and nothing is added, where they do not fit. */
  add(text: string, first: number, count: number): boolean {
    const { bytes, length } = this;
    const { read, written } = this.encoder.encodeInto(text, bytes.subarray(length, bytes.length - 1));
    if (read < text.length) return false;
    const end = length + written + 1;
    bytes[end - 1] = 10;
    this.next = first + count;
    let position = length;
    for (let offset = first; offset < this.next; ) {
      const until = Math.min(this.next, this.appendedUntil(offset));
      let to = end;
      if (until < this.next) {
        to = position;
        for (let line = offset; line < until; line++) to = bytes.indexOf(10, to) + 1;
      }
      this.note(position, to - position, offset, until - offset);
      position = to;
      offset = until;
    }
    this.length = end;
    return true;
  }

  /** Events from `offset` up to this one were appended at the same time. */
  private appendedUntil(offset: number): number {
    while (this.step + 1 < this.appended.length && this.appended[this.step + 1]![0] <= offset) this.step++;
    return this.appended[this.step + 1]?.[0] ?? Number.POSITIVE_INFINITY;
  }

  private note(position: number, length: number, offset: number, count: number): void {
    const appendTimeMs = this.appended[this.step]?.[1] ?? 0;
    const last = this.batches.at(-1);
    if (last && last.offset + last.count === offset && last.appendTimeMs === appendTimeMs) {
      last.length += length;
      last.count += count;
    } else this.batches.push({ position, length, offset, count, appendTimeMs });
  }

  read(next: number): HistoryRead {
    return { bytes: this.bytes.subarray(0, this.length), batches: this.batches, next };
  }
}
