// State in memory: the contract in its plainest form, for tests and for projects that keep nothing. Keys are
// one sorted array; a transaction works on the store itself and keeps what it must undo.
import type { StateEntry, StateReader, StateStore, StateTransaction } from './state.ts';
import { compareBytes } from './state-key.ts';

export function createMemoryState(): StateStore {
  return new MemoryState();
}

const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

class MemoryState implements StateStore {
  private readonly values = new Map<string, StateEntry>();
  private sorted: StateEntry[] | undefined = [];
  private bytes = 0;
  private undo: { id: string; before: StateEntry | undefined }[] | undefined;

  get(key: Uint8Array): Uint8Array | undefined {
    return this.values.get(latin1(key))?.value.slice();
  }

  range(start: Uint8Array, end: Uint8Array, options: Parameters<StateReader['range']>[2] = {}) {
    this.sorted ??= [...this.values.values()].sort((a, b) => compareBytes(a.key, b.key));
    return walk(this.sorted, start, end, options);
  }

  put(key: Uint8Array, value: Uint8Array): void {
    this.set(latin1(key), { key: key.slice(), value: value.slice() });
  }

  delete(key: Uint8Array): void {
    this.set(latin1(key), undefined);
  }

  deleteRange(start: Uint8Array, end: Uint8Array): number {
    const entries = [...this.range(start, end)];
    for (const entry of entries) this.set(latin1(entry.key), undefined);
    return entries.length;
  }

  private set(id: string, entry: StateEntry | undefined): void {
    const before = this.values.get(id);
    this.undo?.push({ id, before });
    this.bytes += size(entry) - size(before);
    if (entry) this.values.set(id, entry);
    else this.values.delete(id);
    this.sorted = undefined;
  }

  transaction<T>(work: (transaction: StateTransaction) => T): T {
    this.undo = [];
    try {
      return work(this);
    } catch (thrown) {
      const undo = this.undo;
      this.undo = undefined;
      for (const { id, before } of undo.reverse()) this.set(id, before);
      throw thrown;
    } finally {
      this.undo = undefined;
    }
  }

  async flush(): Promise<void> {}

  sizeBytes(): number {
    return this.bytes;
  }

  async close(): Promise<void> {}
}

const size = (entry: StateEntry | undefined): number => (entry ? entry.key.length + entry.value.length : 0);

function* walk(
  sorted: StateEntry[],
  start: Uint8Array,
  end: Uint8Array,
  { limit = Number.POSITIVE_INFINITY, reverse = false }: { limit?: number; reverse?: boolean },
): Iterable<StateEntry> {
  const from = lowerBound(sorted, start);
  const to = lowerBound(sorted, end);
  for (let i = 0; i < Math.min(limit, to - from); i++) {
    const entry = sorted[reverse ? to - 1 - i : from + i]!;
    yield { key: entry.key.slice(), value: entry.value.slice() };
  }
}

function lowerBound(sorted: StateEntry[], key: Uint8Array): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareBytes(sorted[middle]!.key, key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
