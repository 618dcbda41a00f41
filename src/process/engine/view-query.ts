// Answers ViewQuery: which windows of which resolution, conditions on group columns, order, limit and cursor.
import { formatDuration } from '../../core/duration.ts';
import { MillraceError } from '../../core/errors.ts';
import type { ReadableView } from '../derived/derived-view.ts';
import { scalarOrder } from '../plan/functions/scalar-order.ts';
import { type SessionPage, SessionReader } from '../view/session-rows.ts';
import { ViewVersion } from '../view/view-version.ts';
import { WindowReader } from '../view/window-rows.ts';
import type { ViewColumn, ViewQuery, ViewResult, ViewValue, WindowRow } from '../view.ts';
import { levelOptionsOf } from '../windows/cut.ts';

const limitDefault = 10_000;
const limitMax = 100_000;
const windowsDefaultMax = 2000;
/** Characters of texts at which a page ends, whatever its limit. */
const pageTextMax = 32 * 1024 * 1024;
/** Rows that an order of the caller's own may have to look at. */
const sortedMax = 1_000_000;

const badQuery = (message: string, remedy?: string): MillraceError =>
  new MillraceError('bad-query', message, { status: 400, remedy });

type Condition = NonNullable<ViewQuery['where']>[number];

/** A view as queries see it. */
export type QueriedView = Pick<ReadableView, 'plan' | 'columns' | 'watermarkUs' | 'cutUs'>;

/** Its windows. */
export type QueriedWindows = Pick<WindowReader, 'starts' | 'window' | 'total'>;

export function queryView(version: QueriedView, reader: QueriedWindows, query: ViewQuery): ViewResult {
  const { plan } = version;
  const { columns } = version;
  const limit = query.limit ?? limitDefault;
  if (!(Number.isInteger(limit) && limit >= 1 && limit <= limitMax)) {
    throw badQuery(`limit is ${query.limit}.`, `Give a whole number from 1 to ${limitMax}.`);
  }
  const fromUs = query.fromUs ?? Number.NEGATIVE_INFINITY;
  const toUs = query.toUs ?? Number.POSITIVE_INFINITY;
  if (!(fromUs <= toUs)) throw badQuery('The range ends before it begins.', 'Give from before to.');
  const keep = conditionsOf(query.where ?? [], columns);
  const answer = (rows: WindowRow[], everyMs: number | 'total', next?: string): ViewResult => ({
    view: plan.name,
    everyMs,
    columns,
    rows,
    watermarkUs: version.watermarkUs,
    ...(next === undefined ? {} : { next }),
  });
  const start = parseCursor(query.cursor);
  const resolutions = levelOptionsOf(plan).map(({ everyMs }) => everyMs);
  if (query.everyMs === 'total') {
    const rows = totalRows(version, reader, fromUs, toUs).filter(keep);
    return sorted(rows, query.order ?? [], columns, limit, start.skip, (page, next) =>
      answer(page, 'total', next),
    );
  }
  if (plan.window.kind === 'session' && version instanceof ViewVersion && reader instanceof WindowReader) {
    const { gapMs } = plan.window;
    if (query.everyMs !== undefined && query.everyMs !== gapMs) {
      const gap = formatDuration(gapMs);
      throw badQuery(
        `The view is of sessions with a gap of ${gap}.`,
        `Leave every out, or give every=${gap}.`,
      );
    }
    const sessions = new SessionReader(version, reader);
    if (query.order !== undefined && query.order.length > 0) {
      const rows = sessions.rows(fromUs, toUs).filter(keep);
      return sorted(rows, query.order, columns, limit, start.skip, (page, next) => answer(page, gapMs, next));
    }
    const { rows, next } = sessionsByStart(sessions, fromUs, toUs, start, limit, keep);
    return answer(rows, gapMs, next && cursorOf(next));
  }
  const index = levelFor(query.everyMs, resolutions, reader, fromUs, toUs);
  const everyMs = resolutions[index]!;
  if (query.order !== undefined && query.order.length > 0) {
    const rows: WindowRow[] = [];
    for (const startUs of reader.starts(index, fromUs, toUs)) {
      for (const row of reader.window(index, startUs).rows) if (keep(row)) rows.push(row);
      if (rows.length > sortedMax)
        throw badQuery(`More than ${sortedMax} rows to sort.`, 'Narrow the range.');
    }
    return sorted(rows, query.order, columns, limit, start.skip, (page, next) => answer(page, everyMs, next));
  }
  const rows: WindowRow[] = [];
  let text = 0;
  for (const startUs of reader.starts(index, Math.max(fromUs, start.startUs ?? fromUs), toUs)) {
    let place = 0;
    for (const row of reader.window(index, startUs).rows) {
      if (!keep(row)) continue;
      if (startUs === start.startUs && place < start.skip) {
        place++;
        continue;
      }
      if (rows.length === limit || text > pageTextMax) {
        return answer(rows, everyMs, cursorOf({ startUs, skip: place }));
      }
      rows.push(row);
      text += textOf(row.values);
      place++;
    }
  }
  return answer(rows, everyMs);
}

interface Cursor {
  startUs?: number;
  skip: number;
}

const cursorOf = (cursor: Cursor): string => Buffer.from(JSON.stringify(cursor)).toString('base64url');

function parseCursor(text: string | undefined): Cursor {
  if (text === undefined) return { skip: 0 };
  try {
    const cursor = JSON.parse(Buffer.from(text, 'base64url').toString()) as Cursor;
    const isStart = cursor.startUs === undefined || Number.isSafeInteger(cursor.startUs);
    if (isStart && Number.isInteger(cursor.skip) && cursor.skip >= 0) return cursor;
  } catch {
    // Falls through to the error.
  }
  throw badQuery('The cursor is none of ours.', 'Give `next` of the previous answer as it was.');
}

/** Rows of sessions in the order of their starts, no more of which are read than that takes. */
function sessionsByStart(
  sessions: SessionReader,
  fromUs: number,
  toUs: number,
  start: Cursor,
  limit: number,
  keep: (row: WindowRow) => boolean,
): { rows: WindowRow[]; next?: Cursor } {
  const rows: WindowRow[] = [];
  let text = 0;
  let from: number | undefined = Math.max(fromUs, start.startUs ?? fromUs);
  for (let startsMax = limit + 1; from !== undefined; startsMax *= 2) {
    const page: SessionPage = sessions.page(from, toUs, { startsMax });
    let place = 0;
    let startUs: number | undefined;
    for (const row of page.rows.filter(keep)) {
      if (row.startUs !== startUs) {
        startUs = row.startUs;
        place = 0;
      }
      if (startUs !== start.startUs || place >= start.skip) {
        if (rows.length === limit || text > pageTextMax) return { rows, next: { startUs, skip: place } };
        rows.push(row);
        text += textOf(row.values);
      }
      place++;
    }
    from = page.nextUs;
  }
  return { rows };
}

function levelFor(
  everyMs: number | undefined,
  resolutions: readonly number[],
  reader: QueriedWindows,
  fromUs: number,
  toUs: number,
): number {
  if (everyMs !== undefined) {
    const index = resolutions.indexOf(everyMs);
    if (index >= 0) return index;
    throw badQuery(
      `The view has no resolution of ${formatDuration(everyMs)}.`,
      `It has ${resolutions.map(formatDuration).join(', ')}, and total.`,
    );
  }
  for (let index = 0; index < resolutions.length - 1; index++) {
    // What is no longer kept at this resolution must not hide what a coarser one still has.
    const coarser = reader.starts(resolutions.length - 1, fromUs, toUs);
    const starts = reader.starts(index, fromUs, toUs);
    const reach = (coarser[0] ?? Number.POSITIVE_INFINITY) + resolutions.at(-1)! * 1000;
    if (starts.length <= windowsDefaultMax && (starts[0] ?? Number.POSITIVE_INFINITY) < reach) return index;
  }
  return resolutions.length - 1;
}

/** The finest windows of the range, with coarser ones wherever they lie inside it or finer ones are no longer kept. */
function totalRows(version: QueriedView, reader: QueriedWindows, fromUs: number, toUs: number): WindowRow[] {
  const levels = levelOptionsOf(version.plan);
  const chosen: { index: number; startUs: number }[] = [];
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  const take = (index: number, startUs: number): void => {
    chosen.push({ index, startUs });
    low = Math.min(low, startUs);
    high = Math.max(high, startUs + levels[index]!.sizeUs);
  };
  if (version.plan.window.kind !== 'tumbling') {
    throw badQuery('Sessions, and windows that overlap, have no total.', 'Ask for the windows.');
  }
  const cover = (index: number, from: number, to: number): void => {
    const { sizeUs } = levels[index]!;
    for (const startUs of reader.starts(index, from === -Infinity ? from : from - sizeUs + 1, to)) {
      const endUs = startUs + sizeUs;
      if (index === 0 || (startUs >= from && endUs <= to)) {
        // Finest windows belong to the range by their start.
        if (index > 0 || startUs >= from || endUs > from) take(index, startUs);
        continue;
      }
      const cut = version.cutUs(levels[index - 1]!);
      if (Math.max(startUs, from) < cut) take(index, startUs);
      else cover(index - 1, Math.max(startUs, from), Math.min(endUs, to));
    }
  };
  cover(levels.length - 1, fromUs, toUs);
  if (chosen.length === 0) return [];
  return reader.total(chosen, low, high).rows;
}

function sorted<Answer>(
  rows: WindowRow[],
  order: NonNullable<ViewQuery['order']>,
  columns: readonly ViewColumn[],
  limit: number,
  skip: number,
  answer: (page: WindowRow[], next?: string) => Answer,
): Answer {
  const keys = order.map(({ column, descending }) => ({ pick: pickOf(column, columns), descending }));
  if (keys.length > 0) {
    rows.sort((a, b) => {
      for (const { pick, descending } of keys) {
        const [left, right] = [pick(a), pick(b)];
        if (left === null && right === null) continue;
        if (left === null || right === null) return left === null ? 1 : -1;
        const compared = compareValues(left, right);
        if (compared !== 0) return descending ? -compared : compared;
      }
      return a.startUs - b.startUs;
    });
  }
  let end = skip;
  for (let text = 0; end < Math.min(rows.length, skip + limit) && text <= pageTextMax; end++) {
    text += textOf(rows[end]!.values);
  }
  const page = rows.slice(skip, end);
  return rows.length > end ? answer(page, cursorOf({ skip: end })) : answer(page);
}

/** Characters of the texts in a value. */
function textOf(value: ViewValue): number {
  if (typeof value === 'string') return value.length;
  if (value === null || typeof value !== 'object') return 0;
  let length = 0;
  for (const part of Array.isArray(value) ? value : Object.values(value)) length += textOf(part);
  return length;
}

function pickOf(name: string, columns: readonly ViewColumn[]): (row: WindowRow) => ViewValue {
  const index = columns.findIndex(column => column.name === name);
  if (index >= 0) return row => row.values[index]!;
  if (name === 'start' || name === 'startUs') return row => row.startUs;
  throw badQuery(
    `There is no column "${name}".`,
    `There are ${columns.map(column => column.name).join(', ')}.`,
  );
}

/** Lists and structs keep their places. */
function compareValues(a: NonNullable<ViewValue>, b: NonNullable<ViewValue>): number {
  if (typeof a === 'object' || typeof b === 'object') return 0;
  return scalarOrder(a, b);
}

function conditionsOf(
  where: readonly Condition[],
  columns: readonly ViewColumn[],
): (row: WindowRow) => boolean {
  const tests = where.map(condition => {
    const index = columns.findIndex(column => column.name === condition.column);
    if (index < 0 || columns[index]!.role !== 'group') {
      const names = columns.filter(({ role }) => role === 'group').map(({ name }) => name);
      throw badQuery(
        `"${condition.column}" is no group column.`,
        `Group columns: ${names.join(', ') || 'none'}.`,
      );
    }
    const test = testOf(condition);
    return (row: WindowRow): boolean => test(row.values[index]!);
  });
  return row => tests.every(test => test(row));
}

/** As SQL would, but that NULL equals NULL: a page that filters by a shown value means that value. */
function testOf({ op, value }: Condition): (found: ViewValue) => boolean {
  const isSame = (found: ViewValue, wanted: ViewValue): boolean =>
    found === wanted || (found !== null && wanted !== null && String(found) === String(wanted));
  if (op === '=') return found => isSame(found, value as ViewValue);
  if (op === '!=') return found => !isSame(found, value as ViewValue);
  if (op === 'in') {
    if (!Array.isArray(value)) throw badQuery('"in" wants a list of values.');
    return found => value.some(wanted => isSame(found, wanted));
  }
  if (op !== 'like')
    throw badQuery(`There is no condition "${String(op)}".`, 'There are =, !=, in and like.');
  const matches = likeMatcher(String(value));
  return found => found !== null && matches(String(found));
}

/** SQL's LIKE by greedy matching of the parts between `%`: linear for any pattern. */
export function likeMatcher(pattern: string): (text: string) => boolean {
  const parts = pattern.split('%').map(part => [...part]);
  const fits = (text: string[], at: number, part: string[]): boolean =>
    at >= 0 && at + part.length <= text.length && part.every((c, i) => c === '_' || c === text[at + i]);
  return whole => {
    const text = [...whole];
    const first = parts[0]!;
    const last = parts[parts.length - 1]!;
    if (parts.length === 1) return text.length === first.length && fits(text, 0, first);
    if (!fits(text, 0, first) || !fits(text, text.length - last.length, last)) return false;
    const end = text.length - last.length;
    let at = first.length;
    if (at > end) return false;
    for (const part of parts.slice(1, -1)) {
      while (at + part.length <= end && !fits(text, at, part)) at++;
      if (at + part.length > end) return false;
      at += part.length;
    }
    return true;
  };
}
