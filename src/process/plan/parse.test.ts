import { describe, expect, it } from 'vitest';
import { compileSource } from './compile.ts';
import { columnsOf, defaultView, planOf } from './plan.fixture.ts';
import { scalarAt } from './vector.ts';

describe('the plan of a view', () => {
  it('has the columns, groups and aggregates of its SELECT', async () => {
    const plan = await planOf(defaultView);
    expect(plan.window).toEqual({ kind: 'tumbling', everyMs: [1000, 60_000, 3_600_000, 86_400_000] });
    expect(plan.outputs.map(output => output.column)).toMatchObject([
      { name: 'status', type: 'JSON', role: 'group' },
      { name: 'requests', type: 'BIGINT', role: 'value' },
      { name: 'bytes', type: 'DOUBLE', role: 'value' },
      { name: 'visitors', type: 'BIGINT', role: 'value', approximate: '±1.6 % (95 %)' },
      { name: 'size', type: 'DOUBLE[]', role: 'value' },
    ]);
    expect(plan.sources).toEqual([
      {
        stream: 'access',
        view: false,
        lookups: [],
        filter: {
          kind: 'call',
          function: '<>',
          args: [
            { kind: 'field', path: ['method'], type: 'text' },
            { kind: 'literal', type: 'text', value: 'OPTIONS' },
          ],
          type: 'boolean',
        },
        groups: [{ kind: 'field', path: ['status'], type: 'any' }],
        aggregates: [
          { function: 'count', args: [], parameters: [] },
          { function: 'sum', args: [{ kind: 'field', path: ['bytes'], type: 'number' }], parameters: [] },
          {
            function: 'approx_count_distinct',
            args: [{ kind: 'field', path: ['ip'], type: 'any' }],
            parameters: [],
          },
          {
            function: 'approx_quantile',
            args: [{ kind: 'field', path: ['bytes'], type: 'number' }],
            parameters: [[0.5, 0.95, 0.99]],
          },
        ],
      },
    ]);
  });

  it('compiles to column functions over decoded events', async () => {
    const plan = await planOf(defaultView);
    const columns = columnsOf(
      [plan],
      [
        '{"_time":"2026-01-01T00:00:00Z","status":200,"method":"GET","bytes":10,"ip":"a"}',
        '{"_time":"2026-01-01T00:00:01Z","status":"x","method":"OPTIONS","bytes":20,"ip":"b"}',
        '{"_time":"2026-01-01T00:00:02Z","status":404,"method":null,"bytes":"30","ip":"b"}',
        '{"timestamp":1767225603,"status":404,"method":"PUT","bytes":{},"ip":"b"}',
      ],
    );
    const { filter, groups, aggregates } = compileSource(plan.sources[0]!);
    expect([...filter!(columns)]).toEqual([1, 0, 0, 1]);
    const status = groups[0]!(columns);
    expect([0, 1, 2, 3].map(row => scalarAt(status, row))).toEqual([200, 'x', 404, 404]);
    const bytes = aggregates[1]!.args[0]!(columns);
    expect([0, 1, 2, 3].map(row => scalarAt(bytes, row))).toEqual([10, 20, 30, null]);
    expect(aggregates[2]!.args[0]!(columns)).toMatchObject({ kind: 'hash', rows: 4 });
    expect(columns.mismatched).toBe(1);
    const time = columns.eventTime();
    expect([0, 1, 2, 3].map(row => (scalarAt(time, row) as number) / 1e6)).toEqual([
      1767225600, 1767225601, 1767225602, 1767225603,
    ]);
  });
});
