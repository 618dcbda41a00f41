// Writing Parquet: the contract between the lake, which decides what to archive, and whoever can do it (the
// query process). A call either leaves all the files or leaves work that the next call with the same range replaces.
import type { Field, Schema } from './schema.ts';

export interface ParquetRequest {
  /** An NDJSON file of whole events, in offset order. */
  spoolFile: string;
  /** Directory of the stream's lake; files go to date=…/hour=… below it. */
  directory: string;
  partition: number;
  first: number;
  last: number;
  /** What is known of the stream's fields; the file's own are added to it. */
  schema: Schema;
  /** Append time of each batch in the file: events without a time of their own get it. */
  batches: { offset: number; appendTimeMs: number }[];
}

export interface ParquetFile {
  /** Below the stream's directory: `date=2015-05-17/hour=10/0-0-9998.parquet`. */
  path: string;
  rows: number;
}

export interface ParquetResult {
  files: ParquetFile[];
  rows: number;
  /** Fields with the types they have in these files. */
  fields: Field[];
  /** Event-time span, µs. */
  fromUs: number;
  toUs: number;
}

export interface ParquetWriter {
  write(request: ParquetRequest): Promise<ParquetResult>;
  /** Rewrites several chunks' files as one set for [first, last]; `schema` is that of the result. */
  compact(request: {
    directory: string;
    partition: number;
    first: number;
    last: number;
    inputs: { files: string[]; fields: Field[] }[];
    schema: Schema;
  }): Promise<ParquetResult>;
}
