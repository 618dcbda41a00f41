// Test support: the sketches that Apache DataSketches wrote, where the shared data folder is there. Not part of
// the library.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../../../../../shared/data/datasketches/', import.meta.url));

/** Whether the data folder is there; tests that need it are skipped where it is not. */
export const hasExchangeFiles = existsSync(folder);

/** Names of the files that match, in order. */
export function exchangeFiles(pattern: RegExp): string[] {
  return hasExchangeFiles
    ? readdirSync(folder)
        .filter(name => pattern.test(name))
        .sort()
    : [];
}

export function exchangeBytes(name: string): Uint8Array {
  return new Uint8Array(readFileSync(folder + name));
}

/** Equality of many bytes, without the price of a deep comparison. */
export const isSameBytes = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

/** The n in a file's name: `hll4_n1000_java.sk` → 1000. */
export const itemsOf = (name: string): number => Number(/_n(\d+)/.exec(name)![1]);

/** How many rounds a long proof takes: `MILLRACE_ROUNDS`, else `usual`. */
export const roundsOf = (usual: number): number => Number(process.env.MILLRACE_ROUNDS ?? usual);

/** The seed of a long proof: `MILLRACE_SEED`, else 1. */
export const proofSeed = (): number => Number(process.env.MILLRACE_SEED ?? 1);
