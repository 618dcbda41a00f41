// Vectors of one byte, repeated, from memory: engines build vector constants in registers anew at every use,
// four instructions each, where a load is one.

const table = memory.data(128 * 16, 16);

/** Fills the table; before anything else runs. */
export function startSplats(): void {
  for (let byte: usize = 0; byte < 128; byte++) {
    v128.store(table + (byte << 4), i8x16.splat(u8(byte)));
  }
}

/** Sixteen times an ASCII byte, a constant. */
// @ts-ignore: decorator
@inline export function splat(byte: usize): v128 {
  return v128.load(table + (byte << 4));
}
