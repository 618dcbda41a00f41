// Finding bytes 16 at a time. Loads may reach up to 15 bytes past what they look for; memory.ts leaves room.

/** The first "\n" in [at, end), or `end`. */
export function findLineFeed(at: usize, end: usize): usize {
  const wanted = i8x16.splat(0x0a);
  while (at < end) {
    const mask = i8x16.bitmask(i8x16.eq(v128.load(at), wanted));
    if (mask != 0) {
      at += ctz(mask);
      return at < end ? at : end;
    }
    at += 16;
  }
  return end;
}

/** One past the last "\n" in [start, end), or `start`. */
export function afterLastLineFeed(start: usize, end: usize): usize {
  while (end > start && load<u8>(end - 1) != 0x0a) end--;
  return end;
}

// @ts-ignore: decorator
@inline export function isDigit(byte: u32): bool {
  return byte - 0x30 < 10;
}

/** The value of a hexadecimal digit, or 16 and more. */
// @ts-ignore: decorator
@inline export function hexDigit(byte: u32): u32 {
  if (byte - 0x30 < 10) return byte - 0x30;
  const letter = (byte | 0x20) - 0x61;
  return letter < 6 ? letter + 10 : 255;
}

/** Digits from `at` on, at most 16 are seen. */
// @ts-ignore: decorator
@inline export function digitRun(at: usize): u32 {
  const values = i8x16.sub(v128.load(at), i8x16.splat(0x30));
  const digits = i8x16.bitmask(i8x16.eq(i8x16.min_u(values, i8x16.splat(9)), values));
  return ctz(~digits);
}

/** Bytes of the UTF-8 sequence at `at` whose lead byte is not ASCII, or 0 where it is invalid (Unicode 15, table 3-7). */
export function utf8Length(at: usize, end: usize): u32 {
  const lead: u32 = load<u8>(at);
  if (lead < 0xc2 || lead > 0xf4) return 0;
  if (at + 1 >= end) return 0;
  const second: u32 = load<u8>(at, 1);
  if (lead < 0xe0) return (second & 0xc0) == 0x80 ? 2 : 0;
  if (lead < 0xf0) {
    const low: u32 = lead == 0xe0 ? 0xa0 : 0x80;
    const high: u32 = lead == 0xed ? 0x9f : 0xbf;
    if (second < low || second > high || at + 2 >= end) return 0;
    return (load<u8>(at, 2) & 0xc0) == 0x80 ? 3 : 0;
  }
  const low: u32 = lead == 0xf0 ? 0x90 : 0x80;
  const high: u32 = lead == 0xf4 ? 0x8f : 0xbf;
  if (second < low || second > high || at + 3 >= end) return 0;
  return (load<u8>(at, 2) & 0xc0) == 0x80 && (load<u8>(at, 3) & 0xc0) == 0x80 ? 4 : 0;
}
