// Views recomputed from the history: the same plan, turned back into SQL over the lake. Answers what a view's state does not know (a
// filter on a field it does not group by) and is the judge of an audit.
import { MillraceError } from './core/errors.ts';
import { parseIsoUs } from './core/time.ts';
import type { Condition } from './deliver/view-json.ts';
import { historyCursor, historySkip } from './deliver/view-source.ts';
import { type AuditReport, auditView } from './process/audit.ts';
import type { Engine } from './process/engine.ts';
import { planView } from './process/plan/parse.ts';
import type { Plan } from './process/plan/plan.ts';
import { planSql } from './process/plan/plan-sql.ts';
import type { ViewQuery, ViewResult, ViewSummary, ViewValue } from './process/view.ts';
import type { QueryAnswer, QueryRequest } from './query/query.ts';
import type { Lake } from './store/lake.ts';
import { columnFields, identifier, quoted } from './store/lake-sql.ts';

export interface ViewHistoryOptions {
  engine: Engine;
  lake: Lake;
  parseSql(sql: string): Promise<unknown>;
  sql(request: QueryRequest): Promise<QueryAnswer>;
}

/** Rows a recomputation answers with at most. */
const maxRows = 100_000;

export class ViewHistory {
  private readonly options: ViewHistoryOptions;
  /** Plans by view and text; as many as there are views. */
  private readonly plans = new Map<string, { text: string; plan: Plan }>();

  constructor(options: ViewHistoryOptions) {
    this.options = options;
  }

  async query(query: ViewQuery, conditions: readonly Condition[]): Promise<ViewResult> {
    const { engine, lake } = this.options;
    const view = (await engine.views()).find(view => view.name === query.view);
    if (!view) throw new MillraceError('unknown-view', `There is no view "${query.view}".`, { status: 404 });
    const plan = await this.planOf(view.name, view.sql);
    const eventConditions: string[] = [];
    for (const source of plan.sources) {
      if (source.view) throw notFromHistory(view.name, 'it is made of another view');
      await lake.flush(source.stream);
    }
    const fields = columnFields(lake.stream(plan.sources[0]!.stream)?.schema.fields ?? []);
    for (const { column, op, value } of conditions) {
      const field = fields.find(field => field.name.toLowerCase() === column.toLowerCase());
      if (!field) {
        throw new MillraceError(
          'unknown-field',
          `where: "${column}" is neither a group of the view nor a field of its events.`,
          {
            status: 400,
            remedy: `The stream has: ${fields
              .slice(0, 40)
              .map(field => field.name)
              .join(', ')}.`,
          },
        );
      }
      const name = `event.${identifier(field.name)}`;
      const text = field.type === 'JSON' ? `json_extract_string(${name}, '$')` : `${name}::VARCHAR`;
      eventConditions.push(`${text} IS ${op === '=' ? 'NOT ' : ''}DISTINCT FROM ${quoted(value)}`);
    }
    const everyMs = query.everyMs ?? view.resolutions.at(-1)!.everyMs;
    const sql = planSql(plan, {
      events: stream => this.relation(stream),
      everyMs,
      ...(query.fromUs === undefined ? {} : { fromUs: query.fromUs }),
      ...(query.toUs === undefined ? {} : { toUs: query.toUs }),
      ...(query.where === undefined ? {} : { where: query.where }),
      eventConditions,
    });
    const limit = Math.min(query.limit ?? 10_000, maxRows);
    const skip = historySkip(query.cursor ?? '') ?? 0;
    const answer = await this.options.sql({
      sql: `${orderedSql(sql, query)}\nLIMIT ${limit + 1} OFFSET ${skip}`,
      format: 'json',
      timeoutMs: 60_000,
      maxRows: limit + 1,
      maxBytes: 64 * 1024 * 1024,
      tables: [],
    });
    return {
      view: view.name,
      everyMs,
      columns: view.columns.map(({ approximate: _, ...column }) => column),
      rows: answer.rows.slice(0, limit).map(row => ({
        startUs: instantUs(row[0]) ?? query.fromUs ?? 0,
        endUs: instantUs(row[1]) ?? query.toUs ?? 0,
        revision: 1,
        final: true,
        values: row.slice(2) as ViewValue[],
      })),
      watermarkUs: view.watermarkUs,
      ...(answer.rows.length > limit ? { next: historyCursor(skip + limit) } : {}),
    };
  }

  /** Compares what the engine keeps of a view with a batch run over all events it has taken in. */
  async audit(view: ViewSummary, onProgress: (share: number) => void): Promise<AuditReport> {
    const { engine, lake } = this.options;
    const plan = await this.planOf(view.name, view.sql);
    for (const { stream, view: isView } of plan.sources) if (!isView) await lake.flush(stream);
    return auditView({
      engine,
      plan,
      events: stream => this.relation(stream),
      runSql: async sql => {
        const answer = await this.options.sql({
          sql,
          format: 'json',
          timeoutMs: 600_000,
          maxRows: 10_000_000,
          maxBytes: 1024 * 1024 * 1024,
          tables: [],
        });
        return answer.rows as ViewValue[][];
      },
      onProgress,
    });
  }

  private async planOf(name: string, text: string): Promise<Plan> {
    const known = this.plans.get(name);
    if (known?.text === text) return known.plan;
    const plan = await planView(
      { name, text },
      { parseSql: sql => this.options.parseSql(sql) as Promise<never> },
    );
    this.plans.set(name, { text, plan });
    return plan;
  }

  private relation(stream: string): { from: string; columns: { name: string; type: string }[] } {
    const { lake } = this.options;
    const fields = columnFields(lake.stream(stream)?.schema.fields ?? []);
    const select =
      lake.selectSql(stream) ?? 'SELECT NULL::TIMESTAMP AS _time, NULL::BIGINT AS _offset WHERE false';
    return { from: `(${select})`, columns: [{ name: '_time', type: 'TIMESTAMP' }, ...fields] };
  }
}

function orderedSql(sql: string, query: ViewQuery): string {
  if (!query.order || query.order.length === 0) return sql;
  const order = query.order.map(({ column, descending }) => {
    const name = column === 'window_start' ? '_start' : column;
    return `${identifier(name)} ${descending ? 'DESC' : 'ASC'}`;
  });
  return `SELECT * FROM (${sql}) ORDER BY ${order.join(', ')}`;
}

function instantUs(value: unknown): number | undefined {
  return typeof value === 'string' ? parseIsoUs(value) : undefined;
}

function notFromHistory(view: string, why: string): MillraceError {
  return new MillraceError('no-history', `The view "${view}" cannot be recomputed: ${why}.`, {
    status: 400,
    remedy: 'Remove the filter, or ask the stream in SQL.',
  });
}
