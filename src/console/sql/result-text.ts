// A result as text: cells for the table, CSV (RFC 4180) and JSON for files. Pure.
import type { SqlAnswer } from '../../deliver/api.ts';
import type { ViewValue } from '../../process/view.ts';

/** A value as shown in a cell; null is the caller's to word. Times lose the `T`, the `Z` and empty milliseconds. */
export function cellText(value: ViewValue, type: string): string {
  if (value === null) return 'NULL';
  if (typeof value === 'object') return JSON.stringify(value);
  if (typeof value === 'string' && type.startsWith('TIMESTAMP')) {
    return value.replace('T', ' ').replace(/(\.0+)?Z$/, '');
  }
  return String(value);
}

export function isNumeric(type: string): boolean {
  return /^(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|DOUBLE|FLOAT|REAL|DECIMAL.*)$/.test(type);
}

export function isTime(type: string): boolean {
  return /^(TIMESTAMP|DATE)/.test(type);
}

function csvField(value: ViewValue): string {
  if (value === null) return '';
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  // An empty text is quoted, so that it is not NULL.
  return text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export function toCsv(answer: SqlAnswer): string {
  const lines = [
    answer.columns.map(column => csvField(column.name)),
    ...answer.rows.map(row => row.map(csvField)),
  ];
  return lines.map(line => `${line.join(',')}\r\n`).join('');
}

/** An array of objects; of columns with the same name the later gets a number. */
export function toJson(answer: SqlAnswer): string {
  const names: string[] = [];
  for (const { name } of answer.columns) {
    let unique = name;
    for (let n = 2; names.includes(unique); n++) unique = `${name}_${n}`;
    names.push(unique);
  }
  const rows = answer.rows.map(row =>
    JSON.stringify(Object.fromEntries(row.map((value, index) => [names[index]!, value]))),
  );
  return `[\n${rows.join(',\n')}\n]\n`;
}
