import { describe, expect, it } from 'vitest';
import { eventTimeFields, eventTimeUs } from '../../../core/event-time.ts';
import type { FieldSpec } from '../../../kernel/kernel.ts';
import { columnsOf, decoderOf, planOf } from '../plan.fixture.ts';
import { type ColumnSource, scalarAt } from '../vector.ts';
import { EventColumns } from './event-columns.ts';
import { fieldsOf } from './fields.ts';

const kindsOf = (specs: readonly FieldSpec[]) =>
  specs
    .filter(spec => !eventTimeFields.includes(spec.path[0] as '_time'))
    .map(({ path, kind }) => `${path.join('.')} ${kind}`);
const values = (source: ColumnSource, vector: Parameters<typeof scalarAt>[0]) =>
  Array.from({ length: source.rows }, (_, row) => scalarAt(vector, row));

describe('the fields of a plan', () => {
  it('are read in the kinds that their uses want, each once', async () => {
    const plan = await planOf(
      "SELECT status, count(*) AS n, count(a.b) AS some, sum(bytes) AS bytes, max(bytes) AS most, approx_count_distinct(ip) AS ips FROM s WHERE method = 'GET' AND ok GROUP BY status",
    );
    expect(kindsOf(fieldsOf(plan.sources))).toEqual([
      'method dict',
      'ok bool',
      'status dict',
      'bytes f64',
      'ip hash',
      'a.b slice',
    ]);
  });

  it('are read in two kinds where two uses differ, and counted by any of them', async () => {
    const plan = await planOf(
      'SELECT ip, count(DISTINCT ip) AS d, count(ip) AS n, sum(ip) AS s FROM s GROUP BY ip',
    );
    expect(kindsOf(fieldsOf(plan.sources))).toEqual(['ip dict', 'ip hash', 'ip f64']);
  });
});

describe('values of another type', () => {
  it('are taken where their text is a value of the wanted type, and else are NULL and counted', async () => {
    const plan = await planOf(
      "SELECT sum(n) AS n, bool_or(b) AS b, count_if(lower(t) = 'x') AS t, max(w_at) AS w FROM s",
    );
    const columns = columnsOf(
      [plan],
      [
        '{"n":"12","b":"true","t":200,"w_at":1767225600}',
        '{"n":" -1.5e1 ","b":1,"t":true,"w_at":"2026-01-01T01:00:00+01:00"}',
        '{"n":true,"b":7,"t":{"a":1},"w_at":"soon"}',
        '{"n":[1],"b":[],"t":null,"w_at":{}}',
        '{"n":null}',
      ],
    );
    expect(values(columns, columns.field(['n'], 'number'))).toEqual([12, -15, null, null, null]);
    expect(values(columns, columns.field(['b'], 'boolean'))).toEqual([true, true, null, null, null]);
    expect(values(columns, columns.field(['t'], 'text'))).toEqual(['200', 'true', '{"a":1}', null, null]);
    const at = 1_767_225_600e6;
    expect(values(columns, columns.field(['w_at'], 'time'))).toEqual([at, at, null, null, null]);
    expect(columns.mismatched).toBe(6);
  });

  it('give text uses one code for 200 and "200", and other uses two', async () => {
    const plan = await planOf("SELECT v, count(*) AS n FROM s WHERE v <> 'x' GROUP BY v");
    const columns = columnsOf([plan], ['{"v":"a"}', '{"v":200}', '{"v":"200"}', '{"v":"b"}']);
    const asText = columns.field(['v'], 'text');
    const asAny = columns.field(['v'], 'any');
    if (asText.kind !== 'dictionary' || asAny.kind !== 'dictionary') throw new Error('dictionaries');
    expect([...asText.codes]).toEqual([0, 1, 1, 2]);
    expect(values(columns, asText)).toEqual(['a', '200', '200', 'b']);
    expect(values(columns, asAny)).toEqual(['a', 200, '200', 'b']);
  });

  it('stay apart as groups and in distinct counts where doubles would make them one', async () => {
    const plan = await planOf('SELECT id, count(DISTINCT id) AS d FROM s GROUP BY id');
    const lines = ['{"id":9007199254740993}', '{"id":9007199254740992}', '{"id":1e3}', '{"id":1000}'];
    const columns = columnsOf([plan], lines);
    const [first, second, ...rest] = values(columns, columns.field(['id'], 'any'));
    expect([first, second, ...rest]).toEqual(['9007199254740993', '9007199254740992', 1000, 1000]);
    const hashes = columns.hash(['id']);
    if (hashes.kind !== 'hash') throw new Error('hashes');
    const words = lines.map((_, row) => hashes.words.subarray(row * 4, row * 4 + 4).join());
    expect(new Set(words).size).toBe(3);
    expect(words[2]).toBe(words[3]);
  });

  it('keep whole numbers beyond 2^53 exactly where the field is one of whole numbers', async () => {
    const schema = () => [{ name: 'id', type: 'BIGINT' }];
    const plan = await planOf('SELECT sum(id) AS s FROM s', { schema });
    const columns = columnsOf([plan], ['{"id":9007199254740993}', '{"id":-5}', '{"id":9223372036854775808}']);
    expect(columns.field(['id'], 'integer').kind).toBe('integer');
    expect(values(columns, columns.field(['id'], 'integer')).slice(0, 2)).toEqual([9007199254740993n, -5]);
  });
});

describe('numbers that no double holds', () => {
  it('are NULL, and counted, where they are used as numbers', async () => {
    const plan = await planOf('SELECT sum(n) AS s FROM s');
    const columns = columnsOf([plan], ['{"n":1e400}', '{"n":-1e400}', '{"n":1e300}']);
    expect(values(columns, columns.field(['n'], 'number'))).toEqual([null, null, 1e300]);
    expect(columns.mismatched).toBe(2);
  });

  it('keep their digits beside fractions where a field of whole numbers has drifted', async () => {
    const plan = await planOf('SELECT sum(id) AS s FROM s', {
      schema: () => [{ name: 'id', type: 'BIGINT' }],
    });
    const columns = columnsOf([plan], ['{"id":9007199254740993}', '{"id":0.5}']);
    expect(values(columns, columns.field(['id'], 'integer'))).toEqual([9007199254740993n, 0.5]);
  });
});

describe('the time of an event', () => {
  const at = 1_767_225_600e6;

  it('is the first of the usual fields that is a time, else when it was appended', async () => {
    const lines = [
      '{"_time":"2026-01-01T00:00:00Z","ts":5}',
      '{"_time":"never","@timestamp":null,"ts":1767225600}',
      '{"created_at":"2026-01-01"}',
      '{"_time":"01/Jan/2026:09:00:00 +0900"}',
      '{"date":"01.01.2026"}',
    ];
    const plan = await planOf('SELECT count(*) AS n FROM s');
    const columns = columnsOf([plan], lines, 42);
    expect(values(columns, columns.eventTime())).toEqual([at, at, at, at, 42]);
    expect(lines.map(line => eventTimeUs(JSON.parse(line), () => line, 42))).toEqual([at, at, at, at, 42]);
  });

  it('needs fewer fields once a stream shows where it keeps it, and all again when that changes', async () => {
    const plan = await planOf('SELECT count(*) AS n FROM s');
    const columns = new EventColumns(plan.sources);
    const load = (lines: string[]) => {
      const decoder = decoderOf(columns.fields, lines);
      columns.attach(decoder);
      return columns.load(decoder.decode(0, 0), new TextEncoder().encode(`${lines.join('\n')}\n`), 7);
    };
    expect(columns.fields).toHaveLength(eventTimeFields.length);
    expect(load(['{"_time":1767225600}'])).toBe('ok');
    expect(columns.fieldsChanged).toBe(true);
    expect(columns.fields.map(({ path }) => path[0])).toEqual(['_time']);
    expect(load(['{"_time":1767225601}'])).toBe('ok');
    expect(columns.fieldsChanged).toBe(false);
    const odd = ['{"_time":1767225602}', '{"time":1767225600000}'];
    expect(load(odd)).toBe('again');
    expect(columns.fields).toHaveLength(eventTimeFields.length);
    expect(load(odd)).toBe('ok');
    expect(values(columns, columns.eventTime())).toEqual([at + 2e6, at]);
  });
});
