// A result as lines of a chart, where its first column is a time. Pure.
import type { SqlAnswer } from '../../deliver/api.ts';
import type { Line, Series } from '../chart/lines.ts';
import { toNumber } from '../format.ts';
import { isNumeric, isTime } from './result-text.ts';

const linesMax = 12;

/**
 * Each numeric column is a line; with `time, text, number` each text is one (the first twelve). `undefined` where
 * there is nothing to draw. Rows may come in any order; of rows of the same time and line the last counts.
 */
export function seriesOf(answer: SqlAnswer): Series | undefined {
  const [time, second] = answer.columns;
  if (!time || !isTime(time.type) || answer.rows.length < 2) return undefined;
  const numeric = answer.columns.flatMap((column, index) => (isNumeric(column.type) ? [index] : []));
  if (numeric.length === 0) return undefined;
  const isLong = second?.type === 'VARCHAR' && numeric.length === 1;
  const cells = new Map<string, Map<number, number | null>>();
  const times = new Set<number>();
  for (const row of answer.rows) {
    const text = String(row[0]);
    const timeMs = Date.parse(/Z|[+-]\d\d(:?\d\d)?$/.test(text) || text.length <= 10 ? text : `${text}Z`);
    if (!Number.isFinite(timeMs)) continue;
    for (const index of numeric) {
      const key = isLong ? String(row[1]) : answer.columns[index]!.name;
      let line = cells.get(key);
      if (!line) {
        if (cells.size >= linesMax) continue;
        cells.set(key, (line = new Map()));
      }
      line.set(timeMs, toNumber(row[index]));
      times.add(timeMs);
    }
  }
  const sorted = [...times].sort((a, b) => a - b);
  if (sorted.length < 2) return undefined;
  let everyMs = Number.POSITIVE_INFINITY;
  for (let i = 1; i < sorted.length; i++) everyMs = Math.min(everyMs, sorted[i]! - sorted[i - 1]!);
  const lines = [...cells].map(
    ([key, line], paint): Line => ({
      key,
      label: key,
      paint,
      values: sorted.map(timeMs => line.get(timeMs) ?? null),
    }),
  );
  return { times: sorted, everyMs, lines };
}
