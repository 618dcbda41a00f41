// What a policy remembers of each arm: how often it was played and the sum of its rewards, over all time, over the
// last `window` updates, or discounted by `discount` an update (Garivier & Moulines 2011). One memory under all index
// policies, so that each of them has a form for rewards that change.
import type { ByteReader, ByteWriter } from '../../core/bytes.ts';
import { invalidArgument, requireWhole } from '../stats/argument.ts';
import { corruptBandit, readNumber, readNumbers, writeNumbers } from './bandit-bytes.ts';

/** How far back a policy looks. At most one of the two; neither means all of the past. */
export interface MemoryOptions {
  /** Only the last so many updates count (all arms together), 1 to 1,000,000. Memory: 12 bytes each. */
  window?: number;
  /** Each update weakens what was known by this factor, in (0, 1): an effective memory of 1 / (1 − discount). */
  discount?: number;
}

export const windowMax = 1_000_000;

/** Counts and reward sums by arm. An update costs O(1), or O(arms) with a discount. */
export class ArmMemory {
  readonly counts: Float64Array;
  readonly sums: Float64Array;
  readonly options: Readonly<MemoryOptions>;
  /** The weight of all updates: their number, the window's fill, or the discounted number. */
  total = 0;
  private readonly ringArms: Uint32Array;
  private readonly ringRewards: Float64Array;
  private head = 0;

  constructor(arms: number, { window, discount }: MemoryOptions = {}) {
    if (window !== undefined && discount !== undefined) {
      throw invalidArgument('window and discount exclude each other.', { window, discount });
    }
    if (window !== undefined) {
      requireWhole('window', window, 1);
      if (window > windowMax) throw invalidArgument(`window must be at most ${windowMax}.`, { window });
    }
    if (discount !== undefined && !(discount > 0 && discount < 1)) {
      throw invalidArgument('discount must lie strictly between 0 and 1.', { discount });
    }
    this.options = { ...(window !== undefined && { window }), ...(discount !== undefined && { discount }) };
    this.counts = new Float64Array(arms);
    this.sums = new Float64Array(arms);
    this.ringArms = new Uint32Array(window ?? 0);
    this.ringRewards = new Float64Array(window ?? 0);
  }

  update(arm: number, reward: number): void {
    const { window, discount } = this.options;
    if (discount !== undefined) this.weaken(discount);
    if (window !== undefined) this.slide(arm, reward, window);
    this.counts[arm]! += 1;
    this.sums[arm]! += reward;
    this.total += 1;
    // Subtracting what leaves the window rounds; starting afresh once a turn keeps the error from growing.
    if (window !== undefined && this.head === 0) this.sumWindow();
  }

  /** The mean reward of an arm, or `absent` where nothing of it is remembered. */
  mean(arm: number, absent = 0): number {
    const count = this.counts[arm]!;
    return count > 0 ? this.sums[arm]! / count : absent;
  }

  private weaken(discount: number): void {
    for (let i = 0; i < this.counts.length; i++) {
      this.counts[i]! *= discount;
      this.sums[i]! *= discount;
    }
    this.total *= discount;
  }

  private slide(arm: number, reward: number, window: number): void {
    const at = this.head;
    if (this.total === window) {
      const gone = this.ringArms[at]!;
      this.counts[gone]! -= 1;
      this.sums[gone]! -= this.ringRewards[at]!;
      this.total -= 1;
    }
    this.ringArms[at] = arm;
    this.ringRewards[at] = reward;
    this.head = (at + 1) % window;
  }

  private sumWindow(): void {
    this.sums.fill(0);
    for (let i = 0; i < this.total; i++) this.sums[this.ringArms[i]!]! += this.ringRewards[i]!;
  }

  write(writer: ByteWriter): ByteWriter {
    const { window, discount } = this.options;
    writer
      .varint(this.counts.length)
      .varint(window ?? 0)
      .f64(discount ?? 0);
    if (window === undefined)
      return writeNumbers(writeNumbers(writer, this.counts), this.sums).f64(this.total);
    // Oldest first, so that equal memories have equal bytes.
    writer.varint(this.total);
    const start = this.total === window ? this.head : 0;
    for (let i = 0; i < this.total; i++) {
      const at = (start + i) % window;
      writer.varint(this.ringArms[at]!).f64(this.ringRewards[at]!);
    }
    return writer;
  }

  static read(reader: ByteReader, low?: number, high?: number): ArmMemory {
    const arms = reader.varint();
    const window = reader.varint();
    const discount = readNumber(reader, 0, 1);
    if (window === 0 && arms * 16 > reader.remaining) throw corruptBandit('they end early');
    if (arms < 1 || arms > 65_536) throw corruptBandit('the number of arms is out of range', { arms });
    const memory = new ArmMemory(arms, {
      ...(window > 0 && { window }),
      ...(discount > 0 && { discount }),
    });
    if (window > 0) memory.readWindow(reader, window, low, high);
    else {
      memory.counts.set(readNumbers(reader, arms, 0));
      memory.sums.set(readNumbers(reader, arms));
      memory.total = readNumber(reader, 0);
      memory.checkSums(low, high);
    }
    return memory;
  }

  private readWindow(reader: ByteReader, window: number, low?: number, high?: number): void {
    const filled = reader.varint();
    if (filled > window || filled * 9 > reader.remaining) throw corruptBandit('they end early');
    for (let i = 0; i < filled; i++) {
      const arm = reader.varint();
      if (arm >= this.counts.length) throw corruptBandit('an arm is out of range', { arm });
      this.update(arm, readNumber(reader, low, high));
    }
  }

  private checkSums(low = -Number.MAX_VALUE, high = Number.MAX_VALUE): void {
    let total = 0;
    for (let arm = 0; arm < this.counts.length; arm++) {
      const count = this.counts[arm]!;
      const mean = count > 0 ? this.sums[arm]! / count : 0;
      total += count;
      const slack = 1e-9 * (1 + Math.abs(mean));
      if (!(mean >= low - slack && mean <= high + slack))
        throw corruptBandit('a mean is out of range', { mean });
      if (count === 0 && this.sums[arm] !== 0) throw corruptBandit('a sum has no count');
    }
    if (!(Math.abs(total - this.total) <= 1e-6 * (1 + total)))
      throw corruptBandit('the counts do not add up');
  }
}
