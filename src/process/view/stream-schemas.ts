// What is known of the streams' columns: for planning, and for the types of group columns, which hold any value as it is.
import { fieldUses } from '../plan/events/fields.ts';
import type { Plan } from '../plan/plan.ts';
import { findColumn, locate, type SqlColumn } from '../plan/sql/column-type.ts';
import type { ViewColumn, ViewDefinition } from '../view.ts';

type Columns = readonly SqlColumn[];

export class StreamSchemas {
  private readonly streams = new Map<string, Columns>();
  /** Grows with each `set`. */
  changes = 0;
  private readonly initial: (stream: string) => Columns | undefined;

  constructor(initial: (stream: string) => Columns | undefined = () => undefined) {
    this.initial = initial;
  }

  private get(stream: string): Columns | undefined {
    return this.streams.get(stream) ?? this.initial(stream);
  }

  set(stream: string, columns: Columns): void {
    this.streams.set(stream, columns);
    this.changes++;
  }

  /**
   * The schema to plan a definition with. A text that has been planned before (`known`) is planned with what was known then and, unless
   * `asBefore`, with the fields it reads that have been shown for the first time since; its aliases stay aliases. `assumed` gathers what the planner has asked for.
   */
  forPlanning(
    { text }: ViewDefinition,
    known: readonly (Plan | undefined)[],
    asBefore = false,
  ): {
    schema: (stream: string) => Columns;
    assumed: NonNullable<Plan['assumed']>;
    aliases: readonly string[];
  } {
    const before = known.find(plan => plan?.sql === text);
    const lower = text.toLowerCase();
    const assumed: NonNullable<Plan['assumed']> = {};
    const schema = (stream: string): Columns => {
      const shown = before && !asBefore ? this.shownSince(before, stream) : [];
      const columns = before ? [...(before.assumed?.[stream] ?? []), ...shown] : (this.get(stream) ?? []);
      assumed[stream] = columns.filter(({ name }) => lower.includes(name.toLowerCase()));
      return assumed[stream];
    };
    return { schema, assumed, aliases: before?.aliases ?? [] };
  }

  /** Whether a stream has shown a field that the plan reads and that was not known when it was made. */
  hasShownMore(plan: Plan): boolean {
    return plan.sources.some(({ stream, view }) => !view && this.shownSince(plan, stream).length > 0);
  }

  private shownSince({ sources, assumed }: Plan, stream: string): Columns {
    const uses = fieldUses(sources.filter(source => source.stream === stream && !source.view));
    const read = new Set(uses.map(({ path }) => path[0]!.toLowerCase()));
    const known = assumed?.[stream] ?? [];
    return (this.get(stream) ?? []).filter(
      ({ name }) => read.has(name.toLowerCase()) && !findColumn(known, name),
    );
  }

  /** The columns of a plan's result. A group by a field has the type that the streams have shown, or JSON while that is unknown or mixed. */
  columnsOf(plan: Plan): ViewColumn[] {
    return plan.outputs.map(({ column, expression }) => {
      if (expression.kind !== 'group' || expression.type !== 'any') return column;
      const types = new Set(
        plan.sources.map(({ stream, view, groups }) => {
          const group = groups[expression.index]!;
          if (group.kind !== 'field' || view || group.type !== 'any') return 'JSON';
          return locate(this.get(stream) ?? [], group.path)?.type ?? 'JSON';
        }),
      );
      const [type] = types;
      return types.size === 1 && type !== undefined ? { ...column, type } : { ...column, type: 'JSON' };
    });
  }
}
