// A window in memory. Its groups have places in the order they were admitted; a page is `pageGroups` neighbouring places, and
// what is written to the store when one of them has changed.
import type { WindowRecord } from '../state/state-rows.ts';
import { GroupTable } from './group-table.ts';

export interface HotWindow {
  startUs: number;
  /** Slots by place. */
  slots: number[];
  /** Slots by group. */
  table: GroupTable;
  record: WindowRecord;
  /** Bytes of its groups' values. */
  groupBytes: number;
  /** Slot of the overflow group, or −1. */
  overflow: number;
  /** It differs from the store. */
  isDirty: boolean;
  /** Pages that differ from the store; the first one always goes with the window's own row. */
  dirtyPages: boolean[];
  /** Bytes of its rows in the store by page, the first one's with the window's own. */
  storedBytes: number[];
  /** Groups that the store's row of it says. */
  storedGroups: number;
  /** Bytes of the rows written since the last commit that succeeded, by page. */
  writtenBytes: number[];
  /** It was not published as it is. */
  isChanged: boolean;
  /** Groups have left since the last publish: it must be sent whole. */
  isReplaced: boolean;
  /** Flush in which it was last written to. */
  touched: number;
}

export const pageGroups = 256;

export const pagesOf = (groups: number): number => Math.max(1, Math.ceil(groups / pageGroups));

/** Of its rows in the store. */
export const bytesOf = ({ storedBytes }: HotWindow): number =>
  storedBytes.reduce((sum, bytes) => sum + bytes, 0);

export const newWindow = (startUs: number): HotWindow => ({
  startUs,
  slots: [],
  table: new GroupTable(),
  groupBytes: 0,
  record: { published: 0, groups: 0, events: 0, isCompacted: false, hasOverflow: false },
  overflow: -1,
  isDirty: false,
  dirtyPages: [],
  storedBytes: [],
  storedGroups: 0,
  writtenBytes: [],
  isChanged: false,
  isReplaced: false,
  touched: 0,
});
