// The sessions of a view in a range of event time, read from its panes (windows/session.ts says how they are made of them).
import type { KeyPart } from '../../store/state-key.ts';
import type { WindowRow } from '../view.ts';
import { groupKey } from '../windows/group-registry.ts';
import { type Group, MergedGroups } from '../windows/merged-groups.ts';
import { sessionKeyColumns } from '../windows/session.ts';
import type { ViewVersion } from './view-version.ts';

/** What it needs of whoever reads the panes. */
interface PaneReader {
  starts(index: number, fromUs: number, toUs: number): number[];
  gathered(index: number, startUs: number): MergedGroups;
  finish(groups: Group[], startUs: number, endUs: number, revision: number): { rows: WindowRow[] };
}

/** One key's part of one pane. */
interface Part {
  firstUs: number;
  lastUs: number;
  slots: number[];
}

interface Pane {
  startUs: number;
  merged: MergedGroups;
  parts: Map<string, Part>;
}

interface Session {
  firstUs: number;
  lastUs: number;
  revision: number;
  groups: MergedGroups;
}

/** Panes looked through before a range for the beginning of the sessions that reach into it. */
const lookBackMax = 10_000;

export class SessionReader {
  private readonly version: ViewVersion;
  private readonly reader: PaneReader;
  private readonly keys: number[];
  private readonly gapUs: number;

  constructor(version: ViewVersion, reader: PaneReader) {
    this.version = version;
    this.reader = reader;
    this.keys = sessionKeyColumns(version.plan);
    this.gapUs = version.plan.window.kind === 'session' ? version.plan.window.gapMs * 1000 : 0;
  }

  /** Sessions with fromUs ≤ start < toUs by start; with `only`, those of some keys. */
  rows(fromUs: number, toUs: number): WindowRow[] {
    const { gapUs, reader } = this;
    const starts = reader.starts(0, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
    const first = starts.findIndex(start => start + gapUs > fromUs);
    if (first < 0) return [];
    const sessions: Session[] = [];
    const open = new Map<string, Session>();
    for (let at = this.reachBack(starts, first); at < starts.length; at++) {
      const isBeyond = starts[at]! >= toUs;
      if (isBeyond && ![...open.values()].some(({ lastUs }) => lastUs + gapUs > starts[at]!)) break;
      this.extend(this.pane(starts[at]!), open, sessions, isBeyond);
    }
    return sessions
      .filter(({ firstUs }) => firstUs >= fromUs && firstUs < toUs)
      .sort((a, b) => a.firstUs - b.firstUs)
      .flatMap(
        ({ groups, firstUs, lastUs, revision }) =>
          reader.finish(groups.groups(), firstUs, lastUs + gapUs, revision).rows,
      );
  }

  /** Sessions that hold one of these groups' cells of a pane. */
  around(startUs: number, groups: readonly (readonly KeyPart[])[]): WindowRow[] {
    const wanted = new Set(groups.map(group => this.keyOf(group)));
    const starts = this.reader.starts(0, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
    const at = starts.indexOf(startUs);
    if (at < 0) return [];
    const sessions: Session[] = [];
    const open = new Map<string, Session>();
    for (let i = this.reachBack(starts, at, wanted); i < starts.length; i++) {
      if (i > at && ![...open.values()].some(({ lastUs }) => lastUs + this.gapUs > starts[i]!)) break;
      const pane = this.pane(starts[i]!);
      for (const key of pane.parts.keys()) if (!wanted.has(key)) pane.parts.delete(key);
      this.extend(pane, open, sessions, i > at);
    }
    return sessions
      .filter(({ firstUs, lastUs }) => lastUs >= startUs && firstUs < startUs + this.gapUs)
      .flatMap(
        ({ groups: merged, firstUs, lastUs, revision }) =>
          this.reader.finish(merged.groups(), firstUs, lastUs + this.gapUs, revision).rows,
      );
  }

  private keyOf(group: readonly KeyPart[]): string {
    return groupKey(this.keys.map(column => group[column]!));
  }

  private pane(startUs: number): Pane {
    const merged = this.reader.gathered(0, startUs);
    const parts = new Map<string, Part>();
    for (const slot of merged.slots.values()) {
      const { groups, aggregates, isOverflow } = merged.at(slot);
      if (isOverflow) continue;
      const [firstUs, lastUs] = aggregates.slice(-2) as [number, number];
      const key = this.keyOf(groups);
      const part = parts.get(key);
      if (part === undefined) parts.set(key, { firstUs, lastUs, slots: [slot] });
      else {
        part.firstUs = Math.min(part.firstUs, firstUs);
        part.lastUs = Math.max(part.lastUs, lastUs);
        part.slots.push(slot);
      }
    }
    return { startUs, merged, parts };
  }

  /** Index of the pane where every session that reaches into pane `at` (of `wanted` keys, or any) has begun. */
  private reachBack(starts: readonly number[], at: number, wanted?: ReadonlySet<string>): number {
    let later = this.pane(starts[at]!);
    let keys = new Set([...later.parts.keys()].filter(key => wanted?.has(key) ?? true));
    let index = at;
    while (index > 0 && at - index < lookBackMax && keys.size > 0) {
      if (starts[index]! - starts[index - 1]! > this.gapUs) break;
      const earlier = this.pane(starts[index - 1]!);
      keys = new Set([...keys].filter(key => this.isLinked(earlier.parts.get(key), later.parts.get(key)!)));
      if (keys.size === 0) break;
      later = earlier;
      index--;
    }
    return index;
  }

  private isLinked(earlier: { lastUs: number } | undefined, later: Part): boolean {
    return earlier !== undefined && later.firstUs - earlier.lastUs < this.gapUs;
  }

  /** Continues open sessions with a pane and, unless `onlyOpen`, begins new ones. */
  private extend(pane: Pane, open: Map<string, Session>, sessions: Session[], onlyOpen: boolean): void {
    for (const [key, part] of pane.parts) {
      let session = open.get(key);
      if (!this.isLinked(session, part)) {
        open.delete(key);
        if (onlyOpen) continue;
        const groups = new MergedGroups(this.version.plan.sources[0]!.aggregates);
        session = { firstUs: part.firstUs, lastUs: part.lastUs, revision: 0, groups };
        sessions.push(session);
        open.set(key, session);
      }
      session!.lastUs = Math.max(session!.lastUs, part.lastUs);
      session!.revision += pane.merged.revision;
      for (const slot of part.slots) session!.groups.addGroup(pane.merged, slot);
    }
  }
}
