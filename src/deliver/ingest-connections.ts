// The quick way in: requests that append events, read straight from the socket into memory that is used again and again. Node's own HTTP
// server makes a new buffer of every 64 KB it reads, which at hundreds of megabytes a second keeps the garbage collector busier than
// anything else. Every connection starts here; at the first request that is not plainly an append (ingest-head.ts) it goes, with what was
// read, to Node's server for good.
//
// Invariants: answers go out in the order of the requests; at most `underWayMax` requests of a connection wait for their answers, beyond
// which nothing is read from it. Nothing here knows more about HTTP than ingest-head.ts lets in.
import type { Server } from 'node:http';
import { Socket } from 'node:net';
import { type IngestHandler, type IngestReply, problemReply } from './ingest.ts';
import { type IngestHead, readIngestHead } from './ingest-head.ts';

export interface IngestConnectionsOptions {
  ingest: IngestHandler;
  /** Throws what is to be answered instead, for a Host that is not ours. */
  checkHost(host: string): void;
  /** An idle connection is closed after so long. */
  idleMs: number;
  /** A request that has begun must be here after so long. */
  requestMs: number;
}

/** Bytes of a request's head; longer ones are Node's to refuse. */
const headBytesMax = 16 * 1024;
/** Requests of one connection that are being answered. */
const underWayMax = 4;
const sweepMs = 5000;

/** Heads of all connections are read here: nothing stays in it when the reading callback returns. */
const scratch = Buffer.allocUnsafeSlow(64 * 1024);

export interface IngestConnections {
  /** Destroys the connections that are here. */
  close(): void;
}

/** What the system's handle of a socket has, though Node does not document it. */
interface Handle {
  useUserBuffer?: unknown;
}

/** Takes the server's new connections first. Where this Node has other sockets, all stay with its server. */
export function serveIngestConnections(server: Server, options: IngestConnectionsOptions): IngestConnections {
  const open = new Set<IngestConnection>();
  const others = server.listeners('connection') as ((socket: Socket) => void)[];
  const leave = (socket: Socket): void => {
    for (const listener of others) listener.call(server, socket);
  };
  server.removeAllListeners('connection');
  server.on('connection', (socket: Socket) => {
    const { _handle: handle } = socket as unknown as { _handle?: Handle | null };
    if (typeof handle?.useUserBuffer !== 'function') return leave(socket);
    open.add(new IngestConnection(socket, handle, options, leave, connection => open.delete(connection)));
  });
  const timer = setInterval(() => {
    const nowMs = performance.now();
    for (const connection of open) connection.closeWhenLate(nowMs);
  }, sweepMs);
  timer.unref();
  return {
    close() {
      clearInterval(timer);
      for (const connection of open) connection.destroy();
    },
  };
}

/** A request whose body is being read. */
interface Reading {
  head: IngestHead;
  buffer: Buffer;
  filled: number;
}

class IngestConnection {
  private readonly socket: Socket;
  private readonly options: IngestConnectionsOptions;
  private readonly leave: (socket: Socket) => void;
  private readonly gone: (connection: IngestConnection) => void;
  /** Bytes that are read and not understood: the beginning of a head, or what came while nothing more is taken. */
  private rest: Buffer | undefined;
  private reading: Reading | undefined;
  /** The memory that was given last is the body's own. */
  private isDirect = false;
  private underWay = 0;
  private lastAnswer: Promise<void> = Promise.resolve();
  private isLeft = false;
  private isEnding = false;
  /** Since when it is idle, or the request that is being read has been coming. */
  private sinceMs = performance.now();
  private knownText = '';
  private knownHead: IngestHead | undefined;

  constructor(
    accepted: Socket,
    handle: Handle,
    options: IngestConnectionsOptions,
    leave: (socket: Socket) => void,
    gone: (connection: IngestConnection) => void,
  ) {
    this.options = options;
    this.leave = leave;
    this.gone = gone;
    // The same connection under a socket that reads into our memory; the one it was accepted as goes without it.
    (accepted as unknown as { _handle: Handle | null })._handle = null;
    accepted.destroy();
    const onread = { buffer: () => this.nextMemory(), callback: (bytes: number) => this.take(bytes) };
    const socketOptions = { handle, allowHalfOpen: true, readable: true, writable: true, onread };
    this.socket = new Socket(socketOptions as ConstructorParameters<typeof Socket>[0]);
    this.socket.on('error', this.onError).on('close', this.onClose).on('end', this.onEnd).resume();
  }

  private readonly onError = (): void => {
    this.socket.destroy();
  };

  private readonly onClose = (): void => {
    this.dropReading();
    this.gone(this);
  };

  private readonly onEnd = (): void => {
    this.isEnding = true;
    if (this.reading) this.socket.destroy();
    else void this.lastAnswer.then(() => this.socket.end());
  };

  private dropReading(): void {
    const { reading } = this;
    if (!reading) return;
    this.reading = undefined;
    this.options.ingest.release(reading.head.contentLength);
    this.options.ingest.buffers.give(reading.buffer);
  }

  destroy(): void {
    this.socket.destroy();
  }

  closeWhenLate(nowMs: number): void {
    const { idleMs, requestMs } = this.options;
    const isReading = this.reading !== undefined || this.rest !== undefined;
    if (this.underWay > 0 || nowMs - this.sinceMs < (isReading ? requestMs : idleMs)) return;
    if (isReading) this.socket.end('HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n');
    this.socket.destroySoon();
  }

  /** Where the next bytes are to be put. */
  private nextMemory(): Buffer {
    const { reading } = this;
    this.isDirect = reading !== undefined;
    return reading?.buffer.subarray(reading.filled, reading.head.contentLength) ?? scratch;
  }

  /** So many bytes are in the memory that was given last. False stops reading. */
  private take(bytes: number): boolean {
    if (this.isLeft) return this.socket.push(Buffer.from(scratch.subarray(0, bytes)));
    if (!this.isDirect) return this.takeRaw(scratch.subarray(0, bytes));
    this.fill(this.reading!, bytes);
    return this.underWay < underWayMax;
  }

  /** Bytes that begin anywhere. */
  private takeRaw(bytes: Buffer): boolean {
    if (this.rest) {
      bytes = Buffer.concat([this.rest, bytes]);
      this.rest = undefined;
    } else if (this.underWay === 0 && !this.reading) this.sinceMs = performance.now();
    // What follows the last request is not read.
    while (bytes.length > 0 && !this.isEnding) {
      if (!this.reading) {
        const headEnd = this.underWay < underWayMax ? bytes.indexOf('\r\n\r\n') : -1;
        if (headEnd < 0) {
          if (this.underWay < underWayMax && bytes.length > headBytesMax) return this.leaveWith(bytes);
          this.rest = Buffer.from(bytes);
          break;
        }
        const head = headEnd <= headBytesMax ? this.headOf(bytes.toString('latin1', 0, headEnd)) : undefined;
        if (!head || !this.options.ingest.reserve(head.contentLength)) return this.leaveWith(bytes);
        const buffer = this.options.ingest.buffers.take(head.contentLength);
        this.reading = { head, buffer, filled: 0 };
        bytes = bytes.subarray(headEnd + 4);
      }
      const { buffer, filled, head } = this.reading;
      const here = Math.min(bytes.length, head.contentLength - filled);
      bytes.copy(buffer, filled, 0, here);
      bytes = bytes.subarray(here);
      this.fill(this.reading, here);
    }
    return this.underWay < underWayMax;
  }

  private fill(reading: Reading, bytes: number): void {
    reading.filled += bytes;
    if (reading.filled === reading.head.contentLength) this.finishReading(reading);
  }

  /** Heads of one connection are mostly the same, so the last one is remembered. */
  private headOf(text: string): IngestHead | undefined {
    if (text !== this.knownText) {
      this.knownHead = readIngestHead(text);
      this.knownText = text;
    }
    return this.knownHead;
  }

  private finishReading({ head, buffer }: Reading): void {
    this.reading = undefined;
    this.underWay++;
    if (head.closes) this.isEnding = true;
    const { ingest } = this.options;
    const replied = this.replyTo(head, buffer.subarray(0, head.contentLength));
    ingest.release(head.contentLength);
    // In the order of the requests, whichever is done first.
    this.lastAnswer = this.lastAnswer.then(async () => {
      const reply = await replied;
      ingest.buffers.give(buffer);
      this.send(reply, head.closes);
      this.underWay--;
      this.sinceMs = performance.now();
      if (this.underWay === underWayMax - 1) this.goOn();
    });
  }

  private async replyTo(head: IngestHead, body: Uint8Array): Promise<IngestReply> {
    const { ingest, checkHost } = this.options;
    try {
      checkHost(head.host);
    } catch (thrown) {
      return problemReply(thrown);
    }
    const { stream, fields } = head;
    return ingest.reply(
      { stream, header: name => fields.get(name), remoteAddress: this.socket.remoteAddress },
      body,
    );
  }

  private send({ status, headers, body }: IngestReply, closes: boolean): void {
    if (this.socket.destroyed) return;
    let text = `HTTP/1.1 ${status} ${reasonOf(status)}\r\n`;
    for (const name in headers) text += `${name}: ${headers[name]}\r\n`;
    text += `content-length: ${Buffer.byteLength(body)}\r\nDate: ${dateText()}\r\n`;
    text += closes ? 'Connection: close\r\n\r\n' : 'Connection: keep-alive\r\n\r\n';
    this.socket.write(text + body);
    if (closes) this.socket.end();
  }

  /** Reads on after it had stopped. */
  private goOn(): void {
    if (this.socket.destroyed || this.isLeft) return;
    const { rest } = this;
    this.rest = undefined;
    if (rest && !this.takeRaw(rest)) return;
    this.socket.resume();
  }

  /** To Node's server, once what came before is answered; its parser begins with these bytes. */
  private leaveWith(bytes: Buffer): boolean {
    this.isLeft = true;
    const first = Buffer.from(bytes);
    void this.lastAnswer.then(() => {
      const { socket } = this;
      socket.off('error', this.onError).off('close', this.onClose).off('end', this.onEnd);
      this.gone(this);
      if (socket.destroyed) return;
      socket.pause();
      socket.unshift(first);
      this.leave(socket);
      socket.resume();
    });
    return false;
  }
}

const reasons: Record<number, string> = {
  200: 'OK',
  400: 'Bad Request',
  403: 'Forbidden',
  409: 'Conflict',
  413: 'Payload Too Large',
  429: 'Too Many Requests',
  503: 'Service Unavailable',
  507: 'Insufficient Storage',
};

const reasonOf = (status: number): string => reasons[status] ?? 'Error';

let dateAtMs = 0;
let date = '';

/** The Date field, made once a second. */
function dateText(): string {
  const nowMs = Date.now();
  if (nowMs - dateAtMs >= 1000) {
    dateAtMs = nowMs - (nowMs % 1000);
    date = new Date(nowMs).toUTCString();
  }
  return date;
}
