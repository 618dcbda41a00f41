// Access-log lines to NDJSON by sticky regular expressions over one character per byte. The oracle of the
// compiled converter; the format is Apache's mod_log_config, escapes as in its ap_escape_logitem.
import { formatUs } from '../core/time.ts';
import { parseAccessTimeUs } from '../core/time-text.ts';
import type { AccessLogResult } from './kernel.ts';
import { defaultMaxErrors, type LineReason } from './line-reasons.ts';
import { linesOf, Rejections } from './reference-lines.ts';

export type AccessLogVariant = 'common' | 'combined' | 'vhost';

const escapes: Record<string, string> = { n: '\n', r: '\r', t: '\t', b: '\b', v: '\v', '"': '"', '\\': '\\' };

/** The text behind log escapes; other backslashes stay, bytes that are no UTF-8 become U+FFFD. */
function unescapeLog(raw: string): string {
  const bytes = raw.replace(/\\(?:x([0-9A-Fa-f]{2})|(["\\nrtbv]))/g, (_, hex, letter) =>
    hex ? String.fromCharCode(Number.parseInt(hex, 16)) : escapes[letter]!,
  );
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(Buffer.from(bytes, 'latin1'));
}

const textOrNull = (raw: string): string | null => (raw === '-' ? null : unescapeLog(raw));
const numberOrNull = (raw: string): number | null => (raw === '-' ? null : Number(raw));

/** A cursor over one line. */
class LineCursor {
  at = 0;
  failed: { position: number; reason: LineReason } | undefined;
  private readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  get isAtEnd(): boolean {
    return this.at >= this.text.length;
  }

  /**
   * The first group of `pattern` (sticky) at the cursor; `reason` is kept for the first that does not match.
   */
  take(pattern: RegExp, reason: LineReason): string {
    if (this.failed) return '';
    pattern.lastIndex = this.at;
    const match = pattern.exec(this.text);
    if (!match) {
      this.failed = { position: this.at, reason };
      return '';
    }
    this.at = pattern.lastIndex;
    return match[1]!;
  }
}

const word = /([^ ]+) /y;
/** The client, and the proxies behind it where the server logs X-Forwarded-For. */
const addresses = /([^ ,]+(?:, ?(?:[^ ]*, )*[^ ]*[^ ,])?) /y;
const user = /(.+?) (?=\[)/sy;
const time = /\[([^\]]*)\] /y;
const quoted = /"((?:[^"\\]|\\.)*)"/sy;
const status = /(\d{1,9}|-) /y;
const size = /(\d{1,15}|-)(?= |$)/y;
const space = /( )/y;

function splitRequest(raw: string): { method: string | null; path: string | null; protocol: string | null } {
  const match = /^([A-Za-z_-]+) (.+) ([Hh][Tt][Tt][Pp]\/[^ ]+)$/s.exec(raw);
  if (!match) return { method: null, path: textOrNull(raw), protocol: null };
  return { method: textOrNull(match[1]!), path: textOrNull(match[2]!), protocol: unescapeLog(match[3]!) };
}

export function accessLineToEvent(
  line: string,
  variant: AccessLogVariant,
): { event: Record<string, unknown> } | { position: number; reason: LineReason } {
  const cursor = new LineCursor(line);
  const vhost = variant === 'vhost' ? cursor.take(word, 'bad vhost') : undefined;
  const [, ip, proxies] = /^([^,]*)(?:, ?(.*))?$/s.exec(cursor.take(addresses, 'bad ip'))!;
  const ident = cursor.take(word, 'bad ident');
  const userName = cursor.take(user, 'bad user');
  const timeAt = cursor.at;
  const timeUs = parseAccessTimeUs(cursor.take(time, 'bad time'));
  if (timeUs === undefined) cursor.failed ??= { position: timeAt, reason: 'bad time' };
  const request = splitRequest(cursor.take(quoted, 'bad request'));
  cursor.take(space, 'bad request');
  const statusText = cursor.take(status, 'bad status');
  const bytesText = cursor.take(size, 'bad bytes');
  const event: Record<string, unknown> = {
    _time: timeUs === undefined ? null : formatUs(timeUs),
    ...(vhost === undefined ? {} : { vhost: textOrNull(vhost) }),
    ip: textOrNull(ip!),
    ...(proxies === undefined ? {} : { proxies: textOrNull(proxies) }),
    ident: textOrNull(ident),
    user: textOrNull(userName),
    ...request,
    status: numberOrNull(statusText),
    bytes: numberOrNull(bytesText),
  };
  // A vhost prefix stands before Common lines too.
  if (variant === 'combined' || (variant === 'vhost' && !cursor.isAtEnd)) {
    cursor.take(space, 'bad referer');
    event['referer'] = unescapeLog(cursor.take(quoted, 'bad referer'));
    cursor.take(space, 'bad agent');
    event['agent'] = unescapeLog(cursor.take(quoted, 'bad agent'));
  }
  if (!cursor.failed && !cursor.isAtEnd)
    cursor.failed = { position: cursor.at, reason: 'bytes after the agent' };
  return cursor.failed ?? { event };
}

export function referenceAccessLog(
  input: Uint8Array,
  length: number,
  variant: AccessLogVariant,
  last: boolean,
): AccessLogResult {
  const rejections = new Rejections(input, defaultMaxErrors);
  const output: string[] = [];
  let consumed = 0;
  let lines = 0;
  for (const line of linesOf(input, 0, length)) {
    if (!line.isWhole && !last) break;
    lines++;
    consumed = Math.min(line.next, length);
    const text = Buffer.from(input.subarray(line.start, line.end)).toString('latin1');
    if (/^[ \t\r]*$/.test(text)) continue;
    const outcome = accessLineToEvent(text, variant);
    if ('event' in outcome) output.push(`${JSON.stringify(outcome.event)}\n`);
    else rejections.add(line.number, line.start, line.end, line.start + outcome.position, outcome.reason);
  }
  const { errors, rejected, rejectedLines } = rejections;
  const bytes = new TextEncoder().encode(output.join(''));
  return { count: output.length, output: bytes, errors, rejected, rejectedLines, consumed, lines };
}
