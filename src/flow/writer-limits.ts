// What bounds a partition's writer, and where a fault test may stop it.

/** Places where a fault test may stop or kill the process; the log calls it only where one is handed in. */
export type Failpoint = (
  name:
    | 'before-write'
    | 'after-write'
    | 'before-fsync'
    | 'after-fsync'
    | 'before-ack'
    | 'after-ack'
    | 'before-roll'
    | 'before-snapshot'
    | 'after-snapshot'
    | 'after-roll'
    | 'before-unlink'
    | 'after-unlink',
) => void;

export interface WriterLimits {
  maxBatchBytes: number;
  segmentBytes: number;
  /** Index records a segment; bounds its index and the reading at an opening. */
  segmentRecords: number;
  /** Written together at most; twice that may be on its way to the disk. */
  groupBytes: number;
  /** While a sync is under way the next group is written beside it once so much is waiting; less waits for it. */
  overlapBytes: number;
  /** Groups from this size on, with a sync to wait for, are written past the system's cache from the tail memory. */
  directBytes: number;
  /** Newest bytes of a partition that are held so; four partitions at a time. A multiple of 64 KiB. */
  tailBytes: number;
  /** Bytes not yet answered in the whole log, beyond which `log-overloaded` is the answer. */
  queueBytes: number;
  /** Batches waiting in one partition, likewise. */
  queueBatches: number;
  /** Adjacent batches without a producer in one group become one on disk, up to so many bytes. */
  mergeBytes: number;
}
