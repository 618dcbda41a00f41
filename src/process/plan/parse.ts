// From a view's file to its plan. DuckDB parses the SQL; this file decides what the SELECT means as a standing query and
// refuses, with place, reason and a suggestion, what cannot be kept incrementally in bounded memory.
import { murmur128Text } from '../../core/hash.ts';
import type { ViewDefinition } from '../view.ts';
import type { Catalog } from './bind/catalog.ts';
import { reserved } from './bind/keywords.ts';
import { overViews } from './bind/over-view.ts';
import type { ParseResult, QueryNode } from './bind/parse-tree.ts';
import { firstPosition } from './bind/relation.ts';
import { SelectBinder } from './bind/select.ts';
import type { Plan, SourcePlan } from './plan.ts';
import { Source } from './refusal.ts';
import { parseViewFile } from './view-file.ts';

export interface PlanOptions extends Catalog {
  /** DuckDB's `json_serialize_sql` of the text, parsed from JSON or not. */
  parseSql: (sql: string) => Promise<string | ParseResult>;
}

/** Longest text of a view. */
export const viewTextMax = 100_000;

/**
 * The plan of a view. Throws `view-syntax` (400) for text that is not SQL or a wrong header, `view-refused` (400) for SQL that
 * cannot be kept; both with context {view, position, line, column, reason}.
 */
export async function planView(definition: ViewDefinition, options: PlanOptions): Promise<Plan> {
  const source = new Source(definition.name, definition.text);
  if (definition.text.length > viewTextMax) {
    source.refuse(viewTextMax, `The text is longer than ${viewTextMax} characters.`, 'Split the view.');
  }
  const written = parseViewFile(definition.name, definition.text);
  const parsed = await options.parseSql(definition.text);
  const query = statement(source, typeof parsed === 'string' ? (JSON.parse(parsed) as ParseResult) : parsed);
  const { aliases, ...bound } = new SelectBinder(source, options, query).plan();
  const { header, selected: select } = overViews(source, written, bound, options);
  if (header.window.kind === 'session') {
    for (const by of header.window.by) {
      const output = select.outputs.find(({ name }) => name.toLowerCase() === by.toLowerCase());
      if (output?.expression.kind !== 'group') {
        source.refuse(
          header.positions['session'],
          `Sessions by "${by}" need it in GROUP BY and in the SELECT list.`,
          `Add ${by} to both.`,
        );
      }
    }
    header.window.by = header.window.by.map(
      by => select.outputs.find(({ name }) => name.toLowerCase() === by.toLowerCase())!.name,
    );
  }
  const { positions: _, ...window } = header;
  const { window: spec, maxGroups } = header;
  const meaning = { window: spec, maxGroups, ...select, ...stateForms(select.sources) };
  return {
    name: definition.name,
    version: hashOf(meaning),
    sql: definition.text,
    ...window,
    ...select,
    ...(aliases.length > 0 ? { aliases } : {}),
  };
}

/**
 * The forms of states that have changed since the first: aggregates with another one make another version of their views, which is filled
 * from the history beside the old one.
 */
function stateForms(sources: readonly SourcePlan[]): { moments?: number } {
  const hasMoments = sources.some(({ aggregates }) =>
    aggregates.some(({ function: name }) => moments.test(name)),
  );
  // 2: states know of values that are all the same.
  return hasMoments ? { moments: 2 } : {};
}

const moments = /^(var|stddev|covar)_|^corr$/;

/** A short hash of what a plan means. */
export function hashOf(meaning: unknown): string {
  const { h1High, h1Low } = murmur128Text(JSON.stringify(meaning));
  return [h1High, h1Low].map(word => (word >>> 0).toString(16).padStart(8, '0')).join('');
}

/** The one statement of a parsed text; refuses what is none. */
export function statement(source: Source, parsed: ParseResult): QueryNode {
  if (parsed.error) {
    const message = parsed.error_message ?? 'The SQL does not parse.';
    if (parsed.error_type === 'not implemented') {
      if (/^Only SELECT/.test(message)) {
        source.refuse(source.start, 'A view is one SELECT.', 'Write SELECT … FROM a stream GROUP BY …');
      }
      source.refuse(
        source.start,
        `A part of this SELECT has a form that views do not know: ${message}.`,
        'Write it in plainer SQL, as x BETWEEN a AND b for x BETWEEN SYMMETRIC b AND a.',
      );
    }
    // DuckDB counts characters here.
    const position =
      parsed.position === undefined
        ? undefined
        : [...source.text].slice(0, Number(parsed.position)).join('').length;
    const word = position === undefined ? undefined : reservedAt(source.text, position);
    source.syntax(
      position,
      capital(message),
      word === undefined
        ? 'Mend the SQL; the workbench shows it with the same parser.'
        : `Mend the SQL. Where ${word} is meant as a name, write it in double quotes: "${word}".`,
    );
  }
  const statements = parsed.statements ?? [];
  if (statements.length === 0) {
    source.syntax(source.text.length, 'The file has no SELECT.', 'Write SELECT … FROM a stream GROUP BY …');
  }
  if (statements.length > 1) {
    source.refuse(
      firstPosition(source, statements[1]!.node),
      'A view is one SELECT, and this is a second statement.',
      'Put it into a file of its own.',
    );
  }
  return statements[0]!.node;
}

/** The word at a place where the SQL stops being SQL, or else the one before it, where it cannot be a name without quotes. */
function reservedAt(text: string, position: number): string | undefined {
  const words = [/^\w+/.exec(text.slice(position)), /\w+(?=\s*$)/.exec(text.slice(0, position))];
  return words.map(match => match?.[0]).find(word => word !== undefined && reserved.has(word.toLowerCase()));
}

const capital = (text: string) =>
  `${text[0]!.toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`;
