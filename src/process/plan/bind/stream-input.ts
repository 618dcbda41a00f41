// A name under FROM: a stream, whose columns are what is learned of it so far, or a view, whose columns are known.

import { parseDuration } from '../../../core/duration.ts';
import { foldedName } from '../../../core/folded-name.ts';
import { streamNamePattern } from '../../../flow/log.ts';
import { scalarTypeOf } from '../functions/cast.ts';
import type { Expression } from '../plan.ts';
import type { Source } from '../refusal.ts';
import { findColumn, locate, type SqlColumn } from '../sql/column-type.ts';
import { type Catalog, viewAndResolution } from './catalog.ts';
import type { Input } from './input.ts';
import type { ExpressionNode, TableNode } from './parse-tree.ts';

/** What a view's rows have beside its result. */
const windowColumns: readonly SqlColumn[] = [
  { name: 'window_start', type: 'TIMESTAMP' },
  { name: 'window_end', type: 'TIMESTAMP' },
];

/** What the lake numbers events by: in SQL over a stream, and of no event itself. */
const numbering = new Set(['_offset', '_partition']);

const isTime = (path: readonly string[]): boolean => path.length === 1 && path[0]!.toLowerCase() === '_time';

function resolutionOf(source: Source, position: number | undefined, every: string): number {
  try {
    return parseDuration(every);
  } catch {
    return source.refuse(position, `"${every}" is no resolution.`, 'Write for instance FROM "requests@1m".');
  }
}

/** The input that a name under FROM is: a stream, or a view at a resolution. */
export function streamInput(source: Source, catalog: Catalog, table: TableNode): Input {
  const written = table.table_name!;
  const name = catalog.meant?.(written) ?? written;
  const position = source.fromBytes(table.query_location);
  if (table.schema_name || table.catalog_name) {
    source.refuse(position, 'A stream has no schema.', `Write FROM "${name}".`);
  }
  if (catalog.lookups?.(name)) {
    source.refuse(
      position,
      `"${name}" is a lookup table, which has no time.`,
      `Write FROM a stream JOIN ${name} ON …`,
    );
  }
  if (foldedName(name) === foldedName(source.name)) {
    source.refuse(position, 'A view cannot read itself.', 'Name a stream or another view.');
  }
  const { base, every } = viewAndResolution(name);
  const view = catalog.views?.(name) ?? (every ? catalog.views?.(base) : undefined);
  if (!view && !streamNamePattern.test(base)) {
    source.refuse(
      position,
      `"${name}" cannot be the name of a stream, and there is no such view.`,
      'Write FROM and the name of a stream or view. A file becomes a stream with: millrace load FILE --stream NAME.',
    );
  }
  if (!view && every) {
    const isStream = (catalog.schema?.(base)?.length ?? 0) > 0;
    source.refuse(
      position,
      isStream
        ? `"${base}" is a stream, and only views have resolutions.`
        : `There is no view "${base}", and only views have resolutions.`,
      isStream
        ? `Write FROM "${base}", and "-- every: ${every}" above the SELECT.`
        : 'Write FROM and the name of a view with @ and one of its resolutions; "millrace views" lists them.',
    );
  }
  const isAt = view !== undefined && catalog.views?.(name) === undefined;
  const viewColumns = view && [...view.columns, ...windowColumns];
  const columns = viewColumns ?? catalog.schema?.(name) ?? [];
  const alias = (table.alias || written).toLowerCase();
  let isAnyKnown = false;
  /** Of fields that have not been shown: the spelling that came first, which stands for the others. */
  const spellings = new Map<string, string>();
  const spelledOnce = ([first, ...rest]: readonly string[]): string[] => {
    const folded = foldedName(first!);
    if (!spellings.has(folded)) spellings.set(folded, first!);
    return [spellings.get(folded)!, ...rest];
  };
  const field = (path: readonly string[], node?: ExpressionNode): Expression => {
    if (viewColumns && !isTime(path) && !findColumn(viewColumns, path[0]!)) {
      source.refuse(
        source.fromBytes(node?.query_location) ?? position,
        `The view "${base}" has no column "${path[0]}".`,
        `It has ${viewColumns.map(column => column.name).join(', ')}.`,
      );
    }
    if (isTime(path)) return { kind: 'event-time', type: 'time' };
    if (!viewColumns && numbering.has(path[0]!.toLowerCase())) {
      source.refuse(
        source.fromBytes(node?.query_location) ?? position,
        `"${path[0]}" is where an event lies in its stream: SQL has that, a view has only what is in the event.`,
        'Ask the stream itself in SQL, or leave it out; an event field of this name needs another one where it is made.',
      );
    }
    const found = locate(columns, path);
    isAnyKnown ||= found !== undefined;
    const steps = found ? [...found.steps, ...found.rest] : [...path];
    const spelled = found && steps.length === path.length ? steps : spelledOnce(path);
    return { kind: 'field', path: spelled, type: (found && scalarTypeOf(found.type)) ?? 'any' };
  };
  return {
    stream: isAt ? base : name,
    ...(written === name ? {} : { written }),
    named: alias,
    view: view !== undefined,
    ...(isAt ? { everyMs: resolutionOf(source, position, every!) } : {}),
    ...(position === undefined ? {} : { position }),
    lookups: [],
    isOpen: view === undefined,
    hasShown: () => isAnyKnown,
    knows: column => findColumn(columns, column) !== undefined || column.toLowerCase() === '_time',
    ...(view
      ? {}
      : {
          shown: (path: readonly string[]) => {
            const found = locate(columns, path);
            return found && scalarTypeOf(found.type);
          },
        }),
    // What stands behind the stream's own name is a field of the stream, whatever is known of its fields by now.
    column: (names, node) => {
      const isQualified = names.length > 1 && names[0]!.toLowerCase() === alias;
      if (!isQualified) return field(names, node);
      const own = names.slice(1);
      if (findColumn(columns, own[0]!) || isTime(own) || !locate(columns, names)) return field(own, node);
      return source.refuse(
        source.fromBytes(node.query_location) ?? position,
        `${names.join('.')} is the field "${own[0]}" of "${table.alias || name}", which has shown none; its field "${names[0]}" has one inside.`,
        `Write ${[names[0], ...names].join('.')} for that one.`,
      );
    },
  };
}
