// The lake: the history of all streams as Parquet, in Hive-style folders that any tool reads:
//   lake/<stream>/date=YYYY-MM-DD/hour=HH/<partition>-<first>-<last>.parquet
// and, where a chunk has several files of an hour, the others with _1, _2 … behind the range.
// The lake covers offsets [0, archived) of each partition without gap or overlap. A chunk is one archived range; it counts
// once its record stands in lake/<stream>/_chunks/, and a range that has no record is written again.
import type { Schema } from './schema.ts';

export interface Chunk {
  partition: number;
  first: number;
  last: number;
  rows: number;
  bytes: number;
  files: string[];
  /** Types of the columns in these files. */
  schema: Schema['fields'];
  fromUs: number;
  toUs: number;
  /** When its events were appended, ms: from an offset on, in steps; the first time of each. */
  appended?: [offset: number, appendTimeMs: number][];
}

export interface LakeStream {
  name: string;
  schema: Schema;
  chunks: Chunk[];
  /** Per partition, the offset after the last archived event. */
  archived: number[];
  fromUs: number | null;
  toUs: number | null;
}

export interface Lake {
  /** Streams that have anything archived. */
  stream(name: string): LakeStream | undefined;
  /**
   * Archives what the log holds beyond the archived offset and returns when everything appended before the call is in the
   * lake. Concurrent calls for one stream share the work.
   */
  flush(stream: string): Promise<LakeStream | undefined>;
  /** Archives a first small piece of a stream of which nothing is archived yet, so that something is known of its fields. */
  learn(stream: string): Promise<void>;
  /** A FROM-able SELECT over the stream: `_time TIMESTAMP, _offset BIGINT, _partition INTEGER` and its fields. */
  selectSql(stream: string): string | undefined;
  /** Why archiving is behind, in sentences; empty when all is well. */
  problems(): string[];
  close(): Promise<void>;
}
