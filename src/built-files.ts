// Where the built files are: the entries of other threads and processes, the kernel, the console.
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Kernel } from './kernel/kernel.ts';
import { loadKernel } from './kernel/load-kernel.ts';

/** The built files stand beside this one, and in dist/ when the sources themselves run. */
const here = dirname(fileURLToPath(import.meta.url));
export const distDir = basename(here) === 'src' ? join(here, '..', 'dist') : here;

/** The kernel in this thread. */
export function loadKernelHere(): Kernel {
  return loadKernel(join(distDir, 'kernel.wasm'));
}
