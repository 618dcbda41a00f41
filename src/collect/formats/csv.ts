// CSV and TSV with a header line (RFC 4180; a quoted field may hold the separator and doubled quotes, not a line break).
import { MillraceError } from '../../core/errors.ts';
import type { Detection, Format } from '../format.ts';
import { LineFormatReader, type LineOutcome, refuse } from './line-format.ts';
import { scalarOf } from './scalar.ts';

/** The fields of one line, or undefined where a quote is not closed. */
export function splitDelimited(line: string, separator: string): string[] | undefined {
  if (!line.includes('"')) return line.split(separator);
  const fields: string[] = [];
  let at = 0;
  for (;;) {
    if (line[at] === '"') {
      let value = '';
      at++;
      for (;;) {
        const quote = line.indexOf('"', at);
        if (quote < 0) return undefined;
        value += line.slice(at, quote);
        at = quote + 1;
        if (line[at] !== '"') break;
        value += '"';
        at++;
      }
      fields.push(value);
      if (at >= line.length) return fields;
      if (line[at] !== separator) return undefined;
      at++;
    } else {
      const end = line.indexOf(separator, at);
      fields.push(end < 0 ? line.slice(at) : line.slice(at, end));
      if (end < 0) return fields;
      at = end + 1;
    }
  }
}

function delimited(id: string, title: string, separator: string): Format {
  return {
    id,
    title,
    detect(sample): Detection | undefined {
      const header = sample[0] === undefined ? undefined : splitDelimited(sample[0], separator);
      if (!header || header.length < 2 || sample.length < 2) return undefined;
      const names = header.map(name => name.trim());
      if (new Set(names).size !== names.length) return undefined;
      if (names.some(name => name === '' || name.length > 100 || typeof scalarOf(name) === 'number'))
        return undefined;
      const body = sample.slice(1);
      const fitting = body.filter(line => splitDelimited(line, separator)?.length === names.length).length;
      if (fitting < body.length * 0.5) return undefined;
      return {
        confidence: 0.8 * (fitting / body.length),
        why: `the first line names ${names.length} columns and ${fitting} of ${body.length} lines have as many`,
      };
    },
    reader(_kernel, state) {
      let names: string[] | undefined = state === undefined ? undefined : (JSON.parse(state) as string[]);
      const parseLine = (line: string): LineOutcome => {
        const fields = splitDelimited(line, separator);
        if (!fields) return refuse('a quote is not closed', line.lastIndexOf('"'));
        if (!names) {
          names = fields.map(name => name.trim().replace(/^\uFEFF/, ''));
          if (new Set(names).size !== names.length) {
            throw new MillraceError('bad-header', 'Two columns of the header line have the same name.', {
              status: 400,
              remedy: 'Give each column of the first line its own name.',
              context: { header: names },
            });
          }
          return undefined;
        }
        if (fields.length !== names.length)
          return refuse(`${fields.length} fields where the header names ${names.length}`);
        return Object.fromEntries(names.map((name, index) => [name, scalarOf(fields[index]!)]));
      };
      return new LineFormatReader(parseLine, () => (names ? JSON.stringify(names) : undefined));
    },
  };
}

export const csv = delimited('csv', 'CSV with a header line', ',');
export const tsv = delimited('tsv', 'TSV with a header line', '\t');
