// What an audit needs to know of a session view whose groups are beyond the cap in some panes: which sessions an overflow group may
// hold a part of, and whether all rows together count what all events do. Which session an event in an overflow group belongs to is not
// known, so such sessions cannot be compared one by one.
import type { AuditOptions } from './audit.ts';
import type { AuditDifference } from './audit-report.ts';
import { quoteName } from './plan/sql/field-sql.ts';
import { planSql } from './plan/sql/plan-sql.ts';
import type { ViewValue, WindowRow } from './view.ts';

const pageRows = 100_000;
/** Views of more rows are not compared in total: all of them are needed at one moment. */
const totalRowsMax = 2_000_000;
/** Share of what was added up that sums of fractions may differ by. */
const tolerance = 1e-9;

/** A column that adds up over groups and sessions, and what the view's rows add up to. */
interface Total {
  name: string;
  sum: number;
  size: number;
}

export class SessionAudit {
  private readonly options: AuditOptions;
  private readonly gapUs: number;
  /** Starts of the panes with an overflow group. */
  private readonly overflowing = new Set<number>();

  private constructor(options: AuditOptions, gapMs: number) {
    this.options = options;
    this.gapUs = gapMs * 1000;
  }

  /** Undefined for a view that has no sessions. */
  static of(options: AuditOptions): SessionAudit | undefined {
    const { window } = options.plan;
    return window.kind === 'session' ? new SessionAudit(options, window.gapMs) : undefined;
  }

  /** Finds the panes with an overflow group. */
  async look(everyMs: number): Promise<void> {
    const { plan, engine, toUs } = this.options;
    // A session is touched by the pane before it, too.
    let fromUs = this.options.fromUs === undefined ? undefined : this.options.fromUs - 2 * this.gapUs;
    do {
      const question = { view: plan.name, everyMs, fromUs, toUs, rowsMax: pageRows, windowsMax: pageRows };
      const { rows, nextUs } = await engine.page(question);
      this.note(rows);
      fromUs = nextUs;
    } while (fromUs !== undefined);
  }

  /** Takes in rows of another page: panes may have come to have an overflow group since. */
  note(rows: readonly WindowRow[]): void {
    for (const { startUs, overflow } of rows) if (overflow) this.overflowing.add(startUs);
  }

  /** An overflow group lies within a gap of a session with these bounds, or is this row. */
  mayHide(startUs: number, endUs: number): boolean {
    const { gapUs, overflowing } = this;
    if (overflowing.size === 0) return false;
    for (let pane = Math.floor(startUs / gapUs) * gapUs - gapUs; pane < endUs; pane += gapUs) {
      if (overflowing.has(pane)) return true;
    }
    return false;
  }

  /** Columns of which all rows together do not say what the events do, and how many were compared: only where sessions were skipped. */
  async compare(everyMs: number): Promise<{ values: number; differences: AuditDifference[] }> {
    const { plan, engine, fromUs, toUs, history, runSql } = this.options;
    const nothing = { values: 0, differences: [] };
    const isWhole = !plan.having && plan.limit === undefined && fromUs === undefined && toUs === undefined;
    if (this.overflowing.size === 0 || !isWhole) return nothing;
    const question = { view: plan.name, everyMs, rowsMax: totalRowsMax, windowsMax: totalRowsMax };
    const page = await engine.page(question);
    const totals = this.totalsOf(page.rows);
    if (page.nextUs !== undefined || totals.length === 0) return nothing;
    const { events, lookup } = await history(page);
    const kept = page.keptFromUs;
    const all = planSql(plan, {
      events,
      lookup,
      everyMs: 'total',
      ...(kept === null ? {} : { fromUs: Math.floor(kept / this.gapUs) * this.gapUs }),
    });
    const sums = totals.map(({ name }) => `sum(${quoteName(name)})`).join(', ');
    const [row] = await runSql(`SELECT ${sums} FROM (${all})`);
    const differences = totals.flatMap((total, index): AuditDifference[] => {
      const batch = Number(row?.[index] ?? 0);
      if (isSame(total, batch)) return [];
      const group: ViewValue[] = ['all sessions together'];
      const startUs = page.rows[0]?.startUs ?? 0;
      return [{ everyMs, startUs, group, column: total.name, engine: total.sum, batch, reason: 'not equal' }];
    });
    return { values: totals.length, differences };
  }

  private totalsOf(rows: readonly WindowRow[]): Total[] {
    const { outputs, sources } = this.options.plan;
    return outputs.flatMap(({ name, expression, column }, index): Total[] => {
      if (expression.kind !== 'aggregate' || column.approximate !== undefined) return [];
      const { function: called } = sources[0]!.aggregates[expression.index]!;
      if (!['count', 'count_if', 'sum'].includes(called)) return [];
      const values = rows.map(row => Number(row.values[index] ?? 0));
      const sum = values.reduce((total, value) => total + value, 0);
      return [{ name, sum, size: values.reduce((total, value) => total + Math.abs(value), 0) }];
    });
  }
}

function isSame({ sum, size }: Total, batch: number): boolean {
  // Far beyond it a double has no digits left for the rounding of what was added.
  if (Number.isInteger(sum) && Number.isInteger(batch) && size < 2 ** 49) return sum === batch;
  return Math.abs(sum - batch) <= tolerance * Math.max(1, size);
}
