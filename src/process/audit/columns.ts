// How the columns of a view are compared with those of a batch: which are the group's, and for the others whether two values are the
// same, or as close as bound-sql.ts and output-bound-sql.ts allow.

import { frequencyError } from '../plan/frequency-error.ts';
import type { Aggregate, Plan, ScalarType } from '../plan/plan.ts';
import { anything } from '../plan/sql/alternatives-sql.ts';
import { fieldShares, groupInexactness, quantileBound, tellsApart } from '../plan/sql/bound-sql.ts';
import type { SourceRelations } from '../plan/sql/column-type.ts';
import { furtherShareOf } from '../plan/sql/output-bound-sql.ts';
import { readsMixed } from '../plan/sql/plan-sql.ts';
import type { ViewValue } from '../view.ts';
import { type Comparable, comparable, isAmong, isWithin, keyOf } from './comparable.ts';
import { areFrequent, type ItemCount, isSample } from './frequent-items.ts';
import { closeBelow, roughBelow } from './not-compared.ts';

export interface AuditColumn {
  name: string;
  isGroup: boolean;
  /** Not approximate. */
  isExact: boolean;
  /** Why it is not compared, where it is made of approximate values of a view below, or tells its rounded numbers apart. */
  rough?: string;
  /** Adds up over groups. */
  isTotal: boolean;
  /** A group's share of itself by which its last digits may differ; 0 where it is exact. */
  inexactness: number;
  comparable(value: ViewValue): Comparable;
  /** `bound`: what the batch answers beside the value. */
  isEqual(engine: ViewValue, batch: ViewValue, bound: ViewValue): boolean;
}

/** `events` as the batch has them. */
export function auditColumns(plan: Plan, events: SourceRelations): AuditColumn[] {
  const isTold = readsMixed(plan, events);
  const shares = fieldShares(plan, events);
  return plan.outputs.map(({ name, column, expression, isRough = false }) => {
    const aggregate =
      expression.kind === 'aggregate' ? plan.sources[0]!.aggregates[expression.index] : undefined;
    const isExact = column.approximate === undefined;
    const same = (value: ViewValue): Comparable => comparable(value, expression.type, isTold);
    return {
      name,
      isGroup: column.role === 'group',
      isExact,
      ...(isRough
        ? { rough: roughBelow }
        : tellsApart(plan, expression, shares)
          ? { rough: closeBelow }
          : {}),
      isTotal: isExact && ['count', 'count_if', 'sum'].includes(aggregate?.function ?? ''),
      inexactness: expression.kind === 'group' ? groupInexactness(plan, expression.index, shares) : 0,
      comparable: same,
      isEqual:
        listCheck(aggregate, isTold) ??
        ((engine, batch, bound) => {
          if (!Array.isArray(bound)) {
            const most = boundOf(bound);
            return most >= anything || isWithin(same(engine), same(batch), most);
          }
          const lists = bound.map(list => listOf(list).map(same));
          return isAmong(same(engine), lists, furtherShareOf(expression));
        }),
    };
  });
}

/** A bound is null where there is nothing to be off, or the value is exact. */
export const boundOf = (bound: ViewValue): number => (Number.isFinite(Number(bound)) ? Number(bound) : 0);

/** Of aggregates whose values are no single numbers, or promised on one side alone. `isTold`: see `comparable`. */
function listCheck(aggregate: Aggregate | undefined, isTold: boolean): AuditColumn['isEqual'] | undefined {
  const type: ScalarType = aggregate?.args[0]?.type ?? 'any';
  const item = (value: ViewValue): Comparable => comparable(value, type, isTold);
  switch (aggregate?.function) {
    case 'approx_quantile': {
      if (!Array.isArray(aggregate.parameters[0])) return undefined;
      return (engine, batch, extremes) => {
        if (!Array.isArray(engine) || !Array.isArray(batch)) return engine === batch;
        const [least, greatest] = listOf(extremes).map(Number) as [number, number];
        const close = (value: ViewValue, i: number): boolean => {
          const exact = comparable(batch[i]!, 'number', isTold);
          const bound = quantileBound(Number(exact), least, greatest);
          return isWithin(comparable(value, 'number', isTold), exact, bound);
        };
        return engine.length === batch.length && engine.every(close);
      };
    }
    case 'corr':
      // Where the spread is lost in the rounding of the moments there may be a value or none.
      return (engine, batch, bound) =>
        boundOf(bound) >= 1 ||
        isWithin(comparable(engine, 'number', isTold), comparable(batch, 'number', isTold), boundOf(bound));
    case 'approx_top_k': {
      const wanted = Number(aggregate.parameters[0]);
      const counts = (list: ViewValue): ItemCount[] =>
        listOf(list).map(entry => {
          const { value, count } = entry as { value: ViewValue; count: ViewValue };
          return { value: item(value), count: Number(count) };
        });
      return (engine, _, bound) => {
        const { events, top } = (bound ?? { events: 0, top: [] }) as { events: ViewValue; top: ViewValue };
        const exact = { events: Number(events), top: counts(top) };
        return areFrequent(counts(engine), exact, { wanted, ...frequencyError(aggregate) });
      };
    }
    case 'approx_frequency':
      // Never too low.
      return (engine, batch, bound) => {
        const tooHigh = Number(engine) - Number(batch);
        return tooHigh >= 0 && tooHigh <= boundOf(bound);
      };
    case 'sample':
      return (engine, batch) =>
        isSample(listOf(engine).map(item), listOf(batch).map(item), Number(aggregate.parameters[0]));
    case 'histogram':
      return (engine, batch) => (engine === null) === (batch === null) && binsOf(engine) === binsOf(batch);
    default:
      return undefined;
  }
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

export type GroupColumn = Pick<AuditColumn, 'comparable' | 'inexactness'> & { index: number };

/** The columns of a view's group, with where they stand in a row. */
export const groupColumns = (columns: readonly AuditColumn[]): GroupColumn[] =>
  columns.flatMap((column, index) => (column.isGroup ? [{ ...column, index }] : []));

export const groupKeyOf = (group: readonly Comparable[]): string => JSON.stringify(group.map(keyOf));
