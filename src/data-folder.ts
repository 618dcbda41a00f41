// Makes the data folder, and those above it that are missing; empties folders in it.
import { accessSync, constants, existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { codeOf, MillraceError, toError } from './core/errors.ts';

/** Throws `bad-data-folder` where it is not there and cannot be made, or cannot be written to. */
export function makeDataFolder(path: string): void {
  attempt(path, 'made', () => make(resolve(path)));
  attempt(path, 'written to', () => accessSync(path, constants.W_OK));
}

/**
 * What this user may not do in the data folder, by the system's word or LMDB's, as `bad-data-folder`, and what there is no room for as
 * `disk-full`; else as it was thrown.
 */
export function orUnusable(path: string, thrown: unknown): unknown {
  const { message } = toError(thrown);
  if (codeOf(thrown) === 'ENOSPC') {
    return new MillraceError(
      'disk-full',
      `The disk of the data folder ${path} has no space left to start with.`,
      {
        status: 507,
        remedy: 'Free some space, and start again: nothing that was stored is lost.',
        cause: thrown,
      },
    );
  }
  const isForbidden =
    ['EACCES', 'EPERM', 'EROFS'].includes(codeOf(thrown) ?? '') || message.startsWith('Permission denied');
  if (!isForbidden) return thrown;
  return new MillraceError('bad-data-folder', `The data folder ${path} cannot be used: ${message}.`, {
    remedy: 'Give the user that runs Millrace all of what is in it, or name another folder with --data.',
    cause: thrown,
  });
}

/**
 * Throws `log-missing` where what is derived from a log stands without it: a new log would give its events the offsets of those that the
 * lake has archived and the views have counted.
 */
export function refuseWithoutLog(path: string): void {
  // A folder of the system's own is in each mount, in a new one too.
  const isEmpty = (name: string): boolean => namesIn(path, name).every(one => one === 'lost+found');
  const derived = ['lake', 'state'].filter(name => !isEmpty(name));
  if (!isEmpty('log') || derived.length === 0) return;
  throw new MillraceError(
    'log-missing',
    `The folder ${join(path, 'log')} is missing or empty, from which ${derived.map(name => join(path, name)).join(' and ')} came.`,
    {
      remedy:
        'Put it back, or mount it. If it is lost, begin anew in another folder with --data, or move this one away: ' +
        'what was archived stays readable to any tool as Parquet in its lake/.',
    },
  );
}

function namesIn(path: string, name: string): string[] {
  try {
    return readdirSync(join(path, name));
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') return [];
    throw orUnusable(path, thrown);
  }
}

/** Makes a folder, or empties one: itself it stays, since it may be a mount. */
export function makeEmptyFolder(path: string): void {
  mkdirSync(path, { recursive: true });
  for (const name of readdirSync(path)) rmSync(join(path, name), { recursive: true, force: true });
}

function attempt(path: string, what: string, work: () => void): void {
  try {
    work();
  } catch (thrown) {
    throw new MillraceError(
      'bad-data-folder',
      `The data folder ${path} cannot be ${what}: ${toError(thrown).message}.`,
      { remedy: 'Name a folder that this user may make and write to with --data.', cause: thrown },
    );
  }
}

/** One by one: mkdir's own `recursive` never returns where a folder that is there takes none, as those of /proc do. */
function make(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  const above = dirname(path);
  if (!existsSync(above)) make(above);
  try {
    mkdirSync(path);
  } catch (thrown) {
    // Another process may have made it meanwhile.
    if (codeOf(thrown) !== 'EEXIST' || !statSync(path).isDirectory()) throw thrown;
  }
}
