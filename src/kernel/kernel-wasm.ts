// The compiled kernel: kernel.wasm (assembly/) behind the contract. Its own part is small: regions, ranges,
// errors.
import { sketchSeed } from '../core/hash.ts';
import type { AccessLogResult, Kernel, LineError } from './kernel.ts';
import { defaultMaxErrors, defaultMaxLineBytes, lineReasons } from './line-reasons.ts';
import { WasmDecoder } from './wasm-decoder.ts';
import { checkRange, KernelInstance, type KernelOptions } from './wasm-exports.ts';
import { WasmGrouper } from './wasm-grouper.ts';

export type { KernelOptions } from './wasm-exports.ts';

const firstCapacityBytes = 65_536;
const maxCapacityBytes = 0xf000_0000;
const variants = ['common', 'combined', 'vhost'] as const;

/** A block of linear memory that moves when it has to be larger; its content is then lost. */
class Region {
  private at = 0;
  private readonly instance: KernelInstance;

  constructor(instance: KernelInstance) {
    this.instance = instance;
  }

  /** The region with room for `bytes`, after which one more may be written. */
  reserve(bytes: number): { at: number; capacity: number } {
    const { exports } = this.instance;
    if (this.at === 0 || exports.capacityOf(this.at) >>> 0 <= bytes) {
      const old = this.at;
      this.at = 0;
      exports.free(old);
      this.at = exports.alloc(Math.max(bytes + 64, firstCapacityBytes)) >>> 0;
    }
    return { at: this.at, capacity: exports.capacityOf(this.at) >>> 0 };
  }
}

/** Collects what `refused` tells, with the lines' bytes copied out. */
function rejections(instance: KernelInstance, base: number) {
  const errors: LineError[] = [];
  const rejectedLines: Uint8Array[] = [];
  const listener = (line: number, start: number, end: number, position: number, reason: number): void => {
    errors.push({
      line,
      position: position - start,
      reason: lineReasons[reason]!,
      start: start - base,
      end: end - base,
    });
    rejectedLines.push(instance.bytes(start, end - start).slice());
  };
  return { errors, rejectedLines, listener };
}

/**
 * A kernel from the bytes of kernel.wasm, or from a module compiled from them (cheaper for several instances). Throws
 * `kernel-memory` where an argument asks for more than `maxMemoryBytes`, `kernel-range` for an argument out of range.
 */
export function createKernel(wasm: Uint8Array | WebAssembly.Module, options: KernelOptions = {}): Kernel {
  const instance = new KernelInstance(wasm, options);
  const { exports } = instance;
  const inputRegion = new Region(instance);
  const outputRegion = new Region(instance);

  /** Checks that `length` bytes of input are there. */
  const inputAt = (length: number): number => {
    const { at, capacity } = inputRegion.reserve(0);
    // The last byte of the region is for the "\n" that a last line may lack.
    checkRange('length', length, 0, capacity - 1);
    return at;
  };

  return {
    input(capacity) {
      checkRange('capacity', capacity, 0, maxCapacityBytes);
      const region = inputRegion.reserve(capacity);
      return instance.bytes(region.at, region.capacity);
    },

    validate(length, { maxErrors = defaultMaxErrors, maxLineBytes = defaultMaxLineBytes } = {}) {
      const at = inputAt(length);
      const { errors, rejectedLines, listener } = rejections(instance, at);
      checkRange('maxErrors', maxErrors, 0, 0xffff_ffff);
      checkRange('maxLineBytes', maxLineBytes, 1, 0xffff_ffff);
      const left = instance.whileListening(listener, () =>
        exports.validate(at, length, maxLineBytes, maxErrors),
      );
      return {
        count: exports.accepted() >>> 0,
        length: left >>> 0,
        errors,
        rejected: exports.rejected() >>> 0,
        rejectedLines,
      };
    },

    arrayToNdjson(length, { maxErrors = defaultMaxErrors } = {}) {
      const at = inputAt(length);
      const output = outputRegion.reserve(length);
      const { errors, rejectedLines, listener } = rejections(instance, at);
      checkRange('maxErrors', maxErrors, 0, 0xffff_ffff);
      const call = (): number => exports.arrayToNdjson(at, length, output.at, maxErrors);
      const written = instance.whileListening(listener, call) >>> 0;
      return {
        count: exports.accepted() >>> 0,
        length: written,
        errors,
        rejected: exports.rejected() >>> 0,
        rejectedLines,
        output: instance.bytes(output.at, written),
      };
    },

    accessLogToNdjson(length, variant, last): AccessLogResult {
      const at = inputAt(length);
      const { errors, rejectedLines, listener } = rejections(instance, at);
      const written = instance.whileListening(listener, () =>
        exports.accessLogToNdjson(at, length, variants.indexOf(variant), last ? 1 : 0, defaultMaxErrors),
      );
      return {
        count: exports.accepted() >>> 0,
        output: instance.bytes(exports.accessLogOutput(), written >>> 0),
        errors,
        rejected: exports.rejected() >>> 0,
        rejectedLines,
        consumed: (exports.accessLogConsumed() >>> 0) - at,
        lines: exports.accessLogLines() >>> 0,
      };
    },

    decoder: (fields, decoderOptions) =>
      new WasmDecoder(instance, () => inputRegion.reserve(0), fields, decoderOptions),
    grouper: (width, { maxGroups = 1_048_576 } = {}) => new WasmGrouper(instance, width, maxGroups),

    hash(start, end) {
      const at = inputAt(end);
      checkRange('start', start, 0, end);
      const out = exports.scratchOf(16);
      exports.murmur128(at + start, end - start, BigInt(sketchSeed), out);
      return instance.words(out, 4).slice();
    },

    memoryBytes: () => instance.buffer.byteLength,
    fill: () => (exports.usedMemory() >>> 0) / instance.maxMemoryBytes,
  };
}
