// The fault of a file or folder that is there and cannot be read: which one, why, and what to do about it.
import { codeOf, MillraceError, toError } from './errors.ts';

interface Reason {
  what: string;
  remedy: string;
}

const denied: Reason = {
  what: 'this user may not read it',
  remedy: 'Give the user that runs Millrace the right to read it.',
};

/** By the code of the failed system call. They last until somebody changes the file or what leads to it. */
const lasting: Record<string, Reason> = {
  ENOENT: { what: 'it is a link to nothing', remedy: 'Mend the link, or remove it.' },
  ELOOP: { what: 'it is a link that leads back to itself', remedy: 'Mend the link, or remove it.' },
  EACCES: denied,
  EPERM: denied,
  ENOTDIR: { what: 'it is no folder', remedy: 'Rename the file, and make a folder in its place.' },
  EISDIR: { what: 'it is no file', remedy: 'Rename it, or put a file in its place.' },
  ENXIO: { what: 'it is no file', remedy: 'Rename it, or put a file in its place.' },
};

/** `unreadable-file` (400). One that may be readable at the next try without a change can be tried again. */
export function unreadableFile(path: string, thrown: unknown): MillraceError {
  const code = codeOf(thrown);
  const reason = code === undefined ? undefined : lasting[code];
  const { what, remedy } = reason ?? {
    what: toError(thrown).message,
    remedy: 'It is tried again until it can be read.',
  };
  return new MillraceError('unreadable-file', `${path} cannot be read: ${what}.`, {
    status: 400,
    context: { file: path, reason: code },
    remedy,
    canRetry: reason === undefined,
    cause: thrown,
  });
}

/** `unreadable-file` (400) of a file whose bytes there are no text. */
export function notUtf8(path: string, line: number, column: number): MillraceError {
  const message = `${path} cannot be read: at line ${line}, column ${column} it is not UTF-8.`;
  return new MillraceError('unreadable-file', message, {
    status: 400,
    context: { file: path, line, column },
    remedy: 'Save it as UTF-8.',
  });
}
