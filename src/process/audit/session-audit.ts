// What an audit needs to know of a session view whose groups are beyond the cap in some panes: which sessions an overflow group may
// hold a part of, and whether all rows together count what all events do. Which session an event in an overflow group belongs to is not
// known, so such sessions cannot be compared one by one.

import type { AuditDifference } from '../audit-report.ts';
import type { Expression, SourcePlan } from '../plan/plan.ts';
import { driftedSums } from '../plan/sql/drifted-sql.ts';
import { quoteName } from '../plan/sql/field-sql.ts';
import { planSql } from '../plan/sql/plan-sql.ts';
import type { WindowRow } from '../view.ts';
import type { AuditOptions, PageHistory } from './audit-options.ts';
import { auditColumns } from './columns.ts';
import { nothingAddsUp, onlyRange, tooManySessions, unknownContents } from './not-compared.ts';
import { added, isTotal, totalFrom, totalInJson, totalSql } from './totals.ts';

const pageRows = 10_000;
/** Views of more rows are not compared in total: all of them are needed at one moment. */
const totalRowsMax = 2_000_000;
/** A column that adds up over groups and sessions, and where it stands. */
interface TotalColumn {
  name: string;
  index: number;
  isWhole: boolean;
}

/** What all rows together were compared in, or why they were not. */
type Together = { values: number; differences: AuditDifference[] } | { reason: string };

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
    const { gapUs, overflowing } = this;
    for (const { startUs, overflow } of rows) if (overflow) overflowing.add(startUs);
    // Of one that has come since, in a pane behind the page.
    for (const { startUs, endUs, incomplete } of rows) {
      if (incomplete && !this.mayHide(startUs, endUs))
        overflowing.add(Math.floor((endUs - 1) / gapUs) * gapUs);
    }
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

  /** Where sessions were skipped: whether all rows together say what the events do. Undefined where none were. */
  async compare(everyMs: number): Promise<Together | undefined> {
    const { engine, fromUs, toUs, history, runSql } = this.options;
    if (this.overflowing.size === 0) return undefined;
    if (fromUs !== undefined || toUs !== undefined) return { reason: onlyRange };
    const { having, limit, ...plan } = this.options.plan;
    const page = await engine.page({
      view: plan.name,
      everyMs,
      rowsMax: totalRowsMax,
      windowsMax: totalRowsMax,
      withGone: true,
    });
    if (page.nextUs !== undefined) return { reason: tooManySessions };
    const read = await history(page);
    const columns = this.columns(read);
    if (!Array.isArray(columns)) return columns;
    const kept = page.keptFromUs;
    const all = planSql(plan, {
      events: read.events,
      lookup: read.lookup,
      everyMs: 'total',
      bounds: true,
      ...(kept === null ? {} : { fromUs: Math.floor(kept / this.gapUs) * this.gapUs }),
    });
    const sums = columns.map(({ name, index, isWhole }) =>
      totalSql(quoteName(name), `_bound${index}`, isWhole),
    );
    const [row = []] = await runSql(`SELECT ${sums.flat().join(', ')} FROM (${all})`);
    const differences = columns.flatMap(({ name, index }, at): AuditDifference[] => {
      const sum = added(page.rows.map(({ values }) => values[index] ?? null));
      const batch = totalFrom(row.slice(3 * at, 3 * at + 3));
      if (isTotal(sum, batch)) return [];
      return [
        {
          everyMs,
          startUs: page.rows[0]?.startUs ?? 0,
          group: ['all sessions together'],
          column: name,
          engine: totalInJson(sum),
          batch: totalInJson(batch.sum),
          reason: 'not equal',
        },
      ];
    });
    return { values: columns.length, differences };
  }

  /** What can be added up, or why nothing can. */
  private columns({ events, fromUs }: PageHistory): TotalColumn[] | { reason: string } {
    const { plan } = this.options;
    const drifted = driftedSums(plan, events);
    const all = auditColumns(plan, events).flatMap((column, index): TotalColumn[] => {
      const { expression, name } = plan.outputs[index]!;
      if (!column.isTotal || expression.kind !== 'aggregate') return [];
      return [{ name, index, isWhole: expression.type === 'integer' && !drifted.has(expression.index) }];
    });
    if (all.length === 0) return { reason: nothingAddsUp };
    // Of events before it is not known what they were joined with; which groups they are of does not matter to a total.
    const known =
      fromUs === undefined
        ? all
        : all.filter(({ index }) => !plan.sources.some(source => this.readsLookup(source, index)));
    return known.length > 0 ? known : { reason: unknownContents };
  }

  /** Whether what an output adds up, or which events it is of, depends on a lookup table. */
  private readsLookup({ filter, aggregates }: SourcePlan, output: number): boolean {
    const { expression } = this.options.plan.outputs[output]!;
    const aggregate = expression.kind === 'aggregate' ? aggregates[expression.index] : undefined;
    return [filter, aggregate?.filter, ...(aggregate?.args ?? [])].some(
      part => part !== undefined && readsLookup(part),
    );
  }
}

function readsLookup(expression: Expression): boolean {
  switch (expression.kind) {
    case 'lookup':
      return true;
    case 'call':
      return expression.args.some(readsLookup);
    case 'case':
      return [...expression.branches.flatMap(({ when, value }) => [when, value]), expression.otherwise].some(
        readsLookup,
      );
    default:
      return false;
  }
}
