// Reading of the project folder's files and folders, whatever stands under their names: what cannot be read is the fault of that file alone
// (`unreadable-file`), and nothing here waits, as opening a pipe would.
import { isUtf8 } from 'node:buffer';
import {
  accessSync,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { codeOf, toError } from './core/errors.ts';
import { notUtf8, unreadableFile } from './core/unreadable-file.ts';

/** Undefined where there is nothing of this name. */
export function readProjectFile(file: string): string | undefined {
  const bytes = reading(file, () => (isThere(file) ? opened(file, fd => readFileSync(fd)) : undefined));
  return bytes && textOf(file, bytes);
}

/** Throws where it is no file, or one that may not be read. */
export function checkProjectFile(file: string): void {
  reading(file, () => opened(file, () => {}));
}

/** Paths of the files that end so, sorted; undefined where there is no such folder. */
export function projectFiles(folder: string, endings: readonly string[]): string[] | undefined {
  return reading(folder, () => {
    if (!isThere(folder)) return undefined;
    return readdirSync(folder, { withFileTypes: true })
      .filter(({ name }) => endings.some(ending => name.endsWith(ending)) && !name.startsWith('.'))
      .filter(entry => !entry.isDirectory())
      .map(({ name }) => join(folder, name))
      .sort();
  });
}

/** Changes when the file does, or when whether it can be read does. */
export function fileState(path: string): string {
  try {
    const { mtimeMs, ctimeMs, size, ino } = statSync(path);
    accessSync(path, constants.R_OK);
    return `${path} ${mtimeMs} ${ctimeMs} ${size} ${ino}`;
  } catch (thrown) {
    return `${path} ${whyNot(thrown)}`;
  }
}

/** Files and folders below one folder that are looked at; changes of others are noticed together with one of these. */
const pathsMax = 2000;

/**
 * Changes when files of the folder do, and when they come or go. `isDeep` takes the files of folders in it too, but for packages, and after
 * all that stands higher.
 */
export function folderState(folder: string, isDeep = false): string[] {
  const states: string[] = [];
  const seen = new Set<string>();
  const folders = [folder];
  for (const next of folders) {
    try {
      const real = realpathSync(next);
      // A link may lead back to where it is.
      if (seen.has(real)) continue;
      seen.add(real);
      for (const name of readdirSync(next).sort()) {
        if (isDeep && name === 'node_modules') continue;
        if (states.length === pathsMax) return states;
        const path = join(next, name);
        states.push(fileState(path));
        if (isDeep && isFolder(path)) folders.push(path);
      }
    } catch (thrown) {
      states.push(`${next} ${whyNot(thrown)}`);
    }
  }
  return states;
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

function textOf(file: string, bytes: Buffer): string {
  const text = bytes.toString();
  if (isUtf8(bytes)) return text;
  // The first character put in place of other bytes; one that the file itself has is of the same bytes.
  let at = text.indexOf('\ufffd');
  for (let byte = 0, from = 0; ; at = text.indexOf('\ufffd', from)) {
    byte += Buffer.byteLength(text.slice(from, at));
    if (bytes.toString('latin1', byte, byte + 3) !== '\xef\xbf\xbd') break;
    byte += 3;
    from = at + 1;
  }
  const before = text.slice(0, at).split('\n');
  throw notUtf8(file, before.length, before.at(-1)!.length + 1);
}

/** A link that leads nowhere is there. */
function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

function opened<T>(file: string, work: (fd: number) => T): T {
  const fd = openSync(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    if (!fstatSync(fd).isFile()) throw Object.assign(new Error('not a file'), { code: 'EISDIR' });
    return work(fd);
  } finally {
    closeSync(fd);
  }
}

function reading<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    throw unreadableFile(path, thrown);
  }
}

const whyNot = (thrown: unknown): string => codeOf(thrown) ?? toError(thrown).message;
