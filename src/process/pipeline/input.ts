// Reads one partition of a pipeline's input in pieces of so many events. What a read of the log brought is kept until it is used up.
import type { BatchSlice, LogReader } from '../../flow/log.ts';
import type { PipelineBatch } from './batch.ts';

export interface InputPiece {
  bytes: Uint8Array;
  slices: PipelineBatch['slices'];
  /** Where it ends; the end of the partition where there are no events, since offsets may have holes. */
  next: number;
}

export class PipelineInput {
  private readonly log: LogReader;
  private readonly stream: string;
  private readonly partition: number;
  private readonly bytesMax: number;
  private target: Uint8Array | undefined;
  private batches: BatchSlice[] = [];
  /** A line's start in the target and its offset: where the last piece began. */
  private mark: { batch: BatchSlice; offset: number; position: number } | undefined;

  constructor(log: LogReader, stream: string, partition: number, bytesMax: number) {
    this.log = log;
    this.stream = stream;
    this.partition = partition;
    this.bytesMax = bytesMax;
  }

  /** At most `countMax` events from the first at or behind `from`; empty at the end. Errors of the log's `read` pass through. */
  async take(from: number, countMax: number): Promise<InputPiece> {
    let at = this.batches.findIndex(({ offset, count }) => offset + count > from);
    // Earlier than what is here, or beyond it: the log has it.
    if (at < 0 || from < this.batches[0]!.offset) {
      this.target ??= new Uint8Array(this.bytesMax);
      const { batches, next } = await this.log.read(this.stream, this.partition, from, this.target);
      this.batches = batches;
      this.mark = undefined;
      at = batches.findIndex(({ offset, count }) => offset + count > from);
      if (at < 0) {
        // An idle partition keeps no memory.
        this.target = undefined;
        return { bytes: new Uint8Array(0), slices: [], next };
      }
    }
    return this.piece(at, from, countMax);
  }

  private piece(first: number, from: number, countMax: number): InputPiece {
    const target = this.target!;
    const slices: PipelineBatch['slices'] = [];
    const start = this.positionOf(this.batches[first]!, from);
    let end = start;
    let left = countMax;
    let next = from;
    for (let i = first; i < this.batches.length && left > 0; i++) {
      const { offset, count, appendTimeMs, position, length } = this.batches[i]!;
      const begin = Math.max(from, offset);
      const taken = Math.min(left, offset + count - begin);
      const isWhole = begin + taken === offset + count;
      end = isWhole ? position + length : afterLines(target, i === first ? start : position, taken);
      slices.push({ offset: begin, count: taken, appendTimeMs });
      left -= taken;
      next = begin + taken;
    }
    // A copy, because the bytes go to another thread while the target is read from again.
    return { bytes: target.slice(start, end), slices, next };
  }

  private positionOf(batch: BatchSlice, from: number): number {
    const { mark } = this;
    const known = mark?.batch === batch && mark.offset <= from;
    const offset = known ? mark.offset : batch.offset;
    const start = known ? mark.position : batch.position;
    const position = afterLines(this.target!, start, Math.max(0, from - offset));
    this.mark = { batch, offset: Math.max(from, offset), position };
    return position;
  }
}

function afterLines(bytes: Uint8Array, start: number, lines: number): number {
  let at = start;
  for (let i = 0; i < lines; i++) at = bytes.indexOf(10, at) + 1;
  return at;
}
