// The kernel in plain TypeScript: simple, slow (a few thousand lines a second and column), and what the
// compiled one must equal. Results are copies, so they outlive the next call.
import { MillraceError } from '../core/errors.ts';
import { murmur128 } from '../core/hash.ts';
import type { Grouper, Kernel } from './kernel.ts';
import { referenceAccessLog } from './reference-access-log.ts';
import { ReferenceDecoder } from './reference-decoder.ts';
import { referenceArrayToNdjson, referenceValidate } from './reference-lines.ts';

class ReferenceGrouper implements Grouper {
  readonly width: number;
  private readonly maxGroups: number;
  private readonly ids = new Map<string, number>();
  private tuples: Uint32Array[] = [];

  constructor(width: number, maxGroups: number) {
    this.width = width;
    this.maxGroups = maxGroups;
  }

  assign(keys: readonly Uint32Array[], rows: number, mask?: Uint8Array): Uint32Array {
    return Uint32Array.from({ length: rows }, (_, row) => {
      if (mask?.[row] === 0) return 0xffffffff;
      const tuple = Uint32Array.from({ length: this.width }, (_, word) => keys[word]![row]!);
      const known = this.ids.get(tuple.join());
      if (known !== undefined) return known;
      if (this.tuples.length >= this.maxGroups) return 0xfffffffe;
      this.ids.set(tuple.join(), this.tuples.length);
      return this.tuples.push(tuple) - 1;
    });
  }

  size(): number {
    return this.tuples.length;
  }

  key(id: number): Uint32Array {
    return this.tuples[id]!;
  }

  reset(): void {
    this.ids.clear();
    this.tuples = [];
  }

  free(): void {}
}

export function createReferenceKernel(): Kernel {
  let region = new Uint8Array(65_536);
  const inputBytes = (length: number): Uint8Array => {
    if (length <= region.length) return region;
    throw new MillraceError('kernel-range', `${length} bytes used of an input of ${region.length}.`);
  };
  return {
    input(capacity) {
      // One byte more: `validate` may add a last newline.
      if (capacity >= region.length) {
        const grown = new Uint8Array(capacity + 1);
        grown.set(region);
        region = grown;
      }
      return region;
    },
    validate: (length, options) => referenceValidate(inputBytes(length), length, options),
    arrayToNdjson: (length, options) => referenceArrayToNdjson(inputBytes(length), length, options),
    accessLogToNdjson: (length, variant, last) =>
      referenceAccessLog(inputBytes(length), length, variant, last),
    decoder: (fields, options) => new ReferenceDecoder(() => region, fields, options),
    grouper: (width, options) => new ReferenceGrouper(width, options?.maxGroups ?? 1_048_576),
    hash(start, end) {
      const { h1Low, h1High, h2Low, h2High } = murmur128(inputBytes(end).subarray(start, end));
      return Uint32Array.of(h1Low, h1High, h2Low, h2High);
    },
    memoryBytes: () => region.length,
    fill: () => 0,
  };
}
