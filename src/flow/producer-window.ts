// What a partition remembers of who sent which batch, so that a repeat is appended once. Invariant: it holds the last
// `keysMax` keys and the `producersMax` named producers that appended last, whatever lies between, and is the same
// whether it grew with the appends or was read back from a snapshot and the index records behind it.
import { hash } from 'node:crypto';
import type { Producer } from './log.ts';
import { duplicateForgotten, sequenceGap, sequenceOverlap } from './log-errors.ts';

export interface WindowLimits {
  /** Batches with a key that are remembered. */
  keysMax: number;
  /** Named producers remembered at least; a quarter beyond it, those that were quiet longest are forgotten. */
  producersMax: number;
  /** Batches of one named producer whose offsets are kept. */
  batchesPerProducerMax: number;
}

export const windowLimits: WindowLimits = {
  keysMax: 65_536,
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

/** A batch of a named producer. */
export interface Numbered<Waiting> {
  answer: Answer<Waiting>;
  first: number;
  next: number;
}

export interface ProducerState<Waiting> {
  next: number;
  /** Grows with every batch of any of them: the smallest was quiet longest. */
  ordinal: number;
  recent: Numbered<Waiting>[];
  /** Batches of it may have been lost to damage, so that a gap proves nothing. */
  isDoubtful: boolean;
}

/** The 128-bit name of a key or producer id: the first half of its SHA-256, as 16 latin1 characters. */
export function producerHash(producer: Producer): string {
  const name = 'key' in producer ? 'k' + producer.key : 'p' + producer.id;
  return hash('sha256', name, 'binary').slice(0, 16);
}

export class ProducerWindow<Waiting> {
  private readonly limits: WindowLimits;
  private readonly keys = new Map<string, Answer<Waiting>>();
  /** The keys in the order in which they came, as a ring; a Map is slow to give its oldest entry. */
  private readonly keyRing: { name: string; answer: Answer<Waiting> }[] = [];
  private keyRingAt = 0;
  private readonly producers = new Map<string, ProducerState<Waiting>>();
  private ordinal = 0;

  constructor(limits: WindowLimits) {
    this.limits = limits;
  }

  /** The answer given before, or undefined for a new batch; throws for a gap, an overlap, a forgotten repeat. */
  find(producer: Producer, name: string): Answer<Waiting> | undefined {
    if ('key' in producer) return this.keys.get(name);
    const state = this.producers.get(name);
    if (!state) return undefined;
    const { id, first, next } = producer;
    if (first === state.next || (first > state.next && state.isDoubtful)) return undefined;
    if (first > state.next) throw sequenceGap(id, state.next, first);
    if (next > state.next) throw sequenceOverlap(id, state.next, first, next);
    for (let i = state.recent.length - 1; i >= 0; i--) {
      const known = state.recent[i]!;
      if (first >= known.first && first < known.next) return known.answer;
    }
    throw duplicateForgotten(id, first, state.recent[0]?.first ?? state.next, state.next);
  }

  /** The sequence number after a named producer's last batch; undefined where it is unknown or forgotten. */
  nextOf(name: string): number | undefined {
    return this.producers.get(name)?.next;
  }

  rememberKey(name: string, answer: Answer<Waiting>): void {
    const { keys, keyRing } = this;
    if (keyRing.length === this.limits.keysMax) {
      const oldest = keyRing[this.keyRingAt]!;
      // A key that was forgotten and came again has a younger place in the ring.
      if (keys.get(oldest.name) === oldest.answer) keys.delete(oldest.name);
    }
    keyRing[this.keyRingAt] = { name, answer };
    this.keyRingAt = (this.keyRingAt + 1) % this.limits.keysMax;
    keys.set(name, answer);
  }

  rememberSequence(name: string, first: number, next: number, answer: Answer<Waiting>): void {
    const known = this.producers.get(name);
    // A producer forgotten and met again starts anew, wherever it goes on.
    const recent = known?.next === first ? known.recent : [];
    recent.push({ answer, first, next });
    if (recent.length > this.limits.batchesPerProducerMax) recent.shift();
    this.rememberProducer(name, { next, recent, isDoubtful: false });
  }

  /** Sets all that is known of a named producer, as the one that appended last. */
  rememberProducer(name: string, known: Omit<ProducerState<Waiting>, 'ordinal'>): void {
    this.producers.set(name, { ...known, ordinal: this.ordinal++ });
    if (this.producers.size > this.limits.producersMax * 1.25) this.forgetQuietProducers();
  }

  /** Batches of whatever producer were lost: none of those known can be told that it left a gap. */
  doubt(): void {
    for (const state of this.producers.values()) state.isDoubtful = true;
  }

  /** The keys, oldest first. */
  keysByAge(): { name: string; answer: Answer<Waiting> }[] {
    const { keys, keyRing, keyRingAt } = this;
    return [...keyRing.slice(keyRingAt), ...keyRing.slice(0, keyRingAt)].filter(
      ({ name, answer }) => keys.get(name) === answer,
    );
  }

  /** The named producers, the one that was quiet longest first. */
  producersByAge(): [name: string, state: ProducerState<Waiting>][] {
    return [...this.producers].sort(([, a], [, b]) => a.ordinal - b.ordinal);
  }

  /** All but the `producersMax` that appended last; many at once, so that it costs little an append. */
  private forgetQuietProducers(): void {
    const byAge = this.producersByAge();
    const quiet = byAge.slice(0, byAge.length - this.limits.producersMax);
    for (const [name] of quiet) this.producers.delete(name);
  }
}
