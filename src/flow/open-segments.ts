// The segments that a reader has open. Invariant: one that is in use is not closed; one that was dropped is closed by its
// last user, so that the space of a removed file is freed.
import type { FileSystem } from './file-system.ts';
import { closeSegment, openSegment, type SegmentFiles } from './segment.ts';

/** Segments kept open a partition and reader. */
const openSegmentsMax = 4;

export interface OpenSegment {
  base: number;
  files: SegmentFiles;
  users: number;
  isDropped: boolean;
}

export class OpenSegments {
  private readonly fs: FileSystem;
  private readonly directory: string;
  private readonly open = new Map<number, OpenSegment>();

  constructor(fs: FileSystem, directory: string) {
    this.fs = fs;
    this.directory = directory;
  }

  /** To be released after use. Errors are the system's, ENOENT where a file is missing. */
  async acquire(base: number): Promise<OpenSegment> {
    let segment = this.open.get(base);
    if (!segment) {
      const files = await openSegment(this.fs, this.directory, base, 'read');
      // Another read may have opened it meanwhile.
      segment = this.open.get(base);
      if (segment) {
        await closeSegment(files);
      } else {
        segment = { base, files, users: 0, isDropped: false };
        this.open.set(base, segment);
        this.dropOneBeside(segment);
      }
    }
    segment.users++;
    return segment;
  }

  private dropOneBeside(segment: OpenSegment): void {
    if (this.open.size <= openSegmentsMax) return;
    const unused = [...this.open.values()].find(other => other.users === 0 && other !== segment);
    if (unused) this.drop(unused);
  }

  release(segment: OpenSegment): void {
    segment.users--;
    if (segment.isDropped && segment.users === 0) void closeSegment(segment.files).catch(() => {});
  }

  dropWhere(isToDrop: (base: number) => boolean): void {
    for (const segment of [...this.open.values()]) if (isToDrop(segment.base)) this.drop(segment);
  }

  private drop(segment: OpenSegment): void {
    this.open.delete(segment.base);
    segment.isDropped = true;
    if (segment.users === 0) void closeSegment(segment.files).catch(() => {});
  }
}
