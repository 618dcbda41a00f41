// A view by its name: the version that serves, and the next one while it is filled beside it.
import type { StateReader } from '../store/state.ts';
import type { Plan } from './plan/plan.ts';
import { definitionKey } from './state-rows.ts';
import type { ViewVersion } from './view-version.ts';
import { WindowReader } from './window-rows.ts';

export class View {
  readonly name: string;
  current: ViewVersion;
  next: ViewVersion | undefined;
  private readonly state: StateReader;
  private readonly readers = new Map<ViewVersion, WindowReader>();

  constructor(name: string, current: ViewVersion, state: StateReader) {
    this.name = name;
    this.current = current;
    this.state = state;
  }

  static key(name: string): Uint8Array {
    return definitionKey(name);
  }

  get versions(): ViewVersion[] {
    return this.next === undefined ? [this.current] : [this.current, this.next];
  }

  reader(version: ViewVersion): WindowReader {
    let reader = this.readers.get(version);
    if (reader === undefined) {
      reader = new WindowReader(version, this.state);
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
