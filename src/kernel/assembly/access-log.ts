// Common, Combined and vhost-prefixed access-log lines to NDJSON. A line is first taken apart into positions,
// then written; a line that does not come apart is reported where it fails.
import { splat } from './splat';
import { errorAt, errorReason, refuse } from './check-exact';
import { growth, putString, putText } from './log-text';
import { alloc, capacityOf, resize } from './memory';
import {
  badAgent,
  badBytes,
  badIdent,
  badIp,
  badReferer,
  badRequest,
  badStatus,
  badTime,
  badUser,
  badVhost,
  bytesAfterAgent,
} from './reasons';
import { findLineFeed, isDigit } from './scan';
import { accessUs, noTime, putIso } from './time';
import { acceptOne, report, resetCounts } from './validate';

const variantCombined: u32 = 1;
const variantVhost: u32 = 2;
/** Keys, punctuation and numbers of an event, and what whole vectors write beyond its end. */
const eventBytes: u32 = 512;

let output: usize = 0;
let consumedTo: usize = 0;

export function accessLogOutput(): usize {
  return output;
}
export function accessLogConsumed(): usize {
  return consumedTo;
}

// The parts of the current line.
let vhostAt: usize = 0;
let ipAt: usize = 0;
let ipEnd: usize = 0;
/** The addresses behind the first of a list, or 0. */
let proxiesAt: usize = 0;
let identAt: usize = 0;
let userAt: usize = 0;
let timeAt: usize = 0;
let requestAt: usize = 0;
let requestEnd: usize = 0;
let statusAt: usize = 0;
let bytesAt: usize = 0;
let bytesEnd: usize = 0;
let refererAt: usize = 0;
let refererEnd: usize = 0;
let agentAt: usize = 0;
let agentEnd: usize = 0;

/** From a word's first byte to the one behind its blank, or 0. */
function passWord(at: usize, end: usize, reason: u32): usize {
  let to = at;
  while (to < end && load<u8>(to) != 0x20) to++;
  if (to == at || to >= end) return logRefuse(at, reason);
  return to + 1;
}

/**
 * The client's address, or a list as X-Forwarded-For has it, whose first it is: "1.2.3.4, 5.6.7.8". From its first byte to the one behind
 * its blank, or 0.
 */
function passAddresses(at: usize, end: usize): usize {
  ipAt = at;
  proxiesAt = 0;
  let to = passWord(at, end, badIp);
  if (to == 0) return 0;
  while (at < to - 1 && load<u8>(at) != 0x2c) at++;
  ipEnd = at;
  if (at == to - 1) return to;
  if (at == ipAt) return logRefuse(ipAt, badIp);
  proxiesAt = load<u8>(at, 1) == 0x20 ? at + 2 : at + 1;
  while (load<u8>(to - 2) == 0x2c) {
    to = passWord(to, end, badIp);
    if (to == 0) return logRefuse(ipAt, badIp);
  }
  return to;
}

/** Reasons of this format name the part, also where the line stops inside it. */
function logRefuse(at: usize, reason: u32): usize {
  return refuse(at, usize.MAX_VALUE, reason);
}

/** From the opening quote to behind the closing one, or 0. */
function passQuoted(at: usize, end: usize, reason: u32): usize {
  if (at >= end || load<u8>(at) != 0x22) return logRefuse(at, reason);
  let to = at + 1;
  while (to < end) {
    const bytes = v128.load(to);
    const mask = i8x16.bitmask(
      v128.or(i8x16.eq(bytes, splat(0x22)), i8x16.eq(bytes, splat(0x5c))),
    );
    if (mask == 0) {
      to += 16;
      continue;
    }
    to += ctz(mask);
    if (to >= end) break;
    if (load<u8>(to) == 0x22) return to + 1;
    to += 2;
  }
  return logRefuse(at, reason);
}

/** From the first of at most `most` digits, or "-", to the byte behind, or 0. */
function passCount(at: usize, end: usize, most: usize, reason: u32): usize {
  let to = at;
  if (to < end && load<u8>(to) == 0x2d) to++;
  else while (to < end && isDigit(load<u8>(to))) to++;
  if (to == at || to - at > most) return logRefuse(at, reason);
  return to;
}

function passUser(at: usize, end: usize): usize {
  for (let to = at + 1; to + 1 < end; to++) {
    if (load<u16>(to) == 0x5b20) return to + 1;
  }
  return logRefuse(at, badUser);
}

/** Takes the line [at, end) apart; false where it is not of the variant. */
function takeApart(at: usize, end: usize, variant: u32): bool {
  vhostAt = at;
  if (variant == variantVhost) {
    at = passWord(at, end, badVhost);
    if (at == 0) return false;
  }
  at = passAddresses(at, end);
  if (at == 0) return false;
  identAt = at;
  at = passWord(at, end, badIdent);
  if (at == 0) return false;
  userAt = at;
  at = passUser(at, end);
  if (at == 0) return false;
  timeAt = at + 1;
  if (at + 29 > end || load<u16>(at, 27) != 0x205d || !isKnownTime(timeAt)) {
    logRefuse(at, badTime);
    return false;
  }
  requestAt = at + 29;
  at = passQuoted(requestAt, end, badRequest);
  if (at == 0) return false;
  requestEnd = at;
  if (at >= end || load<u8>(at) != 0x20) {
    logRefuse(at, badRequest);
    return false;
  }
  statusAt = at + 1;
  at = passCount(statusAt, end, 9, badStatus);
  if (at == 0) return false;
  if (at >= end || load<u8>(at) != 0x20) {
    logRefuse(statusAt, badStatus);
    return false;
  }
  bytesAt = at + 1;
  at = passCount(bytesAt, end, 15, badBytes);
  if (at == 0) return false;
  if (at < end && load<u8>(at) != 0x20) {
    logRefuse(bytesAt, badBytes);
    return false;
  }
  bytesEnd = at;
  refererAt = 0;
  if (variant == variantCombined || (variant == variantVhost && at < end)) {
    if (at >= end) {
      logRefuse(at, badReferer);
      return false;
    }
    refererAt = at + 1;
    at = passQuoted(refererAt, end, badReferer);
    if (at == 0) return false;
    refererEnd = at;
    if (at >= end || load<u8>(at) != 0x20) {
      logRefuse(at, badAgent);
      return false;
    }
    agentAt = at + 1;
    at = passQuoted(agentAt, end, badAgent);
    if (at == 0) return false;
    agentEnd = at;
  }
  if (at < end) {
    logRefuse(at, bytesAfterAgent);
    return false;
  }
  return true;
}

/**
 * The last time read: neighbouring lines mostly share it. 26 bytes of log text, then at 32 its 24 bytes of
 * ISO 8601.
 */
const knownTime = memory.data(64, 16);
let hasKnownTime = false;

/** Makes `knownTime` that of the text; false where it is none. */
function isKnownTime(at: usize): bool {
  const differences = v128.or(
    v128.xor(v128.load(at), v128.load(knownTime)),
    v128.xor(v128.load(at, 10), v128.load(knownTime, 10)),
  );
  if (hasKnownTime && !v128.any_true(differences)) return true;
  const timeUs = accessUs(at);
  if (timeUs == noTime) return false;
  v128.store(knownTime, v128.load(at));
  v128.store(knownTime, v128.load(at, 10), 10);
  putIso(timeUs, knownTime + 32);
  hasKnownTime = true;
  return true;
}

/** Writes ASCII text of at most 16 characters; up to 16 bytes are touched. */
// @ts-ignore: decorator
@inline function put(text: string, out: usize): usize {
  const at = changetype<usize>(text);
  v128.store(out, i8x16.narrow_i16x8_u(v128.load(at), v128.load(at, 16)));
  return out + text.length;
}

/** A number without leading zeros, or null for "-". */
function putCount(at: usize, end: usize, out: usize): usize {
  if (load<u8>(at) == 0x2d) return put("null", out);
  while (at + 1 < end && load<u8>(at) == 0x30) at++;
  v128.store(out, v128.load(at));
  return out + (end - at);
}

/** Whether the request's first word is a method: letters, "-" or "_". */
function isMethod(at: usize, end: usize): bool {
  if (at == end) return false;
  for (; at < end; at++) {
    const byte: u32 = load<u8>(at);
    if ((byte | 0x20) - 0x61 >= 26 && byte != 0x2d && byte != 0x5f) return false;
  }
  return true;
}

/** Method, path and protocol of a request without its quotes. */
function putRequest(at: usize, end: usize, out: usize): usize {
  let methodEnd = at;
  while (methodEnd < end && load<u8>(methodEnd) != 0x20) methodEnd++;
  let protocolAt = end;
  while (protocolAt > methodEnd && load<u8>(protocolAt - 1) != 0x20) protocolAt--;
  // "METHOD path HTTP/x": at least a byte of path between two blanks. Case does not count: clients send what they like.
  const isWhole =
    protocolAt > methodEnd + 2 &&
    end - protocolAt > 5 &&
    (load<u32>(protocolAt) | 0x20202020) == 0x70747468 &&
    load<u8>(protocolAt, 4) == 0x2f &&
    isMethod(at, methodEnd);
  out = put(',"method":', out);
  out = isWhole ? putText(at, methodEnd, out) : put("null", out);
  out = put(',"path":', out);
  out = isWhole ? putText(methodEnd + 1, protocolAt - 1, out) : putText(at, end, out);
  out = put(',"protocol":', out);
  return isWhole ? putText(protocolAt, end, out) : put("null", out);
}

/** Writes the event of the line taken apart; the end. */
function putEvent(variant: u32, out: usize): usize {
  out = put('{"_time":"', out);
  v128.store(out, v128.load(knownTime, 32));
  store<u64>(out, load<u64>(knownTime, 48), 16);
  out += 24;
  if (variant == variantVhost) {
    out = put('","vhost":', out);
    out = putText(vhostAt, ipAt - 1, out);
    out = put(',"ip":', out);
  } else out = put('","ip":', out);
  out = putText(ipAt, ipEnd, out);
  if (proxiesAt != 0) {
    out = put(',"proxies":', out);
    out = putText(proxiesAt, identAt - 1, out);
  }
  out = put(',"ident":', out);
  out = putText(identAt, userAt - 1, out);
  out = put(',"user":', out);
  out = putText(userAt, timeAt - 2, out);
  out = putRequest(requestAt + 1, requestEnd - 1, out);
  out = put(',"status":', out);
  out = putCount(statusAt, bytesAt - 1, out);
  out = put(',"bytes":', out);
  out = putCount(bytesAt, bytesEnd, out);
  if (refererAt != 0) {
    out = put(',"referer":', out);
    out = putString(refererAt + 1, refererEnd - 1, out);
    out = put(',"agent":', out);
    out = putString(agentAt + 1, agentEnd - 1, out);
  }
  store<u16>(out, 0x0a7d);
  return out + 2;
}

function isBlank(at: usize, end: usize): bool {
  while (at < end) {
    const byte: u32 = load<u8>(at++);
    if (byte != 0x20 && byte != 0x09 && byte != 0x0d) return false;
  }
  return true;
}

let linesTaken: u32 = 0;

/**
 * Converts the lines of [start, start + length); bytes at accessLogOutput. `last` is 1 where no more input
 * follows.
 */
export function accessLogToNdjson(start: usize, length: u32, variant: u32, last: u32, maxErrors: u32): u32 {
  resetCounts();
  const end = start + length;
  let written: u32 = 0;
  let at = start;
  let lines: f64 = 0;
  consumedTo = start;
  if (output == 0) output = alloc(65536);
  while (at < end) {
    const lineStart = at;
    const lineFeed = findLineFeed(at, end);
    if (lineFeed == end && !last) break;
    lines++;
    at = lineFeed + 1;
    consumedTo = min(at, end);
    const lineEnd = lineFeed > lineStart && load<u8>(lineFeed - 1) == 0x0d ? lineFeed - 1 : lineFeed;
    if (!takeApart(lineStart, lineEnd, variant)) {
      if (!isBlank(lineStart, lineEnd)) report(lines, lineStart, lineEnd, errorAt(), errorReason(), maxErrors);
      continue;
    }
    const most = u64(written) + u64(lineEnd - lineStart) * growth + eventBytes;
    if (most > u64(capacityOf(output))) {
      output = resize(output, written, u32(min(most + (most >> 1), u64(0xffffffff))));
    }
    written = u32(putEvent(variant, output + written) - output);
    acceptOne();
  }
  linesTaken = u32(lines);
  return written;
}

/** Lines of the last call, blank and refused ones too. */
export function accessLogLines(): u32 {
  return linesTaken;
}
