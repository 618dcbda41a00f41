// Ordered key-value state with transactions: where accumulators, offsets and definitions live. This file is the
// contract; `state-lmdb.ts` implements it on disk and `state-memory.ts` in memory for tests.
//
// One writer (the engine thread that owns a partition), readers in any thread. Keys are bytes, ordered bytewise;
// `state-key.ts` encodes tuples so that their order is the bytes' order. Values are bytes. A transaction is all or nothing and,
// once `transaction` resolved, survives kill -9; after power loss the store opens at some earlier committed transaction, whole.
// Errors: `state-full` 507, `state-locked` 409, `state-damaged` 500.

export interface StateReader {
  get(key: Uint8Array): Uint8Array | undefined;
  /** Entries with start ≤ key < end in key order (reversed: from the end down). The snapshot is that of the first step. */
  range(
    start: Uint8Array,
    end: Uint8Array,
    options?: { limit?: number; reverse?: boolean },
  ): Iterable<StateEntry>;
}

export interface StateEntry {
  key: Uint8Array;
  value: Uint8Array;
}

export interface StateTransaction extends StateReader {
  put(key: Uint8Array, value: Uint8Array): void;
  delete(key: Uint8Array): void;
  /** Removes start ≤ key < end; returns how many. */
  deleteRange(start: Uint8Array, end: Uint8Array): number;
}

export interface StateStore extends StateReader {
  /** Runs `work` synchronously inside one write transaction; what it throws undoes everything and is thrown on. */
  transaction<T>(work: (transaction: StateTransaction) => T): T;
  /** Resolves when all transactions so far survive power loss. */
  flush(): Promise<void>;
  /** Bytes on disk (or in memory). */
  sizeBytes(): number;
  close(): Promise<void>;
}
