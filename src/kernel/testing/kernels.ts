// The kernels that every test of the contract runs against.

import type { Kernel } from '../kernel.ts';
import { createReferenceKernel } from '../kernel-reference.ts';

export const kernels: { name: string; create(): Kernel }[] = [
  { name: 'reference', create: createReferenceKernel },
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
