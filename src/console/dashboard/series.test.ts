import { describe, expect, test } from 'vitest';
import type { ViewWindow } from '../../deliver/api.ts';
import type { ViewColumn, ViewValue } from '../../process/view.ts';
import { otherKey, stack } from '../chart/lines.ts';
import { buildSeries, type Grid, type TimeseriesPanel, totalOf } from './series.ts';

const start = Date.UTC(2026, 0, 1);
const minute = 60_000;

function row(at: number, ...values: ViewValue[]): ViewWindow {
  return {
    start: new Date(start + at * minute).toISOString(),
    end: new Date(start + (at + 1) * minute).toISOString(),
    revision: 0,
    final: true,
    values,
  };
}

function grid(minutes: number, known: [number, number] | null = [0, minutes]): Grid {
  return {
    fromMs: start,
    toMs: start + minutes * minute,
    everyMs: minute,
    known: known && { fromMs: start + known[0] * minute, toMs: start + known[1] * minute },
  };
}

const byStatus: ViewColumn[] = [
  { name: 'status', type: 'BIGINT', role: 'group' },
  { name: 'requests', type: 'BIGINT', role: 'value' },
  { name: 'errors', type: 'BIGINT', role: 'value' },
];

const panel: TimeseriesPanel = {
  id: 'p',
  title: 'P',
  kind: 'timeseries',
  view: 'v',
  unit: 'count',
  width: 12,
  columns: ['requests'],
  series: 'status',
};

describe('series', () => {
  test('the groups beyond the cap of the view belong to the line of all others', () => {
    const windows = [
      row(0, 200, 5, 0),
      row(0, null, 1, 0),
      { ...row(0, null, 7, 0), overflow: true as const },
    ];
    const { lines } = buildSeries(panel, byStatus, windows, grid(1), new Map());
    expect(lines.find(line => line.key === otherKey)!.values).toEqual([7]);
    expect(lines).toHaveLength(3);
  });

  test('status values of one class are one line, in the order of the classes', () => {
    const windows = [row(0, 404, 1, 0), row(0, 200, 5, 0), row(0, 206, 2, 0), row(1, 500, 3, 0)];
    const { lines, times } = buildSeries(
      { ...panel, classes: 'status' },
      byStatus,
      windows,
      grid(2),
      new Map(),
    );
    expect(times).toEqual([start, start + minute]);
    expect(lines.map(line => [line.label, line.paint, line.values])).toEqual([
      ['2xx', 'status-2', [7, 0]],
      ['4xx', 'status-4', [1, 0]],
      ['5xx', 'status-5', [0, 3]],
    ]);
  });

  test('a window without events is 0 where data are known and nothing beyond', () => {
    const { lines } = buildSeries(panel, byStatus, [row(1, 200, 4, 0)], grid(4, [1, 3]), new Map());
    expect(lines[0]!.values).toEqual([null, 4, 0, null]);
  });

  test('quantiles have no value in a window without events', () => {
    const columns: ViewColumn[] = [{ name: 'size', type: 'DOUBLE[]', role: 'value' }];
    const quantiles: TimeseriesPanel = {
      ...panel,
      unit: 'bytes',
      columns: ['size'],
      labels: ['p50', 'p95'],
      series: undefined,
    };
    const { lines } = buildSeries(quantiles, columns, [row(1, [7, 9])], grid(3), new Map());
    expect(lines.map(line => [line.label, line.values])).toEqual([
      ['p50', [null, 7, null]],
      ['p95', [null, 9, null]],
    ]);
  });

  test('a ratio has no value where nothing was counted', () => {
    const ratio: TimeseriesPanel = {
      ...panel,
      unit: 'ratio',
      columns: ['errors'],
      per: 'requests',
      series: undefined,
    };
    const windows = [row(0, 200, 8, 0), row(0, 500, 2, 2), row(1, 200, 0, 0)];
    expect(buildSeries(ratio, byStatus, windows, grid(3), new Map()).lines[0]!.values).toEqual([
      0.2,
      null,
      null,
    ]);
  });

  test('the largest are kept and the rest is summed as other', () => {
    const windows = [row(0, 'a', 10, 0), row(0, 'b', 7, 0), row(0, 'c', 2, 0), row(0, 'd', 1, 0)];
    const { lines } = buildSeries({ ...panel, maxSeries: 3 }, byStatus, windows, grid(1), new Map());
    expect(lines.map(line => [line.key, line.values[0]])).toEqual([
      ['a', 10],
      ['b', 7],
      [otherKey, 3],
    ]);
  });

  test('a line keeps its colour when the ranks change', () => {
    const slots = new Map<string, number>();
    const paint = (windows: ViewWindow[]) =>
      Object.fromEntries(
        buildSeries(panel, byStatus, windows, grid(1), slots).lines.map(it => [it.key, it.paint]),
      );
    const first = paint([row(0, 'a', 10, 0), row(0, 'b', 5, 0)]);
    const second = paint([row(0, 'a', 1, 0), row(0, 'b', 5, 0), row(0, 'c', 9, 0)]);
    expect(second['a']).toBe(first['a']);
    expect(second['b']).toBe(first['b']);
    expect(second['c']).toBe(2);
  });

  test('each element of a list column is a line with its label', () => {
    const columns: ViewColumn[] = [{ name: 'size', type: 'DOUBLE[]', role: 'value' }];
    const quantiles: TimeseriesPanel = {
      ...panel,
      series: undefined,
      columns: ['size'],
      unit: 'bytes',
      labels: ['p50'],
    };
    const { lines } = buildSeries(quantiles, columns, [row(0, [1, 9])], grid(1), new Map());
    expect(lines.map(line => [line.label, line.values[0]])).toEqual([
      ['p50', 1],
      ['size[2]', 9],
    ]);
  });

  test('a range of too many windows is drawn without filling', () => {
    const { times } = buildSeries(panel, byStatus, [row(3, 200, 1, 0)], grid(100_000), new Map());
    expect(times).toEqual([start + 3 * minute]);
  });

  test('stacking adds up from the first line and leaves out what is empty', () => {
    const line = (values: (number | null)[]) => ({ key: '', label: '', paint: 0, values });
    expect(stack([line([1, 0, null]), line([2, 3, 4])])).toEqual([
      [1, null, null],
      [3, 3, 4],
    ]);
  });
});

describe('totals', () => {
  test('are sums over the groups, or the ratio of two sums', () => {
    const windows = [row(0, 200, 8, 0), row(0, 500, '2', 2)];
    expect(totalOf(byStatus, windows, 'requests')).toBe(10);
    expect(totalOf(byStatus, windows, 'errors', 'requests')).toBe(0.2);
    expect(totalOf(byStatus, [], 'requests')).toBeNull();
    expect(totalOf(byStatus, [row(0, 200, 0, 0)], 'errors', 'requests')).toBeNull();
  });
});
