// POST /v1/streams/{stream}/events: the body into the kernel's memory, validated there, appended, answered after it is durable.
// Good lines are accepted whatever the bad ones are; the bad ones go to `_rejected` and are named in the answer.
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { maxLineBytes, maxRejectedPerSpan, type RejectedLine } from '../collect/format.ts';
import { rejectedBatches, rejectedStream } from '../collect/rejected.ts';
import { codeOf, MillraceError, toError } from '../core/errors.ts';
import { nestingOf } from '../core/json-nesting.ts';
import type { Clock } from '../core/time.ts';
import { type Log, type Producer, streamNamePattern } from '../flow/log.ts';
import type { Kernel, ValidateResult } from '../kernel/kernel.ts';
import type { IngestAnswer } from './api.ts';
import { BodyBuffers } from './body-buffers.ts';
import { problemHeaders, problemOf } from './problem.ts';

export interface IngestOptions {
  log: Log;
  kernel: Kernel;
  clock: Clock;
  /** Bytes of a body after decompression; more is refused with 413. */
  maxBodyBytes?: number;
  /** Bytes of bodies being received at once, all connections together; beyond it senders get 429. */
  maxInFlightBytes?: number;
  /** True when no stream of this name may be made, because a view has it. */
  isTaken(stream: string): boolean;
}

/** What of a request matters, once its body is there. */
export interface IngestRequest {
  stream: string;
  /** The value of a header field by its lower-case name. */
  header(name: string): string | undefined;
  /** Where it came from, for rejected events. */
  remoteAddress: string | undefined;
}

/** What is to be answered. */
export interface IngestReply {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** Errors listed in an answer; all are counted. */
const maxListedErrors = 100;

export class IngestHandler {
  readonly buffers = new BodyBuffers();
  private readonly options: Required<IngestOptions>;
  private inFlightBytes = 0;
  private readonly known = new Map<string, { partitions: number; open: number[] }>();
  private nextPartition = 0;

  constructor(options: IngestOptions) {
    this.options = { maxBodyBytes: 8 * 1024 * 1024, maxInFlightBytes: 256 * 1024 * 1024, ...options };
  }

  /** Answers the request, whatever happens. */
  async handle(stream: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    let reply: IngestReply;
    let buffer: Buffer | undefined;
    try {
      this.checkStream(stream);
      const body = await this.readBody(request, bytes => (buffer = this.buffers.take(bytes)));
      reply = await this.reply(
        {
          stream,
          header: name => header(request, name),
          remoteAddress: request.socket.remoteAddress,
        },
        body,
      );
    } catch (thrown) {
      reply = problemReply(thrown);
      // What is left of the body is of no use; the connection may be reused only once it is read.
      if (!request.complete) reply.headers['connection'] = 'close';
    }
    if (buffer) this.buffers.give(buffer);
    if (response.destroyed) return;
    reply.headers['content-length'] = String(Buffer.byteLength(reply.body));
    response.writeHead(reply.status, reply.headers).end(reply.body);
  }

  /** Whether a body of so many bytes may be received now; if so, `release` is due when it is here or given up. */
  reserve(bytes: number): boolean {
    if (bytes > this.options.maxBodyBytes || !this.hasRoom(bytes)) return false;
    this.inFlightBytes += bytes;
    return true;
  }

  /** A body that is alone, but for `own` bytes of itself, is received whatever its length. */
  private hasRoom(bytes: number, own = 0): boolean {
    return this.inFlightBytes === own || this.inFlightBytes + bytes <= this.options.maxInFlightBytes;
  }

  release(bytes: number): void {
    this.inFlightBytes -= bytes;
  }

  /**
   * What to answer to a request whose body is here; never rejects. The body's memory is used until then, and not
   * afterwards.
   */
  async reply(request: IngestRequest, body: Uint8Array): Promise<IngestReply> {
    try {
      const answer = await this.ingest(request, body);
      return {
        status: answer.accepted === 0 && answer.rejected > 0 ? 400 : 200,
        headers: { 'content-type': 'application/json; charset=utf-8' },
        body: JSON.stringify(answer),
      };
    } catch (thrown) {
      return problemReply(thrown);
    }
  }

  private async ingest(request: IngestRequest, body: Uint8Array): Promise<IngestAnswer> {
    const { stream } = request;
    this.checkStream(stream);
    const producer = producerOf(request);
    const { kernel, log } = this.options;
    kernel.input(body.length).set(body);
    // From here to the copy nothing may wait: the kernel's memory belongs to this request.
    const isDocument = wholeDocument(request.header('content-type'), body);
    const result: ValidateResult & { output?: Uint8Array } = isDocument
      ? kernel.arrayToNdjson(body.length, { maxErrors: maxRejectedPerSpan })
      : kernel.validate(body.length, { maxErrors: maxRejectedPerSpan, maxLineBytes });
    const unchanged = !isDocument && result.rejected === 0 && result.length === body.length;
    const bytes = unchanged ? body : (result.output ?? kernel.input(result.length)).slice(0, result.length);
    const { rejected, errors, rejectedLines } = result;
    let count = result.count;
    if (count === 0 && rejected === 0) {
      throw new MillraceError('empty-body', 'The body holds no event.', {
        status: 400,
        remedy: 'Send one JSON object a line (NDJSON), a JSON array of objects, or one object.',
      });
    }
    let partition = 0;
    let offset: number | null = null;
    let duplicate = false;
    if (count > 0) {
      partition = await this.choosePartition(stream, producer);
      const appended = await log
        .append(stream, partition, { bytes, count, ...(producer ? { producer } : {}) })
        .catch(thrown => {
          // Which partitions accept is asked again before the next request.
          if (codeOf(thrown) === 'partition-closed') this.known.delete(stream);
          throw thrown;
        });
      offset = appended.offset;
      duplicate = appended.duplicate;
      count = appended.count;
    }
    if (rejected > 0) {
      const lines = errors.map(({ line, start, position, reason }, index) => {
        return { line, start, position, reason, raw: rejectedLines[index]! };
      });
      const key = producer && ('key' in producer ? producer.key : `${producer.id}:${producer.first}`);
      await this.keepRejected(stream, `http:${request.remoteAddress ?? ''}`, lines, key);
    }
    return {
      accepted: count,
      rejected,
      errors: errors
        .slice(0, maxListedErrors)
        .map(({ line, position, reason }) => ({ line, position, reason })),
      partition,
      offset,
      ...(duplicate ? { duplicate: true as const } : {}),
    };
  }

  /** Lines that could not become events of the stream, into `_rejected`; those of a request with a `key` once. */
  async keepRejected(
    stream: string,
    source: string,
    lines: readonly RejectedLine[],
    key?: string,
  ): Promise<void> {
    const { log, clock } = this.options;
    const from = { stream, source, firstLine: 1, nowMs: clock.nowMs() };
    await log.createStream(rejectedStream);
    for (const [index, batch] of rejectedBatches(lines, from, log.maxBatchBytes).entries()) {
      const own =
        key === undefined ? {} : { producer: { key: rejectedKey(stream, key, index, batch.lines) } };
      await log.append(rejectedStream, 0, { bytes: batch.bytes, count: batch.lines.length, ...own });
    }
  }

  /** Throws where events may not be appended to a stream of this name. */
  checkStream(stream: string): void {
    checkStream(stream, this.options.isTaken);
  }

  /**
   * Producers keep to one partition, so that their order and their sequence numbers hold; others take turns among those
   * that accept.
   */
  private async choosePartition(stream: string, producer: Producer | undefined): Promise<number> {
    let known = this.known.get(stream);
    if (known === undefined) {
      const { partitions } = await this.options.log.createStream(stream);
      const open = partitions.filter(({ closed }) => closed === undefined).map(({ partition }) => partition);
      known = { partitions: partitions.length, open: open.length > 0 ? open : [0] };
      this.known.set(stream, known);
    }
    const { partitions, open } = known;
    if (partitions === 1) return 0;
    if (!producer) return open[this.nextPartition++ % open.length]!;
    let hash = 0;
    for (const char of 'key' in producer ? producer.key : producer.id)
      hash = (Math.imul(hash, 31) + char.charCodeAt(0)) | 0;
    return (hash >>> 0) % partitions;
  }

  /** The body, in memory from `take` where its length is announced. */
  private async readBody(request: IncomingMessage, take: (bytes: number) => Buffer): Promise<Uint8Array> {
    const { maxBodyBytes } = this.options;
    const announced = Number(request.headers['content-length'] ?? 0);
    if (announced > maxBodyBytes) throw tooLarge(maxBodyBytes);
    let counted = 0;
    // What is announced at once; a body of unknown length, or one that is compressed, as it comes.
    const count = (bytes: number): void => {
      if (!this.hasRoom(bytes, counted)) throw overloaded();
      this.inFlightBytes += bytes;
      counted += bytes;
    };
    count(announced);
    const source = decompressed(request);
    const whole = source === request && announced > 0 ? take(announced) : undefined;
    const chunks: Uint8Array[] = [];
    let length = 0;
    try {
      for await (const chunk of source as AsyncIterable<Uint8Array>) {
        if (whole) whole.set(chunk, length);
        else chunks.push(chunk);
        length += chunk.length;
        if (length > maxBodyBytes) throw tooLarge(maxBodyBytes);
        if (length > counted) count(length - counted);
      }
    } catch (thrown) {
      if (thrown instanceof MillraceError) throw thrown;
      throw new MillraceError('bad-body', `The body could not be read: ${toError(thrown).message}.`, {
        status: 400,
        remedy: 'Check Content-Encoding: gzip, deflate and br are understood.',
        cause: thrown,
      });
    } finally {
      this.inFlightBytes -= counted;
    }
    if (whole) return whole.subarray(0, length);
    return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, length);
  }
}

function overloaded(): MillraceError {
  return new MillraceError('ingest-overloaded', 'Too many bytes are being received at once.', {
    status: 429,
    canRetry: true,
    context: { retryAfterMs: 1000 },
    remedy: 'Send again after the time in Retry-After; nothing of this request was kept.',
  });
}

/** Of the lines as well: where nothing was accepted, a mended request comes under the same key or number. */
function rejectedKey(stream: string, key: string, index: number, lines: readonly RejectedLine[]): string {
  const digest = createHash('sha256').update(`${stream}:${key}:${index}`);
  for (const { line, raw } of lines) digest.update(`\n${line}:`).update(raw);
  return digest.digest('hex');
}

/** The answer that tells what went wrong. */
export function problemReply(thrown: unknown): IngestReply {
  const problem = problemOf(thrown);
  return { status: problem.status, headers: problemHeaders(problem), body: JSON.stringify(problem) };
}

/** Throws where events may not be appended to a stream of this name; `isTaken`: by a view. */
export function checkStream(stream: string, isTaken: (name: string) => boolean): void {
  if (!streamNamePattern.test(stream)) {
    throw new MillraceError('bad-stream-name', `"${stream}" cannot be the name of a stream.`, {
      status: 400,
      remedy: 'Use letters, digits, "_", "-" and ".", starting with a letter, at most 100 characters.',
    });
  }
  if (stream.startsWith('_')) {
    throw new MillraceError('reserved-stream', `Streams that start with "_" belong to Millrace itself.`, {
      status: 403,
      remedy: 'Choose a name that starts with a letter.',
    });
  }
  if (isTaken(stream)) {
    throw new MillraceError('name-taken', `"${stream}" is the name of a view, so it cannot be a stream.`, {
      status: 409,
      remedy: 'Choose another name for the stream, or rename the view.',
    });
  }
}

export function tooLarge(limit: number): MillraceError {
  return new MillraceError('body-too-large', `The body is larger than ${limit} bytes.`, {
    status: 413,
    context: { maxBodyBytes: limit },
    remedy: 'Send less at a time; of events about 1,000 a request is a good number.',
  });
}

function decompressed(request: IncomingMessage): AsyncIterable<unknown> {
  const encoding = (request.headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  switch (encoding) {
    case '':
    case 'identity':
      return request;
    case 'gzip':
    case 'x-gzip':
      return request.pipe(createGunzip());
    case 'deflate':
      return request.pipe(createInflate());
    case 'br':
      return request.pipe(createBrotliDecompress());
    default:
      throw new MillraceError('bad-encoding', `Content-Encoding "${encoding}" is not understood.`, {
        status: 415,
        remedy: 'Send gzip, deflate, br or no encoding.',
      });
  }
}

/** True for one JSON value (an array, or an object that may span lines), false for NDJSON. */
function wholeDocument(contentType: string | undefined, body: Uint8Array): boolean {
  // A byte order mark.
  let at = body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf ? 3 : 0;
  while (at < body.length && (body[at] === 32 || (body[at]! >= 9 && body[at]! <= 13))) at++;
  if (body[at] === 0x5b) return true;
  const type = (contentType ?? '').split(';')[0]!.trim().toLowerCase();
  if (type !== 'application/json') return false;
  // Many senders say application/json and send lines: an object that ends on its line, before another one, is not the whole.
  const end = body.indexOf(10, at);
  if (end < 0) return true;
  const line = Buffer.from(body.buffer, body.byteOffset + at, end - at).toString('latin1');
  return nestingOf(line).end === undefined;
}

function producerOf(request: IngestRequest): Producer | undefined {
  const key = request.header('idempotency-key');
  const id = request.header('millrace-producer');
  const sequence = request.header('millrace-sequence');
  if (key !== undefined && id !== undefined) {
    throw new MillraceError('bad-producer', 'Idempotency-Key and Millrace-Producer exclude each other.', {
      status: 400,
      remedy: 'Send one of the two.',
    });
  }
  if (key !== undefined) {
    if (key === '' || key.length > 255) {
      throw new MillraceError('bad-producer', 'Idempotency-Key must have 1 to 255 characters.', {
        status: 400,
      });
    }
    return { key };
  }
  if (id === undefined && sequence === undefined) return undefined;
  const first = Number(sequence);
  if (!id || id.length > 255 || !Number.isSafeInteger(first) || first < 0) {
    throw new MillraceError(
      'bad-producer',
      'Millrace-Producer needs a name and Millrace-Sequence a whole number.',
      {
        status: 400,
        remedy: 'Number the requests of a producer 0, 1, 2, …',
      },
    );
  }
  return { id, first, next: first + 1 };
}

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}
