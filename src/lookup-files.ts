// The lookup tables of the project folder: loads lookups/*.{csv,json,parquet …} when they are new or have changed, and keeps a Parquet copy
// of each content, for SQL, for audits of what was joined with it, and for a start at which the file cannot be read.
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { MillraceError, toError } from './core/errors.ts';
import { findNamed } from './core/folded-name.ts';
import type { LookupContent } from './process/engine.ts';
import { lookupUsesMax } from './process/view/lookup-tables.ts';
import { checkProjectFile, fileState } from './project-file.ts';
import { type LookupRequest, type LookupRows, lookupFileBytesMax } from './query/lookup-file.ts';

export interface LookupFile {
  name: string;
  file: string;
}

/** What is in force under a name. */
export interface LoadedLookup {
  version: string;
  columns: LookupContent['columns'];
  /** A Parquet file with the table's columns and `_row`. */
  copy: string;
}

/** A content that was in force once. */
export interface LookupCopy {
  /** A Parquet file with the table's columns and `_row`. */
  file: string;
  /** Undefined for copies from before columns were written down. */
  columns?: LookupContent['columns'];
}

export interface LookupChanges {
  loaded: LookupContent[];
  removed: string[];
}

/** Contents of one table that are kept: as many as the engine remembers having joined, and those of changes under way. */
const copiesMax = lookupUsesMax + 8;
/** Sets of columns that are looked for at a start, for views that read an earlier one. */
const shapesMax = 4;
/** Ends of the process that reads a content before the content is taken to be why, and not read again: queries of others end with it. */
const readDeathsMax = 3;

export class LookupFiles {
  private readonly dir: string;
  private readonly read: (request: LookupRequest) => Promise<LookupRows>;
  private readonly loaded = new Map<string, LoadedLookup>();
  /** By name: the file's state when it was last looked at. */
  private readonly seen = new Map<string, string>();
  private readonly faults_ = new Map<string, MillraceError>();
  /** By name: how often the process ended that read the file in the state in which it is. */
  private readonly deaths = new Map<string, number>();
  private misnamed: MillraceError[] = [];

  /** `dir` is for the copies. */
  constructor(dir: string, read: (request: LookupRequest) => Promise<LookupRows>) {
    this.dir = dir;
    this.read = read;
  }

  /** As SQL finds a table: the case of ASCII letters does not count. */
  get(name: string): LoadedLookup | undefined {
    const found = findNamed(
      this.names().map(one => ({ name: one })),
      name,
    );
    return found && this.loaded.get(found.name);
  }

  names(): string[] {
    return [...this.loaded.keys()];
  }

  faults(): MillraceError[] {
    return [...this.misnamed, ...this.faults_.values()];
  }

  /** The copy of a content that was in force once, if it is still kept. */
  copyOf(name: string, version: string): LookupCopy | undefined {
    const file = this.copyPath(name, version);
    if (!existsSync(file)) return undefined;
    const shape = readShape(this.shapePath(name, version));
    return shape === undefined ? { file } : { file, columns: JSON.parse(shape) as LookupContent['columns'] };
  }

  private copyPath(name: string, version: string): string {
    return join(this.dir, name, `${version}.parquet`);
  }

  /**
   * Loads what is new or changed. A file that cannot be read leaves the content before in force and is a fault; so is one with the
   * name of a stream or view (`taken`), which is not loaded.
   */
  async refresh(all: readonly LookupFile[], taken: ReadonlySet<string>): Promise<LookupChanges> {
    const changes: LookupChanges = { loaded: [], removed: [] };
    const files = all.filter(({ name }) => !taken.has(name));
    const names = new Set(files.map(({ name }) => name));
    this.misnamed = all.filter(({ name }) => taken.has(name)).map(nameTaken);
    for (const name of [...this.seen.keys()].filter(name => !names.has(name))) {
      this.seen.delete(name);
      this.deaths.delete(name);
      this.faults_.delete(name);
      if (this.loaded.delete(name)) changes.removed.push(name);
    }
    for (const file of files) {
      const state = fileState(file.file);
      if (this.seen.get(file.name) === state && !this.faults_.get(file.name)?.canRetry) continue;
      if (this.seen.get(file.name) !== state) this.deaths.delete(file.name);
      this.seen.set(file.name, state);
      try {
        const content = await this.load(file);
        this.deaths.delete(file.name);
        this.faults_.delete(file.name);
        if (content) changes.loaded.push(content);
      } catch (thrown) {
        this.faults_.set(file.name, this.faultOf(thrown, file));
        if (this.loaded.has(file.name)) continue;
        const before = await this.loadCopy(file.name);
        if (before) changes.loaded.push(before);
      }
    }
    return changes;
  }

  /**
   * Contents with other columns that were in force before: a view that cannot read the newest goes on with the one that it
   * can. For the start; the engine keeps what its views use.
   */
  async earlier(): Promise<LookupContent[]> {
    const contents: LookupContent[] = [];
    for (const [name, { version: current, columns }] of this.loaded) {
      const shapes = new Set([JSON.stringify(columns)]);
      for (const version of this.copies(name)) {
        const shape = readShape(this.shapePath(name, version));
        if (version === current || shape === undefined || shapes.has(shape) || shapes.size > shapesMax)
          continue;
        shapes.add(shape);
        const content = await this.readCopy(name, version);
        if (content) contents.unshift(content);
      }
    }
    return contents;
  }

  private faultOf(thrown: unknown, { name, file }: LookupFile): MillraceError {
    const isDeath = thrown instanceof MillraceError && thrown.code === 'query-process-died';
    if (thrown instanceof MillraceError && !isDeath) return thrown;
    const what = `The lookup table "${name}" cannot be loaded: ${toError(thrown).message}`;
    const context = { file };
    if (!isDeath) return new MillraceError('bad-lookup', what, { status: 400, context, cause: thrown });
    const times = (this.deaths.get(name) ?? 0) + 1;
    this.deaths.set(name, times);
    const canRetry = times < readDeathsMax;
    return new MillraceError('bad-lookup', what, {
      status: 400,
      context,
      canRetry,
      remedy: canRetry
        ? 'It is tried again.'
        : `That was so ${times} times: make the file smaller or flatter. It is read again when it changes.`,
      cause: thrown,
    });
  }

  /** Undefined where the content is the one in force. */
  private async load({ name, file }: LookupFile): Promise<LookupContent | undefined> {
    checkProjectFile(file);
    const version = versionOf(file);
    if (this.loaded.get(name)?.version === version) return undefined;
    const copy = this.copyPath(name, version);
    mkdirSync(join(this.dir, name), { recursive: true });
    const part = `${copy}.part`;
    const rows = await this.read({ name, file, copy: part });
    writeFileSync(this.shapePath(name, version), JSON.stringify(rows.columns));
    renameSync(part, copy);
    this.prune(name);
    this.loaded.set(name, { version, columns: rows.columns, copy });
    return { name, version, ...rows };
  }

  /** The content that was in force last, from its copy. */
  private async loadCopy(name: string): Promise<LookupContent | undefined> {
    const version = this.copies(name)[0];
    const content = version === undefined ? undefined : await this.readCopy(name, version);
    if (content) {
      const { version, columns } = content;
      this.loaded.set(name, { version, columns, copy: this.copyPath(name, version) });
    }
    return content;
  }

  private async readCopy(name: string, version: string): Promise<LookupContent | undefined> {
    const file = this.copyPath(name, version);
    const part = `${file}.part`;
    try {
      const { columns, values } = await this.read({ name, file, copy: part });
      // The copy's last column is the row's place.
      return { name, version, columns: columns.slice(0, -1), values: values.slice(0, -1) };
    } catch {
      return undefined;
    } finally {
      rmSync(part, { force: true });
    }
  }

  /** Versions of which there is a copy, the newest first. */
  private copies(name: string): string[] {
    const folder = join(this.dir, name);
    if (!existsSync(folder)) return [];
    return readdirSync(folder)
      .filter(file => file.endsWith('.parquet'))
      .map(file => ({ file, atMs: statSync(join(folder, file)).mtimeMs }))
      .sort((a, b) => b.atMs - a.atMs)
      .map(({ file }) => file.slice(0, -'.parquet'.length));
  }

  private shapePath(name: string, version: string): string {
    return join(this.dir, name, `${version}.json`);
  }

  private prune(name: string): void {
    for (const version of this.copies(name).slice(copiesMax)) {
      rmSync(this.copyPath(name, version), { force: true });
      rmSync(this.shapePath(name, version), { force: true });
    }
  }
}

function readShape(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

/** Of the bytes and the way they are read. A file that is too large is not read for it. */
function versionOf(file: string): string {
  const hash = createHash('sha256').update(file.slice(file.lastIndexOf('.')));
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  hash.update(size <= lookupFileBytesMax ? readFileSync(file) : String(size));
  return hash.digest('hex').slice(0, 16);
}

function nameTaken({ name, file }: LookupFile): MillraceError {
  return new MillraceError('name-taken', `${file}: there is a stream or view of this name.`, {
    status: 400,
    context: { file, name },
    remedy: 'Rename the file.',
  });
}
