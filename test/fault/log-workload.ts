// A seeded workload on the log and the ledger that judges what comes back: every acknowledged event where its
// answer said, none twice, offsets dense, nothing that was never sent.
import type { Rng } from '../../src/core/rng.ts';
import type { AppendResult, Batch, Log, LogReader, Producer } from '../../src/flow/log.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

interface Sent {
  stream: string;
  partition: number;
  ids: number[];
  batch: Batch;
  /** The answer, once there was one. */
  result?: AppendResult;
  /** True where a repeat is recognised, so that it may be sent again. */
  isRepeatable: boolean;
}

export class Ledger {
  readonly sent: Sent[] = [];
  readonly sequences = new Map<string, number>();
  /** Codes of refused appends, with how often. */
  readonly refusals = new Map<string, number>();
  mayBeRetained = false;
  private nextId = 0;
  private nextKey = 0;

  compose(rng: Rng, stream: string, partition: number, kind: 'plain' | 'key' | string): Sent {
    const ids = Array.from({ length: 1 + rng.below(4) }, () => this.nextId++);
    const padding = rng.below(5) === 0 ? rng.below(3000) : rng.below(60);
    const pad = 'x'.repeat(padding);
    let producer: Producer | undefined;
    if (kind === 'key') producer = { key: `key-${this.nextKey++}` };
    else if (kind !== 'plain') {
      const id = `${kind}-${stream}-${partition}`;
      const first = this.sequences.get(id) ?? rng.below(100);
      this.sequences.set(id, first + ids.length);
      producer = { id, first, next: first + ids.length };
    }
    const bytes = encoder.encode(ids.map(id => `{"id":${id},"pad":"${pad}"}\n`).join(''));
    const batch: Batch = { bytes, count: ids.length, ...(producer && { producer }) };
    const sent: Sent = { stream, partition, ids, batch, isRepeatable: producer !== undefined };
    this.sent.push(sent);
    return sent;
  }

  /** Sends it; the answer counts only while `counts()` says so (power may be gone already). */
  async send(log: Log, sent: Sent, counts: () => boolean): Promise<boolean> {
    try {
      const result = await log.append(sent.stream, sent.partition, sent.batch);
      if (!counts()) return false;
      if (sent.result && sent.result.offset !== result.offset) {
        throw new Error(`batch ${sent.ids[0]} was answered ${sent.result.offset}, then ${result.offset}`);
      }
      sent.result = result;
      return true;
    } catch (thrown) {
      const code = (thrown as { code?: string }).code;
      if (code === undefined) throw thrown;
      this.refusals.set(code, (this.refusals.get(code) ?? 0) + 1);
      return false;
    }
  }

  /** Batches without an answer that may be sent again, in the order in which they were sent. */
  unanswered(): Sent[] {
    return this.sent.filter(({ result, isRepeatable }) => isRepeatable && !result);
  }

  /** Sends every answered batch that names its producer once more: none of them may be appended again. */
  async repeatAll(log: Log): Promise<void> {
    for (const { stream, partition, batch, result, ids } of this.sent) {
      if (!result || !batch.producer) continue;
      const answer = await log.append(stream, partition, batch).catch(thrown => {
        // Known to be there; only its offset is too long ago for a producer's last batches.
        if ((thrown as { code?: string }).code !== 'duplicate-forgotten') throw thrown;
        return { ...result, duplicate: true };
      });
      if (!answer.duplicate || answer.offset !== result.offset) {
        throw new Error(`batch ${ids[0]} of ${result.offset} was repeated at ${answer.offset}`);
      }
    }
  }

  /** Reads everything and throws, naming the seed's finding, where a promise is broken. */
  async verify(log: LogReader, options: { allAnsweredPresent: boolean }): Promise<number> {
    const target = new Uint8Array(64 * 1024);
    const senderOf = new Map<number, Sent>();
    for (const sent of this.sent) for (const id of sent.ids) senderOf.set(id, sent);
    let events = 0;
    for (const { name, partitions } of await log.streams()) {
      for (const { partition, first, end } of partitions) {
        if (first !== 0 && !this.mayBeRetained) throw new Error(`${name}/${partition} begins at ${first}`);
        const ids = await this.readAll(log, name, partition, first, end, target);
        events += ids.length;
        this.judge(name, partition, first, ids, senderOf);
        if (!options.allAnsweredPresent) continue;
        for (const { stream, partition: place, result, ids: own } of this.sent) {
          if (!result || stream !== name || place !== partition || result.offset < first) continue;
          own.forEach((id, i) => {
            const found = ids[result.offset + i - first];
            if (found !== id) {
              const at = `${name}/${partition} offset ${result.offset + i}`;
              throw new Error(`${at}: acknowledged ${id}, found ${found} (end ${end})`);
            }
          });
        }
      }
    }
    return events;
  }

  private async readAll(
    log: LogReader,
    stream: string,
    partition: number,
    first: number,
    end: number,
    target: Uint8Array,
  ): Promise<number[]> {
    const ids: number[] = [];
    for (let at = first; at < end; ) {
      const { batches, next } = await log.read(stream, partition, at, target);
      for (const { position, length, offset, count } of batches) {
        if (offset !== first + ids.length)
          throw new Error(`offset ${offset} where ${first + ids.length} was due`);
        const lines = decoder.decode(target.subarray(position, position + length)).split('\n');
        if (lines.length !== count + 1) throw new Error(`${lines.length - 1} lines in a batch of ${count}`);
        for (let i = 0; i < count; i++) ids.push(JSON.parse(lines[i]!).id);
      }
      at = next;
    }
    if (first + ids.length !== end) throw new Error(`${ids.length} events in [${first}, ${end})`);
    return ids;
  }

  private judge(
    stream: string,
    partition: number,
    first: number,
    ids: number[],
    senderOf: Map<number, Sent>,
  ) {
    const seen = new Set<number>();
    ids.forEach((id, i) => {
      const sent = senderOf.get(id);
      if (!sent || sent.stream !== stream || sent.partition !== partition) {
        throw new Error(`${stream}/${partition} offset ${first + i}: event ${id} was never sent there`);
      }
      if (seen.has(id))
        throw new Error(`${stream}/${partition} offset ${first + i}: event ${id} is there twice`);
      seen.add(id);
    });
  }
}

/** Producers of every kind on two streams, some rounds of them, with retention where the ledger allows it. */
export async function runWorkload(
  log: Log,
  ledger: Ledger,
  rng: Rng,
  rounds: number,
  counts: () => boolean,
): Promise<void> {
  await log.createStream('alpha', { partitions: 2 }).catch(ignoreRefusal);
  const kinds = ['plain', 'plain', 'key', 'key', 'p1', 'p2'];
  await Promise.all(
    kinds.map(async (kind, i) => {
      const own = rng.fork();
      for (let round = 0; round < rounds && counts(); round++) {
        const sent = ledger.compose(own, 'alpha', i % 2, kind);
        const isAnswered = await ledger.send(log, sent, counts);
        // A numbered producer cannot go on past a batch it does not know to be appended.
        if (!isAnswered && kind.startsWith('p') && kind !== 'plain') return;
        if (sent.isRepeatable && own.below(4) === 0) await ledger.send(log, sent, counts);
        if (own.below(6) === 0) await new Promise(resolve => setImmediate(resolve));
        if (ledger.mayBeRetained && own.below(12) === 0) {
          await log.retain({ maxBytes: 6000 }, 'alpha').catch(ignoreRefusal);
        }
        if (i === 0 && round === 3) await log.createStream('beta').catch(ignoreRefusal);
        if (i === 0 && round > 3) {
          await ledger.send(log, ledger.compose(own, 'beta', 0, 'key'), counts);
        }
      }
    }),
  );
}

/** Lets typed refusals and system errors pass; a broken invariant is none of these. */
export function ignoreRefusal(thrown: unknown): void {
  if (typeof (thrown as { code?: unknown }).code !== 'string') throw thrown;
}
