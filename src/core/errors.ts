// Expected failures as typed values: a stable code, what happened, what to do about it.
// Broken invariants are not these: they go through assert.ts and stop the process.

export interface ErrorOptions {
  /** HTTP status when the error crosses the API; 500 when absent. */
  status?: number;
  /** One sentence in the imperative: what the reader can do about it. */
  remedy?: string;
  /** Values seen and limits hit, by name. Never secrets. */
  context?: Record<string, unknown>;
  /** True where the same call may succeed later without a change. */
  canRetry?: boolean;
  cause?: unknown;
}

/**
 * An expected failure. `code` is stable, kebab-case and part of the public interface; `message` is one
 * sentence for a person; `remedy` says how to mend it.
 */
export class MillraceError extends Error {
  readonly code: string;
  readonly status: number;
  readonly remedy: string | undefined;
  readonly context: Record<string, unknown>;
  readonly canRetry: boolean;

  constructor(code: string, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'MillraceError';
    this.code = code;
    this.status = options.status ?? 500;
    this.remedy = options.remedy;
    this.context = options.context ?? {};
    this.canRetry = options.canRetry ?? false;
  }
}

/** The same may succeed at another try. */
export const isPassing = (thrown: unknown): boolean => thrown instanceof MillraceError && thrown.canRetry;

/** What happened and what to do about it, as one text. */
export function withRemedy({ message, remedy }: MillraceError): string {
  return remedy === undefined ? message : `${message} ${remedy}`;
}

/** A value as text, whatever it is. */
export function textOf(value: unknown): string {
  try {
    return String(value);
  } catch {
    return `a value of type ${typeof value} that has no text`;
  }
}

/** What an error says of itself; empty where it says nothing. */
export interface ErrorWords {
  name: string;
  message: string;
  remedy: string;
  stack: string;
}

/** The words of anything thrown. Never throws, and reads each part once: what a user's code throws may answer otherwise the next time. */
export function wordsOf(thrown: unknown): ErrorWords {
  if (!isError(thrown)) return { name: 'Error', message: textOf(thrown), remedy: '', stack: '' };
  const part = (name: keyof ErrorWords): string => {
    try {
      const value = (thrown as Partial<ErrorWords>)[name];
      return value === undefined ? '' : textOf(value);
    } catch {
      return `(its ${name} cannot be read)`;
    }
  };
  return { name: part('name'), message: part('message'), remedy: part('remedy'), stack: part('stack') };
}

/** The error behind anything thrown, so that `catch (thrown: unknown)` has one next step. Never throws. */
export function toError(thrown: unknown): Error {
  if (!isError(thrown)) return new Error(textOf(thrown));
  if (isReadable(thrown)) return thrown;
  const { name, message, stack } = wordsOf(thrown);
  return Object.assign(new Error(message), { name, stack });
}

function isError(thrown: unknown): thrown is Error {
  try {
    return thrown instanceof Error;
  } catch {
    // A proxy may refuse even this question.
    return false;
  }
}

function isReadable(error: Error & { remedy?: unknown }): boolean {
  const isText = (value: unknown): boolean => typeof value === 'string';
  try {
    const { name, message, remedy, stack } = error;
    return (
      isText(name) && isText(message) && [remedy, stack].every(part => part === undefined || isText(part))
    );
  } catch {
    return false;
  }
}

/** The code of a failed system call (`ENOSPC`), or of a MillraceError, or `undefined`. Never throws. */
export function codeOf(thrown: unknown): string | undefined {
  try {
    const code = (thrown as { code?: unknown } | null | undefined)?.code;
    return typeof code === 'string' ? code : undefined;
  } catch {
    return undefined;
  }
}

/** Where a disk is full, by the system's word or by what DuckDB says of it, that as an expected failure; else as it was thrown. */
export function outOfSpace(thrown: unknown, forWhat: string): unknown {
  if (thrown instanceof MillraceError && thrown.status !== 500) return thrown;
  if (codeOf(thrown) !== 'ENOSPC' && !/No space left on device/.test(toError(thrown).message)) return thrown;
  return new MillraceError('disk-full', `The disk has no space left for ${forWhat}.`, {
    status: 507,
    canRetry: true,
    remedy: 'Free space, and try again; nothing needs to be started anew.',
    cause: thrown,
  });
}

/** What crosses a thread or process border in place of an Error. */
export interface ErrorWire {
  code: string;
  message: string;
  status: number;
  remedy?: string;
  context: Record<string, unknown>;
  canRetry: boolean;
  stack?: string;
}

export function toWire(thrown: unknown): ErrorWire {
  const error = toError(thrown);
  const { message, stack } = error;
  const code = codeOf(error) ?? 'internal';
  if (!(error instanceof MillraceError)) {
    return { code, message, status: 500, context: {}, canRetry: false, stack };
  }
  const { status, remedy, context, canRetry } = error;
  return { code, message, status, remedy, context, canRetry, stack };
}

export function fromWire(wire: ErrorWire): MillraceError {
  const error = new MillraceError(wire.code, wire.message, wire);
  if (wire.stack) error.stack = wire.stack;
  return error;
}
