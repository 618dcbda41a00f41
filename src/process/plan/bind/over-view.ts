// A view over views: which resolution of each it reads, and what is refused because it could not follow them. Its input are the rows of
// the windows of one resolution; a row's time is its window's start.
import { formatDuration } from '../../../core/duration.ts';
import type { Expression, SourcePlan } from '../plan.ts';
import type { Source } from '../refusal.ts';
import { defaultKeepMs, type ViewHeader } from '../view-file.ts';
import { type Catalog, chainOver, chainProblem, chainRemedy, noChain } from './catalog.ts';
import type { Selected } from './select.ts';

/** The part of a plan with each source's resolution, and the header with keep times that the sources can serve. */
export function overViews<Header extends ViewHeader>(
  source: Source,
  written: Header,
  selected: Selected & { positions: readonly (number | undefined)[] },
  catalog: Catalog,
): { header: Header; selected: Selected } {
  const { positions, ...plain } = selected;
  const { sources } = plain;
  if (!sources.some(({ view }) => view)) return { header: written, selected: plain };
  const header = withResolutions(written, sources, catalog);
  const { window } = header;
  sources.forEach((one, index) => {
    if (!one.view) {
      source.refuse(
        positions[index],
        'A view reads streams or views, not both at once.',
        'Make a view of the stream and read that.',
      );
    }
    if (one.lookups.length > 0) {
      source.refuse(
        positions[index],
        'A lookup table is joined to events; the rows of a view are computed again when it changes.',
        `Join it in "${one.stream}".`,
      );
    }
  });
  if (window.kind === 'session') {
    source.refuse(
      header.positions['session'],
      'Sessions are made of events, and the rows of a view are whole windows.',
      'Write "-- every: 1m", or sessions of the stream.',
    );
  }
  const shortestMs = window.kind === 'tumbling' ? window.everyMs[0]! : window.everyMs;
  const place = header.positions['every'] ?? header.positions['window'];
  let keepMs = Number.POSITIVE_INFINITY;
  const bound = sources.map((one, index): SourcePlan => {
    const known = catalog.views!(one.stream)!;
    if (known.views.includes(source.name)) {
      source.refuse(
        positions[index],
        `"${one.stream}" reads "${source.name}", so the two would never end.`,
        'Read a stream, or a view that does not come from this one.',
      );
    }
    if (known.window.kind === 'session') {
      source.refuse(
        positions[index],
        `"${one.stream}" has sessions, which later events move and join.`,
        'Read a view with "every:" or "window:".',
      );
    }
    const resolutions = known.keepMs.map(({ everyMs }) => everyMs);
    const asked = one.everyMs;
    if (asked !== undefined && !resolutions.includes(asked)) {
      source.refuse(
        positions[index],
        `"${one.stream}" has no resolution of ${formatDuration(asked)}.`,
        `It has ${resolutions.map(formatDuration).join(', ')}.`,
      );
    }
    const everyMs = resolutions
      .filter(everyMs => shortestMs % everyMs === 0 && (asked ?? everyMs) === everyMs)
      .at(-1);
    if (everyMs === undefined) {
      return source.refuse(
        place ?? positions[index],
        `Windows of ${formatDuration(shortestMs)} cannot be made of those of "${one.stream}".`,
        `Give a multiple of ${resolutions.map(formatDuration).join(' or ')}.`,
      );
    }
    keepMs = Math.min(
      keepMs,
      known.keepMs.find(entry => entry.everyMs === everyMs)!.keepMs ?? Number.POSITIVE_INFINITY,
    );
    return { ...one, everyMs };
  });
  const chains = sources.map(({ stream }) => catalog.views!(stream)!.chain ?? noChain);
  const tooLong = chainProblem(chainOver(chains));
  if (tooLong !== undefined) {
    const deepest = chains.reduce((at, { depth }, index) => (depth > chains[at]!.depth ? index : at), 0);
    source.refuse(positions[deepest], tooLong, chainRemedy);
  }
  // What is kept by default is kept as long as it can be.
  const longest = header.keepMs.find(
    ({ everyMs, keepMs: own }) =>
      own !== defaultKeepMs(everyMs) && (own ?? Number.POSITIVE_INFINITY) > keepMs,
  );
  if (longest && header.positions['keep'] !== undefined) {
    const [{ stream, everyMs }] = bound as [SourcePlan];
    source.refuse(
      header.positions['keep'],
      `The rows of "${stream}" are kept for ${formatDuration(keepMs)}, and this is made of them.`,
      `Keep them longer there: -- keep: ${formatDuration(everyMs!)} for …`,
    );
  }
  const kept = header.keepMs.map(entry => ({
    ...entry,
    keepMs: Number.isFinite(keepMs) ? Math.min(entry.keepMs ?? keepMs, keepMs) : entry.keepMs,
  }));
  return {
    header: { ...header, keepMs: kept },
    selected: { ...plain, sources: bound, outputs: withBounds(plain, catalog) },
  };
}

/** Where the file names no windows: those of the default ones that the rows of all sources make up, or else theirs. */
function withResolutions<Header extends ViewHeader>(
  header: Header,
  sources: readonly SourcePlan[],
  catalog: Catalog,
): Header {
  const { window, positions } = header;
  if (window.kind !== 'tumbling' || positions['every'] !== undefined) return header;
  if (positions['window'] !== undefined) return header;
  const finest = sources.flatMap(({ stream, everyMs }) => {
    const resolutions = catalog.views!(stream)?.keepMs.map(one => one.everyMs);
    return resolutions ? [everyMs ?? resolutions[0]!] : [];
  });
  const isWhole = (everyMs: number): boolean => finest.every(one => everyMs % one === 0);
  const kept = header.keepMs.filter(({ everyMs }) => isWhole(everyMs));
  const own = Math.max(...finest);
  if (kept.length === 0 && isWhole(own)) kept.push({ everyMs: own, keepMs: defaultKeepMs(own) });
  if (kept.length === 0) return header;
  return { ...header, window: { kind: 'tumbling', everyMs: kept.map(one => one.everyMs) }, keepMs: kept };
}

/** What is computed from approximate columns is approximate. */
function withBounds({ sources, outputs, having, limit }: Selected, catalog: Catalog): Selected['outputs'] {
  const isRough = (index: number, expression: Expression | undefined): boolean => {
    if (expression === undefined) return false;
    const rough = catalog.views!(sources[index]!.stream)!.columns.filter(column => column.approximate);
    return fieldsIn(expression).some(path => rough.some(({ name }) => name === path[0]));
  };
  const any = (pick: (source: SourcePlan) => readonly (Expression | undefined)[]): boolean =>
    sources.some((source, index) => pick(source).some(expression => isRough(index, expression)));
  const all = any(({ filter, groups }) => [filter, ...groups]);
  const rough = (sources[0]?.aggregates ?? []).map((_, at) =>
    any(({ aggregates }) => [...aggregates[at]!.args, aggregates[at]!.filter]),
  );
  // Which groups are there at all depends on them too.
  const chosen = (having !== undefined || limit !== undefined) && rough.includes(true);
  return outputs.map(output => {
    const own = all || chosen || aggregatesIn(output.expression).some(index => rough[index]);
    if (!own) return output;
    const approximate = output.column.approximate ?? `of approximate values of "${sources[0]!.stream}"`;
    return { ...output, column: { ...output.column, approximate }, isRough: true };
  });
}

function walk(expression: Expression, visit: (node: Expression) => void): void {
  visit(expression);
  if (expression.kind === 'call') for (const arg of expression.args) walk(arg, visit);
  else if (expression.kind === 'case') {
    for (const { when, value } of expression.branches) {
      walk(when, visit);
      walk(value, visit);
    }
    walk(expression.otherwise, visit);
  }
}

function fieldsIn(expression: Expression): string[][] {
  const paths: string[][] = [];
  walk(expression, node => {
    if (node.kind === 'field') paths.push(node.path);
  });
  return paths;
}

function aggregatesIn(expression: Expression): number[] {
  const indexes: number[] = [];
  walk(expression, node => {
    if (node.kind === 'aggregate') indexes.push(node.index);
  });
  return indexes;
}
