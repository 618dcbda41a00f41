import { describe, expect, test } from 'vitest';
import { createReferenceKernel } from '../../kernel/kernel-reference.ts';
import { detectFormat, formatById } from '../detect.ts';
import { spanNdjsonMax } from '../format.ts';
import { splitDelimited } from './csv.ts';

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

function convert(
  id: string,
  text: string,
): { events: unknown[]; rejected: { line: number; reason: string }[]; lines: number } {
  const reader = formatById(id).reader(createReferenceKernel());
  const bytes = encode(text);
  reader.input(bytes.length).set(bytes);
  const result = reader.convert(bytes.length, true);
  const events = new TextDecoder()
    .decode(result.ndjson)
    .split('\n')
    .filter(Boolean)
    .map(line => JSON.parse(line));
  expect(events).toHaveLength(result.count);
  expect(result.consumed).toBe(bytes.length);
  return {
    events,
    rejected: result.rejected.map(({ line, reason }) => ({ line, reason })),
    lines: result.lines,
  };
}

const combined = '1.2.3.4 - - [17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1" 200 12 "http://x/" "curl/7"';

describe('detection', () => {
  const samples: [string, string][] = [
    ['access-combined', `${combined}\n${combined}\n`],
    ['access-common', '1.2.3.4 - bob [17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1" 200 -\n'],
    ['access-vhost', `www.example.org:443 ${combined}\n`],
    [
      'w3c',
      '#Software: IIS\n#Fields: date time c-ip cs-method cs-uri-stem sc-status\n2026-01-01 10:00:00 1.2.3.4 GET / 200\n',
    ],
    ['json-lines', '{"a":1}\n{"a":2}\n'],
    [
      'syslog',
      '<34>1 2026-01-01T10:00:00Z host app 1 ID47 - hello\nJan  1 10:00:00 host sshd[99]: Accepted\n',
    ],
    ['logfmt', 'level=info msg="it works" took=12\nlevel=warn msg=slow took=99\n'],
    ['csv', 'name,age\nkim,31\nlee,40\n'],
    ['tsv', 'name\tage\nkim\t31\n'],
  ];
  test.each(samples)('%s is recognised and says why', (id, text) => {
    const detected = detectFormat(encode(text), true);
    expect(detected?.format.id).toBe(id);
    expect(detected?.why).not.toBe('');
  });

  test('prose is no format', () => {
    expect(detectFormat(encode('Once upon a time\nthere was a log\n'), true)).toBeUndefined();
  });

  test('compressed and binary content is refused with what to do', () => {
    expect(() => detectFormat(new Uint8Array([0x1f, 0x8b, 8, 0]), true)).toThrow(/gzip/);
    expect(() => detectFormat(new Uint8Array([65, 0, 66]), true)).toThrow(/binary/);
  });

  test('a cut last line of a larger source is left out of the judgement', () => {
    expect(detectFormat(encode('{"a":1}\n{"a"'), false)?.why).toMatch(/^1 of 1 /);
  });
});

describe('conversion', () => {
  test('csv keeps numbers, nulls, quotes and leading zeros', () => {
    const { events } = convert('csv', 'zip,n,text\r\n007,1.5,"a ""b"", c"\r\n,,x\r\n');
    expect(events).toEqual([
      { zip: '007', n: 1.5, text: 'a "b", c' },
      { zip: null, n: null, text: 'x' },
    ]);
  });

  test('csv lines of another width are rejected with their line number', () => {
    const { events, rejected } = convert('csv', 'a,b\n1,2\n3\n4,5\n"6,7\n');
    expect(events).toHaveLength(2);
    expect(rejected).toEqual([
      { line: 3, reason: '1 fields where the header names 2' },
      { line: 5, reason: 'a quote is not closed' },
    ]);
  });

  test('logfmt unescapes and types', () => {
    expect(convert('logfmt', 'level=info msg="a \\"b\\"\\n" n=3 ok=true flag\n').events).toEqual([
      { level: 'info', msg: 'a "b"\n', n: 3, ok: true, flag: true },
    ]);
  });

  test('logfmt has a key with the name of what objects have', () => {
    const [event] = convert('logfmt', 'level=info __proto__=5\n').events;
    expect(JSON.stringify(event)).toBe('{"level":"info","__proto__":5}');
  });

  test('w3c uses the access-log names and reads the time', () => {
    const text =
      '#Fields: date time c-ip cs-uri-stem sc-status sc-bytes cs(User-Agent)\n2026-01-01 10:00:00 1.2.3.4 /a 200 - Mozilla/5.0+(X)\n';
    expect(convert('w3c', text).events).toEqual([
      {
        _time: '2026-01-01T10:00:00Z',
        ip: '1.2.3.4',
        path: '/a',
        status: 200,
        bytes: null,
        agent: 'Mozilla/5.0 (X)',
      },
    ]);
  });

  test('syslog of both kinds', () => {
    const { events } = convert(
      'syslog',
      '<165>1 2026-01-01T10:00:00.5Z h a - - - BOM-free\n<13>Jan  2 03:04:05 h cron[7]: done\n',
    );
    expect(events[0]).toMatchObject({
      _time: '2026-01-01T10:00:00.5Z',
      severity: 'notice',
      facility: 20,
      app: 'a',
      pid: null,
    });
    expect(events[1]).toMatchObject({ host: 'h', app: 'cron', pid: '7', message: 'done' });
    expect(String((events[1] as { _time: string })._time)).toMatch(/-01-02T03:04:05\.000Z$/);
  });

  test('json lines stay as they are, bad ones are named', () => {
    const { events, rejected, lines } = convert('json-lines', '{"a": 1.0}\n\n{"a":}\n[1]\n{"b":"é"}');
    expect(events).toEqual([{ a: 1 }, { b: 'é' }]);
    expect(rejected.map(({ line }) => line)).toEqual([3, 4]);
    expect(lines).toBe(5);
  });

  test('a span whose header is longer than its lines ends early, and an event that fits no batch is rejected', () => {
    const names = Array.from({ length: 20 }, (_, index) => `${'name'.repeat(100)}${index}`);
    const row = `${names.map(() => '1').join(',')}\n`;
    const huge = `${'\x01'.repeat(800_000)}${','.repeat(19)}\n`;
    let rest = encode(`${names.join(',')}\n${row.repeat(1000)}${huge}${row}`);
    const reader = formatById('csv').reader(createReferenceKernel());
    let [count, spans] = [0, 0];
    const rejected: string[] = [];
    for (; rest.length > 0; spans++) {
      reader.input(rest.length).set(rest);
      const converted = reader.convert(rest.length, true);
      expect(converted.ndjson.length).toBeLessThanOrEqual(2 * spanNdjsonMax);
      count += converted.count;
      rejected.push(...converted.rejected.map(({ reason }) => reason));
      rest = rest.subarray(converted.consumed);
    }
    expect([count, spans]).toEqual([1001, 2]);
    expect(rejected).toEqual([`longer than ${spanNdjsonMax} bytes as JSON`]);
  });

  test('a span of an access log that as JSON fits no batch ends early', () => {
    const odd = combined.replace('curl', '\x01'.repeat(3000));
    let rest = encode(`${odd}\n`.repeat(500));
    const reader = formatById('access-combined').reader(createReferenceKernel());
    let count = 0;
    for (let spans = 0; rest.length > 0 && spans < 3; spans++) {
      reader.input(rest.length).set(rest);
      const converted = reader.convert(rest.length, true);
      expect(converted.ndjson.length).toBeLessThanOrEqual(2 * spanNdjsonMax);
      count += converted.count;
      rest = rest.subarray(converted.consumed);
    }
    expect([count, rest.length]).toEqual([500, 0]);
  });

  test('a partial last line waits for the rest', () => {
    const reader = formatById('json-lines').reader(createReferenceKernel());
    const bytes = encode('{"a":1}\n{"a":');
    reader.input(bytes.length).set(bytes);
    const first = reader.convert(bytes.length, false);
    expect([first.count, first.consumed, first.lines]).toEqual([1, 8, 1]);
  });

  test('delimited text splits as RFC 4180 says', () => {
    expect(splitDelimited('a,"b,""c""",', ',')).toEqual(['a', 'b,"c"', '']);
    expect(splitDelimited('"a"b,c', ',')).toBeUndefined();
  });
});
