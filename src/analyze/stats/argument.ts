// What every function here does with an argument outside its range: one typed error, `invalid-argument`,
// naming the argument, the value seen and the range. Never NaN in silence.
import { MillraceError } from '../../core/errors.ts';

export function invalidArgument(message: string, context: Record<string, unknown> = {}): MillraceError {
  return new MillraceError('invalid-argument', message, { status: 400, context });
}

export function requireFinite(name: string, value: number): void {
  if (!Number.isFinite(value)) throw invalidArgument(`${name} must be a finite number.`, { [name]: value });
}

export function requirePositive(name: string, value: number): void {
  if (!(value > 0 && value < Infinity)) {
    throw invalidArgument(`${name} must be finite and above 0.`, { [name]: value });
  }
}

/** A probability in the open interval (0, 1). */
export function requireProbability(name: string, value: number): void {
  if (!(value > 0 && value < 1)) {
    throw invalidArgument(`${name} must lie strictly between 0 and 1.`, { [name]: value });
  }
}

export function requireWhole(name: string, value: number, minimum: number): void {
  if (!Number.isSafeInteger(value) || value < minimum) {
    throw invalidArgument(`${name} must be a whole number of at least ${minimum}.`, { [name]: value });
  }
}

export function requireSize(name: string, size: number, minimum: number): void {
  if (!(size >= minimum)) {
    throw invalidArgument(`${name} needs at least ${minimum} values; it has ${size}.`, { [name]: size });
  }
}
