// docs/pipelines.md against the code: its options, bounds and what a context has; its example runs in test/e2e/pipelines.test.ts.
import { readFileSync } from 'node:fs';
import { describe, expect, expectTypeOf, it, test } from 'vitest';
import { maxDepth } from '../../kernel/line-reasons.ts';
import { pipelineLimits as limits, type PipelineContext, pipeline } from '../pipeline.ts';
import { CallContext } from './call-context.ts';
import { optionNames } from './definition.ts';

const guide = readFileSync(new URL('../../../docs/pipelines.md', import.meta.url), 'utf8');

describe('the guide', () => {
  it('explains every option', () => {
    const rows = [...guide.matchAll(/^\| `(\w+)[`(]/gm)].map(match => match[1]);
    expect(rows.sort()).toEqual([...optionNames].sort());
  });

  it('names everything that a context has', () => {
    const place = { timeUs: 0, nowMs: 0, watermarkUs: null, stream: 's', partition: 0, offset: 0, key: '' };
    const row = { values: new Map(), timers: new Map() };
    const context = new CallContext(
      { ...place, attempt: 1, to: 'o', sides: [], emittedBytesMax: 1 },
      row,
      () => {},
    );
    const members = [...Object.keys(context), 'emit', 'emitTo'];
    expect(members.filter(name => !new RegExp(`\`${name}\\b`).test(guide))).toEqual([]);
  });

  it('states the bounds as they are', () => {
    const bounds = guide.slice(guide.indexOf('## Bounds'), guide.indexOf('## Watching')).replaceAll(',', '');
    const stated = [
      `| ${limits.pipelinesMax} · ${limits.sidesMax} |`,
      `| ${limits.keyBytesMax} bytes |`,
      `${limits.valuesPerKeyMax} values ${limits.valueBytesMax / 1024} KiB each ${limits.valuesBytesPerKeyMax / 1024} KiB together`,
      `| ${limits.timersPerKeyMax} |`,
      `| ${limits.nameBytesMax} bytes |`,
      `${limits.emittedPerCallMax} events ${limits.emittedBytesPerCallMax / 1024 ** 2} MiB`,
      `| ${maxDepth} deep itself included |`,
      `| ${limits.heapMb} MB |`,
      `| ${limits.buffersMb} MB measured between calls |`,
      `${limits.callsPerBatchMax} calls ${limits.batchMs / 1000} s of work`,
      `${limits.batchStateBytesMax / 1024 ** 2} MiB of state`,
      `${limits.logLinesPerBatchMax} a batch`,
    ];
    expect(stated.filter(text => !bounds.includes(text))).toEqual([]);
  });
});

test('types given to pipeline() hold in its functions, and without them everything can be read', () => {
  interface Click {
    user: string;
  }
  interface Types {
    event: Click;
    output: { user: string; count: number };
    state: { count: number };
    sides: { alerts: { user: string } };
  }
  pipeline<Types>({
    from: 'clicks',
    to: 'visits',
    sides: ['alerts'],
    key: event => event.user,
    process(event, context) {
      expectTypeOf(event).toEqualTypeOf<Click>();
      expectTypeOf(context.state.get('count')).toEqualTypeOf<number | undefined>();
      expectTypeOf(context).toEqualTypeOf<PipelineContext<Types>>();
      context.emitTo('alerts', { user: event.user });
      // @ts-expect-error: no such side output
      context.emitTo('alarms', { user: event.user });
      // @ts-expect-error: not what the state holds
      context.state.set('count', 'many');
      // @ts-expect-error: not what the output holds
      context.emit({ user: 1 });
      return { user: event.user, count: 1 };
    },
    onTimer: (timer, { emit }) => {
      expectTypeOf(timer.timeMs).toEqualTypeOf<number>();
      expectTypeOf(emit).toBeCallableWith({ user: 'a', count: 1 });
    },
  });
  // @ts-expect-error: not what the output holds
  pipeline<Types>({ from: 'a', to: 'b', process: () => ({ user: 1 }) });
  pipeline({ from: 'a', to: 'b', process: event => (event.deep.down > 1 ? event : undefined) });
  pipeline({ from: 'a', to: 'b', process: async () => {} });
  pipeline({ from: 'a', to: 'b', process: (event: Click) => [{ user: event.user }] });
});
