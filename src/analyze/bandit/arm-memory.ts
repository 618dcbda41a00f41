// What a policy remembers of each arm: how often it was played and the sum of its rewards, over all time, over the
// last `window` updates, or discounted by `discount` an update (Garivier & Moulines 2011). One memory under all index
// policies, so that each of them has a form for rewards that change.
import type { ByteReader, ByteWriter } from '../../core/bytes.ts';
import { invalidArgument, requireWhole } from '../stats/argument.ts';
import {
  readCount,
  readNumber,
  readNumbers,
  requireRoom,
  writeNumbers,
} from '../stats/moment/serialized-form.ts';
import { corruptBandit, incompatibleBandits } from './bandit-bytes.ts';

/** How far back a policy looks. At most one of the two; neither means all of the past. */
export interface MemoryOptions {
  /** Only the last so many updates count (all arms together), 1 to 1,000,000. Memory: 12 bytes each. */
  window?: number;
  /**
   * Each update weakens what was known by this factor, in (0, 1): an effective memory of 1 / (1 − discount) updates. An
   * arm of which less than 1e-100 of a play is left counts as never played.
   */
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
  // Both grow with the fill, up to the window.
  private ringArms: Uint32Array;
  private ringRewards: Float64Array;
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
    this.ringArms = new Uint32Array(Math.min(window ?? 0, 64));
    this.ringRewards = new Float64Array(Math.min(window ?? 0, 64));
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

  /** Adds the other's counts and sums. Throws `incompatible-bandits` with a window or a discount: order matters there. */
  merge(other: ArmMemory): void {
    if (other.counts.length !== this.counts.length) throw incompatibleBandits('The numbers of arms differ.');
    for (const { window, discount } of [this.options, other.options]) {
      if (window !== undefined || discount !== undefined) {
        throw incompatibleBandits('What forgets does not merge: the order of the updates is lost.');
      }
    }
    for (let arm = 0; arm < this.counts.length; arm++) {
      this.counts[arm]! += other.counts[arm]!;
      this.sums[arm]! += other.sums[arm]!;
    }
    this.total += other.total;
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
      // Numbers that small lose their digits, and with them the mean.
      if (this.counts[i]! < 1e-100) this.counts[i] = this.sums[i] = 0;
    }
    this.total *= discount;
  }

  private slide(arm: number, reward: number, window: number): void {
    const at = this.head;
    if (at === this.ringArms.length) this.grow(window);
    if (this.total === window) {
      const gone = this.ringArms[at]!;
      this.counts[gone]! -= 1;
      this.sums[gone] = this.counts[gone] === 0 ? 0 : this.sums[gone]! - this.ringRewards[at]!;
      this.total -= 1;
    }
    this.ringArms[at] = arm;
    this.ringRewards[at] = reward;
    this.head = (at + 1) % window;
  }

  private grow(window: number): void {
    const room = Math.min(window, 2 * this.ringArms.length);
    const [arms, rewards] = [new Uint32Array(room), new Float64Array(room)];
    arms.set(this.ringArms);
    rewards.set(this.ringRewards);
    this.ringArms = arms;
    this.ringRewards = rewards;
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

  static read(reader: ByteReader, low = -1e100, high = 1e100): ArmMemory {
    const arms = readCount(reader, 65_536);
    const window = readCount(reader, windowMax);
    const discount = readNumber(reader, 0, 1);
    if (window === 0) requireRoom(reader, arms, 16);
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

  private readWindow(reader: ByteReader, window: number, low: number, high: number): void {
    const filled = readCount(reader, window);
    requireRoom(reader, filled, 9);
    for (let i = 0; i < filled; i++) {
      const arm = readCount(reader, this.counts.length - 1);
      this.update(arm, readNumber(reader, low, high));
    }
  }

  private checkSums(low: number, high: number): void {
    let total = 0;
    for (let arm = 0; arm < this.counts.length; arm++) {
      const count = this.counts[arm]!;
      const mean = count > 0 ? this.sums[arm]! / count : 0;
      total += count;
      const slack = 1e-9 * (1 + Math.abs(mean));
      if (!(mean >= low - slack && mean <= high + slack))
        throw corruptBandit('a mean is out of range.', { mean });
      if (count === 0 && this.sums[arm] !== 0) throw corruptBandit('a sum has no count.');
    }
    if (!(Math.abs(total - this.total) <= 1e-6 * (1 + total)))
      throw corruptBandit('the counts do not add up.');
  }
}
