// What is surely not meant in how DuckDB reads a CSV file: where lines have not all the same number of columns it takes each for one text,
// or begins below the lines that differ, the header among them. What may be meant, such as a title above the header, is left alone.

/** How DuckDB reads the file. */
export interface CsvShape {
  delimiter: string;
  hasHeader: boolean;
  /** Lines above what is read. */
  skipped: number;
  columns: readonly string[];
}

const delimiters = [',', ';', '\t', '|'];

/** As a sentence without its end; undefined: nothing. */
export function csvProblem(
  text: string,
  { delimiter, hasHeader, skipped, columns }: CsvShape,
): string | undefined {
  const [name] = columns;
  const within = columns.length === 1 ? delimiters.find(one => name!.includes(one)) : undefined;
  // The name of a column in quotes may hold anything.
  if (within !== undefined && !/^\ufeff?"/.test(text)) return unequalLines(text, within);
  if (skipped === 0) return undefined;
  const above = text.split('\n', skipped).filter(line => !line.startsWith('#'));
  if (above.some(line => line.includes(delimiter))) return unequalLines(text, delimiter);
  return hasHeader
    ? undefined
    : `Its first line is no header of the lines below, which have ${quoted(delimiter)} between columns`;
}

function unequalLines(text: string, delimiter: string): string {
  // What is in quotes counts for its lines alone.
  const plain = text.replace(/"(?:[^"]|"")*"/g, part => part.replace(/[^\n]/g, ''));
  let [first, at]: [number | undefined, number] = [undefined, 0];
  for (const line of plain.split('\n')) {
    at++;
    if (line.trim() === '' && delimiter !== '\t') continue;
    const count = line.split(delimiter).length;
    first ??= count;
    if (count !== first)
      return `Line ${at} has ${count} ${count === 1 ? 'column' : 'columns'}, and the first has ${first}`;
  }
  return 'Its lines have not all the same number of columns';
}

const quoted = (delimiter: string): string => JSON.stringify(delimiter);
