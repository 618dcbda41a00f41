// The sessions of a view in a range of event time, read from its panes (windows/session.ts says how they are made of them).
// Invariant: each event of a pane is in one row, of its session or, where its group is beyond the cap, of the pane's overflow
// group; a session of which events may be in an overflow group says that it is incomplete. A session of which events may be in a pane that
// is no longer kept has no rows, but those that are `gone`: its start would be wrong, and another one with each pane that goes.
import type { KeyPart } from '../../store/state-key.ts';
import type { WindowRow } from '../view.ts';
import { levelOptionsOf } from '../windows/cut.ts';
import { groupKey } from '../windows/group-registry.ts';
import { type Group, MergedGroups } from '../windows/merged-groups.ts';
import { sessionKeyColumns } from '../windows/session.ts';
import type { ViewVersion } from './view-version.ts';

/** What it needs of whoever reads the panes. */
interface PaneReader {
  starts(index: number, fromUs: number, toUs: number): number[];
  gathered(index: number, startUs: number): MergedGroups;
  finish(groups: Group[], startUs: number, endUs: number, published: number): { rows: WindowRow[] };
  finishWithGone(groups: Group[], startUs: number, endUs: number, published: number): WindowRow[];
}

/** One key's part of one pane. */
interface Part {
  firstUs: number;
  lastUs: number;
  slots: number[];
  /** No event of the key is in the pane's overflow group. */
  isWhole: boolean;
}

interface Pane {
  startUs: number;
  merged: MergedGroups;
  parts: Map<string, Part>;
  overflow: Group | undefined;
}

interface Session {
  key: string;
  firstUs: number;
  lastUs: number;
  published: number;
  groups: MergedGroups;
  /** Starts of the panes with an overflow group that has no event of the key. */
  wholeIn: Set<number>;
}

/** What has been read so far, pane after pane. */
class Reading {
  readonly sessions: Session[] = [];
  /** By key the last one, which the next pane may continue. */
  readonly open = new Map<string, Session>();
  /** Panes' overflow groups by the panes' start. */
  readonly overflowing = new Map<number, { overflow: Group; published: number }>();
}

export interface SessionPageOptions {
  /** Starts, whose rows are then all there. */
  startsMax?: number;
  /** With the rows that are left out (HAVING, LIMIT, sessions that may have begun before what is kept), as `gone`. */
  withGone?: boolean;
}

export interface SessionPage {
  rows: WindowRow[];
  /** The next start, whether or not its rows are shown. */
  nextUs?: number;
  /** Nothing in the range starts later. */
  lastUs?: number;
}

/** Panes looked through for the beginning of a session that has changed. */
const lookBackMax = 10_000;

export class SessionReader {
  private readonly version: ViewVersion;
  private readonly reader: PaneReader;
  private readonly keys: number[];
  private readonly gapUs: number;
  /** A session has one group. */
  private readonly isGroupKey: boolean;
  /** A session that begins before may have begun in a pane that is no longer kept. */
  private readonly wholeFromUs: number;

  constructor(version: ViewVersion, reader: PaneReader) {
    this.version = version;
    this.reader = reader;
    this.keys = sessionKeyColumns(version.plan);
    this.isGroupKey = new Set(this.keys).size === version.plan.sources[0]!.groups.length;
    this.gapUs = version.plan.window.kind === 'session' ? version.plan.window.gapMs * 1000 : 0;
    const cutUs = version.cutUs(levelOptionsOf(version.plan)[0]!);
    // The last event that has gone may lie right before the first pane that is kept.
    this.wholeFromUs = Number.isFinite(cutUs)
      ? Math.floor(cutUs / this.gapUs) * this.gapUs + this.gapUs
      : cutUs;
  }

  /** Whole sessions with fromUs ≤ start < toUs by start, and the overflow groups of panes that start there. */
  rows(fromUs: number, toUs: number): WindowRow[] {
    return this.page(fromUs, toUs).rows;
  }

  /** The rows of the first so many starts of a range; no pane is read that none of their sessions reaches. */
  page(
    fromUs: number,
    toUs: number,
    { startsMax = Number.POSITIVE_INFINITY, withGone = false }: SessionPageOptions = {},
  ): SessionPage {
    const { gapUs, reader } = this;
    const starts = reader.starts(0, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
    const first = starts.findIndex(start => start + gapUs > fromUs);
    if (first < 0) return { rows: [] };
    const reading = new Reading();
    const begun = new Set<number>();
    let nextUs: number | undefined;
    const isWithin = (startUs: number): boolean => startUs >= fromUs && startUs < (nextUs ?? toUs);
    const isWanted = ({ firstUs }: Session): boolean => isWithin(firstUs);
    // What reaches into the range began before it, however long before: the pane before tells.
    for (let at = Math.max(0, first - 1); at < starts.length; at++) {
      const startUs = starts[at]!;
      const isBeyond = startUs >= (nextUs ?? toUs);
      if (isBeyond && !this.isReached(startUs, reading, isWanted)) break;
      const known = reading.sessions.length;
      this.extend(this.pane(startUs), reading, isBeyond);
      if (isBeyond) continue;
      for (const { firstUs } of reading.sessions.slice(known)) if (isWithin(firstUs)) begun.add(firstUs);
      if (reading.overflowing.has(startUs) && isWithin(startUs)) begun.add(startUs);
      if (begun.size > startsMax) nextUs = [...begun].sort((a, b) => a - b)[startsMax]!;
    }
    const rows = [
      ...reading.sessions
        .filter(isWanted)
        .sort(byStart)
        .flatMap(session => this.sessionRows(session, reading, withGone)),
      ...[...reading.overflowing.keys()]
        .filter(isWithin)
        .flatMap(startUs => this.overflowRows(startUs, reading)),
    ].sort((a, b) => a.startUs - b.startUs);
    const lastUs = Math.min(starts.at(-1)! + gapUs, toUs) - 1;
    return { rows, lastUs, ...(nextUs === undefined ? {} : { nextUs }) };
  }

  /**
   * Sessions that hold one of these groups' cells of a pane, those that are left out as `gone`, and the pane's overflow
   * group. Undefined where one of them begins more than 10,000 panes before.
   */
  around(startUs: number, groups: readonly (readonly KeyPart[])[]): WindowRow[] | undefined {
    const wanted = new Set(groups.map(group => this.keyOf(group)));
    const starts = this.reader.starts(0, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
    const at = starts.indexOf(startUs);
    if (at < 0) return [];
    const reading = new Reading();
    const from = this.reachBack(starts, at, wanted);
    if (from === undefined) return undefined;
    for (let i = from; i < starts.length; i++) {
      if (i > at && !this.isReached(starts[i]!, reading)) break;
      const pane = this.pane(starts[i]!);
      for (const key of pane.parts.keys()) if (!wanted.has(key)) pane.parts.delete(key);
      this.extend(pane, reading, i > at);
    }
    return [
      ...reading.sessions
        .filter(({ firstUs, lastUs }) => lastUs >= startUs && firstUs < startUs + this.gapUs)
        .flatMap(session => this.sessionRows(session, reading, true)),
      ...this.overflowRows(startUs, reading),
    ];
  }

  /** A pane that starts then may hold, or hide, more of a session read so far. */
  private isReached(
    startUs: number,
    { open }: Reading,
    isWanted: (session: Session) => boolean = () => true,
  ): boolean {
    for (const session of open.values())
      if (session.lastUs + this.gapUs > startUs && isWanted(session)) return true;
    return false;
  }

  private sessionRows(session: Session, reading: Reading, withGone = false): WindowRow[] {
    const { groups, firstUs, lastUs, published } = session;
    const isIncomplete = this.mayHide(session, reading);
    const all = groups.groups().map(group => ({ ...group, isIncomplete }));
    const endUs = lastUs + this.gapUs;
    if (firstUs < this.wholeFromUs) {
      if (!withGone) return [];
      const rows = this.reader.finishWithGone(all, firstUs, endUs, published);
      return rows.map(row => ({ ...row, gone: true }));
    }
    if (withGone) return this.reader.finishWithGone(all, firstUs, endUs, published);
    return this.reader.finish(all, firstUs, endUs, published).rows;
  }

  /** It takes the pane's bounds: those of its events would move, and mean no session. */
  private overflowRows(startUs: number, { overflowing }: Reading): WindowRow[] {
    const found = overflowing.get(startUs);
    if (!found) return [];
    return this.reader.finish([found.overflow], startUs, startUs + this.gapUs, found.published).rows;
  }

  /**
   * Whether an overflow group may hold events of the session, or events that go on with it, join it with another or begin it earlier:
   * one of a pane that it lies in, or of the pane before or after.
   */
  private mayHide({ firstUs, lastUs, wholeIn }: Session, { overflowing }: Reading): boolean {
    const { gapUs } = this;
    if (overflowing.size === 0) return false;
    const beginUs = Math.floor(firstUs / gapUs) * gapUs - gapUs;
    for (let startUs = beginUs; startUs < lastUs + gapUs; startUs += gapUs) {
      if (overflowing.has(startUs) && !wholeIn.has(startUs)) return true;
    }
    return false;
  }

  private keyOf(group: readonly KeyPart[]): string {
    return groupKey(this.keys.map(column => group[column]!));
  }

  private pane(startUs: number): Pane {
    const merged = this.reader.gathered(0, startUs);
    const parts = new Map<string, Part>();
    let overflow: Group | undefined;
    for (const slot of merged.slots.values()) {
      const group = merged.at(slot);
      if (group.isOverflow) {
        overflow = group;
        continue;
      }
      const [firstUs, lastUs] = group.aggregates.slice(-2) as [number, number];
      const key = this.keyOf(group.groups);
      // Where sessions have several groups, one that is not seen here may be in the overflow group.
      const isWhole = this.isGroupKey && !group.isIncomplete;
      const part = parts.get(key);
      if (part === undefined) parts.set(key, { firstUs, lastUs, slots: [slot], isWhole });
      else {
        part.firstUs = Math.min(part.firstUs, firstUs);
        part.lastUs = Math.max(part.lastUs, lastUs);
        part.slots.push(slot);
      }
    }
    return { startUs, merged, parts, overflow };
  }

  /**
   * Index of a pane from which on every session that reaches into pane `at` (of `wanted` keys) is read whole: they begin
   * after it, where its overflow group may hide an earlier beginning. Undefined where that is too far back.
   */
  private reachBack(starts: readonly number[], at: number, wanted: ReadonlySet<string>): number | undefined {
    if (at === 0) return 0;
    let later = this.pane(starts[at]!);
    let keys = new Set([...later.parts.keys()].filter(key => wanted.has(key)));
    let index = at;
    while (index > 0 && keys.size > 0) {
      if (at - index >= lookBackMax) return undefined;
      if (starts[index]! - starts[index - 1]! > this.gapUs) break;
      const earlier = this.pane(starts[index - 1]!);
      keys = new Set([...keys].filter(key => this.isLinked(earlier.parts.get(key), later.parts.get(key)!)));
      if (keys.size === 0) break;
      later = earlier;
      index--;
    }
    const hasNeighbour = index > 0 && starts[index]! - starts[index - 1]! <= this.gapUs;
    return hasNeighbour ? index - 1 : index;
  }

  private isLinked(earlier: { lastUs: number } | undefined, later: Part): boolean {
    return earlier !== undefined && later.firstUs - earlier.lastUs < this.gapUs;
  }

  /** Continues open sessions with a pane and, unless `onlyOpen`, begins new ones. */
  private extend(pane: Pane, { open, sessions, overflowing }: Reading, onlyOpen: boolean): void {
    const { startUs, overflow } = pane;
    if (overflow) overflowing.set(startUs, { overflow, published: pane.merged.published });
    for (const [key, part] of pane.parts) {
      let session = open.get(key);
      if (!this.isLinked(session, part)) {
        open.delete(key);
        if (onlyOpen) continue;
        const { firstUs, lastUs } = part;
        const groups = new MergedGroups(this.version.plan.sources[0]!.aggregates);
        session = { key, firstUs, lastUs, published: 0, groups, wholeIn: new Set() };
        sessions.push(session);
        open.set(key, session);
      }
      session!.lastUs = part.lastUs;
      session!.published += pane.merged.published;
      if (overflow && part.isWhole) session!.wholeIn.add(startUs);
      for (const slot of part.slots) session!.groups.addGroup(pane.merged, slot);
    }
  }
}

/** Sessions that begin together stand in one order however their panes were read. */
function byStart(a: Session, b: Session): number {
  return a.firstUs - b.firstUs || (a.key < b.key ? -1 : 1);
}
