// The same call on the reference and on the compiled kernel, their results in a form that compares by value.
import { expect } from 'vitest';
import { timeOf } from '../../core/event-time.ts';
import { type Column, type ColumnKind, cell, type FieldSpec, type Kernel } from '../kernel.ts';
import { createReferenceKernel } from '../kernel-reference.ts';
import { createWasmKernel, fill, toText } from './kernels.ts';

export const reference: Kernel = createReferenceKernel();
export const compiled: Kernel = createWasmKernel();

/** A canary's length, behind the input. */
const canaryBytes = 512;

/** Fills the region behind an input; what it returns checks that all from `length + extra` on is untouched. */
export function guard(kernel: Kernel, length: number): (extra?: number) => void {
  kernel.input(length + canaryBytes).fill(0xa5, length, length + canaryBytes);
  return (extra = 0) => {
    const behind = kernel.input(0).subarray(length + extra, length + canaryBytes);
    if (behind.some(byte => byte !== 0xa5)) expect.fail('the kernel wrote behind its input');
  };
}

/** Fills the input region and a canary behind it. */
export function fillGuarded(kernel: Kernel, bytes: Uint8Array): number {
  kernel.input(bytes.length + canaryBytes);
  return fill(kernel, bytes);
}

/** Bytes as one string, which compares faster than an array. */
const asText = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

const withText = <T extends { rejectedLines: Uint8Array[] }>(result: T, output: Uint8Array) => ({
  ...result,
  rejectedLines: result.rejectedLines.map(asText),
  output: asText(output),
});

export function validateBoth(
  bytes: Uint8Array,
  options?: { maxErrors?: number; maxLineBytes?: number },
): void {
  const [wanted, seen] = [reference, compiled].map(kernel => {
    const length = fillGuarded(kernel, bytes);
    const check = guard(kernel, length);
    const result = kernel.validate(length, options);
    // A last newline may have been added.
    check(Math.max(0, result.length - length));
    return withText(result, kernel.input(0).subarray(0, result.length));
  });
  expect(seen).toEqual(wanted);
}

export function arrayBoth(bytes: Uint8Array): void {
  const [wanted, seen] = [reference, compiled].map(kernel => {
    const length = fillGuarded(kernel, bytes);
    const check = guard(kernel, length);
    const result = kernel.arrayToNdjson(length);
    check();
    return withText(result, result.output);
  });
  expect(seen).toEqual(wanted);
}

export function accessLogBoth(
  bytes: Uint8Array,
  variant: 'common' | 'combined' | 'vhost',
  last: boolean,
): void {
  const [wanted, seen] = [reference, compiled].map(kernel => {
    const length = fillGuarded(kernel, bytes);
    const check = guard(kernel, length);
    const result = kernel.accessLogToNdjson(length, variant, last);
    check();
    return withText(result, result.output);
  });
  expect(seen).toEqual(wanted);
}

const kinds: readonly ColumnKind[] = ['f64', 'i64', 'time', 'bool', 'dict', 'hash', 'slice'];

/** Every kind of every path. */
export const everyKind = (paths: readonly (readonly string[])[]): FieldSpec[] =>
  paths.flatMap(path => kinds.map(kind => ({ path, kind })));

/** One column as plain values, raw text where the cell was found. */
function plain(column: Column, bytes: Uint8Array, lookUp: (code: number) => unknown): unknown[] {
  const { kind } = column.spec;
  return Array.from(column.state, (state, row) => {
    if (state === cell.absent) return 'absent';
    if (state === cell.null) return 'null';
    const raw = toText(bytes.subarray(column.start[row], column.end[row]));
    if (state === cell.other) {
      // What a kernel may leave to JSON.parse is as good as what JSON.parse gives.
      const value: unknown = JSON.parse(raw);
      const read = kind === 'time' ? timeOf(value) : kind === 'f64' ? value : undefined;
      return typeof read === 'number' ? { raw, value: read } : { raw, other: true };
    }
    if (kind === 'slice') return { raw };
    if (kind === 'hash')
      return { raw, value: Array.from(column.values.slice(row * 4, row * 4 + 4) as Uint32Array) };
    const value = column.values[row]!;
    return { raw, value: kind === 'dict' ? lookUp(value as number) : value };
  });
}

/** Decodes with a new decoder; rows, bytes consumed and columns as plain values. */
export function decodePlain(kernel: Kernel, bytes: Uint8Array, fields: readonly FieldSpec[]) {
  const length = fillGuarded(kernel, bytes);
  const check = guard(kernel, length);
  const decoder = kernel.decoder(fields);
  const { rows, consumed, columns } = decoder.decode(0, length);
  check();
  const values = columns.map((column, i) =>
    plain(column, kernel.input(0), code => [code, decoder.dictionaryValue(i, code)]),
  );
  decoder.free();
  return { rows, consumed, values };
}

export function decodeBoth(bytes: Uint8Array, fields: readonly FieldSpec[]): void {
  expect(decodePlain(compiled, bytes, fields)).toEqual(decodePlain(reference, bytes, fields));
}
