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

/** What happened and what to do about it, as one text. */
export function withRemedy({ message, remedy }: MillraceError): string {
  return remedy === undefined ? message : `${message} ${remedy}`;
}

/** The error behind anything thrown, so that `catch (thrown: unknown)` has one next step. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/** The code of a failed system call (`ENOSPC`), or of a MillraceError, or `undefined`. */
export function codeOf(thrown: unknown): string | undefined {
  const code = (thrown as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
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
  if (error instanceof MillraceError) {
    const { code, message, status, remedy, context, canRetry, stack } = error;
    return { code, message, status, remedy, context, canRetry, stack };
  }
  return {
    code: codeOf(error) ?? 'internal',
    message: error.message,
    status: 500,
    context: {},
    canRetry: false,
    stack: error.stack,
  };
}

export function fromWire(wire: ErrorWire): MillraceError {
  const error = new MillraceError(wire.code, wire.message, wire);
  if (wire.stack) error.stack = wire.stack;
  return error;
}
