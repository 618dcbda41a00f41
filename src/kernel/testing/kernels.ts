// The kernels that every test of the contract runs against. The compiled one comes from dist/kernel.wasm, or is built into
// a temporary folder where that is missing or older than its sources.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { Kernel } from '../kernel.ts';
import { createReferenceKernel } from '../kernel-reference.ts';
import { createKernel, type KernelOptions } from '../kernel-wasm.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const assembly = join(root, 'src/kernel/assembly');

function freshWasm(): Uint8Array {
  const sources = readdirSync(assembly).map(name => statSync(join(assembly, name)).mtimeMs);
  const newestMs = Math.max(...sources);
  const isFresh = (path: string): boolean => existsSync(path) && statSync(path).mtimeMs >= newestMs;
  const built = join(root, 'dist/kernel.wasm');
  if (isFresh(built)) return readFileSync(built);
  const folder = join(tmpdir(), `millrace-kernel-${process.getuid?.() ?? 0}`);
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `kernel-${Math.floor(newestMs)}.wasm`);
  if (!isFresh(path)) {
    const asc = createRequire(import.meta.url).resolve('assemblyscript/bin/asc.js');
    const own = `${path}.${process.pid}`;
    const config = join(assembly, 'asconfig.json');
    execFileSync(
      process.execPath,
      [asc, 'src/kernel/assembly/index.ts', '--config', config, '--outFile', own],
      {
        cwd: root,
        stdio: 'inherit',
      },
    );
    renameSync(own, path);
  }
  return readFileSync(path);
}

const module = new WebAssembly.Module(freshWasm() as Uint8Array<ArrayBuffer>);

export const createWasmKernel = (options: KernelOptions = {}): Kernel =>
  createKernel(module, { hashSeed: 1, ...options });

export const kernels: { name: string; create(): Kernel }[] = [
  { name: 'reference', create: createReferenceKernel },
  { name: 'compiled', create: () => createWasmKernel() },
];

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

export const toBytes = (text: string | Uint8Array): Uint8Array =>
  typeof text === 'string' ? encoder.encode(text) : text;

export const toText = (bytes: Uint8Array): string => decoder.decode(bytes);

/** Puts a text at the start of the input region; its length in bytes. */
export function fill(kernel: Kernel, text: string | Uint8Array): number {
  const bytes = toBytes(text);
  kernel.input(bytes.length).set(bytes);
  return bytes.length;
}
