// The order in which views are defined: a view comes after those that it reads. Views that read each other are refused, and one of which it
// cannot be told now what it reads has to wait.
import { isPassing, MillraceError, toError } from './core/errors.ts';
import { viewMeant } from './process/plan/bind/catalog.ts';
import { Source } from './process/plan/refusal.ts';
import type { ViewDefinition } from './process/view.ts';

export interface OrderedViews {
  ordered: ViewDefinition[];
  /** By view: why it stands in no order. */
  unordered: Map<string, Error>;
  /** By view: those of the others that it reads. */
  reads: Map<string, string[]>;
}

/** `tables` gives the names behind FROM; a text without any that parse comes as it stands. */
export async function orderViews(
  views: readonly ViewDefinition[],
  tables: (sql: string) => Promise<string[]>,
): Promise<OrderedViews> {
  const byName = new Map(views.map(view => [view.name, view]));
  const reads = new Map<string, string[]>();
  const unordered = new Map<string, Error>();
  for (const { name, text } of views) {
    const names = await tables(text).catch((thrown): string[] => {
      if (isPassing(thrown)) unordered.set(name, toError(thrown));
      return [];
    });
    const known = names.flatMap(table => viewMeant([...byName.keys()], table) ?? []);
    reads.set(
      name,
      known.filter(other => other !== name),
    );
  }
  const ordered: ViewDefinition[] = [];
  const done = new Set<string>();
  const visit = (name: string, path: readonly string[]): void => {
    const from = path.indexOf(name);
    if (from >= 0) {
      const circle = path.slice(from);
      circle.forEach((one, index) => {
        unordered.set(one, inCircle(byName.get(one)!, circle[index + 1] ?? circle[0]!));
      });
      return;
    }
    if (done.has(name)) return;
    for (const other of reads.get(name)!) visit(other, [...path, name]);
    if (done.has(name)) return;
    done.add(name);
    if (!unordered.has(name)) ordered.push(byName.get(name)!);
  };
  for (const { name } of views) visit(name, []);
  return { ordered, unordered, reads };
}

function inCircle({ name, text }: ViewDefinition, next: string): MillraceError {
  const place = new Source(name, text).place(text.lastIndexOf(next));
  return new MillraceError(
    'view-refused',
    `View "${name}", line ${place.line}, column ${place.column}: "${next}" reads "${name}", so the two would never end.`,
    {
      status: 400,
      context: { view: name, ...place },
      remedy: 'Read a stream, or a view that does not come from this one.',
    },
  );
}
