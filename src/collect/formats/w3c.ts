// W3C extended log files (IIS): `#Fields:` names the columns, `-` is null, `+` in values is a space. The columns that have a
// name in our access-log vocabulary get it, so that the same dashboards fit.
import type { Detection, Format } from '../format.ts';
import { LineFormatReader, type LineOutcome, refuse } from './line-format.ts';
import { scalarOf } from './scalar.ts';

const names: Record<string, string> = {
  'c-ip': 'ip',
  'cs-username': 'user',
  'cs-method': 'method',
  'cs-uri-stem': 'path',
  'cs-version': 'protocol',
  'sc-status': 'status',
  'sc-bytes': 'bytes',
  'cs(Referer)': 'referer',
  'cs(User-Agent)': 'agent',
  'cs-uri-query': 'query',
  'cs-host': 'vhost',
  'time-taken': 'duration_ms',
};

const numeric = new Set([
  'status',
  'bytes',
  'duration_ms',
  'cs-bytes',
  's-port',
  'sc-substatus',
  'sc-win32-status',
]);

export const w3c: Format = {
  id: 'w3c',
  title: 'W3C extended log (IIS)',
  detect(sample): Detection | undefined {
    const fields = sample.find(line => line.startsWith('#Fields:'));
    if (!fields) return undefined;
    return { confidence: 1, why: `a "#Fields:" line names ${fields.trim().split(/\s+/).length - 1} columns` };
  },
  reader(_kernel, state) {
    let columns: string[] = state === undefined ? [] : (JSON.parse(state) as string[]);
    const parseLine = (line: string): LineOutcome => {
      if (line.startsWith('#')) {
        if (line.startsWith('#Fields:')) columns = line.slice(8).trim().split(/\s+/);
        return undefined;
      }
      if (columns.length === 0) return refuse('before any "#Fields:" line');
      const cells = line.split(/[ \t]/);
      if (cells.length !== columns.length)
        return refuse(`${cells.length} fields where #Fields names ${columns.length}`);
      const event: Record<string, unknown> = Object.create(null);
      let date: string | undefined;
      let time: string | undefined;
      cells.forEach((cell, index) => {
        const column = columns[index]!;
        if (column === 'date') date = cell;
        else if (column === 'time') time = cell;
        else {
          const name = names[column] ?? column;
          event[name] = cell === '-' ? null : numeric.has(name) ? scalarOf(cell) : cell.replaceAll('+', ' ');
        }
      });
      return date && time ? { _time: `${date}T${time}Z`, ...event } : event;
    };
    return new LineFormatReader(parseLine, () => JSON.stringify(columns));
  },
};
