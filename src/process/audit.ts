// Audit: is a view what a batch run over the same events says? The view's SELECT is run by DuckDB over the history, grouped
// by the view's windows, and compared with the windows the engine keeps: exact aggregates must be equal, sketches
// within their bound.
import { parseIsoUs } from '../core/time.ts';
import { type AuditColumn, auditColumns, boundOf, type GroupColumn, groupColumns } from './audit/columns.ts';
import { isWithin } from './audit/comparable.ts';
import { matchGroups } from './audit/group-match.ts';
import type { Engine } from './engine.ts';
import type { Plan } from './plan/plan.ts';
import { anyValue } from './plan/sql/any-sql.ts';
import { type PlanSqlOptions, planSql, readsMixed } from './plan/sql/plan-sql.ts';
import type { ViewValue, WindowRow } from './view.ts';

export interface AuditOptions {
  engine: Pick<Engine, 'query' | 'settled'>;
  plan: Plan;
  /** The resolutions to compare; default: all that are kept. */
  everyMs?: readonly number[];
  /** Event-time range, µs; default: all windows that are kept. */
  fromUs?: number;
  toUs?: number;
  /** From when on a resolution's windows are kept, µs; null is for ever. Default: none is missed before the first that is there. */
  keptFromUs?: (everyMs: number) => number | null;
  /** Where DuckDB finds the events: all that the view has taken in. */
  events: PlanSqlOptions['events'];
  lookup?: PlanSqlOptions['lookup'];
  /** Runs SQL; rows of JSON-ready values (times as ISO 8601 or SQL text, large integers as text). */
  runSql: (sql: string) => Promise<readonly (readonly ViewValue[])[]>;
  /** Called after each step with the share done, 0–1. */
  onProgress?: (done: number) => void;
  /** Differences listed; all are counted. Default 100. */
  differencesMax?: number;
}

export interface AuditDifference {
  everyMs: number;
  startUs: number;
  /** Values of the group columns. */
  group: ViewValue[];
  /** The column that differs, or absent where a whole row is missing. */
  column?: string;
  engine?: ViewValue;
  batch?: ViewValue;
  reason: 'missing in the view' | 'not in the batch' | 'not equal' | 'beyond its bound';
}

export interface AuditReport {
  view: string;
  windows: number;
  rows: number;
  values: number;
  /** Rows compared in total only: overflow groups, groups that came after them, and windows whose groups they touch. */
  skipped: number;
  differenceCount: number;
  differences: AuditDifference[];
}

/** A view that could not be compared, and why. */
export interface AuditFailure {
  view: string;
  reason: string;
}

/** Windows compared by one SQL query. */
const windowsAtOnce = 500;
const rowsAtOnce = 100_000;
/** A bound of adding up sums. */
const addedShare = 1e-12;

/** Compares; throws what the engine and `runSql` throw, and nothing for differences. */
export async function auditView(options: AuditOptions): Promise<AuditReport> {
  const audit = new Audit(options);
  await options.engine.settled();
  const resolutions = options.everyMs ?? options.plan.keepMs.map(({ everyMs }) => everyMs);
  for (const [index, everyMs] of resolutions.entries()) {
    await audit.resolution(everyMs, done => options.onProgress?.((index + done) / resolutions.length));
  }
  options.onProgress?.(1);
  return audit.report;
}

interface BatchRow {
  values: readonly ViewValue[];
  /** By output; see bound-sql.ts. */
  bounds: readonly ViewValue[];
}

class Audit {
  readonly report: AuditReport;
  private readonly options: AuditOptions;
  private readonly plan: Plan;
  private readonly columns: AuditColumn[];
  private readonly groups: GroupColumn[];

  constructor(options: AuditOptions) {
    this.options = options;
    this.plan = options.plan;
    this.columns = auditColumns(options.plan, readsMixed(options.plan, options.events));
    this.groups = groupColumns(this.columns);
    this.report = {
      view: options.plan.name,
      windows: 0,
      rows: 0,
      values: 0,
      skipped: 0,
      differenceCount: 0,
      differences: [],
    };
  }

  async resolution(everyMs: number, onProgress: (done: number) => void): Promise<void> {
    let rows: WindowRow[] = [];
    const { engine, plan, fromUs, toUs, keptFromUs } = this.options;
    /** Where the next span begins: spans leave no gap, so that a window which the view lost is missed. */
    let nextUs = keptFromUs?.(everyMs);
    if (nextUs === null) nextUs = Number.NEGATIVE_INFINITY;
    if (nextUs !== undefined && fromUs !== undefined) nextUs = Math.max(nextUs, fromUs);
    const windows = new Map<number, WindowRow[]>();
    let isFirst = true;
    let cursor: string | undefined;
    const compare = async (isLast: boolean): Promise<void> => {
      const starts = [...windows.keys()];
      // The last window may go on in the next page.
      const ready = isLast ? starts : starts.slice(0, -1);
      if (ready.length === 0) return;
      const spanned = ready.map(start => windows.get(start)!);
      const [first, afterLast] = [ready[0]!, ready.at(-1)! + 1];
      await this.span(everyMs, spanned, Math.min(first, nextUs ?? first), afterLast, !isFirst);
      nextUs = afterLast;
      isFirst = false;
      for (const start of ready) windows.delete(start);
    };
    let seen = 0;
    do {
      const page = await engine.query({ view: plan.name, everyMs, fromUs, toUs, limit: rowsAtOnce, cursor });
      rows = page.rows;
      cursor = page.next;
      for (const row of rows) {
        if (!windows.has(row.startUs) && windows.size >= windowsAtOnce) {
          await compare(true);
          onProgress(1 - 1 / ++seen);
        }
        const window = windows.get(row.startUs);
        if (window) window.push(row);
        else windows.set(row.startUs, [row]);
      }
      await compare(cursor === undefined);
    } while (cursor !== undefined);
    if (nextUs !== undefined)
      await this.span(everyMs, [], nextUs, toUs ?? Number.POSITIVE_INFINITY, !isFirst);
  }

  /** All windows that start from `fromUs` up to before `toUs`: those of the view, each with all its rows, and those of the batch. */
  private async span(
    everyMs: number,
    windows: readonly WindowRow[][],
    fromUs: number,
    toUs: number,
    hasBefore: boolean,
  ): Promise<void> {
    const { events, lookup, runSql } = this.options;
    const { window } = this.plan;
    const lengthMs =
      window.kind === 'session' ? window.gapMs : window.kind === 'hopping' ? window.sizeMs : everyMs;
    // The events of windows that begin here; a session may go on that began in a span before, and ends by the events.
    const eventsFromUs = window.kind === 'session' && hasBefore ? fromUs - lengthMs * 1000 : fromUs;
    let endUs = toUs;
    if (window.kind === 'session') for (const row of windows.flat()) endUs = Math.max(endUs, row.endUs);
    const eventsToUs = endUs + lengthMs * 1000;
    const batch = await runSql(
      planSql(this.plan, {
        events,
        lookup,
        everyMs,
        bounds: true,
        ...(Number.isFinite(eventsFromUs) ? { fromUs: eventsFromUs } : {}),
        ...(Number.isFinite(eventsToUs) ? { toUs: eventsToUs } : {}),
      }),
    );
    const byWindow = new Map<number, BatchRow[]>();
    const width = this.columns.length;
    for (const row of batch) {
      const startUs = timeOf(row[0]!)!;
      const rows = byWindow.get(startUs);
      const all = row.slice(2).map(anyValue);
      const values = { values: all.slice(0, width), bounds: all.slice(width) };
      if (rows) rows.push(values);
      else byWindow.set(startUs, [values]);
    }
    for (const rows of windows) {
      const { startUs } = rows[0]!;
      this.window(everyMs, startUs, rows, byWindow.get(startUs) ?? []);
      byWindow.delete(startUs);
    }
    for (const [startUs, rows] of byWindow) {
      if (startUs >= fromUs && startUs < toUs) this.window(everyMs, startUs, [], rows);
    }
  }

  private window(
    everyMs: number,
    startUs: number,
    rows: readonly WindowRow[],
    batch: readonly BatchRow[],
  ): void {
    this.report.windows++;
    if (rows.some(row => row.overflow || row.incomplete)) {
      this.report.skipped += rows.length;
      this.totals(everyMs, startUs, rows, batch);
      return;
    }
    this.report.rows += rows.length;
    const pairs = matchGroups<Pick<WindowRow, 'values'> | BatchRow>(
      this.groups,
      rows,
      batch,
      row => row.values,
    );
    for (const { group, engine, batch: other } of pairs) {
      const place = { everyMs, startUs, group: group.map(inJson) };
      if (!other) this.differ({ ...place, reason: 'not in the batch' });
      else if (!engine) this.differ({ ...place, reason: 'missing in the view' });
      else this.row(place, engine.values, other as BatchRow);
    }
  }

  /** Of a window with an overflow group: which group an event went to is not known, but none is lost or counted twice. */
  private totals(
    everyMs: number,
    startUs: number,
    rows: readonly WindowRow[],
    batch: readonly BatchRow[],
  ): void {
    const { plan } = this;
    if (plan.having || plan.limit !== undefined || plan.sources.some(({ view }) => view)) return;
    this.columns.forEach(({ name, isTotal }, index) => {
      if (!isTotal) return;
      this.report.values++;
      const engine = sum(rows.map(({ values }) => values[index]!));
      const exact = sum(batch.map(({ values }) => values[index]!));
      let bound = Number(sum(batch.map(({ bounds }) => boundOf(bounds[index]!))));
      // What is rounded is rounded once more where it is added here.
      if (bound > 0) bound += addedShare * Number(sum(batch.map(row => Math.abs(Number(row.values[index])))));
      if (isWithin(engine, exact, bound)) return;
      this.differ({
        everyMs,
        startUs,
        group: ['all groups together'],
        column: name,
        engine: Number(engine),
        batch: Number(exact),
        reason: 'not equal',
      });
    });
  }

  private row(
    place: Pick<AuditDifference, 'everyMs' | 'startUs' | 'group'>,
    values: readonly ViewValue[],
    batch: BatchRow,
  ): void {
    this.columns.forEach(({ name, isGroup, isExact, isEqual }, index) => {
      if (isGroup) return;
      this.report.values++;
      const [engine, exact] = [values[index]!, batch.values[index]!];
      if (isEqual(engine, exact, batch.bounds[index] ?? null)) return;
      const reason = isExact ? 'not equal' : 'beyond its bound';
      this.differ({ ...place, column: name, engine: inJson(engine), batch: inJson(exact), reason });
    });
  }

  private differ(difference: AuditDifference): void {
    this.report.differenceCount++;
    const { differences } = this.report;
    if (differences.length < (this.options.differencesMax ?? 100)) differences.push(difference);
  }
}

/** Whole numbers together keep all their digits. */
function sum(values: readonly ViewValue[]): number | bigint {
  const numbers = values.filter(value => value !== null);
  if (numbers.every(value => /^-?\d+$/.test(String(value))))
    return numbers.reduce((total: bigint, value) => total + BigInt(String(value)), 0n);
  return numbers.reduce((total: number, value) => total + Number(value), 0);
}

/** Numbers that JSON has not are their names. */
const inJson = (value: ViewValue): ViewValue =>
  typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;

function timeOf(value: ViewValue): number | undefined {
  return typeof value === 'string' ? parseIsoUs(value) : typeof value === 'number' ? value : undefined;
}
