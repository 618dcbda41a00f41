// The log's expected failures, each made in one place so that code, status and context stay as log.ts says.
import { codeOf, MillraceError, toError } from '../core/errors.ts';

export const unknownStream = (stream: string, partition?: number): MillraceError =>
  new MillraceError(
    'unknown-stream',
    partition === undefined
      ? `There is no stream named ${stream}.`
      : `Stream ${stream} has no partition ${partition}.`,
    { status: 404, remedy: 'Create the stream, or check its name.', context: { stream, partition } },
  );

export const badStreamName = (stream: string): MillraceError =>
  new MillraceError('bad-stream-name', `${JSON.stringify(stream.slice(0, 120))} cannot name a stream.`, {
    status: 400,
    remedy: 'Use letters, digits, "_", "-" and ".", starting with a letter or "_", at most 100.',
  });

export const badBatch = (message: string, context: Record<string, unknown> = {}): MillraceError =>
  new MillraceError('bad-batch', message, { status: 400, context });

export const sequenceGap = (producer: string, expected: number, received: number): MillraceError =>
  new MillraceError(
    'sequence-gap',
    `Producer ${producer} sent sequence ${received} where ${expected} was next.`,
    {
      status: 409,
      remedy: `Send the batch that starts at ${expected} first.`,
      context: { producer, expected, received },
    },
  );

export const sequenceOverlap = (
  producer: string,
  expected: number,
  first: number,
  next: number,
): MillraceError =>
  new MillraceError(
    'sequence-overlap',
    `Producer ${producer} sent sequences ${first} to ${next - 1}; those before ${expected} are appended already.`,
    {
      status: 409,
      remedy: 'Repeat a batch with the same bounds, or send only what is new.',
      context: { producer, expected, first, next },
    },
  );

/** `known`: the first sequence of which the answer is remembered. Below it are repeats, and what was passed over by beginning there. */
export const duplicateForgotten = (
  producer: string,
  first: number,
  known: number,
  expected: number,
): MillraceError =>
  new MillraceError(
    'duplicate-forgotten',
    `Producer ${producer} sent sequence ${first} where ${expected} is next; its batches are remembered from ${known} on, so nobody knows whether this one is appended.`,
    {
      status: 409,
      remedy: `Where it was answered before it is appended: go on at ${expected}. What was never sent needs another producer's name.`,
      context: { producer, first, known, expected },
    },
  );

export const offsetRetained = (
  stream: string,
  partition: number,
  from: number,
  first: number,
): MillraceError =>
  new MillraceError(
    'offset-retained',
    `Offset ${from} of ${stream}/${partition} has been removed by retention; the first still there is ${first}.`,
    { status: 410, remedy: `Go on at ${first}.`, context: { stream, partition, from, first } },
  );

export const offsetBeyondEnd = (
  stream: string,
  partition: number,
  from: number,
  end: number,
): MillraceError =>
  new MillraceError(
    'offset-beyond-end',
    `Offset ${from} of ${stream}/${partition} does not exist yet; the end is ${end}.`,
    { status: 416, context: { stream, partition, from, end } },
  );

export const logDamaged = (
  stream: string,
  partition: number,
  first: number,
  end: number,
  why: string,
): MillraceError =>
  new MillraceError(
    'log-damaged',
    `Offsets ${first} to ${end - 1} of ${stream}/${partition} are damaged on disk: ${why}.`,
    {
      status: 500,
      remedy: `Go on at ${end}; run "millrace doctor --verify" and check the disk.`,
      context: { stream, partition, first, end },
    },
  );

export const logOverloaded = (retryAfterMs: number): MillraceError =>
  new MillraceError('log-overloaded', 'More is waiting to be written than the log may hold in memory.', {
    status: 429,
    canRetry: true,
    remedy: `Try again in ${retryAfterMs} ms.`,
    context: { retryAfterMs },
  });

export const diskFull = (freeBytes: number, reserveBytes: number): MillraceError =>
  new MillraceError(
    'disk-full',
    `The disk of the log has ${freeBytes} bytes left, below its reserve of ${reserveBytes}.`,
    {
      status: 507,
      canRetry: true,
      remedy: 'Free space or shorten retention; writing resumes by itself.',
      context: { freeBytes, reserveBytes },
    },
  );

export const partitionClosed = (stream: string, partition: number, why: string): MillraceError =>
  new MillraceError('partition-closed', `${stream}/${partition} accepts no appends: ${why}`, {
    status: 503,
    remedy: 'Check the disk and restart: the log is verified before it accepts again.',
    context: { stream, partition },
  });

export const partitionUnavailable = (stream: string, partition: number): MillraceError =>
  new MillraceError(
    'partition-unavailable',
    `${stream}/${partition} cannot be read: it could not be opened at the start.`,
    {
      status: 503,
      remedy: 'Run "millrace doctor" for the cause; mend it, then restart. The other partitions work.',
      context: { stream, partition },
    },
  );

export const logClosed = (): MillraceError =>
  new MillraceError('log-closed', 'The log has been closed.', { status: 503 });

/** A failed system call as a typed error; what is typed already, or is no system error, stays as it is. */
export function logIo(thrown: unknown): Error {
  const error = toError(thrown);
  const system = codeOf(error);
  if (error instanceof MillraceError || system === undefined) return error;
  return new MillraceError('log-io', `The file system of the log failed: ${error.message}.`, {
    status: 500,
    remedy: 'Check the disk and the rights on the data folder.',
    context: { system },
    cause: error,
  });
}
