// Who waits until the engine has read as far as the log went when they asked.
import type { StreamSummary } from '../../flow/log.ts';
import type { Lane } from './lane.ts';

interface Waiting {
  ends: Map<string, number>;
  resolve: () => void;
}

export class Settling {
  private waiting: Waiting[] = [];

  get isAwaited(): boolean {
    return this.waiting.length > 0;
  }

  /** Resolves when no lane stands before where `streams` end. Lanes that do are made ready. */
  until(streams: readonly StreamSummary[], lanes: readonly Lane[]): Promise<void> {
    const ends = new Map<string, number>();
    for (const { name, partitions } of streams) {
      for (const { partition, end } of partitions) ends.set(`${partition} ${name}`, end);
    }
    for (const lane of lanes) if (isBefore(lane, ends)) lane.isReady = true;
    return new Promise(resolve => this.waiting.push({ ends, resolve }));
  }

  /** To be called when everything that was read is flushed. A partition that cannot be read is not waited for. */
  look(lanes: readonly Lane[]): void {
    this.waiting = this.waiting.filter(({ ends, resolve }) => {
      if (lanes.some(lane => lane.problem === undefined && isBefore(lane, ends))) return true;
      resolve();
      return false;
    });
  }

  /** Nobody needs to wait any longer: the engine has stopped. */
  giveUp(): void {
    for (const { resolve } of this.waiting) resolve();
  }
}

const isBefore = (lane: Lane, ends: Map<string, number>): boolean =>
  lane.position < (ends.get(`${lane.partition} ${lane.stream}`) ?? 0);
