// Audit: is a view what a batch run over the same events says? The view's SELECT is run by DuckDB over the history, grouped
// by the view's windows, and compared with the windows the engine keeps: exact aggregates must be equal, sketches
// within their bound. Events may go on arriving meanwhile.
import { MillraceError } from '../core/errors.ts';
import { parseTimeUs } from '../core/time-text.ts';
import { type AuditColumn, auditColumns, boundOf, type GroupColumn, groupColumns } from './audit/columns.ts';
import { isWithin } from './audit/comparable.ts';
import { matchGroups } from './audit/group-match.ts';
import type { AuditDifference, AuditReport } from './audit-report.ts';
import type { Engine, ViewPage } from './engine.ts';
import type { Plan } from './plan/plan.ts';
import { anyValue } from './plan/sql/any-sql.ts';
import { type PlanSqlOptions, planSql, readsMixed } from './plan/sql/plan-sql.ts';
import { SessionAudit } from './session-audit.ts';
import type { ViewValue, WindowRow } from './view.ts';

export interface AuditOptions {
  engine: Pick<Engine, 'page' | 'settled'>;
  plan: Plan;
  /** The resolutions to compare; default: all that are kept. */
  everyMs?: readonly number[];
  /** Event-time range, µs; default: all windows that are kept. */
  fromUs?: number;
  toUs?: number;
  /** Where DuckDB finds the events that are in a page's windows, and no others. */
  history: (page: ViewPage) => Promise<PageHistory>;
  /** Runs SQL; rows of JSON-ready values (times as ISO 8601 or SQL text, large integers as text). */
  runSql: (sql: string) => Promise<readonly (readonly ViewValue[])[]>;
  /** Called after each step with the share done, 0–1. */
  onProgress?: (done: number) => void;
  /** Ends it between two pages. */
  signal?: AbortSignal;
  /** Differences listed; all are counted. Default 100. */
  differencesMax?: number;
}

export interface PageHistory extends Pick<PlanSqlOptions, 'events' | 'lookup'> {
  /** From which event time on it is known what events were joined with; windows that start before are not compared. */
  fromUs?: number;
}

/** Windows compared by one SQL query. */
const windowsMax = 500;
const rowsMax = 100_000;
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
  /** By output; see output-bound-sql.ts. */
  bounds: readonly ViewValue[];
  /** HAVING lets it through or not, by what the numbers in it may be off. */
  isDoubtful: boolean;
}

/** The columns of a page's view as its history has them. */
interface Columns {
  all: AuditColumn[];
  groups: GroupColumn[];
}

class Audit {
  readonly report: AuditReport;
  private readonly options: AuditOptions;
  private readonly plan: Plan;
  private readonly sessions: SessionAudit | undefined;

  constructor(options: AuditOptions) {
    this.options = options;
    this.plan = options.plan;
    this.sessions = SessionAudit.of(options);
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
    await this.sessions?.look(everyMs);
    await this.pages(everyMs, onProgress);
    const together = await this.sessions?.compare(everyMs);
    this.report.values += together?.values ?? 0;
    for (const difference of together?.differences ?? []) this.differ(difference);
  }

  /** Page by page: each stands for itself, the windows and their events at one moment, so that events may go on arriving. */
  private async pages(everyMs: number, onProgress: (done: number) => void): Promise<void> {
    const { engine, plan, toUs, signal } = this.options;
    let { fromUs } = this.options;
    let firstUs = 0;
    let lastUs = 0;
    for (let pages = 1; ; pages++) {
      signal?.throwIfAborted();
      const question = { view: plan.name, everyMs, fromUs, toUs, rowsMax, windowsMax };
      const page = await engine.page(question);
      if (page.served[plan.name]!.plan.version !== plan.version) {
        throw new MillraceError('view-changed', `The view "${plan.name}" was changed during its audit.`, {
          status: 409,
          remedy: 'Audit it again.',
          canRetry: true,
        });
      }
      await this.page(everyMs, page, fromUs, pages > 1);
      // Spans leave no gap, so that a window which the view lost is missed.
      fromUs = page.nextUs;
      if (pages === 1) {
        firstUs = page.rows[0]?.startUs ?? 0;
        lastUs = page.lastUs ?? 0;
      }
      // Windows that have come since are for the next audit: events may arrive faster than they are compared.
      if (fromUs === undefined || fromUs > lastUs) return;
      onProgress((fromUs - firstUs) / Math.max(1, lastUs - firstUs));
    }
  }

  /** All windows from `from` up to the next page: those of the view, and those of the batch. `hasBefore`: a page ended there. */
  private async page(
    everyMs: number,
    page: ViewPage,
    from: number | undefined,
    hasBefore: boolean,
  ): Promise<void> {
    const history = await this.options.history(page);
    this.sessions?.note(page.rows);
    const first = page.rows[0]?.startUs ?? Number.POSITIVE_INFINITY;
    const kept = page.keptFromUs ?? Number.NEGATIVE_INFINITY;
    const never = Number.NEGATIVE_INFINITY;
    const fromUs = Math.max(from ?? never, history.fromUs ?? never, Math.min(first, kept));
    const toUs = page.nextUs ?? this.options.toUs ?? Number.POSITIVE_INFINITY;
    const windows = new Map<number, WindowRow[]>();
    for (const row of page.rows) {
      if (row.startUs < fromUs) continue;
      const window = windows.get(row.startUs);
      if (window) window.push(row);
      else windows.set(row.startUs, [row]);
    }
    await this.span(everyMs, [...windows.values()], history, fromUs, toUs, hasBefore);
  }

  /** All windows that start from `fromUs` up to before `toUs`: those of the view, each with all its rows, and those of the batch. */
  private async span(
    everyMs: number,
    windows: readonly WindowRow[][],
    { events, lookup }: PageHistory,
    fromUs: number,
    toUs: number,
    hasBefore: boolean,
  ): Promise<void> {
    const { window } = this.plan;
    const all = auditColumns(this.plan, readsMixed(this.plan, events));
    const columns = { all, groups: groupColumns(all) };
    const lengthMs =
      window.kind === 'session' ? window.gapMs : window.kind === 'hopping' ? window.sizeMs : everyMs;
    // The events of windows that begin here; a session may go on that began in a span before, and ends by the events.
    const eventsFromUs = window.kind === 'session' && hasBefore ? fromUs - lengthMs * 1000 : fromUs;
    let endUs = toUs;
    if (window.kind === 'session') for (const row of windows.flat()) endUs = Math.max(endUs, row.endUs);
    const eventsToUs = endUs + lengthMs * 1000;
    const batch = await this.options.runSql(
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
    const width = all.length;
    for (const row of batch) {
      const startUs = timeOf(row[0]!)!;
      if (this.sessions?.mayHide(startUs, timeOf(row[1]!)!)) continue;
      const rows = byWindow.get(startUs);
      const answered = row.slice(2).map(anyValue);
      const values = {
        values: answered.slice(0, width),
        bounds: answered.slice(width, 2 * width),
        isDoubtful: answered[2 * width] === true,
      };
      if (rows) rows.push(values);
      else byWindow.set(startUs, [values]);
    }
    for (const all of windows) {
      const { startUs } = all[0]!;
      const rows = all.filter(row => !this.sessions?.mayHide(row.startUs, row.endUs));
      this.report.skipped += all.length - rows.length;
      this.window(columns, everyMs, startUs, rows, byWindow.get(startUs) ?? []);
      byWindow.delete(startUs);
    }
    for (const [startUs, rows] of byWindow) {
      if (startUs >= fromUs && startUs < toUs) this.window(columns, everyMs, startUs, [], rows);
    }
  }

  private window(
    columns: Columns,
    everyMs: number,
    startUs: number,
    rows: readonly WindowRow[],
    batch: readonly BatchRow[],
  ): void {
    this.report.windows++;
    if (rows.some(row => row.overflow || row.incomplete)) {
      this.report.skipped += rows.length;
      this.totals(columns, everyMs, startUs, rows, batch);
      return;
    }
    this.report.rows += rows.length;
    const pairs = matchGroups<Pick<WindowRow, 'values'> | BatchRow>(
      columns.groups,
      rows,
      batch,
      row => row.values,
    );
    for (const { group, engine, batch: other } of pairs) {
      const place = { everyMs, startUs, group: group.map(inJson) };
      if (!other) this.differ({ ...place, reason: 'not in the batch' });
      else if (!engine) {
        if ((other as BatchRow).isDoubtful) this.report.skipped++;
        else this.differ({ ...place, reason: 'missing in the view' });
      } else this.row(columns, place, engine.values, other as BatchRow);
    }
  }

  /** Of a window with an overflow group: which group an event went to is not known, but none is lost or counted twice. */
  private totals(
    columns: Columns,
    everyMs: number,
    startUs: number,
    rows: readonly WindowRow[],
    batch: readonly BatchRow[],
  ): void {
    const { plan } = this;
    if (plan.having || plan.limit !== undefined || plan.sources.some(({ view }) => view)) return;
    columns.all.forEach(({ name, isTotal }, index) => {
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
    columns: Columns,
    place: Pick<AuditDifference, 'everyMs' | 'startUs' | 'group'>,
    values: readonly ViewValue[],
    batch: BatchRow,
  ): void {
    columns.all.forEach(({ name, isGroup, isExact, isEqual }, index) => {
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
  return typeof value === 'string' ? parseTimeUs(value) : typeof value === 'number' ? value : undefined;
}
