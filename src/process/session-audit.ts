// What an audit needs to know of a session view whose groups are beyond the cap in some panes: which sessions an overflow group may
// hold a part of, and whether all rows together count what all events do. Which session an event in an overflow group belongs to is not
// known, so such sessions cannot be compared one by one.
import type { AuditDifference, AuditOptions } from './audit.ts';
import { quoteName } from './plan/sql/field-sql.ts';
import { planSql } from './plan/sql/plan-sql.ts';
import type { ViewValue } from './view.ts';

const rowsAtOnce = 100_000;
/** Share of what was added up that sums of fractions may differ by. */
const tolerance = 1e-9;

/** A column that adds up over groups and sessions, and what the view's rows add up to. */
interface Total {
  name: string;
  index: number;
  sum: number;
  size: number;
}

export class SessionAudit {
  private readonly options: AuditOptions;
  private readonly gapUs: number;
  private readonly overflowing = new Set<number>();
  private readonly totals: Total[];
  private firstUs = Number.POSITIVE_INFINITY;

  private constructor(options: AuditOptions, gapMs: number) {
    const { outputs, sources } = options.plan;
    this.options = options;
    this.gapUs = gapMs * 1000;
    this.totals = outputs.flatMap(({ name, expression, column }, index) => {
      if (expression.kind !== 'aggregate' || column.approximate !== undefined) return [];
      const { function: called } = sources[0]!.aggregates[expression.index]!;
      return ['count', 'count_if', 'sum'].includes(called) ? [{ name, index, sum: 0, size: 0 }] : [];
    });
  }

  /** Reads all rows once. Undefined where each session can be compared. */
  static async of(options: AuditOptions): Promise<SessionAudit | undefined> {
    const { plan, engine, fromUs, toUs } = options;
    if (plan.window.kind !== 'session') return undefined;
    const audit = new SessionAudit(options, plan.window.gapMs);
    // A session is touched by the pane before it, too.
    const range = { ...(fromUs === undefined ? {} : { fromUs: fromUs - 2 * audit.gapUs }), toUs };
    let cursor: string | undefined;
    do {
      const page = await engine.query({ view: plan.name, ...range, limit: rowsAtOnce, cursor });
      for (const { startUs, overflow, values } of page.rows) {
        audit.firstUs = Math.min(audit.firstUs, startUs);
        if (overflow) audit.overflowing.add(startUs);
        for (const total of audit.totals) {
          const value = Number(values[total.index] ?? 0);
          total.sum += value;
          total.size += Math.abs(value);
        }
      }
      cursor = page.next;
    } while (cursor !== undefined);
    return audit.overflowing.size > 0 ? audit : undefined;
  }

  /** An overflow group lies within a gap of a session with these bounds, or is this row. */
  mayHide(startUs: number, endUs: number): boolean {
    const { gapUs, overflowing } = this;
    for (let pane = Math.floor(startUs / gapUs) * gapUs - gapUs; pane < endUs; pane += gapUs) {
      if (overflowing.has(pane)) return true;
    }
    return false;
  }

  /** Columns of which all rows together do not say what the events do, and how many were compared. */
  async compare(everyMs: number): Promise<{ values: number; differences: AuditDifference[] }> {
    const { plan, events, lookup, keptFromUs, fromUs, toUs, runSql } = this.options;
    const isWhole = !plan.having && plan.limit === undefined && fromUs === undefined && toUs === undefined;
    if (!isWhole || this.totals.length === 0) return { values: 0, differences: [] };
    const keptUs = keptFromUs ? keptFromUs(everyMs) : this.firstUs;
    const all = planSql(plan, {
      events,
      lookup,
      everyMs: 'total',
      ...(keptUs === null ? {} : { fromUs: Math.floor(keptUs / this.gapUs) * this.gapUs }),
    });
    const sums = this.totals.map(({ name }) => `sum(${quoteName(name)})`).join(', ');
    const [row] = await runSql(`SELECT ${sums} FROM (${all})`);
    const differences = this.totals.flatMap((total, index): AuditDifference[] => {
      const batch = Number(row?.[index] ?? 0);
      if (isSame(total, batch)) return [];
      const group: ViewValue[] = ['all sessions together'];
      const { name: column, sum: engine } = total;
      return [{ everyMs, startUs: this.firstUs, group, column, engine, batch, reason: 'not equal' }];
    });
    return { values: this.totals.length, differences };
  }
}

function isSame({ sum, size }: Total, batch: number): boolean {
  // Far beyond it a double has no digits left for the rounding of what was added.
  if (Number.isInteger(sum) && Number.isInteger(batch) && size < 2 ** 49) return sum === batch;
  return Math.abs(sum - batch) <= tolerance * Math.max(1, size);
}
