// Views recomputed from the history: the same plan, turned back into SQL over the lake. Answers what a view's state does not know (a
// filter on a field it does not group by) and is the judge of an audit.
import { MillraceError } from './core/errors.ts';
import { foldedName } from './core/folded-name.ts';
import { parseTimeUs } from './core/time-text.ts';
import type { Condition } from './deliver/view-json.ts';
import { historyCursor, historySkip } from './deliver/view-source.ts';
import type { LookupCopy, LookupFiles } from './lookup-files.ts';
import type { PageHistory } from './process/audit/audit-options.ts';
import { auditView } from './process/audit/audit-view.ts';
import type { AuditReport } from './process/audit-report.ts';
import type { Engine, ServingPlan, TakenPlan, ViewPage } from './process/engine.ts';
import { scalarTypeOf, sqlTypeOf } from './process/plan/functions/cast.ts';
import type { Plan } from './process/plan/plan.ts';
import { anyValue } from './process/plan/sql/any-sql.ts';
import { findColumn, type SqlRelation } from './process/plan/sql/column-type.ts';
import { type LookupRelation, numberKey } from './process/plan/sql/lookup-sql.ts';
import { planSql } from './process/plan/sql/plan-sql.ts';
import { viewRelation } from './process/plan/sql/view-sql.ts';
import { lookupNeeds } from './process/view/lookup-tables.ts';
import type { ViewQuery, ViewResult, ViewSummary, ViewValue } from './process/view.ts';
import type { QueryAnswer, QueryRequest } from './query/query.ts';
import type { Lake } from './store/lake.ts';
import { columnFields, identifier, quoted } from './store/lake-sql.ts';

export interface ViewHistoryOptions {
  engine: Engine;
  lake: Lake;
  lookups: Pick<LookupFiles, 'copyOf'>;
  sql(request: QueryRequest, signal?: AbortSignal): Promise<QueryAnswer>;
}

/** Rows a recomputation answers with at most. */
const maxRows = 100_000;

/** A type that holds every digit of a column of numbers in all contents of a table: where they differ, the texts of numberKey. */
function numberType(copies: readonly LookupCopy[], column: string): string {
  const types = copies.map(copy => scalarTypeOf(findColumn(copy.columns ?? [], column)?.type ?? 'DOUBLE'));
  if (types.every(type => type === 'number')) return 'DOUBLE';
  return types.every(type => type === 'integer') ? 'BIGINT' : 'VARCHAR';
}

export class ViewHistory {
  private readonly options: ViewHistoryOptions;

  constructor(options: ViewHistoryOptions) {
    this.options = options;
  }

  async query(query: ViewQuery, conditions: readonly Condition[]): Promise<ViewResult> {
    const { engine, lake } = this.options;
    const view = (await engine.views()).find(view => view.name === query.view);
    if (!view) throw new MillraceError('unknown-view', `There is no view "${query.view}".`, { status: 404 });
    const serving = await engine.plan(view.name);
    const { plan } = serving;
    const eventConditions: string[] = [];
    if (conditions.length > 0 && plan.sources.some(source => source.view)) {
      throw notFromHistory(view.name, 'its rows are made of another view, which has no such fields');
    }
    const relations = await this.relations(serving, name => engine.plan(name));
    const fields = columnFields(lake.stream(plan.sources[0]!.stream)?.schema.fields ?? []);
    for (const { column, op, value } of conditions) {
      const field = fields.find(field => foldedName(field.name) === foldedName(column));
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
    const range = {
      ...(query.fromUs === undefined ? {} : { fromUs: query.fromUs }),
      ...(query.toUs === undefined ? {} : { toUs: query.toUs }),
    };
    const sql = planSql(plan, {
      events: relations,
      lookup: (table, source) => this.lookupRelation(serving, table, source),
      everyMs,
      // As of kept windows, the start of one decides whether it is in the range; a total is of the range's events.
      ...(everyMs === 'total' ? range : { startsIn: range }),
      ...(query.where === undefined ? {} : { where: query.where }),
      eventConditions,
    });
    const limit = Math.min(query.limit ?? 10_000, maxRows);
    const skip = historySkip(query.cursor ?? '') ?? 0;
    const answer = await this.options.sql({
      sql: `${orderedSql(sql, query, view.columns)}\nLIMIT ${limit + 1} OFFSET ${skip}`,
      format: 'json',
      timeoutMs: 60_000,
      maxRows: limit + 1,
      maxBytes: 64 * 1024 * 1024,
      tables: [],
    });
    const isOpen = everyMs === 'total' && (query.fromUs === undefined || query.toUs === undefined);
    const span = isOpen && answer.rows.length > 0 ? await this.spanOf(view, plan, relations) : undefined;
    return {
      view: view.name,
      everyMs,
      columns: view.columns.map(({ approximate: _, ...column }) => column),
      rows: answer.rows.slice(0, limit).map(row => ({
        startUs: instantUs(row[0]) ?? query.fromUs ?? span?.fromUs ?? 0,
        endUs: instantUs(row[1]) ?? query.toUs ?? span?.toUs ?? 0,
        revision: 1,
        final: true,
        values: (row.slice(2) as ViewValue[]).map(anyValue),
      })),
      watermarkUs: view.watermarkUs,
      ...(answer.rows.length > limit ? { next: historyCursor(skip + limit) } : {}),
    };
  }

  /** From the first to the last event of a view, in whole windows of its finest resolution. */
  private async spanOf(
    { resolutions }: ViewSummary,
    { sources }: Plan,
    relations: (name: string, source: number) => SqlRelation,
  ): Promise<{ fromUs: number; toUs: number } | undefined> {
    const times = sources.map(({ stream }, index) => `SELECT _time FROM ${relations(stream, index).from}`);
    const { rows } = await this.options.sql({
      sql: `SELECT epoch_us(min(_time)), epoch_us(max(_time)) FROM (${times.join(' UNION ALL ')})`,
      format: 'json',
      timeoutMs: 60_000,
      maxRows: 1,
      maxBytes: 1000,
      tables: [],
    });
    const [firstUs, lastUs] = rows[0] ?? [];
    if (firstUs === null || firstUs === undefined) return undefined;
    const everyUs = resolutions[0]!.everyMs * 1000;
    const startOf = (timeUs: number): number => Math.floor(timeUs / everyUs) * everyUs;
    return { fromUs: startOf(Number(firstUs)), toUs: startOf(Number(lastUs)) + everyUs };
  }

  /** Compares what the engine keeps of a view with a batch run over the events it has taken in, while others may arrive. */
  async audit(
    view: ViewSummary,
    onProgress: (share: number) => void,
    signal?: AbortSignal,
  ): Promise<AuditReport> {
    const { engine } = this.options;
    const { plan } = await engine.plan(view.name);
    return auditView({
      engine,
      plan,
      history: page => this.pageHistory(view.name, page),
      runSql: async sql => {
        const request = {
          sql,
          format: 'json' as const,
          timeoutMs: 600_000,
          maxRows: 10_000_000,
          maxBytes: 1024 * 1024 * 1024,
          tables: [],
        };
        const answer = await this.options.sql(request, signal);
        if (answer.truncated) {
          throw new MillraceError('audit-too-large', 'The batch answers more than can be compared at once.', {
            remedy: 'Give the view fewer groups, or a finer resolution.',
          });
        }
        return answer.rows as ViewValue[][];
      },
      onProgress,
      ...(signal ? { signal } : {}),
    });
  }

  /** The events of a page's windows, archived where they are not yet. */
  private async pageHistory(name: string, { served }: ViewPage): Promise<PageHistory> {
    const { lake } = this.options;
    const serving = served[name]!;
    for (const { plan, taken } of Object.values(served)) {
      for (const { source, partition, offset } of taken) {
        const { stream } = plan.sources[source]!;
        if ((lake.stream(stream)?.archived[partition] ?? 0) < offset) await lake.flush(stream);
      }
    }
    const events = await this.relations(serving, async below => served[below]!);
    const fromUs = Math.max(...(await Promise.all(Object.values(served).map(one => this.joinedFromUs(one)))));
    return {
      events,
      lookup: (table, source) => this.lookupRelation(serving, table, source),
      ...(Number.isFinite(fromUs) ? { fromUs } : {}),
    };
  }

  /**
   * The event time from which on it is known what events were joined with: lookup tables that have changed very often have had
   * contents that are no longer kept. −∞: for all events.
   */
  private async joinedFromUs({ plan, lookups }: ServingPlan): Promise<number> {
    let fromUs = Number.NEGATIVE_INFINITY;
    for (const [source, { stream, lookups: joined }] of plan.sources.entries()) {
      for (const { table } of joined) {
        const uses = lookups.filter(use => use.source === source && use.table === table);
        for (const partition of new Set(uses.map(use => use.partition))) {
          const own = uses.filter(use => use.partition === partition);
          const forgotten = own.findLastIndex(use => !this.options.lookups.copyOf(table, use.version));
          const from = forgotten < 0 ? own[0]!.from : (own[forgotten + 1]?.from ?? Number.MAX_SAFE_INTEGER);
          if (from === 0) continue;
          const answer = await this.options.sql({
            sql: `SELECT epoch_us(max(_time)) FROM ${this.relation(stream).from} WHERE _partition = ${partition} AND _offset < ${from}`,
            format: 'json',
            timeoutMs: 60_000,
            maxRows: 1,
            maxBytes: 1000,
            tables: [],
          });
          const last = answer.rows[0]?.[0];
          if (last !== null && last !== undefined) fromUs = Math.max(fromUs, Number(last) + 1);
        }
      }
    }
    return fromUs;
  }

  /** The contents of a lookup table that the events of a source were joined with. */
  private lookupRelation({ plan, lookups }: ServingPlan, table: string, source: number): LookupRelation {
    const uses = lookups.filter(use => use.source === source && use.table === table);
    const copies = new Map<string, LookupCopy>();
    for (const { version } of uses) {
      const copy = this.options.lookups.copyOf(table, version);
      if (copy) copies.set(version, copy);
    }
    const columns = [...(lookupNeeds(plan).get(table) ?? [])].map(([name, planned]) => ({
      name,
      planned,
      type: planned === 'number' ? numberType([...copies.values()], name) : sqlTypeOf(planned),
    }));
    const selected = columns.map(({ name, planned, type }) => {
      if (type === 'JSON') return identifier(name);
      const isText = planned === 'number' && type === 'VARCHAR';
      return `${isText ? numberKey(identifier(name)) : identifier(name)}::${type} AS ${identifier(name)}`;
    });
    if (copies.size === 0) {
      const none = columns.map(({ name, type }) => `NULL::${type} AS ${identifier(name)}`);
      return { from: `(SELECT ${[...none, '0 AS _row'].join(', ')} WHERE false)`, columns, order: '_row' };
    }
    const selects = [...copies.values()].map(
      ({ file }, index) =>
        `SELECT ${[...selected, '_row', `${index} AS _version`].join(', ')} FROM read_parquet(${quoted(file)})`,
    );
    const versions = [...copies.keys()];
    // Within a partition contents follow each other by offset; the newest that had begun counts.
    const whens = [...uses]
      .sort((a, b) => b.from - a.from)
      .map(
        ({ partition, from, version }) =>
          `WHEN event._partition = ${partition} AND event._offset >= ${from} THEN ${versions.indexOf(version)}`,
      );
    return {
      from: `(${selects.join(' UNION ALL ')})`,
      columns,
      order: '_row',
      version: `CASE ${whens.join(' ')} ELSE -1 END`,
    };
  }

  /**
   * What a plan's sources are in SQL: streams, and views under it as their own SELECTs. Of streams the events that the plan has taken in,
   * where it says which, and else all up to now. `below` gives what serves under another view's name.
   */
  private async relations(
    { plan, taken }: ServingPlan & Partial<TakenPlan>,
    below: (view: string) => Promise<ServingPlan & Partial<TakenPlan>>,
  ): Promise<(name: string, source: number) => SqlRelation> {
    const relations: SqlRelation[] = [];
    for (const [index, { stream, view, everyMs }] of plan.sources.entries()) {
      if (view) relations.push(await this.viewRelation(await below(stream), everyMs, below));
      else {
        if (!taken) await this.options.lake.flush(stream);
        relations.push(
          this.relation(
            stream,
            taken?.filter(({ source }) => source === index),
          ),
        );
      }
    }
    return (_, source) => relations[source]!;
  }

  private async viewRelation(
    serving: ServingPlan & Partial<TakenPlan>,
    everyMs: number | undefined,
    below: (view: string) => Promise<ServingPlan & Partial<TakenPlan>>,
  ): Promise<SqlRelation> {
    return viewRelation(serving.plan, {
      events: await this.relations(serving, below),
      lookup: (table, source) => this.lookupRelation(serving, table, source),
      ...(everyMs === undefined ? {} : { everyMs }),
    });
  }

  private relation(
    stream: string,
    taken?: TakenPlan['taken'],
  ): { from: string; columns: { name: string; type: string }[] } {
    const { lake } = this.options;
    const fields = columnFields(lake.stream(stream)?.schema.fields ?? []);
    const select =
      lake.selectSql(stream) ??
      'SELECT NULL::TIMESTAMP AS _time, NULL::BIGINT AS _offset, NULL::INTEGER AS _partition WHERE false';
    const ranges = taken?.map(
      ({ partition, offset }) => `(_partition = ${partition} AND _offset < ${offset})`,
    );
    const from = ranges
      ? `(SELECT * FROM (${select}) WHERE ${ranges.length > 0 ? ranges.join(' OR ') : 'false'})`
      : `(${select})`;
    return { from, columns: [{ name: '_time', type: 'TIMESTAMP' }, ...fields] };
  }
}

/** In the order asked for, and of equals by window and group, so that pages neither overlap nor miss rows. */
function orderedSql(sql: string, { order = [] }: ViewQuery, columns: ViewSummary['columns']): string {
  if (order.length === 0) return sql;
  const keys = order.map(({ column, descending }) => {
    const isColumn = columns.some(({ name }) => name === column);
    return `${identifier(isColumn ? column : '_start')} ${descending ? 'DESC' : 'ASC'} NULLS LAST`;
  });
  const groups = columns.filter(({ role }) => role === 'group').map(({ name }) => identifier(name));
  return `SELECT * FROM (${sql}) ORDER BY ${[...keys, '_start', ...groups].join(', ')}`;
}

function instantUs(value: unknown): number | undefined {
  return typeof value === 'string' ? parseTimeUs(value) : undefined;
}

function notFromHistory(view: string, why: string): MillraceError {
  return new MillraceError('no-history', `The view "${view}" cannot be recomputed: ${why}.`, {
    status: 400,
    remedy: 'Remove the filter, or ask the stream in SQL.',
  });
}
