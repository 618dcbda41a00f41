// A followed file: its history, then what is appended, through renaming, truncation and replacement. Positions are sequence
// numbers of the file's producer in the log, so the log itself knows how far a file was read: after a crash reading goes on at
// the first byte whose event is not there.
import { closeSync, fstatSync, openSync, readdirSync, readSync, type Stats, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { codeOf, MillraceError, toError } from '../../core/errors.ts';
import type { Clock } from '../../core/time.ts';
import type { Log } from '../../flow/log.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import { appendPatiently } from '../append.ts';
import { detectFormat, formatById, sampleBytes, unknownFormat } from '../detect.ts';
import { type Converted, describedEnd, type Format, type FormatReader, maxLineBytes } from '../format.ts';
import { maxRawBytes, rejectedBatches, rejectedStream } from '../rejected.ts';
import type { Source, SourceStatus } from '../source.ts';
import { type FileLook, type FileRecord, type FileRegistry, headBytes } from './file-registry.ts';

export interface FileSourceOptions {
  path: string;
  stream: string;
  /** Go on after the end of the file. */
  follow: boolean;
  /** Format id; detected where absent. */
  format?: string;
  log: Log;
  kernel: Kernel;
  registry: FileRegistry;
  clock: Clock;
  /** Called once the format is known, before anything is read. */
  onDetected?(status: SourceStatus): void;
  pollMs?: number;
  spanBytes?: number;
}

/** A file that has not changed for this long is looked at again only when its size or its time of change is another. */
const seenMs = 2000;

/** A last line without a newline counts once the file has not changed for this long. */
const settledMs = 10_000;

interface OpenFile {
  handle: number;
  record: FileRecord;
  reader: FormatReader;
  /** Where reading goes on; the record follows when the events before it are in the log. */
  position: number;
  line: number;
  /** Sequence number that the next batch of events starts with. */
  next: number;
  /** The same for `_rejected`: lines that start before it are there already. */
  rejectedNext: number;
  /** No newline is between the position and here. */
  searched?: number;
  /** As it was when it was last looked at and had not changed for a while. */
  seen?: { size: number; mtimeMs: number } | undefined;
}

export class FileSource implements Source {
  readonly name: string;
  private readonly options: Required<Omit<FileSourceOptions, 'format' | 'onDetected'>> &
    Pick<FileSourceOptions, 'format' | 'onDetected'>;
  private readonly stopping = new AbortController();
  private readonly current: SourceStatus;
  private running: Promise<void> | undefined;
  private wake: (() => void) | undefined;

  constructor(options: FileSourceOptions) {
    this.options = { pollMs: 200, spanBytes: 2 * 1024 * 1024, ...options };
    this.name = options.path;
    this.current = {
      name: options.path,
      stream: options.stream,
      format: '',
      why: '',
      state: 'loading',
      bytesRead: 0,
      bytesTotal: 0,
      events: 0,
      rejected: 0,
    };
  }

  status(): SourceStatus {
    return { ...this.current };
  }

  /**
   * Throws what `start` would of a file that is none, or of content in no known format; reads and leaves nothing. Answers whether the file
   * is a new one.
   */
  async check(): Promise<{ isNew: boolean }> {
    if (sizeOf(this.options.path) === 0) return { isNew: true };
    const { path, stream, registry } = this.options;
    const handle = openFile(path);
    try {
      const look = this.look(path, handle);
      const known = registry.find(stream, look);
      await this.chooseFormat(handle, known?.format, look);
      return { isNew: known === undefined };
    } finally {
      closeSync(handle);
    }
  }

  async start(): Promise<void> {
    if (sizeOf(this.options.path) === 0) {
      this.current.state = this.options.follow ? 'waiting' : 'done';
      // What its first line is decides how it is read; until then there is nothing to wait for here.
      if (this.options.follow) this.running = this.startLater();
      return;
    }
    const file = await this.begin();
    if (!this.options.follow || this.stopping.signal.aborted) {
      this.release(file);
      this.current.state = 'done';
      return;
    }
    this.current.state = 'following';
    this.running = this.follow(file);
  }

  /** Opens the file and reads what is there. */
  private async begin(): Promise<OpenFile> {
    const file = await this.openAt(this.options.path);
    this.options.onDetected?.(this.status());
    await this.finishRenamed(file);
    await this.guarded(() => this.readToEnd(file, !this.options.follow));
    return file;
  }

  /** Waits for the first whole line of a file that is empty, whichever file then has its name. */
  private async startLater(): Promise<void> {
    try {
      for (;;) {
        await this.pause();
        if (this.stopping.signal.aborted) return;
        if (hasLine(this.options.path)) break;
      }
      this.current.state = 'loading';
      const file = await this.begin();
      this.current.state = 'following';
      await this.follow(file);
    } catch (thrown) {
      this.current.state = 'failed';
      this.current.error = toError(thrown).message;
    }
  }

  async close(): Promise<void> {
    this.stopping.abort();
    this.wake?.();
    await this.running;
    try {
      this.options.registry.save();
    } catch {
      // Positions are known from the log too.
    }
  }

  /** What goes wrong later is shown in the status; what goes wrong at the start is thrown. */
  private async guarded(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (thrown) {
      if (this.stopping.signal.aborted) return;
      this.current.state = 'failed';
      this.current.error = toError(thrown).message;
      throw thrown;
    }
  }

  private look(path: string, handle: number): FileLook {
    const stat = fstatSync(handle);
    const head = new Uint8Array(Math.min(headBytes, stat.size));
    const read = readSync(handle, head, 0, head.length, 0);
    return { path, dev: stat.dev, ino: stat.ino, size: stat.size, head: head.subarray(0, read) };
  }

  /** `format`: that of the file which stood here before, for a new one that may begin with a line of any kind. */
  private async openAt(path: string, format?: string): Promise<OpenFile> {
    const { stream, registry, clock } = this.options;
    const handle = openFile(path);
    try {
      const look = this.look(path, handle);
      let record = registry.find(stream, look);
      if (record) registry.refresh(record, look, clock.nowMs());
      else {
        record = registry.create(stream, look, clock.nowMs());
        if (format !== undefined) record.format = format;
      }
      return await this.resume(handle, record, look);
    } catch (thrown) {
      closeSync(handle);
      throw thrown;
    }
  }

  /** Finds where to go on, and how the file is to be read. */
  private async resume(handle: number, record: FileRecord, look: FileLook): Promise<OpenFile> {
    const { log, stream, kernel } = this.options;
    const format = await this.chooseFormat(handle, record.format, look);
    record.format = format.id;
    // Durable before the first append, so that the producer's name outlives a crash.
    await this.save();
    await log.createStream(stream);
    await log.createStream(rejectedStream);
    const inLog = await log.producerNext(stream, 0, record.id);
    if (inLog !== undefined && inLog > record.position) {
      record.line += countNewlines(handle, record.position, inLog);
      record.position = inLog;
    }
    const rejectedNext = (await log.producerNext(rejectedStream, 0, record.id)) ?? record.position;
    this.current.format = format.title;
    this.current.bytesTotal = look.size;
    this.current.bytesRead = record.position;
    return {
      handle,
      record,
      // What the header said was noted before the lines behind it were appended: where none was, it is read again.
      reader: format.reader(kernel, record.position === 0 ? undefined : record.formatState),
      position: record.position,
      line: record.line,
      next: record.position,
      rejectedNext,
    };
  }

  /** `known`: what the file was read as before. */
  private async chooseFormat(handle: number, known: string | undefined, look: FileLook): Promise<Format> {
    if (this.options.format !== undefined) {
      this.current.why = 'as asked for';
      return formatById(this.options.format);
    }
    if (known !== undefined) {
      this.current.why = 'as when it was first read';
      return formatById(known);
    }
    const { size } = look;
    const sample = new Uint8Array(Math.min(sampleBytes, size));
    const read = readSync(handle, sample, 0, sample.length, 0);
    let detected: ReturnType<typeof detectFormat>;
    try {
      detected = detectFormat(sample.subarray(0, read), read === size);
    } catch (thrown) {
      if (!(thrown instanceof MillraceError)) throw thrown;
      const { code, message, status, remedy } = thrown;
      throw new MillraceError(code, `${look.path}: ${message}`, { status, ...(remedy ? { remedy } : {}) });
    }
    if (!detected) {
      const text = new TextDecoder().decode(sample.subarray(0, 200));
      throw unknownFormat(
        `${look.path}: no known format fits. It starts with: ${text.split('\n')[0]}`,
        text,
        'Say which it is with --format; "millrace up --help" lists the formats.',
      );
    }
    this.current.why = detected.why;
    return detected.format;
  }

  /** The file that stood here before and was renamed while nobody looked: the rest of it first. */
  private async finishRenamed(file: OpenFile): Promise<void> {
    const { stream, registry, path } = this.options;
    if (file.record.position > 0) return;
    const earlier = registry.lastAt(stream, path, file.record);
    if (!earlier) return;
    const folder = dirname(path);
    for (const name of readdirSync(folder)) {
      if (!name.startsWith(basename(path)) || name === basename(path)) continue;
      const candidate = join(folder, name);
      const stat = statSync(candidate);
      if (stat.ino !== earlier.ino || stat.dev !== earlier.dev || stat.size <= earlier.position) continue;
      const handle = openSync(candidate, 'r');
      const look = this.look(candidate, handle);
      if (registry.find(stream, look) !== earlier) {
        closeSync(handle);
        continue;
      }
      const old = await this.resume(handle, earlier, look);
      await this.readToEnd(old, true);
      this.release(old);
      return;
    }
  }

  /** A file that was empty when it was found gets its fingerprint before its first line is appended. */
  private async fingerprint({ record, handle }: OpenFile): Promise<void> {
    const { registry, clock } = this.options;
    const look = this.look(record.path, handle);
    if (look.head.length === 0) return;
    registry.refresh(record, look, clock.nowMs());
    await this.save();
  }

  /** Writes the registry. A full disk is waited for, as it is by appends. */
  private async save(): Promise<void> {
    for (;;) {
      try {
        this.options.registry.save();
        this.current.error = undefined;
        return;
      } catch (thrown) {
        if (codeOf(thrown) !== 'ENOSPC' || this.stopping.signal.aborted) throw thrown;
        this.current.error = toError(thrown).message;
        await this.pause();
      }
    }
  }

  /** Reads until the end as it is now. `last`: a final line without a newline counts. */
  private async readToEnd(file: OpenFile, last: boolean): Promise<void> {
    const { record } = file;
    if (record.headLength === 0) await this.fingerprint(file);
    const before = record.position;
    let appending: Promise<unknown> = Promise.resolve();
    let span = this.options.spanBytes;
    let spare = new Uint8Array(0);
    let busy = new Uint8Array(0);
    for (;;) {
      if (this.stopping.signal.aborted) break;
      const { size, mtimeMs } = fstatSync(file.handle);
      this.current.bytesTotal = size;
      const want = Math.min(span, size - file.position);
      if (want <= 0) break;
      const input = file.reader.input(want);
      const read = readSync(file.handle, input, 0, want, file.position);
      if (read === 0) break;
      const atEnd = file.position + read >= size;
      const ends = atEnd && (last || this.options.clock.nowMs() - mtimeMs > settledMs);
      if (read > maxLineBytes && input.subarray(0, read).indexOf(10) < 0) {
        const raw = input.slice(0, maxRawBytes + 1);
        const end = await this.lineEnd(file, last);
        if (end === undefined) break;
        await appending;
        const { next } = end;
        appending = this.append(file, tooLong(raw, end.at - file.position), file.position, next, file.line);
        appending.catch(() => {});
        file.position = next;
        file.line++;
        continue;
      }
      let converted = file.reader.convert(read, ends);
      const part = describedEnd(converted);
      if (part !== undefined) {
        const again = readSync(file.handle, file.reader.input(part), 0, part, file.position);
        converted = file.reader.convert(again, false);
      }
      if (converted.consumed === 0) {
        if (atEnd) break;
        span = Math.min(span * 2, 4 * maxLineBytes);
        continue;
      }
      const state = file.reader.state();
      if (state !== record.formatState) {
        record.formatState = state;
        await this.save();
      }
      const end = file.position + converted.consumed;
      // One append is under way while the next span is converted; never more, so two buffers take turns.
      const { length } = converted.ndjson;
      if (spare.length < length) spare = new Uint8Array(Math.max(length, spare.length * 2));
      const ndjson = spare.subarray(0, length);
      ndjson.set(converted.ndjson);
      await appending;
      appending = this.append(file, { ...converted, ndjson }, file.position, end, file.line);
      appending.catch(() => {});
      [spare, busy] = [busy, spare];
      file.position = end;
      file.line += converted.lines;
    }
    await appending;
    if (record.position !== before) this.options.registry.saveSoon();
  }

  /** Where the line that begins at the position ends, and the next one begins; undefined where that is not written yet. */
  private async lineEnd(file: OpenFile, last: boolean): Promise<{ at: number; next: number } | undefined> {
    const buffer = new Uint8Array(maxLineBytes);
    let at = Math.max(file.position, file.searched ?? 0);
    for (;;) {
      const read = readSync(file.handle, buffer, 0, buffer.length, at);
      const newline = buffer.subarray(0, read).indexOf(10);
      if (newline >= 0) return { at: at + newline, next: at + newline + 1 };
      at += read;
      file.searched = at;
      if (read === 0) break;
      // A line can be as long as a disk.
      await nextTurn();
      if (this.stopping.signal.aborted) return undefined;
    }
    const ends = last || this.options.clock.nowMs() - fstatSync(file.handle).mtimeMs > settledMs;
    return ends ? { at, next: at } : undefined;
  }

  private async append(
    file: OpenFile,
    converted: Converted,
    start: number,
    end: number,
    linesBefore: number,
  ): Promise<void> {
    const { log, stream, clock } = this.options;
    const { record } = file;
    const signal = this.stopping.signal;
    const onWait = (problem: string | undefined): void => {
      this.current.error = problem;
    };
    const fresh = converted.rejected.filter(line => start + line.start >= file.rejectedNext);
    const source = {
      stream,
      source: `file:${record.path}`,
      firstLine: linesBefore + 1,
      nowMs: clock.nowMs(),
    };
    const batches = rejectedBatches(fresh, source, log.maxBatchBytes);
    for (const [index, { bytes, lines }] of batches.entries()) {
      const following = batches[index + 1]?.lines[0];
      const next = following ? start + following.start : end;
      const producer = { id: record.id, first: file.rejectedNext, next };
      await appendPatiently(log, rejectedStream, 0, { bytes, count: lines.length, producer }, signal, onWait);
      file.rejectedNext = next;
    }
    this.current.rejected += converted.rejectedCount;
    if (converted.count > 0) {
      const producer = { id: record.id, first: file.next, next: end };
      const batch = { bytes: converted.ndjson, count: converted.count, producer };
      await appendPatiently(log, stream, 0, batch, signal, onWait);
      file.next = end;
    }
    record.position = end;
    record.line = linesBefore + converted.lines;
    this.current.events += converted.count;
    this.current.bytesRead = end;
  }

  private async follow(first: OpenFile): Promise<void> {
    let file = first;
    try {
      while (!this.stopping.signal.aborted) {
        await this.readToEnd(file, false);
        await this.pause();
        const next = await this.replaced(file);
        if (next) file = next;
      }
    } catch (thrown) {
      if (!this.stopping.signal.aborted) {
        this.current.state = 'failed';
        this.current.error = `${toError(thrown).message} Following has stopped; restart to go on where it was.`;
      }
    } finally {
      this.release(file);
    }
  }

  /** The file now under our name, where it is another one or was cut. */
  private async replaced(file: OpenFile): Promise<OpenFile | undefined> {
    const { path, registry, stream, clock } = this.options;
    const { record } = file;
    let stat: Stats;
    try {
      stat = statSync(path);
      if (stat.ino !== record.ino || stat.dev !== record.dev) {
        this.current.state = 'following';
        await this.readToEnd(file, true);
        const next = await this.openAt(path, record.format);
        this.release(file);
        return next;
      }
    } catch (thrown) {
      // It may go, too, while the rest of the one before is read.
      if (codeOf(thrown) !== 'ENOENT' && codeOf(thrown) !== 'file-missing') throw thrown;
      this.current.state = 'waiting';
      return undefined;
    }
    this.current.state = 'following';
    const { size, mtimeMs } = stat;
    if (file.seen?.size === size && file.seen.mtimeMs === mtimeMs) return undefined;
    const look = this.look(path, file.handle);
    // What was written just now may be written over at the same size and, to the clock of the file system, the same time.
    file.seen = clock.nowMs() - mtimeMs > seenMs && look.size === size ? { size, mtimeMs } : undefined;
    const isOther = record.headLength > 0 && !registry.isSame(record, look);
    if (look.size < record.position || isOther) {
      const fresh = registry.create(stream, look, clock.nowMs());
      fresh.format = record.format;
      const next = await this.resume(openSync(path, 'r'), fresh, look);
      this.release(file);
      return next;
    }
    if (look.head.length > record.headLength) registry.refresh(record, look, clock.nowMs());
    return undefined;
  }

  private release(file: OpenFile): void {
    closeSync(file.handle);
    this.options.registry.saveSoon();
  }

  private pause(): Promise<void> {
    return new Promise(resolve => {
      const timer = setTimeout(() => this.wake?.(), this.options.pollMs);
      this.wake = () => {
        clearTimeout(timer);
        this.wake = undefined;
        resolve();
      };
    });
  }
}

/** One line of so many bytes that is accepted in no format; `raw` is its beginning. */
function tooLong(raw: Uint8Array, bytes: number): Converted {
  const reason = `longer than ${maxLineBytes} bytes: it has ${bytes}`;
  const rejected = [{ line: 1, start: 0, reason, raw }];
  return { ndjson: new Uint8Array(0), count: 0, consumed: bytes, lines: 1, rejected, rejectedCount: 1 };
}

/** Whether the file has a whole line. False where it is missing. */
function hasLine(path: string): boolean {
  let handle: number;
  try {
    handle = openSync(path, 'r');
  } catch {
    return false;
  }
  try {
    const start = new Uint8Array(64 * 1024);
    const read = readSync(handle, start, 0, start.length, 0);
    return read === start.length || start.subarray(0, read).includes(10);
  } finally {
    closeSync(handle);
  }
}

/** Size of a file. Throws what opening it would. */
function sizeOf(path: string): number {
  try {
    const stat = statSync(path);
    if (stat.isFile()) return stat.size;
  } catch (thrown) {
    throw openError(path, thrown);
  }
  throw new MillraceError('not-a-file', `${path} is not a file.`, {
    status: 400,
    remedy:
      'Name a log file; for a directory name its files, as in "millrace up logs/*.log". A pipe goes to "millrace produce STREAM".',
  });
}

/** Opens a file to be read. Opening a pipe would wait for its writer. */
function openFile(path: string): number {
  sizeOf(path);
  try {
    return openSync(path, 'r');
  } catch (thrown) {
    throw openError(path, thrown);
  }
}

function openError(path: string, thrown: unknown): Error {
  const code = codeOf(thrown);
  if (code === 'ENOENT') {
    return new MillraceError('file-missing', `${path}: there is no such file.`, {
      status: 400,
      remedy: 'Check the path.',
      cause: thrown,
    });
  }
  if (code === 'EACCES') {
    return new MillraceError('file-unreadable', `${path} may not be read.`, {
      status: 400,
      remedy: 'Give this user the right to read it, or run as a user who may (on Debian: group adm).',
      cause: thrown,
    });
  }
  return toError(thrown);
}

function countNewlines(handle: number, from: number, to: number): number {
  const buffer = new Uint8Array(1024 * 1024);
  let lines = 0;
  for (let at = from; at < to; ) {
    const read = readSync(handle, buffer, 0, Math.min(buffer.length, to - at), at);
    if (read === 0) break;
    for (let i = buffer.indexOf(10); i >= 0 && i < read; i = buffer.indexOf(10, i + 1)) lines++;
    at += read;
  }
  return lines;
}
