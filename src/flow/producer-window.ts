// What a partition remembers of who sent which batch, so that a repeat is appended once. Invariant: it holds the
// producers of the partition's last `batchesMax` batches that have one (none older than `recordsMax` batches of
// any kind), and is the same whether it grew with the appends or was read back from the index records.
import { hash } from 'node:crypto';
import type { Producer } from './log.ts';
import { duplicateForgotten, sequenceGap, sequenceOverlap } from './log-errors.ts';

export interface WindowLimits {
  /** Batches with a key, and separately with a producer and sequence, that are remembered. */
  batchesMax: number;
  /** Batches of any kind after which one is forgotten in any case: bounds the reading at a restart. */
  recordsMax: number;
  /** Named producers remembered; beyond it the one that was quiet longest is forgotten. */
  producersMax: number;
  /** Batches of one named producer whose offsets are kept. */
  batchesPerProducerMax: number;
}

export const windowLimits: WindowLimits = {
  batchesMax: 65_536,
  recordsMax: 1_048_576,
  producersMax: 4_096,
  batchesPerProducerMax: 32,
};

/** The answer to a batch. While `waiting` is there, the batch is not yet durable. */
export interface Answer<Waiting> {
  offset: number;
  count: number;
  appendTimeMs: number;
  waiting?: Waiting[];
}

interface Remembered<Waiting> {
  answer: Answer<Waiting>;
  ordinal: number;
  first: number;
  next: number;
}

interface ProducerState<Waiting> {
  next: number;
  ordinal: number;
  recent: Remembered<Waiting>[];
}

/** The 128-bit name of a key or producer id: the first half of its SHA-256, as 16 latin1 characters. */
export function producerHash(producer: Producer): string {
  const name = 'key' in producer ? 'k' + producer.key : 'p' + producer.id;
  return hash('sha256', name, 'buffer').toString('latin1', 0, 16);
}

export class ProducerWindow<Waiting> {
  private readonly limits: WindowLimits;
  // Maps keep insertion order, so the first entry is the oldest.
  private readonly keys = new Map<string, Remembered<Waiting>>();
  private readonly producers = new Map<string, ProducerState<Waiting>>();
  private ordinal = 0;

  constructor(limits: WindowLimits) {
    this.limits = limits;
  }

  /** Counts a batch that has no producer. */
  countPlain(): void {
    this.ordinal++;
  }

  private isForgotten(ordinal: number): boolean {
    return this.ordinal - ordinal >= this.limits.recordsMax;
  }

  /** The answer given before, or undefined for a new batch; throws for a gap, an overlap, a forgotten repeat. */
  find(producer: Producer, name: string): Answer<Waiting> | undefined {
    if ('key' in producer) {
      const known = this.keys.get(name);
      return known && !this.isForgotten(known.ordinal) ? known.answer : undefined;
    }
    const state = this.producers.get(name);
    if (!state || this.isForgotten(state.ordinal)) return undefined;
    const { id, first, next } = producer;
    if (first === state.next) return undefined;
    if (first > state.next) throw sequenceGap(id, state.next, first);
    if (next > state.next) throw sequenceOverlap(id, state.next, first, next);
    for (let i = state.recent.length - 1; i >= 0; i--) {
      const known = state.recent[i]!;
      if (first >= known.first && first < known.next) return known.answer;
    }
    throw duplicateForgotten(id, first, state.next);
  }

  /** The sequence number after a named producer's last batch; undefined where it is unknown or forgotten. */
  nextOf(name: string): number | undefined {
    const state = this.producers.get(name);
    return state && !this.isForgotten(state.ordinal) ? state.next : undefined;
  }

  rememberKey(name: string, answer: Answer<Waiting>): void {
    this.keys.delete(name);
    this.keys.set(name, { answer, ordinal: this.ordinal++, first: 0, next: 0 });
    if (this.keys.size > this.limits.batchesMax) this.keys.delete(this.keys.keys().next().value!);
  }

  rememberSequence(name: string, first: number, next: number, answer: Answer<Waiting>): void {
    const ordinal = this.ordinal++;
    const state = this.producers.get(name) ?? { next, ordinal, recent: [] };
    // A producer forgotten and met again starts anew, wherever it goes on.
    if (state.recent.length > 0 && state.next !== first) state.recent = [];
    state.next = next;
    state.ordinal = ordinal;
    state.recent.push({ answer, ordinal, first, next });
    if (state.recent.length > this.limits.batchesPerProducerMax) state.recent.shift();
    this.producers.delete(name);
    this.producers.set(name, state);
    if (this.producers.size > this.limits.producersMax) {
      this.producers.delete(this.producers.keys().next().value!);
    }
  }
}
