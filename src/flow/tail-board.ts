// Where every partition's ends stand, in memory that all threads share: the writer publishes, readers in any
// thread look and sleep on it (Atomics.waitAsync), so nobody polls. Invariant: `end` never shows an offset
// whose append has not resolved or is not about to.
import { MillraceError } from '../core/errors.ts';

const headerBytes = 64;
const slotBytes = 64;
const nameBytes = 128;

// Header, int32: 0 = slots in use (also the signal for new streams), 1 = log closed.
// Slot, int32: 0 = signal, 1 = generation of the segment list, 2 = 1 closed for writing, 2 unavailable, 3 = partition number.
// Slot, int64 from byte 16: 2 = first, 3 = end, 4 = bytes, 5 = last append.
type WaitAsync = (
  array: Int32Array,
  index: number,
  value: number,
) => { async: boolean; value: Promise<string> | string };
const waitAsync = (Atomics as unknown as { waitAsync: WaitAsync }).waitAsync;

export interface TailUpdate {
  first?: number;
  end?: number;
  bytes?: number;
  lastAppendMs?: number;
  closed?: boolean;
  /** It could not be opened: it can neither be written nor read. */
  unavailable?: boolean;
  /** Segments were made or removed. */
  segmentsChanged?: boolean;
}

export class TailBoard {
  readonly memory: SharedArrayBuffer;
  readonly slotsMax: number;
  private readonly words: Int32Array;
  private readonly longs: BigInt64Array;
  private readonly names: Uint8Array;
  private readonly slotOf = new Map<string, number>();
  private slotsSeen = 0;
  private readonly sleeping = new Map<number, Promise<unknown>>();

  constructor(memory: SharedArrayBuffer) {
    this.memory = memory;
    this.slotsMax = Math.floor((memory.byteLength - headerBytes) / (slotBytes + nameBytes));
    this.words = new Int32Array(memory, 0, (headerBytes + this.slotsMax * slotBytes) / 4);
    this.longs = new BigInt64Array(memory, 0, (headerBytes + this.slotsMax * slotBytes) / 8);
    this.names = new Uint8Array(memory, headerBytes + this.slotsMax * slotBytes);
  }

  static create(slotsMax: number): TailBoard {
    return new TailBoard(new SharedArrayBuffer(headerBytes + slotsMax * (slotBytes + nameBytes)));
  }

  private word(slot: number, index: number): number {
    return (headerBytes + slot * slotBytes) / 4 + index;
  }
  private long(slot: number, index: number): number {
    return (headerBytes + slot * slotBytes) / 8 + index;
  }

  /** Adds a partition; readers see it once this returns. Writer only. */
  add(stream: string, partition: number): number {
    const slot = this.slotsUsed;
    if (slot >= this.slotsMax) {
      throw new MillraceError('too-many-partitions', `The log holds at most ${this.slotsMax} partitions.`, {
        status: 507,
        remedy: 'Use fewer partitions or streams, or raise partitionsMax.',
      });
    }
    this.names.set(Buffer.from(stream, 'latin1'), slot * nameBytes + 1);
    this.names[slot * nameBytes] = stream.length;
    Atomics.store(this.words, this.word(slot, 3), partition);
    Atomics.store(this.words, 0, slot + 1);
    Atomics.notify(this.words, 0);
    return slot;
  }

  update(slot: number, update: TailUpdate): void {
    const store = (index: number, value: number | undefined): void => {
      if (value !== undefined) Atomics.store(this.longs, this.long(slot, index), BigInt(value));
    };
    store(2, update.first);
    store(4, update.bytes);
    store(5, update.lastAppendMs);
    if (update.closed) Atomics.store(this.words, this.word(slot, 2), 1);
    if (update.unavailable) Atomics.store(this.words, this.word(slot, 2), 2);
    if (update.segmentsChanged) Atomics.add(this.words, this.word(slot, 1), 1);
    store(3, update.end);
    Atomics.add(this.words, this.word(slot, 0), 1);
    Atomics.notify(this.words, this.word(slot, 0));
  }

  /** Wakes every sleeper for good. */
  close(): void {
    Atomics.store(this.words, 1, 1);
    Atomics.notify(this.words, 0);
    for (let slot = 0; slot < this.slotsUsed; slot++) {
      Atomics.add(this.words, this.word(slot, 0), 1);
      Atomics.notify(this.words, this.word(slot, 0));
    }
  }

  get isClosed(): boolean {
    return Atomics.load(this.words, 1) !== 0;
  }
  get slotsUsed(): number {
    return Atomics.load(this.words, 0);
  }
  private value(slot: number, index: number): number {
    return Number(Atomics.load(this.longs, this.long(slot, index)));
  }
  first(slot: number): number {
    return this.value(slot, 2);
  }
  end(slot: number): number {
    return this.value(slot, 3);
  }
  bytes(slot: number): number {
    return this.value(slot, 4);
  }
  lastAppendMs(slot: number): number {
    return this.value(slot, 5);
  }
  isUnavailable(slot: number): boolean {
    return Atomics.load(this.words, this.word(slot, 2)) === 2;
  }
  isPartitionClosed(slot: number): boolean {
    return Atomics.load(this.words, this.word(slot, 2)) !== 0;
  }
  generation(slot: number): number {
    return Atomics.load(this.words, this.word(slot, 1));
  }
  partition(slot: number): number {
    return Atomics.load(this.words, this.word(slot, 3));
  }
  stream(slot: number): string {
    const at = slot * nameBytes;
    return Buffer.from(this.names.slice(at + 1, at + 1 + this.names[at]!)).toString('latin1');
  }

  private learn(): void {
    for (const used = this.slotsUsed; this.slotsSeen < used; this.slotsSeen++) {
      this.slotOf.set(`${this.stream(this.slotsSeen)}/${this.partition(this.slotsSeen)}`, this.slotsSeen);
    }
  }
  /** The partition's slot, or undefined. */
  find(stream: string, partition: number): number | undefined {
    const slot = this.slotOf.get(`${stream}/${partition}`);
    if (slot !== undefined) return slot;
    this.learn();
    return this.slotOf.get(`${stream}/${partition}`);
  }

  /** Resolves when there are more slots than `used`, or the log is closed. */
  async sleepForSlot(used: number): Promise<void> {
    const result = waitAsync(this.words, 0, used);
    if (result.async) await result.value;
  }

  /** The value to hand to `sleep`; read before looking at what is waited for. */
  signal(slot: number): number {
    return Atomics.load(this.words, this.word(slot, 0));
  }
  /** Resolves at the next change of the slot after `signal` was read. At most one sleeper a slot and board. */
  sleep(slot: number, signal: number): Promise<unknown> {
    const sleeping = this.sleeping.get(slot);
    if (sleeping && signal === this.signal(slot)) return sleeping;
    const result = waitAsync(this.words, this.word(slot, 0), signal);
    if (!result.async) return Promise.resolve();
    const promise = (result.value as Promise<string>).then(() => {
      if (this.sleeping.get(slot) === promise) this.sleeping.delete(slot);
    });
    this.sleeping.set(slot, promise);
    return promise;
  }
}
