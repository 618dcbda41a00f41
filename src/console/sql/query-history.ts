// The queries this browser ran, newest first; each once, at most fifty, each at most 20,000 characters.
import { signal } from '@preact/signals';
import { readSetting, writeSetting } from '../setting.ts';

const entriesMax = 50;
const lengthMax = 20_000;

/** The list with a query put first. */
export function remembered(list: string[], sql: string): string[] {
  const text = sql.trim();
  if (text === '' || text.length > lengthMax) return list;
  return [text, ...list.filter(it => it !== text)].slice(0, entriesMax);
}

function read(): string[] {
  try {
    const list: unknown = JSON.parse(readSetting('sql-history') ?? '[]');
    return Array.isArray(list) ? list.filter(it => typeof it === 'string').slice(0, entriesMax) : [];
  } catch {
    return [];
  }
}

export const queryHistory = signal<string[]>(read());

export function remember(sql: string): void {
  queryHistory.value = remembered(queryHistory.value, sql);
  writeSetting('sql-history', JSON.stringify(queryHistory.value));
}

export function forgetAll(): void {
  queryHistory.value = [];
  writeSetting('sql-history', null);
}
