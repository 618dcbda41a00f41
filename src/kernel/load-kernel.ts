// The compiled kernel from its file, compiled once a process and file.
import { readFileSync } from 'node:fs';
import type { Kernel } from './kernel.ts';
import { createKernel, type KernelOptions } from './kernel-wasm.ts';

const modules = new Map<string, WebAssembly.Module>();

/** A new instance of the kernel in the file at `path` (dist/kernel.wasm). Throws what reading or compiling throws. */
export function loadKernel(path: string, options: KernelOptions = {}): Kernel {
  let module = modules.get(path);
  if (!module) {
    module = new WebAssembly.Module(readFileSync(path));
    modules.set(path, module);
  }
  return createKernel(module, options);
}
