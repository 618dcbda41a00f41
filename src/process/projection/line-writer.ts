// Writes JSON into one growing array of bytes. What stands in it is valid until the next `reset`.
import { formatUs } from '../../core/time.ts';

const zero = 48;
const dayUs = 86_400_000_000;
const utf8 = new TextEncoder();
/** Below it a loop is quicker than the array's own copy. */
const shortBytes = 48;
/** Whole numbers up to here are written digit by digit in 32-bit arithmetic. */
const smallMax = 1_000_000_000;

export class LineWriter {
  /** Where the next byte goes. */
  at = 0;
  private bytes = new Uint8Array(64 * 1024);
  /** `"YYYY-MM-DD` of the last day, and `"YYYY-MM-DDThh:mm:ss.` of the last second: events come in order of time. */
  private day = Number.NaN;
  private dayText: Uint8Array = new Uint8Array(0);
  private second = Number.NaN;
  private secondText: Uint8Array = new Uint8Array(0);

  reset(): void {
    this.at = 0;
  }

  /** A view of what was written. */
  written(): Uint8Array {
    return this.bytes.subarray(0, this.at);
  }

  private room(count: number): Uint8Array {
    if (this.at + count > this.bytes.length) {
      const longer = new Uint8Array(Math.max(this.at + count, this.bytes.length * 2));
      longer.set(this.bytes.subarray(0, this.at));
      this.bytes = longer;
    }
    return this.bytes;
  }

  byte(value: number): void {
    this.room(1)[this.at++] = value;
  }

  /** Copies `from[start, end)`. */
  copy(from: Uint8Array, start: number, end: number): void {
    const length = end - start;
    const bytes = this.room(length);
    if (length > shortBytes) bytes.set(from.subarray(start, end), this.at);
    else for (let i = 0, at = this.at; i < length; i++) bytes[at + i] = from[start + i]!;
    this.at += length;
  }

  null(): void {
    const bytes = this.room(4);
    const { at } = this;
    bytes[at] = 110;
    bytes[at + 1] = 117;
    bytes[at + 2] = bytes[at + 3] = 108;
    this.at += 4;
  }

  boolean(value: boolean): void {
    this.ascii(value ? 'true' : 'false');
  }

  /** A text of ASCII characters. */
  ascii(text: string): void {
    const bytes = this.room(text.length);
    for (let i = 0, at = this.at; i < text.length; i++) bytes[at + i] = text.charCodeAt(i);
    this.at += text.length;
  }

  /** The shortest digits that give the same double; null for what JSON has not, 0 for −0. */
  number(value: number): void {
    if (Number.isInteger(value) && value < Number.MAX_SAFE_INTEGER && value > -Number.MAX_SAFE_INTEGER) {
      this.whole(value);
      return;
    }
    // Up to three decimals, as prices and seconds have: exact where the quotient is the number again.
    const thousandths = Math.round(value * 1000);
    if (thousandths / 1000 === value && Math.abs(thousandths) < 1e15)
      this.decimals(value < 0, Math.abs(thousandths));
    else if (Number.isFinite(value)) this.ascii(String(value));
    else this.null();
  }

  private decimals(isNegative: boolean, thousandths: number): void {
    if (isNegative) this.byte(45);
    const units = Math.floor(thousandths / 1000);
    this.whole(units);
    const rest = thousandths - units * 1000;
    const bytes = this.room(4);
    bytes[this.at++] = 46;
    bytes[this.at++] = zero + Math.floor(rest / 100);
    if (rest % 100 === 0) return;
    bytes[this.at++] = zero + (Math.floor(rest / 10) % 10);
    if (rest % 10 !== 0) bytes[this.at++] = zero + (rest % 10);
  }

  private whole(value: number): void {
    if (value < 0) {
      this.byte(45);
      value = -value;
    }
    if (value >= smallMax) {
      const high = Math.floor(value / smallMax);
      this.whole(high);
      this.digits(value - high * smallMax, 9);
      return;
    }
    let count = 1;
    for (let power = 10; value >= power; power *= 10) count++;
    this.digits(value, count);
  }

  /** The last `count` digits of a whole number below 2^31. */
  private digits(value: number, count: number): void {
    const bytes = this.room(count);
    let rest = value | 0;
    for (let at = this.at + count - 1; at >= this.at; at--) {
      const tenth = (rest / 10) | 0;
      bytes[at] = zero + (rest - tenth * 10);
      rest = tenth;
    }
    this.at += count;
  }

  /** "YYYY-MM-DDThh:mm:ss.mmmZ", with µs where there are any; null outside the years 0 to 9999. */
  time(timeUs: number): void {
    const second = Math.floor(timeUs / 1e6);
    if (second !== this.second) this.startSecond(second);
    const { secondText } = this;
    if (secondText.length === 0) {
      this.null();
      return;
    }
    this.copy(secondText, 0, secondText.length);
    const us = Math.floor(timeUs - second * 1e6);
    this.digits((us / 1000) | 0, 3);
    if (us % 1000 !== 0) this.digits(us % 1000, 3);
    const bytes = this.room(2);
    bytes[this.at++] = 90;
    bytes[this.at++] = 34;
  }

  /** "YYYY-MM-DD"; null outside the years 0 to 9999. */
  date(timeUs: number): void {
    const day = Math.floor(timeUs / dayUs);
    if (day !== this.day) {
      this.day = day;
      this.dayText = start(day * dayUs, 10);
    }
    const { dayText } = this;
    if (dayText.length === 0) {
      this.null();
      return;
    }
    this.copy(dayText, 0, dayText.length);
    this.byte(34);
  }

  private startSecond(second: number): void {
    this.second = second;
    this.secondText = start(second * 1e6, 20);
  }
}

/** A quote and the first characters of a time; nothing outside the years 0 to 9999. */
function start(timeUs: number, characters: number): Uint8Array {
  const text = Math.abs(timeUs) <= 8.64e18 ? formatUs(timeUs) : '';
  return utf8.encode(/^\d{4}-/.test(text) ? `"${text.slice(0, characters)}` : '');
}

/** A value as JSON, in UTF-8; half a surrogate pair as its escape. */
export function jsonText(value: string | number | boolean): Uint8Array {
  return utf8.encode(JSON.stringify(value));
}
