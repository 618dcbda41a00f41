// All lanes of an engine. Invariant: of the lanes of one partition exactly one is live, the one that is furthest on; every other is
// filling, and joins it when it has come to the same offset.
import type { LogReader, StreamSummary } from '../../flow/log.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import { viewFailed } from '../view/view-failure.ts';
import type { ViewVersion } from '../view/view-version.ts';
import { type HistorySource, Lane } from './lane.ts';

/** Share of the kernel's memory: what one step adds, and a table that is doubled, find room in the rest. */
const kernelFillMax = 1 / 4;

export interface LaneSetOptions {
  kernel: Kernel;
  log: LogReader;
  history: HistorySource | undefined;
  readBytes: number;
  farBehind: number;
}

export class LaneSet {
  readonly all: Lane[] = [];
  private readonly options: LaneSetOptions;
  private streams: readonly StreamSummary[] = [];

  constructor(options: LaneSetOptions) {
    this.options = options;
  }

  /** Gives every version a part, in a lane, for each partition of its streams that it has none for. */
  attach(versions: readonly ViewVersion[], streams: readonly StreamSummary[]): void {
    this.streams = streams;
    for (const version of versions) {
      version.plan.sources.forEach(({ stream }, source) => {
        const summary = streams.find(({ name }) => name === stream);
        for (const { partition, first } of summary?.partitions ?? []) {
          const isThere = version.partitions.some(p => p.source === source && p.partition === partition);
          if (isThere || version.failure) continue;
          try {
            this.attachPart(version, source, stream, partition, first);
          } catch (thrown) {
            version.fail(viewFailed(version.plan.name, thrown));
          }
        }
      });
      version.isAttached = true;
    }
    this.chooseLive();
  }

  private chooseLive(): void {
    this.all.forEach((lane, index) => {
      lane.isFilling = this.all.some(
        (other, place) =>
          other.stream === lane.stream &&
          other.partition === lane.partition &&
          (other.position > lane.position || (other.position === lane.position && place < index)),
      );
    });
  }

  private attachPart(
    version: ViewVersion,
    source: number,
    stream: string,
    partition: number,
    first: number,
  ): void {
    const part = version.addPartition(source, partition);
    const begin = this.options.history ? 0 : first;
    const position = part.position ?? begin;
    const siblings = this.all.filter(lane => lane.stream === stream && lane.partition === partition);
    let lane = siblings.find(other => other.position === position);
    if (lane === undefined) {
      lane = new Lane({ stream, partition, position, ...this.options });
      this.all.push(lane);
    }
    lane.add(part);
    // What was filled before a restart counts as done after it.
    part.startedAt = Math.min(begin, position);
  }

  /** The lane that a filling one is to catch up with. */
  liveLane(lane: Lane): Lane | undefined {
    if (!lane.isFilling) return undefined;
    return this.all.find(
      other => !other.isFilling && other.stream === lane.stream && other.partition === lane.partition,
    );
  }

  /**
   * True for a lane that has much to read while another is not far behind it: it is joined before both go on, so that the log is
   * read once for both.
   */
  shouldWait(lane: Lane): boolean {
    if (!lane.isFarBehind) return false;
    return this.all.some(
      other =>
        other.stream === lane.stream &&
        other.partition === lane.partition &&
        other.isReady &&
        other.position < lane.position &&
        lane.position - other.position <= this.options.farBehind * 8,
    );
  }

  /** Both are at the same offset: the views of the one go on in the other. */
  join(lane: Lane, live: Lane): void {
    for (const part of [...lane.views]) {
      lane.remove(part);
      live.add(part);
      part.hasCaughtUp = true;
    }
    this.remove(lane);
  }

  /** Takes a version out of its lanes for good. */
  detach(version: ViewVersion): void {
    for (const lane of [...this.all]) {
      for (const part of version.partitions) if (lane.views.includes(part)) lane.remove(part);
      if (lane.views.length === 0) this.remove(lane);
    }
    this.chooseLive();
    version.free();
  }

  /** After each step: lanes that were stepped longest ago give memory of the kernel back where all together have much of it. */
  releaseMemory(): void {
    const { kernel } = this.options;
    if (kernel.fill() <= kernelFillMax) return;
    for (const lane of this.all.toSorted((a, b) => a.steppedAt - b.steppedAt)) {
      lane.release();
      if (kernel.fill() <= kernelFillMax / 2) return;
    }
  }

  private remove(lane: Lane): void {
    lane.free();
    this.all.splice(this.all.indexOf(lane), 1);
  }

  /** 0–1; 1 where every partition has once been read as far as live views are, or to its end. */
  progress(version: ViewVersion): number {
    let done = 0;
    let all = 0;
    for (const part of version.partitions) {
      const lane = this.all.find(({ views }) => views.includes(part));
      if (lane === undefined) continue;
      const goal = this.liveLane(lane)?.position ?? this.endOf(lane);
      if (!lane.isFilling && lane.position >= goal) part.hasCaughtUp = true;
      const isDone = !lane.isFilling && part.hasCaughtUp;
      const span = Math.max(1, goal - part.startedAt);
      all += span;
      done += isDone ? span : Math.min(span * 0.999, Math.max(0, lane.position - part.startedAt));
    }
    return all === 0 ? 1 : done / all;
  }

  /** Why a version does not go on now in some partition; it is tried again by itself. */
  problemOf(version: ViewVersion): Error | undefined {
    return this.all.find(
      ({ problem, views }) => problem && views.some(part => version.partitions.includes(part)),
    )?.problem;
  }

  /** The durable end of a lane's partition, as far as known. */
  endOf(lane: Lane): number {
    const summary = this.streams.find(({ name }) => name === lane.stream);
    const partition = summary?.partitions.find(one => one.partition === lane.partition);
    return Math.max(lane.end, partition?.end ?? 0);
  }

  free(): void {
    for (const lane of [...this.all]) this.remove(lane);
  }
}
