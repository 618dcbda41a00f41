// The head of a request for `POST /v1/streams/{stream}/events`, as the quick way reads it. Invariant: what is read here, Node's own
// parser reads the same; whatever is unusual in any way (RFC 9112 leaves many) is not read here at all, but left to Node.

export interface IngestHead {
  stream: string;
  host: string;
  contentLength: number;
  /** The client wants the connection closed after the answer. */
  closes: boolean;
  /** Of the header fields that matter, by lower-case name. */
  fields: ReadonlyMap<string, string>;
}

const requestLine = /^POST \/v1\/streams\/([A-Za-z0-9_.-]{1,100})\/events HTTP\/1\.1$/;
const fieldLine = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*)$/;
const lengthText = /^\d{1,10}$/;

/** Fields that the answer depends on; twice, they are Node's to judge. */
const taken = new Set([
  'host',
  'content-length',
  'content-type',
  'connection',
  'idempotency-key',
  'millrace-producer',
  'millrace-sequence',
]);

/** Fields that change what the bytes or the request mean. */
const foreign = new Set([
  'transfer-encoding',
  'content-encoding',
  'trailer',
  'te',
  'expect',
  'upgrade',
  'origin',
  'authorization',
  'cookie',
]);

/** `text`: latin1, without the blank line at the end. Undefined where Node has to read it. */
export function readIngestHead(text: string): IngestHead | undefined {
  const lines = text.split('\r\n');
  const stream = requestLine.exec(lines[0]!)?.[1];
  if (stream === undefined) return undefined;
  const fields = new Map<string, string>();
  for (let i = 1; i < lines.length; i++) {
    const match = fieldLine.exec(lines[i]!);
    if (!match) return undefined;
    const name = match[1]!.toLowerCase();
    if (foreign.has(name)) return undefined;
    if (!taken.has(name)) continue;
    if (fields.has(name)) return undefined;
    fields.set(name, match[2]!.replace(/[ \t]+$/, ''));
  }
  const host = fields.get('host');
  const length = fields.get('content-length') ?? '';
  const connection = (fields.get('connection') ?? 'keep-alive').toLowerCase();
  if (!host || !lengthText.test(length)) return undefined;
  if (connection !== 'keep-alive' && connection !== 'close') return undefined;
  return { stream, host, contentLength: Number(length), closes: connection === 'close', fields };
}
