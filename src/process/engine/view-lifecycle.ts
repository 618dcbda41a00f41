// A view by its name: the version that serves, and the next one while it is filled beside it.
import type { StateReader } from '../../store/state.ts';
import type { ReadableView } from '../derived/derived-view.ts';
import type { Plan } from '../plan/plan.ts';
import { definitionKey } from '../state/state-rows.ts';
import type { ViewVersion } from '../view/view-version.ts';
import { WindowReader, type WindowResult } from '../view/window-rows.ts';
import type { ViewColumn } from '../view.ts';
import type { KeptLevel } from '../windows/partition-clock.ts';
import type { Revisions } from '../windows/revisions.ts';

export class View implements ReadableView {
  readonly name: string;
  current: ViewVersion;
  next: ViewVersion | undefined;
  /** What its streams have shown that does not fit it. */
  notice: string | undefined;
  private readonly state: StateReader;
  private readonly revisions: Revisions;
  private readonly readers = new Map<ViewVersion, WindowReader>();

  constructor(name: string, current: ViewVersion, state: StateReader, revisions: Revisions) {
    this.name = name;
    this.current = current;
    this.state = state;
    this.revisions = revisions;
  }

  static key(name: string): Uint8Array {
    return definitionKey(name);
  }

  get versions(): ViewVersion[] {
    return this.next === undefined ? [this.current] : [this.current, this.next];
  }

  /** What its last definition has made. */
  get newest(): ViewVersion {
    return this.next ?? this.current;
  }

  // What serves, for views over it.

  get plan(): Plan {
    return this.current.plan;
  }

  get columns(): ViewColumn[] {
    return this.current.columns;
  }

  get watermarkUs(): number | null {
    return this.current.watermarkUs;
  }

  cutUs(level: KeptLevel): number {
    return this.current.cutUs(level);
  }

  starts(index: number, fromUs: number, toUs: number): number[] {
    return this.reader(this.current).starts(index, fromUs, toUs);
  }

  window(index: number, startUs: number): WindowResult {
    return this.reader(this.current).window(index, startUs);
  }

  reader(version: ViewVersion): WindowReader {
    let reader = this.readers.get(version);
    if (reader === undefined) {
      reader = new WindowReader(version, this.state, this.revisions);
      this.readers.set(version, reader);
    }
    return reader;
  }

  setNext(next: ViewVersion): void {
    this.next = next;
  }

  dropNext(): ViewVersion | undefined {
    const { next } = this;
    this.next = undefined;
    if (next) this.readers.delete(next);
    return next;
  }

  /** The next version serves from now on; answers the old one. */
  promote(): ViewVersion {
    const next = this.next!;
    this.next = undefined;
    return this.replace(next);
  }

  replace(version: ViewVersion): ViewVersion {
    const old = this.current;
    this.readers.delete(old);
    this.current = version;
    return old;
  }

  /** Takes over settings that do not change results. */
  adopt(version: ViewVersion, plan: Plan): void {
    version.adopt(plan);
    this.readers.delete(version);
  }
}
