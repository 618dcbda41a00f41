// A filter chip and its form in addresses and API calls: `column=value`, `column!=value`. Pure.
import type { ViewColumn, ViewValue } from '../process/view.ts';

export interface Filter {
  field: string;
  value: string;
  negated: boolean;
}

/** `undefined` where the text is not `field=value` or `field!=value`. */
export function parseFilter(text: string): Filter | undefined {
  const match = /^([^=!]+)(!?)=([\s\S]*)$/.exec(text);
  return match ? { field: match[1]!.trim(), negated: match[2] === '!', value: match[3]! } : undefined;
}

export function filterText(filter: Filter): string {
  return `${filter.field}${filter.negated ? '!=' : '='}${filter.value}`;
}

export function parseFilters(texts: string[]): Filter[] {
  return texts.flatMap(text => parseFilter(text) ?? []);
}

/** The list with one more; the same one, or its opposite, is replaced. */
export function withFilter(filters: Filter[], added: Filter): Filter[] {
  return [...filters.filter(it => it.field !== added.field || it.value !== added.value), added];
}

/** Whether every filter is on a group column, so that a live change can be judged here. */
export function isOnGroups(filters: Filter[], columns: ViewColumn[]): boolean {
  const groups = new Set(columns.filter(column => column.role === 'group').map(column => column.name));
  return filters.every(filter => groups.has(filter.field));
}

/** Whether a row of group values passes; NULL passes neither `=` nor `!=`, as in SQL. */
export function passes(filters: Filter[], columns: ViewColumn[], values: ViewValue[]): boolean {
  return filters.every(filter => {
    const value = values[columns.findIndex(column => column.name === filter.field)];
    if (value === null || value === undefined) return false;
    return (String(value) === filter.value) !== filter.negated;
  });
}
