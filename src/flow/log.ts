// The log: named streams of events in partitions, each event at an offset. This file is the contract; the
// segment log implements it on local disk, and it is meant to be implementable over Kafka without a change.
//
// Who calls: sources and the HTTP API append; engine threads, the lake writer and tails read. Any number of
// appends and reads may be under way at once. Order within a partition is the order in which append was
// called; between partitions there is none.
//
// What a promise means: an append resolves after its bytes and their index record are as durable as the
// configured durability says, never before. A read sees only what a resolved append wrote (or will have
// resolved with: nothing that a crash could take back under that durability).
//
// Errors are MillraceErrors with these codes:
//   unknown-stream        404  the stream does not exist (read, range, wait)
//   bad-stream-name       400  see `streamNamePattern`
//   bad-batch             400  empty, too large (`maxBatchBytes`), count < 1, or not ended by a newline
//   sequence-gap          409  a producer skipped; context {expected, received}
//   sequence-overlap      409  a batch repeats part of what was appended and brings something new
//   duplicate-forgotten   409  below the sequences whose answers are kept: an old repeat, or one that its producer passed over when
//                              it began; context {known, expected}
//   offset-retained       410  the reader asked for an offset that retention has removed; context {first}
//   offset-beyond-end     416  the reader asked for an offset that does not exist yet; context {end}
//   log-damaged           500  damage inside a segment; context {first, end}: the offsets that are lost
//   log-overloaded        429  the queue of waiting appends is full; context {retryAfterMs}
//   disk-full             507  no space or below the reserve; writing resumes by itself
//   partition-closed      503  an earlier write or sync failed; a restart verifies before accepting again
//   partition-unavailable 503  the partition could not be opened: range, read and wait; appends are partition-closed.
//                              A restart tries again; no other partition is affected, and problems() has the cause
//   log-locked            409  another process holds the data folder; context {holder: {pid, host, since}}
//   log-closed            503  close() was called
//   log-io                500  a system call failed outside the appending of batches; context {system}
//   bad-partitions        400  a stream cannot have so many partitions
//   too-many-partitions   507  the log cannot hold more partitions
//   target-too-small      500  the target of a read cannot hold its first batch; context {batchBytes, targetBytes}
//
// Order of judgement of an append: closed log, closed partition, bad-batch, disk-full, log-overloaded at once; then,
// in the order of the queue, the producer (duplicate, gap, overlap, forgotten). A refused append has no effect. An
// append that fails with partition-closed, or whose process dies, may or may not have been appended: only a repeat
// with its producer finds out.

/** Letters, digits, `_`, `-`, `.`; starts with a letter or `_`; at most 100 characters. */
export const streamNamePattern = /^[A-Za-z_][A-Za-z0-9_.-]{0,99}$/;

/**
 * Who sent a batch, so that a repeat is appended once. Either kind; never both. Repeats are found within a
 * partition, for a window that the implementation documents: a sender's repeats must go to the same partition.
 */
export type Producer =
  /** A key made by the sender for this batch alone (`Idempotency-Key`); any string up to 255 characters. */
  | { key: string }
  /**
   * A named producer that numbers what it sends. The batch covers sequence numbers [first, next). The first
   * batch of an unknown producer may start anywhere; each later one must start where the last ended.
   * A number a batch (next = first + 1), a number an event, or input offsets all fit. A repeat has the bounds of a
   * batch appended before, or lies inside one. Numbers are whole, 0 ≤ first < next < 2^53; ids have 1 to 255
   * characters.
   */
  | { id: string; first: number; next: number };

export interface Batch {
  /**
   * Valid NDJSON: `count` JSON objects, each followed by one "\n", no empty lines. The caller has
   * validated it; the log does not parse it. The caller leaves the bytes untouched until the append settles.
   */
  bytes: Uint8Array;
  count: number;
  producer?: Producer;
}

export interface AppendResult {
  stream: string;
  partition: number;
  /** Offset of the batch's first event; the others follow densely in this implementation. */
  offset: number;
  count: number;
  /**
   * True where the batch had been appended before; offset, count and time are then those of the first time. A repeat
   * sent while the first is under way is answered together with it.
   */
  duplicate: boolean;
  appendTimeMs: number;
}

export interface StreamSummary {
  name: string;
  partitions: PartitionSummary[];
}

export interface PartitionSummary {
  partition: number;
  /** First offset still there. */
  first: number;
  /** Offset after the last durable event. */
  end: number;
  /** Bytes of events on disk. */
  bytes: number;
  /** Append time of the last batch, or 0. */
  lastAppendMs: number;
  /** Why the partition accepts no appends, where it does not. */
  closed?: string;
}

/**
 * One batch inside the target of a read. Batches with a producer come back as they were appended; an implementation
 * may join adjacent ones without a producer (up to maxBatchBytes), never split one.
 */
export interface BatchSlice {
  /** Where its bytes are in the target. */
  position: number;
  length: number;
  /** Offset of its first event. */
  offset: number;
  count: number;
  /** When it was appended by the wall clock of the log, which may leap; of a joined batch, its latest. */
  appendTimeMs: number;
}

export interface ReadResult {
  /**
   * Whole batches in offset order, back to back from the start of the target. The first one may begin before the
   * offset asked for (a batch is never split): the caller skips `from - batches[0].offset` lines. Empty at the end.
   */
  batches: BatchSlice[];
  /** Bytes of the target in use. */
  length: number;
  /** The offset to ask for next. */
  next: number;
  /** The durable end when the read was made; next === end means the reader has caught up. */
  end: number;
}

/** Reading, possible from any thread that was handed a way to open the log. */
export interface LogReader {
  streams(): Promise<StreamSummary[]>;
  /** First and end offset of a partition. */
  range(stream: string, partition: number): Promise<{ first: number; end: number }>;
  /**
   * Reads whole batches that fit into `target`, from the one that holds `from`: at least one where there is one, not
   * always as many as would fit (a segment's end ends a read). The target belongs to the caller throughout, must hold
   * at least `maxBatchBytes`, and may not be moved (a WASM memory may not grow) while the read is under way. Its
   * bytes behind the result may have been written to. Checksums are verified. Damage at `from` is reported as
   * `log-damaged` with the offsets [first, end) lost; reading goes on at context.end. Damage further on ends the read
   * before it.
   */
  read(stream: string, partition: number, from: number, target: Uint8Array): Promise<ReadResult>;
  /**
   * Resolves when the partition's end is beyond `offset`, or when the signal aborts. Does not poll. Rejects with
   * `offset-retained` where retention passes `offset` and with `log-closed` when the log or this reader closes; a
   * partition closed for writing is just quiet. A pending wait keeps the process alive.
   */
  wait(stream: string, partition: number, offset: number, signal?: AbortSignal): Promise<void>;
  /**
   * Resolves when the log has more partitions, over all streams, than `count`, or when the signal aborts. Where a log cannot tell
   * without asking for it, it may take a second. Rejects with `log-closed` when the log or this reader closes. A pending wait keeps
   * the process alive.
   */
  waitForPartition(count: number, signal?: AbortSignal): Promise<void>;
  /** Reads under way finish; everything afterwards is `log-closed`. */
  close(): Promise<void>;
}

/**
 * A reader with a name, so that its lag can be seen. Its position is kept by its owner (in the transaction that
 * keeps what was made of the events); the log only remembers the last one reported.
 */
export interface Consumer {
  readonly name: string;
  readonly stream: string;
  readonly partition: number;
  /** The offset that `next` will read from. */
  readonly position: number;
  /**
   * Waits for events, then reads like LogReader.read and moves on. `undefined` when the signal aborts. Errors of read
   * and wait pass through and leave the position as it is; `seek` past them. One call at a time.
   */
  next(target: Uint8Array, signal?: AbortSignal): Promise<ReadResult | undefined>;
  /** Continues elsewhere, as after `offset-retained`. */
  seek(offset: number): void;
  close(): void;
}

export interface ConsumerLag {
  name: string;
  stream: string;
  partition: number;
  position: number;
  /** Events between the position and the end. */
  lag: number;
}

export interface RetentionPolicy {
  /** Remove whole segments whose newest event was appended longer ago. */
  maxAgeMs?: number;
  /** Remove the oldest segments while a partition holds more. */
  maxBytes?: number;
  /** By partition: no event is removed from this offset on, and none at all of a partition that has no offset here. */
  before?: readonly (number | undefined)[];
}

export interface Log extends LogReader {
  readonly maxBatchBytes: number;
  /**
   * Makes the stream, with 1 partition unless said otherwise, where it is missing; never changes one that exists. It
   * is durable when this resolves.
   */
  createStream(stream: string, options?: { partitions?: number }): Promise<StreamSummary>;
  append(stream: string, partition: number, batch: Batch): Promise<AppendResult>;
  /**
   * The sequence number after the last batch of the named producer that is in the partition, so that a producer that
   * restarts goes on exactly there; undefined where the producer is unknown or forgotten.
   */
  producerNext(stream: string, partition: number, id: string): Promise<number | undefined>;
  openConsumer(name: string, stream: string, partition: number, from: number): Consumer;
  consumers(): ConsumerLag[];
  /**
   * Called for every stream that comes to exist (a result with count 0, partition 0) and every durable append that
   * was not a repeat, in order within a partition, after its promise resolved. A listener must not throw. Call the
   * result to stop listening.
   */
  onAppend(listener: (result: AppendResult) => void): () => void;
  /**
   * Applies retention now, to one stream or to all; returns events removed. Whole segments only, and the newest is
   * never removed for its bytes. Partitions closed for writing are left as they are.
   */
  retain(policy: RetentionPolicy, stream?: string): Promise<number>;
  /** What is wrong, in sentences for a person; empty when all is well. */
  problems(): string[];
}
