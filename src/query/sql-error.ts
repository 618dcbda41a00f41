// DuckDB's error messages as typed errors with a place in the user's text.
import { MillraceError, outOfSpace, toError } from '../core/errors.ts';

export interface Place {
  line: number;
  column: number;
}

/** 1-based line and column of a byte offset in a text. */
export function placeOf(sql: string, position: number): Place {
  const before = sql.slice(0, position);
  return { line: before.split('\n').length, column: position - (before.lastIndexOf('\n') + 1) + 1 };
}

/** DuckDB draws a caret under the line it quotes; long lines are cut to "...", so the quoted text is looked up again. */
function caretPlace(sql: string, message: string): Place | undefined {
  const match = /\nLINE (\d+): (.*)\n( *)\^/.exec(message);
  if (!match) return undefined;
  const line = Number(match[1]);
  const prefix = `LINE ${line}: `.length;
  const caret = match[3]!.length - prefix;
  let quoted = match[2]!;
  let at = caret;
  if (quoted.startsWith('...')) {
    quoted = quoted.slice(3);
    at -= 3;
  }
  if (quoted.endsWith('...')) quoted = quoted.slice(0, -3);
  const start = (sql.split('\n')[line - 1] ?? '').indexOf(quoted);
  return start < 0 || at < 0 ? undefined : { line, column: start + at + 1 };
}

/** What DuckDB said, without its drawing, as `sql-error` with the place where it is known. */
export function sqlError(thrown: unknown, sql: string): MillraceError {
  if (thrown instanceof MillraceError) return thrown;
  const full = outOfSpace(thrown, 'what the query keeps on it');
  if (full instanceof MillraceError) return full;
  const message = toError(thrown).message;
  const gone = missingChunk(message, thrown);
  if (gone) return gone;
  const place = caretPlace(sql, message);
  const sentence = message
    .replace(/\n+LINE \d+:[\s\S]*$/, '')
    .replace(/^(Binder|Catalog|Conversion|Invalid Input|Parser) Error: /, '')
    .replace(/\s*\n\s*/g, ' ')
    .replace(/ Did you mean "?(pg_|duckdb_|sqlite_|information_schema)[^?]*"?\?/, '')
    .trim();
  if (/Out of Memory Error/i.test(message)) {
    return new MillraceError('sql-memory', 'The query needs more memory than it may use.', {
      status: 400,
      remedy: 'Narrow the time range, select fewer columns or group by fewer values.',
      cause: thrown,
    });
  }
  return new MillraceError('sql-error', sentence, {
    status: 400,
    context: { ...place },
    remedy: remedyFor(message),
    cause: thrown,
  });
}

/** A file of the lake that its record in `_chunks` names is not there. */
function missingChunk(message: string, cause: unknown): MillraceError | undefined {
  const path = /(?:match the pattern|Cannot open file) "([^"]*\.parquet)"/.exec(message)?.[1];
  const found = path && /^(.*\/([^/]+))\/date=.*\/((\d+)-(\d+)-(\d+))(?:_\d+)?\.parquet$/.exec(path);
  if (!found) return undefined;
  const [, folder, stream, range, partition, first, last] = found;
  return new MillraceError(
    'lake-file-missing',
    `The history of "${stream}" lacks a file: ${path}, with events of the offsets ${first} to ${last} of partition ${partition}.`,
    {
      status: 500,
      remedy:
        `Put the file back. If it is lost, stop Millrace, remove ${folder}/_chunks/${range}.json and start again: ` +
        'what the log still holds of these events is written anew, and the rest is no longer in SQL, audits and new views.',
      context: { stream, file: path },
      cause,
    },
  );
}

function remedyFor(message: string): string | undefined {
  if (/Table with name .* does not exist/.test(message)) {
    return 'Ask for a stream or a view by its name; the Streams page and "millrace views" list them.';
  }
  if (/Permission Error/.test(message)) return 'SQL sees streams and views only, not files or the network.';
  return undefined;
}
