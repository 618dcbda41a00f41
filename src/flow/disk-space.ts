// Whether the disk may be written to. Below the reserve appends are refused; a timer then looks once a second
// until there is room again, so writing resumes by itself.
import type { Clock } from './clock.ts';
import type { FileSystem } from './file-system.ts';
import { diskFull } from './log-errors.ts';

/** Free space is looked at after so many bytes written, or an eighth of the reserve, and when the probe runs. */
const checkEveryBytes = 16 * 1024 * 1024;
const probeMs = 1000;
/** Free space that ends a shortage where no reserve is set. */
const roomBytes = 256 * 1024;

export class DiskSpace {
  readonly reserveBytes: number;
  freeBytes = Number.POSITIVE_INFINITY;
  isFull = false;
  private readonly fs: FileSystem;
  private readonly clock: Clock;
  private readonly directory: string;
  private sinceCheckBytes = 0;
  private cancelProbe: (() => void) | undefined;
  private isClosed = false;

  constructor(fs: FileSystem, clock: Clock, directory: string, reserveBytes: number) {
    this.fs = fs;
    this.clock = clock;
    this.directory = directory;
    this.reserveBytes = reserveBytes;
  }

  /** Looks at the disk now. A failing look changes nothing. */
  async check(): Promise<void> {
    this.sinceCheckBytes = 0;
    const free = await this.fs.freeBytes(this.directory).catch(() => undefined);
    if (free === undefined) return;
    this.freeBytes = free;
    const needed = this.isFull ? Math.max(this.reserveBytes, roomBytes) : this.reserveBytes;
    this.isFull = free < needed;
    if (this.isFull) this.probe();
  }

  private probe(): void {
    if (this.cancelProbe || this.isClosed) return;
    this.cancelProbe = this.clock.after(probeMs, () => {
      this.cancelProbe = undefined;
      void this.check().then(() => {
        if (this.isFull) this.probe();
      });
    });
  }

  wrote(bytes: number): void {
    if (this.reserveBytes === 0) return;
    this.sinceCheckBytes += bytes;
    if (this.sinceCheckBytes >= Math.min(checkEveryBytes, this.reserveBytes / 8)) void this.check();
  }

  /** The system said ENOSPC: nothing more until a probe finds room. The error to answer with. */
  async noteFull() {
    this.isFull = true;
    this.freeBytes = await this.fs.freeBytes(this.directory).catch(() => 0);
    this.probe();
    return diskFull(this.freeBytes, this.reserveBytes);
  }

  close(): void {
    this.isClosed = true;
    this.cancelProbe?.();
  }
}
