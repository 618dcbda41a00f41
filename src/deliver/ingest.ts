// POST /v1/streams/{stream}/events: the body into the kernel's memory, validated there, appended, answered after it is durable.
// Good lines are accepted whatever the bad ones are; the bad ones go to `_rejected` and are named in the answer.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { maxLineBytes, maxRejectedPerSpan, type RejectedLine } from '../collect/format.ts';
import { rejectedNdjson, rejectedStream } from '../collect/rejected.ts';
import { codeOf, MillraceError, toError } from '../core/errors.ts';
import type { Clock } from '../core/time.ts';
import { type Log, type Producer, streamNamePattern } from '../flow/log.ts';
import type { Kernel, ValidateResult } from '../kernel/kernel.ts';
import type { IngestAnswer } from './api.ts';
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

/** Errors listed in an answer; all are counted. */
const maxListedErrors = 100;

export class IngestHandler {
  private readonly options: Required<IngestOptions>;
  private inFlightBytes = 0;
  private readonly known = new Map<string, { partitions: number; open: number[] }>();
  private nextPartition = 0;

  constructor(options: IngestOptions) {
    this.options = { maxBodyBytes: 8 * 1024 * 1024, maxInFlightBytes: 256 * 1024 * 1024, ...options };
  }

  /** Answers the request, whatever happens. */
  async handle(stream: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    let status = 200;
    let headers: Record<string, string> = { 'content-type': 'application/json; charset=utf-8' };
    let body: string;
    try {
      const answer = await this.ingest(stream, request);
      if (answer.accepted === 0 && answer.rejected > 0) status = 400;
      body = JSON.stringify(answer);
    } catch (thrown) {
      const problem = problemOf(thrown);
      status = problem.status;
      headers = problemHeaders(problem);
      body = JSON.stringify(problem);
      // What is left of the body is of no use; the connection may be reused only once it is read.
      if (!request.complete) headers['connection'] = 'close';
    }
    if (response.destroyed) return;
    headers['content-length'] = String(Buffer.byteLength(body));
    response.writeHead(status, headers).end(body);
  }

  private async ingest(stream: string, request: IncomingMessage): Promise<IngestAnswer> {
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
    if (this.options.isTaken(stream)) {
      throw new MillraceError('name-taken', `"${stream}" is the name of a view, so it cannot be a stream.`, {
        status: 409,
        remedy: 'Choose another name for the stream, or rename the view.',
      });
    }
    const producer = producerOf(request);
    const body = await this.readBody(request);
    const { kernel, log } = this.options;
    const input = kernel.input(body.length);
    input.set(body);
    // From here to the copy nothing may wait: the kernel's memory belongs to this request.
    const isDocument = wholeDocument(request.headers['content-type'], body);
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
    if (rejected > 0) await this.keepRejected(stream, request, producer, errors, rejectedLines);
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

  private async keepRejected(
    stream: string,
    request: IncomingMessage,
    producer: Producer | undefined,
    errors: ValidateResult['errors'],
    raw: Uint8Array[],
  ): Promise<void> {
    const { log, clock } = this.options;
    const lines: RejectedLine[] = errors.map((error, index) => ({
      line: error.line,
      start: error.start,
      position: error.position,
      reason: error.reason,
      raw: raw[index]!,
    }));
    const source = `http:${request.socket.remoteAddress ?? ''}`;
    const bytes = rejectedNdjson(lines, { stream, source, firstLine: 1, nowMs: clock.nowMs() });
    await log.createStream(rejectedStream);
    const key = producer && ('key' in producer ? producer.key : `${producer.id}:${producer.first}`);
    await log.append(rejectedStream, 0, {
      bytes,
      count: lines.length,
      ...(key === undefined ? {} : { producer: { key: `${stream}:${key}`.slice(0, 255) } }),
    });
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

  private async readBody(request: IncomingMessage): Promise<Uint8Array> {
    const { maxBodyBytes, maxInFlightBytes } = this.options;
    const announced = Number(request.headers['content-length'] ?? 0);
    if (announced > maxBodyBytes) throw tooLarge(maxBodyBytes);
    if (this.inFlightBytes > 0 && this.inFlightBytes + announced > maxInFlightBytes) {
      throw new MillraceError('ingest-overloaded', 'Too many bytes are being received at once.', {
        status: 429,
        canRetry: true,
        context: { retryAfterMs: 1000 },
        remedy: 'Send again after the time in Retry-After; nothing of this request was kept.',
      });
    }
    const source = decompressed(request);
    const chunks: Uint8Array[] = [];
    let length = 0;
    try {
      for await (const chunk of source as AsyncIterable<Uint8Array>) {
        length += chunk.length;
        this.inFlightBytes += chunk.length;
        if (length > maxBodyBytes) throw tooLarge(maxBodyBytes);
        chunks.push(chunk);
      }
    } catch (thrown) {
      if (thrown instanceof MillraceError) throw thrown;
      throw new MillraceError('bad-body', `The body could not be read: ${toError(thrown).message}.`, {
        status: 400,
        remedy: 'Check Content-Encoding: gzip, deflate and br are understood.',
        cause: thrown,
      });
    } finally {
      this.inFlightBytes -= length;
    }
    return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, length);
  }
}

function tooLarge(limit: number): MillraceError {
  return new MillraceError('body-too-large', `The body is larger than ${limit} bytes.`, {
    status: 413,
    context: { maxBodyBytes: limit },
    remedy: 'Send fewer events a request; about 1,000 is a good number.',
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
  let at = 0;
  while (at < body.length && (body[at] === 32 || (body[at]! >= 9 && body[at]! <= 13))) at++;
  if (body[at] === 0x5b) return true;
  const type = (contentType ?? '').split(';')[0]!.trim().toLowerCase();
  if (type !== 'application/json') return false;
  // Many senders say application/json and send lines: an object that ends before the last line is not the whole.
  const end = body.indexOf(10, at);
  if (end < 0) return true;
  try {
    JSON.parse(Buffer.from(body.buffer, body.byteOffset + at, end - at).toString());
    return false;
  } catch {
    return true;
  }
}

function producerOf(request: IncomingMessage): Producer | undefined {
  const key = header(request, 'idempotency-key');
  const id = header(request, 'millrace-producer');
  const sequence = header(request, 'millrace-sequence');
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
