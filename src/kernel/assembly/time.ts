// Event times to whole microseconds since 1970, as core/time-text.ts (parseTimeUs) and core/time.ts (epochToUs)
// define them. The civil calendar follows Hinnant, "chrono-Compatible Low-Level Date Algorithms".
import { isDigit } from './scan';

/** No time. */
export const noTime: i64 = i64.MIN_VALUE;
/** Times are doubles in the host: whole up to here. */
const maxSafe: i64 = 9007199254740991;
const minuteUs: i64 = 60000000;
const dayLengthUs: i64 = 86400000000;

/** Two digits, or 1000 and more where they are none. */
// @ts-ignore: decorator
@inline function twoDigits(at: usize): u32 {
  const high: u32 = u32(load<u8>(at)) - 0x30;
  const low: u32 = u32(load<u8>(at, 1)) - 0x30;
  return high < 10 && low < 10 ? high * 10 + low : 1000;
}

function daysInMonth(year: i32, month: u32): u32 {
  if (month == 2) return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

/** Microseconds of a midnight; noTime where there is no such day or it is far outside what a double holds. */
function dayUs(year: i32, month: u32, day: u32): i64 {
  if (year < 1600 || year > 2300 || month - 1 > 11 || day - 1 > 30 || day > daysInMonth(year, month)) return noTime;
  const y = month <= 2 ? year - 1 : year;
  const era = y / 400;
  const yearOfEra = y - era * 400;
  const dayOfYear = i32((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1);
  const dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear;
  return i64(era * 146097 + dayOfEra - 719468) * dayLengthUs;
}

/** Bytes of the character at `at` that a regular expression's \s matches; 0 for another. */
function spaceLength(at: usize, end: usize): usize {
  const byte: u32 = load<u8>(at);
  if (byte == 0x20 || byte - 9 < 5) return 1;
  if (byte == 0xc2) return at + 1 < end && load<u8>(at, 1) == 0xa0 ? 2 : 0;
  if (at + 2 >= end || byte < 0xe1 || byte > 0xef) return 0;
  const code = ((byte & 15) << 12) | ((u32(load<u8>(at, 1)) & 63) << 6) | (u32(load<u8>(at, 2)) & 63);
  return code == 0x1680 || (code >= 0x2000 && code <= 0x200a) || code == 0x2028 || code == 0x2029 ||
    code == 0x202f || code == 0x205f || code == 0x3000 || code == 0xfeff
    ? 3
    : 0;
}

/** The offset of a zone that fills [at, end) in minutes; minValue where it is none. An empty one is UTC. */
function zoneMinutes(at: usize, end: usize): i32 {
  const length = end - at;
  if (length == 0) return 0;
  const first: u32 = load<u8>(at);
  if (length == 1) return first == 0x5a || first == 0x7a ? 0 : i32.MIN_VALUE;
  if (first == 0x55) return length == 3 && load<u8>(at, 1) == 0x54 && load<u8>(at, 2) == 0x43 ? 0 : i32.MIN_VALUE;
  if (first != 0x2b && first != 0x2d) return i32.MIN_VALUE;
  if (length < 3) return i32.MIN_VALUE;
  const hours = twoDigits(at + 1);
  let minutes: u32 = 0;
  if (length == 5) minutes = twoDigits(at + 3);
  else if (length == 6 && load<u8>(at, 3) == 0x3a) minutes = twoDigits(at + 4);
  else if (length != 3) return i32.MIN_VALUE;
  if (hours > 23 || minutes > 59) return i32.MIN_VALUE;
  const offset = i32(hours * 60 + minutes);
  return first == 0x2d ? -offset : offset;
}

// @ts-ignore: decorator
@inline function safe(timeUs: i64): i64 {
  return timeUs <= maxSafe && timeUs >= -maxSafe ? timeUs : noTime;
}

/** The last "YYYY-MM-DDTHH:MM" and its time: the lines of a log mostly share it. */
const knownMinute = memory.data(16, 16);
let knownMinuteUs: i64 = noTime;

/** The time of a text that fills [at, end), ISO 8601 or RFC 3339. */
export function isoUs(at: usize, end: usize): i64 {
  return end - at >= 16 &&
    knownMinuteUs != noTime &&
    i8x16.all_true(i8x16.eq(v128.load(at), v128.load(knownMinute)))
    ? withSecond(knownMinuteUs, at + 16, end, true)
    : otherIsoUs(at, end);
}

/** The same where the minute is another than that of the time before. */
function otherIsoUs(at: usize, end: usize): i64 {
  const start = at;
  if (end - at < 8) return noTime;
  const sign: u32 = load<u8>(at);
  if (sign == 0x2b || sign == 0x2d) at++;
  let year: i32 = 0;
  let digits: u32 = 0;
  while (digits < 8 && at < end && isDigit(load<u8>(at))) {
    year = year * 10 + i32(load<u8>(at++) - 0x30);
    digits++;
  }
  if (digits == 8 && at - start == 8) return basicUs(start, end);
  if (digits < 4 || digits > 6 || sign == 0x2d || at + 6 > end) return noTime;
  if (load<u8>(at) != 0x2d || load<u8>(at, 3) != 0x2d) return noTime;
  let timeUs = dayUs(year, twoDigits(at + 1), twoDigits(at + 4));
  if (timeUs == noTime) return noTime;
  at += 6;
  if (at + 6 > end || !isJoint(load<u8>(at))) return withZone(timeUs, at, end);
  const hour = twoDigits(at + 1);
  const minute = twoDigits(at + 4);
  // A blank may also stand before a zone that follows a bare date.
  if (load<u8>(at, 3) != 0x3a || hour == 1000 || minute == 1000) return withZone(timeUs, at, end);
  if (hour > 23 || minute > 59) return hour == 24 && minute == 0 ? endOfDayUs(timeUs, at + 6, end, true) : noTime;
  timeUs += i64(hour * 60 + minute) * minuteUs;
  at += 6;
  if (at - start == 16) {
    v128.store(knownMinute, v128.load(start));
    knownMinuteUs = timeUs;
  }
  return withSecond(timeUs, at, end, true);
}

/** What may stand between a date and its time. */
// @ts-ignore: decorator
@inline function isJoint(byte: u32): bool {
  return byte == 0x54 || byte == 0x20 || byte == 0x74;
}

/** Adds what follows the minute: ":05.123Z", or "05.123Z" in the basic format. */
// @ts-ignore: decorator
@inline function withSecond(timeUs: i64, at: usize, end: usize, isExtended: bool): i64 {
  if (isExtended ? at + 3 <= end && load<u8>(at) == 0x3a : at + 2 <= end && isDigit(load<u8>(at))) {
    if (isExtended) at++;
    const second = twoDigits(at);
    if (second > 60) return noTime;
    timeUs += i64(second) * 1000000;
    at += 2;
    if (at + 1 < end && (load<u8>(at) == 0x2e || load<u8>(at) == 0x2c)) {
      at++;
      let digits: u32 = 0;
      let scale: i64 = 100000;
      while (digits < 9 && at < end && isDigit(load<u8>(at))) {
        timeUs += i64(load<u8>(at++) - 0x30) * scale;
        scale /= 10;
        digits++;
      }
      if (digits == 0) return noTime;
    }
  }
  return withZone(timeUs, at, end);
}

/** "T24:00:00", whose seconds and fraction are 0, is the midnight after the day. */
function endOfDayUs(midnightUs: i64, at: usize, end: usize, isExtended: bool): i64 {
  const second = isExtended ? at + 1 : at;
  // A leap second would be a whole minute.
  if (second + 2 <= end && twoDigits(second) == 60) return noTime;
  const timeUs = withSecond(midnightUs + dayLengthUs, at, end, isExtended);
  return timeUs != noTime && timeUs % minuteUs == 0 ? timeUs : noTime;
}

/** The time of a text that fills [at, end) and begins with the eight digits of a date: "20150517T100503Z". */
function basicUs(at: usize, end: usize): i64 {
  let timeUs = dayUs(i32(twoDigits(at) * 100 + twoDigits(at + 2)), twoDigits(at + 4), twoDigits(at + 6));
  if (timeUs == noTime) return noTime;
  at += 8;
  if (at + 5 > end || !isJoint(load<u8>(at))) return withZone(timeUs, at, end);
  const hour = twoDigits(at + 1);
  const minute = twoDigits(at + 3);
  if (hour == 1000 || minute == 1000) return withZone(timeUs, at, end);
  at += 5;
  if (hour > 23 || minute > 59) return hour == 24 && minute == 0 ? endOfDayUs(timeUs, at, end, false) : noTime;
  return withSecond(timeUs + i64(hour * 60 + minute) * minuteUs, at, end, false);
}

function withZone(timeUs: i64, at: usize, end: usize): i64 {
  if (at < end) at += spaceLength(at, end);
  const offset = zoneMinutes(at, end);
  return offset == i32.MIN_VALUE ? noTime : safe(timeUs - i64(offset) * minuteUs);
}

/** 1…12 for an English month of three letters, 0 for other text. */
function monthNumber(at: usize): u32 {
  switch (load<u32>(at) & 0xffffff) {
    case 0x6e614a: return 1;
    case 0x626546: return 2;
    case 0x72614d: return 3;
    case 0x727041: return 4;
    case 0x79614d: return 5;
    case 0x6e754a: return 6;
    case 0x6c754a: return 7;
    case 0x677541: return 8;
    case 0x706553: return 9;
    case 0x74634f: return 10;
    case 0x766f4e: return 11;
    case 0x636544: return 12;
    default: return 0;
  }
}

/** The time of 26 bytes "17/May/2015:10:05:03 +0200". */
export function accessUs(at: usize): i64 {
  if (load<u8>(at, 2) != 0x2f || load<u8>(at, 6) != 0x2f || load<u8>(at, 11) != 0x3a) return noTime;
  if (load<u8>(at, 14) != 0x3a || load<u8>(at, 17) != 0x3a || load<u8>(at, 20) != 0x20) return noTime;
  const century = twoDigits(at + 7);
  const year = twoDigits(at + 9);
  const hour = twoDigits(at + 12);
  const minute = twoDigits(at + 15);
  const second = twoDigits(at + 18);
  if (century > 99 || year > 99 || hour > 23 || minute > 59 || second > 60) return noTime;
  const midnightUs = dayUs(i32(century * 100 + year), monthNumber(at + 3), twoDigits(at));
  const offset = zoneMinutes(at + 21, at + 26);
  if (midnightUs == noTime || offset == i32.MIN_VALUE) return noTime;
  return safe(midnightUs + (i64(hour * 60 + minute) - i64(offset)) * minuteUs + i64(second) * 1000000);
}

/** The time of text that fills [at, end), ISO 8601 or of an access log. */
export function textUs(at: usize, end: usize): i64 {
  const timeUs = isoUs(at, end);
  return timeUs == noTime && end - at == 26 ? accessUs(at) : timeUs;
}

/** Microseconds of a number since 1970, told apart by size; NaN where it is none. Its literal fills [at, end). */
export function epochUs(value: f64, at: usize, end: usize): f64 {
  if (!(value >= 0)) return NaN;
  let timeUs: f64;
  if (value < 1e11) timeUs = round(value * 1e6);
  else if (value < 1e14) timeUs = round(value * 1e3);
  else if (value < 1e17) timeUs = floor(value);
  else if (value < 1e19) timeUs = f64(nanoseconds(value, at, end) / 1000);
  else return NaN;
  return timeUs <= 9.0e15 ? timeUs : NaN;
}

/** A number from 1e17 on, below 1e19: all digits of a whole one, of which a double does not hold the last. */
function nanoseconds(value: f64, at: usize, end: usize): u64 {
  let whole: u64 = 0;
  for (; at < end; at++) {
    if (!isDigit(load<u8>(at))) return u64(value);
    whole = whole * 10 + u64(load<u8>(at) - 0x30);
  }
  return whole;
}

/** Math.round of JavaScript, for values from 0 on. */
// @ts-ignore: decorator
@inline function round(value: f64): f64 {
  const whole = floor(value);
  return value - whole >= 0.5 ? whole + 1 : whole;
}

// @ts-ignore: decorator
@inline function putTwoDigits(out: usize, value: u32): void {
  store<u16>(out, ((value % 10) << 8) | (value / 10) | 0x3030);
}

/** Writes 24 bytes, "2015-05-17T10:05:03.000Z", of a time in whole seconds. */
export function putIso(timeUs: i64, out: usize): void {
  let days = timeUs / 86400000000;
  let seconds = i32((timeUs - days * 86400000000) / 1000000);
  if (seconds < 0) {
    seconds += 86400;
    days--;
  }
  const shifted = i32(days) + 719468;
  const era = shifted / 146097;
  const dayOfEra = shifted - era * 146097;
  const yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146096) / 365;
  const dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
  const marchMonth = (5 * dayOfYear + 2) / 153;
  const month = u32(marchMonth < 10 ? marchMonth + 3 : marchMonth - 9);
  const year = u32(yearOfEra + era * 400 + (month <= 2 ? 1 : 0));
  putTwoDigits(out, year / 100);
  putTwoDigits(out + 2, year % 100);
  store<u8>(out, 0x2d, 4);
  putTwoDigits(out + 5, month);
  store<u8>(out, 0x2d, 7);
  putTwoDigits(out + 8, u32(dayOfYear - (153 * marchMonth + 2) / 5 + 1));
  store<u8>(out, 0x54, 10);
  putTwoDigits(out + 11, u32(seconds / 3600));
  store<u8>(out, 0x3a, 13);
  putTwoDigits(out + 14, u32((seconds / 60) % 60));
  store<u8>(out, 0x3a, 16);
  putTwoDigits(out + 17, u32(seconds % 60));
  store<u32>(out, 0x3030302e, 19);
  store<u8>(out, 0x5a, 23);
}
