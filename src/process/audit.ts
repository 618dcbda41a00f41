// Audit: is a view what a batch run over the same events says? The view's SELECT is run by DuckDB over the history, grouped
// by the view's windows, and compared with the windows the engine keeps: exact aggregates must be equal, sketches
// within their bound.
import { parseTimeUs } from '../core/time-text.ts';
import type { Engine } from './engine.ts';
import type { Aggregate, Plan, ScalarType } from './plan/plan.ts';
import { anyValue } from './plan/sql/any-sql.ts';
import { type PlanSqlOptions, planSql, readsMixed } from './plan/sql/plan-sql.ts';
import { SessionAudit } from './session-audit.ts';
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
/** Four standard errors of a merged HyperLogLog with 4,096 registers. */
const distinctTolerance = 4 * 0.0162;
/** What DDSketch promises, and the last digits. */
const quantileTolerance = 0.01 + 1e-9;
const sumTolerance = 1e-9;
/** What the frequent-items summary of 1,024 places promises. */
const frequencyTolerance = 2.67 / 1024;

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

/** `events`: how many events the group has, where the view counts them. */
type Check = (engine: ViewValue, batch: ViewValue, events: number | undefined) => boolean;

class Audit {
  readonly report: AuditReport;
  private readonly options: AuditOptions;
  private readonly plan: Plan;
  private sessions: SessionAudit | undefined;
  private readonly checks: {
    name: string;
    isGroup: boolean;
    isExact: boolean;
    /** Adds up over groups. */
    isTotal: boolean;
    check: Check;
    /** What a group's value is known by. */
    comparable: (value: ViewValue) => ViewValue;
  }[];
  /** The column that counts all events of a group, or −1. */
  private readonly countAt: number;

  constructor(options: AuditOptions) {
    this.options = options;
    this.plan = options.plan;
    // Then 1 is not '1'; otherwise a number may come as text, and is the same.
    const mixed = readsMixed(options.plan, options.events);
    this.checks = options.plan.outputs.map(({ name, column, expression }) => {
      const aggregate =
        expression.kind === 'aggregate' ? options.plan.sources[0]!.aggregates[expression.index] : undefined;
      const isExact = column.approximate === undefined;
      const isTotal = isExact && ['count', 'count_if', 'sum'].includes(aggregate?.function ?? '');
      const isAny = (type: ScalarType | undefined): boolean => mixed && type === 'any';
      const ofAny = isAny(expression.type) && isExact;
      const check = ofAny
        ? isSameScalar
        : checkOf(aggregate, isExact, isAny(aggregate?.args[0]?.type) ? scalar : plain);
      const comparable = ofAny ? scalar : plain;
      return { name, isGroup: column.role === 'group', isExact, isTotal, check, comparable };
    });
    this.countAt = options.plan.outputs.findIndex(({ expression }) => {
      const aggregate =
        expression.kind === 'aggregate' ? options.plan.sources[0]!.aggregates[expression.index] : undefined;
      return aggregate?.function === 'count' && aggregate.args.length === 0 && !aggregate.filter;
    });
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
    this.sessions = await SessionAudit.of(this.options);
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
    const together = await this.sessions?.compare(everyMs);
    this.report.values += together?.values ?? 0;
    for (const difference of together?.differences ?? []) this.differ(difference);
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
        ...(Number.isFinite(eventsFromUs) ? { fromUs: eventsFromUs } : {}),
        ...(Number.isFinite(eventsToUs) ? { toUs: eventsToUs } : {}),
      }),
    );
    const byWindow = new Map<number, (readonly ViewValue[])[]>();
    for (const row of batch) {
      const startUs = timeOf(row[0]!)!;
      if (this.sessions?.mayHide(startUs, timeOf(row[1]!)!)) continue;
      const rows = byWindow.get(startUs);
      const values = row.slice(2).map(anyValue);
      if (rows) rows.push(values);
      else byWindow.set(startUs, [values]);
    }
    for (const all of windows) {
      const { startUs } = all[0]!;
      const rows = all.filter(row => !this.sessions?.mayHide(row.startUs, row.endUs));
      this.report.skipped += all.length - rows.length;
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
    batch: readonly (readonly ViewValue[])[],
  ): void {
    this.report.windows++;
    if (rows.some(row => row.overflow || row.incomplete)) {
      this.report.skipped += rows.length;
      this.totals(everyMs, startUs, rows, batch);
      return;
    }
    const groupOf = (values: readonly ViewValue[]): ViewValue[] =>
      values.flatMap((value, index) => {
        const { isGroup, comparable } = this.checks[index]!;
        return isGroup ? [comparable(value)] : [];
      });
    const wanted = new Map(batch.map(values => [JSON.stringify(groupOf(values)), values]));
    for (const { values } of rows) {
      this.report.rows++;
      const group = groupOf(values);
      const key = JSON.stringify(group);
      const other = wanted.get(key);
      wanted.delete(key);
      if (other === undefined) this.differ({ everyMs, startUs, group, reason: 'not in the batch' });
      else this.row({ everyMs, startUs, group }, values, other);
    }
    for (const values of wanted.values()) {
      this.differ({ everyMs, startUs, group: groupOf(values), reason: 'missing in the view' });
    }
  }

  /** Of a window with an overflow group: which group an event went to is not known, but none is lost or counted twice. */
  private totals(
    everyMs: number,
    startUs: number,
    rows: readonly WindowRow[],
    batch: readonly (readonly ViewValue[])[],
  ): void {
    const { plan } = this;
    if (plan.having || plan.limit !== undefined || plan.sources.some(({ view }) => view)) return;
    this.checks.forEach(({ name, isTotal }, index) => {
      if (!isTotal) return;
      this.report.values++;
      const sum = (all: readonly (readonly ViewValue[])[]): number =>
        all.reduce((total, values) => total + Number(values[index] ?? 0), 0);
      const [engine, exact] = [sum(rows.map(({ values }) => values)), sum(batch)];
      if (isClose(engine, exact, sumTolerance)) return;
      this.differ({
        everyMs,
        startUs,
        group: ['all groups together'],
        column: name,
        engine,
        batch: exact,
        reason: 'not equal',
      });
    });
  }

  private row(
    place: Pick<AuditDifference, 'everyMs' | 'startUs' | 'group'>,
    values: readonly ViewValue[],
    batch: readonly ViewValue[],
  ): void {
    const events = this.countAt < 0 ? undefined : Number(batch[this.countAt]);
    this.checks.forEach(({ name, isGroup, isExact, check }, index) => {
      if (isGroup) return;
      this.report.values++;
      if (check(values[index]!, batch[index]!, events)) return;
      const reason = isExact ? 'not equal' : 'beyond its bound';
      this.differ({ ...place, column: name, engine: values[index]!, batch: batch[index]!, reason });
    });
  }

  private differ(difference: AuditDifference): void {
    this.report.differenceCount++;
    const { differences } = this.report;
    if (differences.length < (this.options.differencesMax ?? 100)) differences.push(difference);
  }
}

/** `comparable`: what values of the argument are known by. */
function checkOf(
  aggregate: Aggregate | undefined,
  isExact: boolean,
  comparable: (value: ViewValue) => ViewValue,
): Check {
  switch (aggregate?.function) {
    case 'approx_count_distinct':
      return (engine, batch) => {
        const exact = Number(batch);
        return Math.abs(Number(engine) - exact) <= Math.max(2, distinctTolerance * exact);
      };
    case 'approx_quantile':
      return (engine, batch) => {
        if (engine === null || batch === null) return engine === batch;
        const exact = [batch].flat();
        return [engine].flat().every((value, i) => {
          const wanted = Number(exact[i]);
          return Math.abs(Number(value) - wanted) <= quantileTolerance * Math.abs(wanted);
        });
      };
    case 'approx_top_k':
      return (engine, batch) => isTopClose(listOf(engine).map(countOf), listOf(batch).map(countOf));
    case 'approx_frequency':
      // Never too low, and too high by a share of the group's events.
      return (engine, batch, events = Number.POSITIVE_INFINITY) =>
        Number(engine) >= Number(batch) && Number(engine) <= Number(batch) + frequencyTolerance * events;
    case 'sample':
      return (engine, batch) => {
        const [found, all] = [engine, batch].map(list => listOf(list).map(comparable));
        return isSample(found!, all!, Number(aggregate.parameters[0]));
      };
    case 'histogram':
      return (engine, batch) => binsOf(engine) === binsOf(batch);
    default:
      return isExact ? isSame : (engine, batch) => isClose(Number(engine), Number(batch), distinctTolerance);
  }
}

const countOf = (entry: ViewValue): number => Number((entry as { count?: ViewValue } | null)?.count ?? 0);

/** The k-th counts are close to the k-th true counts; which of equal values is named does not matter. */
function isTopClose(found: readonly number[], exact: readonly number[]): boolean {
  const slack = 2 + 0.1 * (exact[0] ?? 0);
  return found.length === exact.length && found.every((count, i) => Math.abs(count - exact[i]!) <= slack);
}

/** As many values as asked for, or all; each one of the group's, and no more often than there. */
function isSample(found: readonly ViewValue[], all: readonly ViewValue[], size: number): boolean {
  const left = new Map<string, number>();
  for (const value of all) {
    const key = JSON.stringify(value);
    left.set(key, (left.get(key) ?? 0) + 1);
  }
  for (const value of found) {
    const key = JSON.stringify(value);
    const count = left.get(key) ?? 0;
    if (count === 0) return false;
    left.set(key, count - 1);
  }
  return found.length === Math.min(size, all.length);
}

/** A histogram's bins that hold anything, as one text: an object, or a list of {key, value}. */
function binsOf(value: ViewValue): string {
  const entries: [string, ViewValue][] = Array.isArray(value)
    ? value.map(entry => {
        const { key, value: count } = entry as { key: ViewValue; value: ViewValue };
        return [String(key), count];
      })
    : Object.entries((value ?? {}) as { [key: string]: ViewValue });
  return JSON.stringify(
    entries
      .map(([upTo, count]): [number, number] => [
        /^[+]?inf/i.test(upTo) ? Number.MAX_VALUE : Number(upTo),
        Number(count),
      ])
      .filter(([, count]) => count > 0)
      .sort(([a], [b]) => a - b),
  );
}

const listOf = (value: ViewValue): ViewValue[] =>
  Array.isArray(value) ? value : ((value as { items?: ViewValue[] } | null)?.items ?? []);

function isSame(engine: ViewValue, batch: ViewValue): boolean {
  const [a, b] = [plain(engine), plain(batch)];
  if (a === b) return true;
  if (typeof a === 'number' && typeof b === 'number') return isClose(a, b, sumTolerance);
  if (a === null || b === null || typeof a !== 'object') return false;
  return JSON.stringify(a) === JSON.stringify(b);
}

const isSameScalar: Check = (engine, batch) => scalar(engine) === scalar(batch);

/** A value of a field of several types; nested ones are text, which may be spelled in several ways. */
function scalar(value: ViewValue): ViewValue {
  if (typeof value !== 'string' || !/^[[{]/.test(value)) return value;
  try {
    return JSON.stringify(JSON.parse(value));
  } catch {
    return value;
  }
}

function isClose(a: number, b: number, tolerance: number): boolean {
  // Far beyond it a double has no digits left for the rounding of a mean.
  if (Number.isInteger(a) && Number.isInteger(b) && tolerance === sumTolerance && Math.abs(a) < 2 ** 49)
    return a === b;
  return Math.abs(a - b) <= tolerance * Math.max(1, Math.abs(a), Math.abs(b));
}

/** Numbers written as text and times in any of their spellings, made comparable. */
function plain(value: ViewValue): ViewValue {
  if (typeof value !== 'string') return value;
  if (/^-?\d+$/.test(value) && Number.isSafeInteger(Number(value))) return Number(value);
  const timeUs = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d/.test(value) ? parseTimeUs(value) : undefined;
  return timeUs === undefined ? value : `t${timeUs}`;
}

function timeOf(value: ViewValue): number | undefined {
  return typeof value === 'string' ? parseTimeUs(value) : typeof value === 'number' ? value : undefined;
}
