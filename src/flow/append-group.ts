// A group: what is taken from the queue to be written with one call and made durable with one sync. Here offsets
// are given, repeats are found, checksums are made, and small batches are laid side by side.
import { crc32c } from '@node-rs/crc32';
import { toError } from '../core/errors.ts';
import type { AppendQueue, Waiting } from './append-queue.ts';
import { type IndexRecord, recordKind } from './index-record.ts';
import type { Producer } from './log.ts';
import { type Answer, type ProducerWindow, producerHash } from './producer-window.ts';
import type { WriterLimits } from './writer-limits.ts';

export interface Group {
  settled: { waiting: Waiting; answer: Answer<Waiting> }[];
  records: IndexRecord[];
  /** Large batches whose checksum is still to be made; the disk can be busy with them meanwhile. */
  unsummed: { record: IndexRecord; bytes: Uint8Array }[];
  chunks: Uint8Array[];
  bytes: number;
  /** Offset after its last event. */
  end: number;
  appendTimeMs: number;
}

/** How far the segment that is written to has come. */
export interface SegmentFill {
  readonly position: number;
  readonly slots: number;
  readonly durableSlots: number;
}

export interface GroupPlace {
  segment: SegmentFill;
  /** Offset of the first event of the group. */
  end: number;
  appendTimeMs: number;
  limits: WriterLimits;
  /** Undefined while no batch of the partition has named a producer since the opening. */
  window: ProducerWindow<Waiting> | undefined;
  /** Answers a repeat of what is durable. */
  repeat(waiting: Waiting, answer: Answer<Waiting>): void;
}

/** Batches below this are copied together before writing; above it the copy would cost more than the chunk. */
const copyBytes = 32 * 1024;

/** Whether a batch has to go to the next segment, where the current one would hold so much before it. */
export function isFullFor(limits: WriterLimits, bytes: number, position: number, slots: number): boolean {
  return slots > 0 && (position + bytes > limits.segmentBytes || slots >= limits.segmentRecords);
}

/** Takes batches up to the limits of a group and of the segment. May be empty where all were repeats. */
export function formGroup(queue: AppendQueue, place: GroupPlace): Group {
  const { limits, segment, window, appendTimeMs } = place;
  const group: Group = {
    settled: [],
    records: [],
    unsummed: [],
    chunks: [],
    bytes: 0,
    end: place.end,
    appendTimeMs,
  };
  const layout = new ChunkLayout(group.chunks);
  let mergeable: IndexRecord | undefined;
  while (queue.length > 0) {
    const { bytes, count, producer } = queue.first.batch;
    const { length } = bytes;
    if (group.bytes > 0 && group.bytes + length > limits.groupBytes) break;
    const slots = segment.slots + group.records.length;
    if (isFullFor(limits, length, segment.position + group.bytes, slots)) break;
    const waiting = queue.take();
    const name = producer ? producerHash(producer) : '';
    if (producer && isAnswered(queue, waiting, producer, name, place)) continue;
    const answer: Answer<Waiting> = { offset: group.end, count, appendTimeMs, waiting: [] };
    if (!producer && mergeable && mergeable.length + length <= limits.mergeBytes) {
      mergeable.dataCrc = crc32c(bytes, mergeable.dataCrc);
      mergeable.length += length;
      mergeable.count += count;
    } else {
      const record: IndexRecord = {
        kind: recordKind.plain,
        position: segment.position + group.bytes,
        length,
        offset: group.end,
        count,
        dataCrc: 0,
        appendTimeMs,
        durable: segment.durableSlots,
        producer: name,
        first: 0,
        next: 0,
      };
      // Nothing can be merged to a batch of that size, so its sum can wait.
      if (length > limits.mergeBytes) group.unsummed.push({ record, bytes });
      else record.dataCrc = crc32c(bytes);
      if (producer) remember(window!, record, producer, answer);
      mergeable = producer ? undefined : record;
      group.records.push(record);
    }
    group.settled.push({ waiting, answer });
    group.end += count;
    group.bytes += length;
    layout.add(bytes);
  }
  layout.finish();
  return group;
}

/** Makes the checksums that were left for later. */
export function sumGroup(group: Group): void {
  for (const { record, bytes } of group.unsummed) record.dataCrc = crc32c(bytes);
  group.unsummed = [];
}

/** True where nothing is to be written: it was appended before, is on its way, or is refused. */
function isAnswered(
  queue: AppendQueue,
  waiting: Waiting,
  producer: Producer,
  name: string,
  { window, repeat }: GroupPlace,
): boolean {
  let known: Answer<Waiting> | undefined;
  try {
    known = window!.find(producer, name);
  } catch (thrown) {
    queue.refuse(waiting, toError(thrown));
    return true;
  }
  if (!known) return false;
  if (known.waiting) known.waiting.push(waiting);
  else repeat(waiting, known);
  return true;
}

function remember(
  window: ProducerWindow<Waiting>,
  record: IndexRecord,
  producer: Producer,
  answer: Answer<Waiting>,
): void {
  if ('key' in producer) {
    record.kind = recordKind.keyed;
    window.rememberKey(record.producer, answer);
    return;
  }
  record.kind = recordKind.sequenced;
  record.first = producer.first;
  record.next = producer.next;
  window.rememberSequence(record.producer, producer.first, producer.next, answer);
}

/** Large batches are chunks of their own, runs of small ones are copied into one. */
class ChunkLayout {
  private readonly chunks: Uint8Array[];
  private small: Uint8Array[] = [];
  private smallBytes = 0;

  constructor(chunks: Uint8Array[]) {
    this.chunks = chunks;
  }

  add(bytes: Uint8Array): void {
    if (bytes.length < copyBytes) {
      this.small.push(bytes);
      this.smallBytes += bytes.length;
    } else {
      this.finish();
      this.chunks.push(bytes);
    }
  }

  finish(): void {
    if (this.small.length === 1) this.chunks.push(this.small[0]!);
    else if (this.small.length > 1) this.chunks.push(Buffer.concat(this.small, this.smallBytes));
    this.small = [];
    this.smallBytes = 0;
  }
}
