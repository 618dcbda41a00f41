// The lake on a local disk: copies what the log holds beyond the archived offset to a spool file, has it written as Parquet,
// and then states the chunk in one small record, renamed into place and synced. A crash before the record leaves files that
// the next opening removes; a chunk is in the lake exactly when its record is.
import {
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { codeOf, MillraceError, outOfSpace, toError } from '../core/errors.ts';
import type { LogReader } from '../flow/log.ts';
import type { Chunk, Lake, LakeStream } from './lake.ts';
import { chunkSelect, columnFields } from './lake-sql.ts';
import type { ParquetResult, ParquetWriter } from './parquet.ts';
import { emptySchema, mergeSchema, type Schema } from './schema.ts';

export interface ParquetLakeOptions {
  dir: string;
  /** For spool files; emptied when the lake opens. */
  spoolDir: string;
  log: LogReader;
  writer: ParquetWriter;
  /** At least `maxBatchBytes` of the log. */
  readBytes: number;
  /** Bytes of NDJSON a chunk is made of at most (and one read more). */
  chunkBytes?: number;
  /** Chunks below this size are merged when `compactRun` of them stand side by side. */
  smallBytes?: number;
  compactRun?: number;
  /** How long replaced files stay for queries that still read them. */
  graceMs?: number;
  /** A stream has shown a new field or another type. */
  onSchema?(stream: string, schema: Schema): void;
}

type ChunkRange = Pick<Chunk, 'partition' | 'first' | 'last'>;

interface StreamState {
  name: string;
  schema: Schema;
  /** Sorted by partition, then first. */
  chunks: Chunk[];
  /** Chunks whose record cannot be read. Their files stay until the range is archived again. */
  unreadable: ChunkRange[];
  /** The flush under way and the one that will follow it. */
  running: Promise<void> | undefined;
  queued: Promise<void> | undefined;
  problem: string | undefined;
}

/** What stands in a spool file. */
interface Spooled {
  first: number;
  last: number;
  batches: { offset: number; appendTimeMs: number }[];
}

const recordFolder = '_chunks';

/** Events of a partition that tell its fields. */
const learnEvents = 4096;

export class ParquetLake implements Lake {
  private readonly options: Required<Omit<ParquetLakeOptions, 'onSchema'>> &
    Pick<ParquetLakeOptions, 'onSchema'>;
  private readonly states = new Map<string, StreamState>();
  private readonly removals = new Set<NodeJS.Timeout>();
  private spare: Uint8Array | undefined;
  private closed = false;

  constructor(options: ParquetLakeOptions) {
    this.options = {
      chunkBytes: 256 * 1024 * 1024,
      smallBytes: 32 * 1024 * 1024,
      compactRun: 8,
      graceMs: 120_000,
      ...options,
    };
    rmSync(options.spoolDir, { recursive: true, force: true });
    mkdirSync(options.spoolDir, { recursive: true });
    mkdirSync(options.dir, { recursive: true });
    for (const name of readdirSync(options.dir)) this.load(name);
  }

  stream(name: string): LakeStream | undefined {
    const state = this.states.get(name);
    if (!state || state.chunks.length === 0) return undefined;
    const archived: number[] = [];
    let fromUs = Number.POSITIVE_INFINITY;
    let toUs = Number.NEGATIVE_INFINITY;
    for (const chunk of state.chunks) {
      archived[chunk.partition] = chunk.last + 1;
      fromUs = Math.min(fromUs, chunk.fromUs);
      toUs = Math.max(toUs, chunk.toUs);
    }
    return { name, schema: state.schema, chunks: state.chunks, archived, fromUs, toUs };
  }

  async flush(name: string): Promise<LakeStream | undefined> {
    const state = this.state(name);
    if (!state.running) {
      await this.begin(state);
    } else {
      // What the running flush misses, the next one takes; every caller that comes meanwhile shares it.
      state.queued ??= state.running
        .catch(() => {})
        .then(() => {
          state.queued = undefined;
          return this.begin(state);
        });
      await state.queued;
    }
    return this.stream(name);
  }

  async learn(name: string): Promise<void> {
    if (this.knows(name)) return;
    const state = this.state(name);
    // What is being archived already tells as much.
    await (state.running ?? this.begin(state, true));
  }

  /** Whether anything of a stream is archived. */
  knows(name: string): boolean {
    return (this.states.get(name)?.chunks.length ?? 0) > 0;
  }

  private begin(state: StreamState, firstOnly = false): Promise<void> {
    state.running = this.archive(state, firstOnly).finally(() => {
      state.running = undefined;
    });
    return state.running;
  }

  /** What is known of every stream's fields. */
  schemas(): { stream: string; schema: Schema }[] {
    return [...this.states.values()].map(({ name, schema }) => ({ stream: name, schema }));
  }

  selectSql(name: string): string | undefined {
    const state = this.states.get(name);
    if (!state || state.chunks.length === 0) return undefined;
    const want = columnFields(state.schema.fields);
    const groups = new Map<string, Chunk[]>();
    for (const chunk of state.chunks) {
      const signature = `${chunk.partition}\n${JSON.stringify(chunk.schema)}`;
      const group = groups.get(signature);
      if (group) group.push(chunk);
      else groups.set(signature, [chunk]);
    }
    const parts = [...groups.values()].map(group => {
      const files = group.flatMap(chunk => chunk.files.map(file => join(this.options.dir, name, file)));
      const select = chunkSelect(files, group[0]!.schema, want);
      return select.replace(' FROM ', `, ${group[0]!.partition}::INTEGER AS _partition FROM `);
    });
    return parts.join(' UNION ALL ');
  }

  problems(): string[] {
    return [...this.states.values()].flatMap(({ name, problem, chunks, unreadable }) => [
      ...(problem ? [problem] : []),
      ...unreadable.flatMap(range => {
        const path = join(this.options.dir, name, recordFolder, recordName(range));
        return missing(chunks, range.partition, range.first, range.last + 1).map(
          ([from, to]) =>
            `Events ${from} to ${to - 1} of ${name}/${range.partition} are missing in the history: ${path} cannot be read. What the log holds of them is archived again.`,
        );
      }),
    ]);
  }

  async close(): Promise<void> {
    this.closed = true;
    for (const timer of this.removals) clearTimeout(timer);
    await Promise.allSettled([...this.states.values()].flatMap(state => [state.running, state.queued]));
  }

  private state(name: string): StreamState {
    let state = this.states.get(name);
    if (!state) {
      state = {
        name,
        schema: emptySchema,
        chunks: [],
        unreadable: [],
        running: undefined,
        queued: undefined,
        problem: undefined,
      };
      this.states.set(name, state);
    }
    return state;
  }

  /** `firstOnly`: no more than the first events of each partition. */
  private async archive(state: StreamState, firstOnly: boolean): Promise<void> {
    try {
      const summary = (await this.options.log.streams()).find(stream => stream.name === state.name);
      if (!summary) return;
      for (const { partition, first, end } of summary.partitions) {
        const until = firstOnly ? Math.min(end, first + learnEvents) : end;
        for (const [from, to] of missing(state.chunks, partition, first, until)) {
          await this.archivePartition(state, partition, from, to);
        }
        await this.compact(state, partition);
      }
      state.problem = undefined;
    } catch (caught) {
      const thrown = outOfSpace(caught, 'the history');
      const code = codeOf(thrown);
      if (this.closed && (code === 'query-closed' || code === 'query-process-died' || code === 'log-closed'))
        return;
      state.problem = `Archiving the stream "${state.name}" failed and is tried again: ${toError(thrown).message}`;
      throw thrown;
    }
  }

  /**
   * Archives the offsets `from` up to `until`. While a chunk is written the next is read and its writing begun; they are stated in
   * their order.
   */
  private async archivePartition(
    state: StreamState,
    partition: number,
    from: number,
    until: number,
  ): Promise<void> {
    const directory = join(this.options.dir, state.name);
    // Two files by turns, each removed as soon as it is read: mostly before the system has begun to write it to the disk.
    const spools = [0, 1].map(turn =>
      join(this.options.spoolDir, `${state.name}-${partition}-${turn}.ndjson`),
    );
    let written: Promise<ParquetResult> | undefined;
    let stated = Promise.resolve();
    try {
      let at = from;
      for (let turn = 0; at < until && !this.closed; turn ^= 1) {
        const spoolFile = spools[turn]!;
        const spooled = await this.spool(state, partition, at, until, spoolFile);
        if (!spooled) break;
        const { first, last, batches } = spooled;
        const range = { partition, first, last };
        mkdirSync(join(directory, recordFolder), { recursive: true });
        const request = { spoolFile, directory, ...range, schema: state.schema, batches };
        const writing = this.options.writer.write(request).finally(() => rmSync(spoolFile, { force: true }));
        writing.catch(() => {});
        written = writing;
        await stated;
        const appended = thinned(batches.map(({ offset, appendTimeMs }) => [offset, appendTimeMs]));
        stated = writing.then(result => this.commit(state, range, result, [], appended));
        stated.catch(() => {});
        at = last + 1;
      }
    } finally {
      // Where the reading failed, what was read before is archived all the same.
      await Promise.allSettled([written, stated]);
      for (const file of spools) rmSync(file, { force: true });
    }
    await stated;
  }

  /** Copies whole events from offset `from` on, as many as a chunk has, to the file; undefined where there are none. */
  private async spool(
    state: StreamState,
    partition: number,
    from: number,
    until: number,
    spoolFile: string,
  ): Promise<Spooled | undefined> {
    const { log, readBytes, chunkBytes } = this.options;
    // Streams may be archived at the same time, each through a buffer of its own; one is kept for the next.
    const buffer = this.spare ?? new Uint8Array(readBytes);
    this.spare = undefined;
    const file = await open(spoolFile, constants.O_RDWR | constants.O_CREAT, 0o640);
    const batches: { offset: number; appendTimeMs: number }[] = [];
    let first = from;
    let bytes = 0;
    try {
      while (from < until && bytes < chunkBytes) {
        let read: Awaited<ReturnType<LogReader['read']>>;
        try {
          read = await log.read(state.name, partition, from, buffer);
        } catch (thrown) {
          // Offsets that are gone: what came before them is a chunk, what follows is another.
          const next = gapEnd(thrown);
          if (next === undefined) throw thrown;
          if (bytes > 0) break;
          from = first = next;
          continue;
        }
        if (read.batches.length === 0) break;
        const skip = from - read.batches[0]!.offset;
        const start = skip > 0 ? lineStart(buffer, 0, skip) : 0;
        const next = Math.min(read.next, until);
        const stop = next < read.next ? lineStart(buffer, start, next - from) : read.length;
        for (let at = start; at < stop; ) {
          const { bytesWritten } = await file.write(buffer, at, stop - at, bytes);
          at += bytesWritten;
          bytes += bytesWritten;
        }
        for (const batch of read.batches) {
          if (batch.offset >= next) break;
          batches.push({ offset: Math.max(batch.offset, from), appendTimeMs: batch.appendTimeMs });
        }
        from = next;
      }
      await file.truncate(bytes);
    } finally {
      await file.close();
      this.spare = buffer;
    }
    return bytes === 0 ? undefined : { first, last: from - 1, batches };
  }

  /** Merges the first long enough run of small chunks that stand side by side. */
  private async compact(state: StreamState, partition: number): Promise<void> {
    const { smallBytes, compactRun, writer, dir } = this.options;
    const run: Chunk[] = [];
    for (const chunk of state.chunks.filter(chunk => chunk.partition === partition)) {
      const joins = run.length === 0 || run.at(-1)!.last + 1 === chunk.first;
      if (chunk.bytes < smallBytes && joins) run.push(chunk);
      else if (run.length >= compactRun) break;
      else run.splice(0, run.length, ...(chunk.bytes < smallBytes ? [chunk] : []));
    }
    if (run.length < compactRun || this.closed) return;
    const directory = join(dir, state.name);
    const range = { partition, first: run[0]!.first, last: run.at(-1)!.last };
    const inputs = run.map(chunk => ({
      files: chunk.files.map(file => join(directory, file)),
      fields: chunk.schema,
    }));
    const result = await writer.compact({ directory, ...range, inputs, schema: state.schema });
    this.commit(state, range, result, run, thinned(run.flatMap(chunk => chunk.appended ?? [])));
  }

  private commit(
    state: StreamState,
    range: { partition: number; first: number; last: number },
    result: ParquetResult,
    replaced: Chunk[],
    appended: NonNullable<Chunk['appended']>,
  ): void {
    const directory = join(this.options.dir, state.name);
    const files = result.files.map(file => file.path);
    let bytes = 0;
    for (const file of files) {
      const path = join(directory, file);
      bytes += statSync(path).size;
      syncPath(path);
    }
    const chunk: Chunk = {
      ...range,
      rows: result.rows,
      bytes,
      files,
      schema: result.fields,
      fromUs: result.fromUs,
      toUs: result.toUs,
      appended,
    };
    const folder = join(directory, recordFolder);
    const name = recordName(range);
    writeFileSync(join(folder, `${name}.part`), JSON.stringify(chunk));
    syncPath(join(folder, `${name}.part`));
    renameSync(join(folder, `${name}.part`), join(folder, name));
    syncPath(folder);
    const before = state.schema;
    state.schema = mergeSchema(before, result.fields);
    if (state.schema !== before) this.options.onSchema?.(state.name, state.schema);
    state.chunks = sorted([...state.chunks.filter(other => !replaced.includes(other)), chunk]);
    for (const old of replaced) this.removeLater(state.name, old);
  }

  private removeLater(name: string, chunk: Chunk): void {
    const directory = join(this.options.dir, name);
    rmSync(join(directory, recordFolder, recordName(chunk)), { force: true });
    const timer = setTimeout(() => {
      this.removals.delete(timer);
      for (const file of chunk.files) rmSync(join(directory, file), { force: true });
    }, this.options.graceMs);
    timer.unref();
    this.removals.add(timer);
  }

  private load(name: string): void {
    const directory = join(this.options.dir, name);
    const folder = join(directory, recordFolder);
    if (!existsSync(folder)) return;
    const records: Chunk[] = [];
    const unreadable: ChunkRange[] = [];
    for (const file of readdirSync(folder)) {
      const range = rangeOf(file);
      if (!range) {
        rmSync(join(folder, file), { force: true });
        continue;
      }
      const chunk = readRecord(join(folder, file));
      if (chunk) records.push(chunk);
      else unreadable.push(range);
    }
    // A crash between stating a merged chunk and forgetting its parts leaves both: the wider one counts.
    const chunks = sorted(
      records.filter(chunk => !records.some(other => other !== chunk && holds(other, chunk))),
    );
    const state = this.state(name);
    state.chunks = chunks;
    state.unreadable = unreadable.filter(
      ({ partition, first, last }) => missing(chunks, partition, first, last + 1).length > 0,
    );
    const kept: ChunkRange[] = [...chunks, ...state.unreadable];
    for (const range of [...records, ...unreadable]) {
      if (!kept.includes(range)) rmSync(join(folder, recordName(range)), { force: true });
    }
    for (const chunk of [...chunks].sort((a, b) => a.first - b.first)) {
      state.schema = mergeSchema(state.schema, chunk.schema);
    }
    const known = new Set(chunks.flatMap(chunk => chunk.files));
    for (const entry of readdirSync(directory, { recursive: true }) as string[]) {
      if (!entry.endsWith('.parquet') || known.has(entry)) continue;
      const range = rangeOf(basename(entry));
      if (range && state.unreadable.some(other => holds(other, range))) continue;
      rmSync(join(directory, entry), { force: true });
    }
  }
}

const recordName = ({ partition, first, last }: ChunkRange): string => `${partition}-${first}-${last}.json`;

/** The range in the name of a record or of a file of Parquet. */
function rangeOf(name: string): ChunkRange | undefined {
  const found = /^(\d+)-(\d+)-(\d+)(?:\.json|(?:_\d+)?\.parquet)$/.exec(name);
  return found ? { partition: Number(found[1]), first: Number(found[2]), last: Number(found[3]) } : undefined;
}

/** Undefined where it is damaged. */
function readRecord(path: string): Chunk | undefined {
  const text = readFileSync(path, 'utf8');
  try {
    const chunk = JSON.parse(text) as Chunk;
    // A record of before append times were kept was written soon after them.
    chunk.appended ??= [[chunk.first, statSync(path).mtimeMs]];
    return chunk;
  } catch {
    return undefined;
  }
}

function holds(wide: ChunkRange, { partition, first, last }: ChunkRange): boolean {
  return wide.partition === partition && wide.first <= first && wide.last >= last;
}

/** Spans [from, to) of `first` up to `until` that no chunk holds. */
function missing(
  chunks: readonly Chunk[],
  partition: number,
  first: number,
  until: number,
): [from: number, to: number][] {
  const spans: [number, number][] = [];
  let at = first;
  for (const chunk of chunks) {
    if (chunk.partition !== partition) continue;
    if (at < Math.min(chunk.first, until)) spans.push([at, Math.min(chunk.first, until)]);
    at = Math.max(at, chunk.last + 1);
  }
  if (at < until) spans.push([at, until]);
  return spans;
}

function sorted(chunks: Chunk[]): Chunk[] {
  return chunks.sort((a, b) => a.partition - b.partition || a.first - b.first);
}

/** The offset at which reading goes on after a gap, where the error is one. */
function gapEnd(thrown: unknown): number | undefined {
  if (!(thrown instanceof MillraceError)) return undefined;
  if (thrown.code === 'offset-retained') return Number(thrown.context['first']);
  if (thrown.code === 'log-damaged') return Number(thrown.context['end']);
  return undefined;
}

/** Position after `lines` newlines from `start` on. */
function lineStart(bytes: Uint8Array, start: number, lines: number): number {
  let at = start;
  for (let i = 0; i < lines; i++) at = bytes.indexOf(10, at) + 1;
  return at;
}

function syncPath(path: string): void {
  const handle = openSync(path, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** So many steps of append times are kept of a chunk; between them an event has the time of the step before. */
const appendedMax = 256;

function thinned(steps: NonNullable<Chunk['appended']>): NonNullable<Chunk['appended']> {
  let kept = steps.filter(([, timeMs], index) => index === 0 || timeMs !== steps[index - 1]![1]);
  while (kept.length > appendedMax) kept = kept.filter((_, index) => index % 2 === 0);
  return kept;
}
