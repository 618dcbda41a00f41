// Sources: what brings bytes in. A source reads, has its format make events, and appends them to the log with a producer
// that numbers the bytes it has read, so that after any crash it goes on where the log ends and nothing is doubled.

export interface SourceStatus {
  name: string;
  stream: string;
  /** "Apache/nginx combined access log". */
  format: string;
  /** Why it was chosen. */
  why: string;
  state: 'loading' | 'following' | 'done' | 'waiting' | 'failed';
  bytesRead: number;
  bytesTotal: number;
  events: number;
  rejected: number;
  error?: string;
}

export interface Source {
  readonly name: string;
  /** Starts reading. Resolves when what was there at the start has been appended; a followed source then goes on. */
  start(): Promise<void>;
  status(): SourceStatus;
  /** Stops after the append under way. */
  close(): Promise<void>;
}
