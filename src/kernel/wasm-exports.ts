// kernel.wasm as an instance: its exports by name, its memory, and what it tells the host. Pointers are byte
// positions in that memory; views are taken anew after anything that may let it grow.
import { MillraceError } from '../core/errors.ts';
import { Rng } from '../core/rng.ts';
import { powersOfFive } from './powers-of-five.ts';

export interface KernelOptions {
  /**
   * Linear memory at most, in bytes; default 1 GiB. Beyond it calls throw `kernel-memory` and leave all they
   * had whole.
   */
  maxMemoryBytes?: number;
  /**
   * Seed of the tables' hash keys; drawn at random by default. Results do not depend on it, only their cost
   * does.
   */
  hashSeed?: number;
}

/** Told about a refused line while its bytes are in place: absolute positions, an index into lineReasons. */
export type RefusedListener = (
  line: number,
  start: number,
  end: number,
  position: number,
  reason: number,
) => void;

export interface KernelExports {
  memory: WebAssembly.Memory;
  start(): void;
  startMemory(limitBytes: number): void;
  alloc(bytes: number): number;
  free(pointer: number): void;
  capacityOf(pointer: number): number;
  usedMemory(): number;
  scratchOf(bytes: number): number;
  validate(start: number, length: number, maxLineBytes: number, maxErrors: number): number;
  accepted(): number;
  rejected(): number;
  arrayToNdjson(start: number, length: number, out: number, maxErrors: number): number;
  accessLogToNdjson(start: number, length: number, variant: number, last: number, maxErrors: number): number;
  accessLogOutput(): number;
  accessLogConsumed(): number;
  accessLogLines(): number;
  setPowersOfFive(pointer: number): void;
  keysAt(): number;
  keyBytes: WebAssembly.Global;
  murmur128(at: number, length: number, seed: bigint, out: number): void;
  newDecoder(fieldCount: number, maxRows: number): number;
  rootOf(decoder: number): number;
  childOf(parent: number, key: number, length: number, isExact: number): number;
  addField(
    decoder: number,
    node: number,
    index: number,
    kind: number,
    maxEntries: number,
    maxDictionaryBytes: number,
  ): void;
  fieldOf(decoder: number, index: number): number;
  freeDecoder(decoder: number): void;
  decode(decoder: number, input: number, at: number, length: number): number;
  decodeEnd(): number;
  clearDictionary(dictionary: number): void;
  newGrouper(width: number, maxGroups: number): number;
  resetGrouper(grouper: number): void;
  freeGrouper(grouper: number): void;
  idsFor(grouper: number, rows: number): number;
  assignGroups(grouper: number, rows: number, mask: number): void;
}

const defaultMaxMemoryBytes = 1024 * 1024 * 1024;

/** The instance with its memory, for the parts of the compiled kernel. */
export class KernelInstance {
  readonly exports: KernelExports;
  readonly maxMemoryBytes: number;
  private wordsView: Uint32Array | undefined;
  private bytesView: Buffer | undefined;
  private readonly onRefused: { listener: RefusedListener | undefined } = { listener: undefined };

  constructor(wasm: Uint8Array | WebAssembly.Module, options: KernelOptions) {
    const module =
      wasm instanceof WebAssembly.Module ? wasm : new WebAssembly.Module(wasm as Uint8Array<ArrayBuffer>);
    const { onRefused } = this;
    const env = {
      outOfMemory(wantedBytes: number, limitBytes: number): never {
        throw new MillraceError(
          'kernel-memory',
          `The kernel would need ${Math.ceil(wantedBytes / 1048576)} MiB of memory.`,
          {
            status: 413,
            remedy: 'Send smaller batches, ask for fewer columns, or raise the limit of kernel memory.',
            context: { wantedBytes, limitBytes },
          },
        );
      },
      refused: (line: number, start: number, end: number, position: number, reason: number): void =>
        onRefused.listener?.(line, start >>> 0, end >>> 0, position >>> 0, reason),
    };
    this.exports = new WebAssembly.Instance(module, { env }).exports as unknown as KernelExports;
    this.exports.start();
    this.maxMemoryBytes = options.maxMemoryBytes ?? defaultMaxMemoryBytes;
    this.exports.startMemory(this.maxMemoryBytes);
    const powers = powersOfFive();
    const table = this.exports.alloc(powers.byteLength) >>> 0;
    new BigUint64Array(this.buffer, table, powers.length).set(powers);
    this.exports.setPowersOfFive(table);
    const keys = this.bytes(this.exports.keysAt(), Number(this.exports.keyBytes.value));
    if (options.hashSeed === undefined) crypto.getRandomValues(keys);
    else {
      const rng = new Rng(options.hashSeed);
      for (let i = 0; i < keys.length; i++) keys[i] = rng.uint32();
    }
  }

  get buffer(): ArrayBuffer {
    return this.exports.memory.buffer as ArrayBuffer;
  }

  /** All of memory as words, for single look-ups that should make no view each. */
  get allWords(): Uint32Array {
    const { buffer } = this;
    if (this.wordsView?.buffer !== buffer) this.wordsView = new Uint32Array(buffer);
    return this.wordsView;
  }

  /** All of memory as bytes, likewise. */
  get allBytes(): Buffer {
    const { buffer } = this;
    if (this.bytesView?.buffer !== buffer) this.bytesView = Buffer.from(buffer);
    return this.bytesView;
  }

  /** The UTF-8 text at [at, at + length). */
  text(at: number, length: number): string {
    return this.allBytes.toString('utf8', at, at + length);
  }

  bytes(pointer: number, length: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.buffer, pointer >>> 0, length);
  }

  words(pointer: number, length: number): Uint32Array<ArrayBuffer> {
    return new Uint32Array(this.buffer, pointer >>> 0, length);
  }

  /** Runs `call` with refused lines told to `listener`. */
  whileListening<T>(listener: RefusedListener, call: () => T): T {
    this.onRefused.listener = listener;
    try {
      return call();
    } finally {
      this.onRefused.listener = undefined;
    }
  }
}

/** A whole number in [least, most], or `kernel-range`. */
export function checkRange(name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new MillraceError(
    'kernel-range',
    `${name} must be a whole number from ${least} to ${most}, not ${value}.`,
  );
}
