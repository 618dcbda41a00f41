// One stream under FROM, as the expressions above it see it: which columns it has, and what each is of the stream's own fields.
import type { Expression, Lookup, ScalarType } from '../plan.ts';
import type { Source } from '../refusal.ts';
import type { ExpressionNode, TableNode } from './parse-tree.ts';

/** One stream under FROM. */
export interface Input {
  stream: string;
  /** Its name in the text, where that is spelled in another way. */
  written?: string;
  /** The name before the dot of its columns, where * means all that are reached by it. */
  named?: string | undefined;
  view: boolean;
  /** The resolution of the view that was asked for. */
  everyMs?: number;
  /** Where it stands in the text. */
  position?: number;
  lookups: Lookup[];
  filter?: Expression;
  /** The column of a name, or undefined where this input has none of it. */
  column(names: readonly string[], node: ExpressionNode): Expression | undefined;
  /** Whether it may have fields that are not known: a stream has any field. */
  isOpen: boolean;
  /** Whether a field that has been asked for so far is known. */
  hasShown(): boolean;
  /** Whether the name is known to be a column (by schema, not by guess). */
  knows(name: string): boolean;
  /** The type that the stream has shown for a field so far. */
  shown?(path: readonly string[]): ScalarType | undefined;
  /** The columns by position where they are known: of a subquery with a list. */
  columns?: { name: string; expression: Expression }[];
}

/** Refuses what a name under FROM is given beside an alias. */
export function refuseTableForm(source: Source, table: TableNode, position: number | undefined): void {
  if (table.sample) {
    source.refuse(position, 'A table sample differs each time.', 'Use the aggregate sample(x, n).');
  }
  if (table.at_clause) {
    source.refuse(
      position,
      'AT asks for an earlier state, and a stream has one only.',
      'Leave it out and ask the view for a range of time.',
    );
  }
  if (table.column_name_alias?.length) {
    source.refuse(
      position,
      'Column names after a table alias are not supported in views.',
      'Name the columns with AS in the subquery.',
    );
  }
}

/** Where the names of expressions over an input are looked up. */
export function scopeOf(source: Source, input: Input) {
  return {
    column: (names: readonly string[], node: ExpressionNode): Expression =>
      input.column(names, node) ??
      source.refuse(
        source.fromBytes(node.query_location),
        `There is no column "${names.join('.')}" in this subquery.`,
        `It has ${input.columns?.map(column => column.name).join(', ') ?? 'other columns'}.`,
      ),
  };
}

export function byPath(
  columns: ReadonlyMap<string, Expression>,
  names: readonly string[],
): Expression | undefined {
  const [first, ...rest] = names;
  const found = columns.get(first!.toLowerCase());
  // The event's own time stays reachable through a subquery.
  if (!found && names.length === 1 && first!.toLowerCase() === '_time')
    return { kind: 'event-time', type: 'time' };
  if (!found || rest.length === 0) return found;
  return found.kind === 'field' ? { ...found, path: [...found.path, ...rest] } : undefined;
}

export function conjunction(a: Expression | undefined, b: Expression | undefined): Expression | undefined {
  if (!a || !b) return a ?? b;
  return { kind: 'call', function: 'and', args: [a, b], type: 'boolean' };
}
