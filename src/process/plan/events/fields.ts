// Which fields of its events a plan reads, and in which of the kernel's representations. A field may be read under several:
// a number for sum, a dictionary code for GROUP BY, a hash for distinct counts.

import { eventTimeFields } from '../../../core/event-time.ts';
import type { ColumnKind, FieldSpec } from '../../../kernel/kernel.ts';
import type { AggregateFunction, Expression, ScalarType, SourcePlan } from '../plan.ts';

/** How a field is read: as a type, as a hash of whatever it is, or only whether it is there. */
export interface FieldUse {
  path: readonly string[];
  as: ScalarType | 'hash' | 'presence';
}

/** A key that is equal for equal uses. */
export function useKey(path: readonly string[], as: FieldUse['as']): string {
  return path.length === 1 ? `${as}\0${path[0]}` : `${as}\0\0${JSON.stringify(path)}`;
}

/** The distinct uses of fields of some sources of one stream. */
export function fieldUses(sources: readonly SourcePlan[]): FieldUse[] {
  const uses = new Map<string, FieldUse>();
  const add = (use: FieldUse) => uses.set(useKey(use.path, use.as), use);
  for (const source of sources) {
    const visit = (expression: Expression): void => {
      switch (expression.kind) {
        case 'field':
          add({ path: expression.path, as: expression.type });
          break;
        case 'call':
          expression.args.forEach(visit);
          break;
        case 'case':
          for (const { when, value } of expression.branches) {
            visit(when);
            visit(value);
          }
          visit(expression.otherwise);
      }
    };
    for (const { on } of source.lookups) for (const { expression } of on) visit(expression);
    if (source.filter) visit(source.filter);
    source.groups.forEach(visit);
    for (const aggregate of source.aggregates) {
      if (aggregate.filter) visit(aggregate.filter);
      for (const arg of aggregate.args) {
        const as = lighterUse(aggregate.function, arg);
        if (as) add({ path: as.path, as: as.as });
        else visit(arg);
      }
    }
  }
  return [...uses.values()];
}

/** The top-level keys of the events that some plans over one stream read beside the event time, in a fixed order. */
export function keysOf(sources: readonly SourcePlan[]): string[] {
  return [...new Set(fieldUses(sources).map(({ path }) => path[0]!))].sort();
}

/** What an aggregate needs of a field that it takes as it is, where it only asks whether there is a value, or which are equal. */
export function lighterUse(
  aggregate: AggregateFunction,
  arg: Expression,
): { path: readonly string[]; as: 'hash' | 'presence' } | undefined {
  if (arg.kind !== 'field') return undefined;
  const { path, type } = arg;
  // Every value has a text, and of another type only some are values.
  if (aggregate === 'count') return type === 'any' || type === 'text' ? { path, as: 'presence' } : undefined;
  return type === 'any' && countsDistinct.has(aggregate) ? { path, as: 'hash' } : undefined;
}

/** A field inside of an object by which an aggregate finds an extreme: no type is known of it, so it is read as numbers or times. */
export interface OrderInside {
  key: string;
  function: AggregateFunction;
  path: readonly string[];
}

export function ordersInside({ aggregates }: SourcePlan): OrderInside[] {
  return aggregates.flatMap(({ function: name, args }) => {
    const by = name === 'min' || name === 'max' ? args[0] : /^arg_/.test(name) ? args[1] : undefined;
    if (by?.kind !== 'field' || by.path.length < 2 || (by.type !== 'number' && by.type !== 'time')) return [];
    return [{ key: useKey(by.path, by.type), function: name, path: by.path }];
  });
}

const countsDistinct: ReadonlySet<AggregateFunction> = new Set(['approx_count_distinct', 'count_distinct']);

const kinds: Record<FieldUse['as'], ColumnKind> = {
  boolean: 'bool',
  integer: 'f64',
  number: 'f64',
  text: 'dict',
  any: 'dict',
  time: 'time',
  date: 'time',
  interval: 'f64',
  hash: 'hash',
  presence: 'slice',
};

/** The kernel's fields for a list of uses, each needed representation once, and where each use finds its own. */
export function fieldSpecs(uses: readonly FieldUse[]): { specs: FieldSpec[]; column: Map<string, number> } {
  const specs: FieldSpec[] = [];
  const column = new Map<string, number>();
  const place = (path: readonly string[], kind: ColumnKind): number => {
    const found = specs.findIndex(spec => spec.kind === kind && samePath(spec.path, path));
    return found >= 0 ? found : specs.push({ path, kind }) - 1;
  };
  for (const { path, as } of uses) {
    if (as !== 'presence') column.set(useKey(path, as), place(path, kinds[as]));
  }
  for (const { path, as } of uses) {
    if (as !== 'presence') continue;
    // Any other reading of the field tells presence as well.
    const other = specs.findIndex(spec => samePath(spec.path, path));
    column.set(useKey(path, as), other >= 0 ? other : place(path, 'slice'));
  }
  return { specs, column };
}

/** The kernel's fields for the time of an event, from so many of its candidates. */
export function timeSpecs(depth: number): FieldSpec[] {
  return eventTimeFields.slice(0, depth).map(name => ({ path: [name], kind: 'time', isExact: true }));
}

/** The kernel's fields that some plans over one stream need, event time included (all of its candidate fields). */
export function fieldsOf(sources: readonly SourcePlan[]): FieldSpec[] {
  return [...fieldSpecs(fieldUses(sources)).specs, ...timeSpecs(eventTimeFields.length)];
}

function samePath(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((key, index) => key === b[index]);
}
