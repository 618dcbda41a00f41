// Audit: is a view what a batch run over the same events says? The view's SELECT is run by DuckDB over the history, grouped
// by the view's windows, and compared with the windows the engine keeps: exact aggregates must be equal, sketches
// within their bound. Events may go on arriving meanwhile.
import { MillraceError } from '../../core/errors.ts';
import { parseTimeUs } from '../../core/time-text.ts';
import type { AuditDifference, AuditReport } from '../audit-report.ts';
import type { ViewPage } from '../engine.ts';
import type { Plan } from '../plan/plan.ts';
import { anyValue } from '../plan/sql/any-sql.ts';
import { planSql } from '../plan/sql/plan-sql.ts';
import type { ViewValue, WindowRow } from '../view.ts';
import type { AuditOptions, PageHistory } from './audit-options.ts';
import { type AuditColumn, auditColumns, type GroupColumn, groupColumns } from './columns.ts';
import { matchGroups } from './group-match.ts';
import { capBelow, closeBelow, nothingAddsUp, unknownContents } from './not-compared.ts';
import { SessionAudit } from './session-audit.ts';
import { added, isTotal, totalInJson, totalOf } from './totals.ts';

/** Windows compared by one SQL query. */
const windowsMax = 500;
const rowsMax = 100_000;

/** Compares; throws what the engine and `runSql` throw, and nothing for differences. */
export async function auditView(given: AuditOptions): Promise<AuditReport> {
  const options = given.signal ? stoppable(given, given.signal) : given;
  const audit = new Audit(options);
  await options.engine.settled();
  const resolutions = options.everyMs ?? options.plan.keepMs.map(({ everyMs }) => everyMs);
  for (const [index, everyMs] of resolutions.entries()) {
    await audit.resolution(everyMs, done => options.onProgress?.((index + done) / resolutions.length));
  }
  options.onProgress?.(1);
  return audit.report;
}

/** All that is waited for ends with the signal; what was asked of others is theirs to end. */
function stoppable(options: AuditOptions, signal: AbortSignal): AuditOptions {
  const { engine, history, runSql } = options;
  const wait = async <T>(begin: () => Promise<T>): Promise<T> => {
    signal.throwIfAborted();
    let stop: () => void = () => {};
    const stopped = new Promise<never>((_, reject) => {
      stop = () => reject(signal.reason);
    });
    signal.addEventListener('abort', stop);
    try {
      return await Promise.race([begin(), stopped]);
    } finally {
      signal.removeEventListener('abort', stop);
    }
  };
  return {
    ...options,
    engine: {
      settled: () => wait(() => engine.settled()),
      page: query => wait(() => engine.page(query)),
    },
    history: page => wait(() => history(page)),
    runSql: sql => wait(() => runSql(sql)),
  };
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

/**
 * Windows that start from `fromUs` up to before `toUs`, made of events from `eventsFromUs` on; of those that start before `knownFromUs` it
 * is not known what they were joined with.
 */
interface Span {
  knownFromUs: number;
  fromUs: number;
  toUs: number;
  eventsFromUs: number;
}

class Audit {
  readonly report: AuditReport;
  private readonly options: AuditOptions;
  private readonly plan: Plan;
  private readonly sessions: SessionAudit | undefined;
  /** Rows of sessions that an overflow group may hold a part of. */
  private hidden = 0;

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
      notCompared: [],
      differenceCount: 0,
      differences: [],
    };
  }

  async resolution(everyMs: number, onProgress: (done: number) => void): Promise<void> {
    await this.sessions?.look(everyMs);
    await this.pages(everyMs, onProgress);
    const together = await this.sessions?.compare(everyMs);
    if (together === undefined) return;
    if ('reason' in together) this.leaveOut(this.hidden, together.reason);
    else {
      this.report.skipped += this.hidden;
      this.report.values += together.values;
      for (const difference of together.differences) this.differ(difference);
    }
  }

  private leaveOut(rows: number, reason: string): void {
    if (rows === 0) return;
    const { notCompared } = this.report;
    const known = notCompared.find(one => one.reason === reason);
    if (known) known.rows += rows;
    else notCompared.push({ rows, reason });
  }

  /** Page by page: each stands for itself, the windows and their events at one moment, so that events may go on arriving. */
  private async pages(everyMs: number, onProgress: (done: number) => void): Promise<void> {
    const { engine, plan, toUs } = this.options;
    let { fromUs } = this.options;
    let firstUs = 0;
    let lastUs = 0;
    for (let pages = 1; ; pages++) {
      const question = { view: plan.name, everyMs, fromUs, toUs, rowsMax, windowsMax, withGone: true };
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
        firstUs = page.rows[0]?.startUs ?? page.nextUs ?? 0;
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
    const span = this.spanOf(page, from, history, hasBefore);
    const windows = new Map<number, WindowRow[]>();
    let unknown = 0;
    for (const row of page.rows) {
      const window = windows.get(row.startUs);
      if (row.startUs < span.fromUs) {
        if (row.gone) continue;
        if (row.startUs < span.knownFromUs) unknown++;
        // An overflow group of the first pane, where no session is known to be whole.
        else this.hidden++;
      } else if (window) window.push(row);
      else windows.set(row.startUs, [row]);
    }
    this.leaveOut(unknown, unknownContents);
    await this.span(everyMs, [...windows.values()], history, span);
  }

  private spanOf(page: ViewPage, from: number | undefined, history: PageHistory, hasBefore: boolean): Span {
    const { window } = this.plan;
    const never = Number.NEGATIVE_INFINITY;
    const kept = page.keptFromUs ?? never;
    const known = history.fromUs ?? never;
    const toUs = page.nextUs ?? this.options.toUs ?? Number.POSITIVE_INFINITY;
    if (window.kind !== 'session') {
      const first = page.rows[0]?.startUs ?? Number.POSITIVE_INFINITY;
      const fromUs = Math.max(from ?? never, known, Math.min(first, kept));
      return { knownFromUs: fromUs, fromUs, toUs, eventsFromUs: fromUs };
    }
    // Sessions are made of the panes that are kept, and whether one began before is told by the gap before: not of those in the first pane.
    const gapUs = window.gapMs * 1000;
    const paneUs = Number.isFinite(kept) ? Math.floor(kept / gapUs) * gapUs : never;
    const knownFromUs = known + gapUs;
    const fromUs = Math.max(from ?? never, knownFromUs, paneUs + gapUs);
    const isCut = hasBefore || known > never || paneUs > never;
    return { knownFromUs, fromUs, toUs, eventsFromUs: isCut ? Math.max(fromUs - gapUs, paneUs) : fromUs };
  }

  /** All windows of a span: those of the view, each with all its rows, and those of the batch. */
  private async span(
    everyMs: number,
    windows: readonly WindowRow[][],
    history: PageHistory,
    span: Span,
  ): Promise<void> {
    const { fromUs, toUs } = span;
    const all = auditColumns(this.plan, history.events);
    const columns = { all, groups: groupColumns(all) };
    let endUs = toUs;
    if (this.sessions) for (const row of windows.flat()) endUs = Math.max(endUs, row.endUs);
    const events = { fromUs: span.eventsFromUs, toUs: endUs + this.lengthUs(everyMs) };
    const batch = await this.batch(this.plan, everyMs, history, events, all.length);
    const whole = await this.whole(everyMs, windows, history, batch, all);
    for (const rows of windows) {
      const { startUs } = rows[0]!;
      const shown = rows.filter(row => !row.gone);
      const own = batch.get(startUs) ?? [];
      batch.delete(startUs);
      if (whole && isPartial(rows)) {
        this.totals(columns, everyMs, rows, whole.get(startUs) ?? []);
        continue;
      }
      const seen = shown.filter(row => !this.sessions?.mayHide(row.startUs, row.endUs));
      this.hidden += shown.length - seen.length;
      if (shown.length > 0 || own.length > 0) this.window(columns, everyMs, startUs, seen, own);
    }
    for (const [startUs, rows] of batch) {
      if (startUs >= fromUs && startUs < toUs) this.window(columns, everyMs, startUs, [], rows);
    }
  }

  private lengthUs(everyMs: number): number {
    const { window } = this.plan;
    if (window.kind === 'session') return window.gapMs * 1000;
    return (window.kind === 'hopping' ? window.sizeMs : everyMs) * 1000;
  }

  /** By window what a batch says of the events of a range, without sessions that an overflow group may hold a part of. */
  private async batch(
    plan: Plan,
    everyMs: number,
    { events, lookup }: PageHistory,
    { fromUs, toUs }: { fromUs: number; toUs: number },
    width: number,
  ): Promise<Map<number, BatchRow[]>> {
    const answer = await this.options.runSql(
      planSql(plan, {
        events,
        lookup,
        everyMs,
        bounds: true,
        ...(Number.isFinite(fromUs) ? { fromUs } : {}),
        ...(Number.isFinite(toUs) ? { toUs } : {}),
      }),
    );
    const byWindow = new Map<number, BatchRow[]>();
    for (const row of answer) {
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
    return byWindow;
  }

  /**
   * Where some of the windows have an overflow group: by window all that the batch has, also what HAVING and LIMIT leave out. Undefined
   * for sessions, of which SessionAudit knows.
   */
  private async whole(
    everyMs: number,
    windows: readonly WindowRow[][],
    history: PageHistory,
    batch: Map<number, BatchRow[]>,
    columns: readonly AuditColumn[],
  ): Promise<Map<number, BatchRow[]> | undefined> {
    if (this.sessions) return undefined;
    const { having, limit, ...plan } = this.plan;
    const partial = windows.filter(isPartial).map(rows => rows[0]!);
    const isAll = having === undefined && limit === undefined;
    if (isAll || partial.length === 0 || this.noTotals(columns) !== undefined) return new Map(batch);
    const range = { fromUs: partial[0]!.startUs, toUs: Math.max(...partial.map(({ endUs }) => endUs)) };
    return this.batch(plan, everyMs, history, range, columns.length);
  }

  private window(
    columns: Columns,
    everyMs: number,
    startUs: number,
    rows: readonly WindowRow[],
    batch: readonly BatchRow[],
  ): void {
    this.report.windows++;
    // Which groups there are may depend on approximate values too.
    const [first] = columns.all;
    if (first?.rough !== undefined && columns.all.every(({ rough }) => rough !== undefined)) {
      this.leaveOut(rows.length, first.rough);
      return;
    }
    this.report.rows += rows.length;
    const pairs = matchGroups<Pick<WindowRow, 'values'> | BatchRow>(
      columns.groups,
      rows,
      batch,
      row => row.values,
    );
    for (const { group, engine, batch: other, isSplit } of pairs) {
      const place = { everyMs, startUs, group: group.map(inJson) };
      if (isSplit) this.leaveOut(1, closeBelow);
      else if (!other) this.differ({ ...place, reason: 'not in the batch' });
      else if (!engine) {
        if ((other as BatchRow).isDoubtful) this.report.skipped++;
        else this.differ({ ...place, reason: 'missing in the view' });
      } else this.row(columns, place, engine.values, other as BatchRow);
    }
  }

  /** Why windows with an overflow group cannot be compared in total, if so. */
  private noTotals(columns: readonly AuditColumn[]): string | undefined {
    if (this.plan.sources.some(({ view }) => view)) return capBelow;
    return columns.some(column => column.isTotal) ? undefined : nothingAddsUp;
  }

  /** Of a window with an overflow group: which group an event went to is not known, but none is lost or counted twice. */
  private totals(
    columns: Columns,
    everyMs: number,
    rows: readonly WindowRow[],
    batch: readonly BatchRow[],
  ): void {
    this.report.windows++;
    const { startUs } = rows[0]!;
    const shown = rows.filter(row => !row.gone).length;
    const reason = this.noTotals(columns.all);
    if (reason !== undefined) {
      this.leaveOut(shown, reason);
      return;
    }
    this.report.skipped += shown;
    columns.all.forEach((column, index) => {
      if (!column.isTotal) return;
      this.report.values++;
      const engine = added(rows.map(({ values }) => values[index]!));
      const total = totalOf(
        batch.map(({ values }) => values[index]!),
        batch.map(({ bounds }) => bounds[index] ?? null),
      );
      if (isTotal(engine, total)) return;
      this.differ({
        everyMs,
        startUs,
        group: ['all groups together'],
        column: column.name,
        engine: totalInJson(engine),
        batch: totalInJson(total.sum),
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
    for (const reason of new Set(columns.all.map(({ rough }) => rough)))
      if (reason !== undefined) this.leaveOut(1, reason);
    columns.all.forEach(({ name, isGroup, isExact, rough, isEqual }, index) => {
      if (isGroup || rough !== undefined) return;
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

const isPartial = (rows: readonly WindowRow[]): boolean => rows.some(row => row.overflow || row.incomplete);

/** Numbers that JSON has not are their names. */
const inJson = (value: ViewValue): ViewValue =>
  typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;

function timeOf(value: ViewValue): number | undefined {
  return typeof value === 'string' ? parseTimeUs(value) : typeof value === 'number' ? value : undefined;
}
