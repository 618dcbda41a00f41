// Makes the data folder, and those above it that are missing.
import { accessSync, constants, existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { codeOf, MillraceError, toError } from './core/errors.ts';

/** Throws `bad-data-folder` where it is not there and cannot be made, or cannot be written to. */
export function makeDataFolder(path: string): void {
  attempt(path, 'made', () => make(resolve(path)));
  attempt(path, 'written to', () => accessSync(path, constants.W_OK));
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
