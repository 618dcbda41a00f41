// What every kernel does, case by case. Laws over random input are in kernel.property.test.ts.
import { describe, expect, test } from 'vitest';
import { murmur128Text } from '../core/hash.ts';
import { type ColumnKind, cell, type FieldSpec } from './kernel.ts';
import { fill, kernels, toBytes, toText } from './testing/kernels.ts';

const backslash = String.fromCharCode(92);

describe.each(kernels)('$name kernel', ({ create }) => {
  const validate = (text: string | Uint8Array, options?: { maxErrors?: number; maxLineBytes?: number }) => {
    const kernel = create();
    const result = kernel.validate(fill(kernel, text), options);
    return { ...result, output: toText(kernel.input(0).slice(0, result.length)) };
  };

  test('good NDJSON is counted and left where it is', () => {
    const text = '{"a":1}\n{"b":[true,null,{"c":"\\u00e9é"}]}\n';
    expect(validate(text)).toMatchObject({
      count: 2,
      length: toBytes(text).length,
      rejected: 0,
      output: text,
    });
    expect(validate('')).toMatchObject({ count: 0, length: 0, rejected: 0 });
  });

  test('blank lines, CRLF, a byte order mark and a missing last newline are mended', () => {
    expect(validate('\ufeff{"a":1}\r\n\r\n  \n{"b":2}\t\r\n{"c":3}')).toMatchObject({
      count: 3,
      rejected: 0,
      output: '{"a":1}\n{"b":2}\t\n{"c":3}\n',
    });
  });

  test('a bad line is refused with its number, position, reason and bytes, and the good ones stay', () => {
    const result = validate('{"a":1}\n{"a":01}\n\n[1]\n{"b":"x\r\n{"c":3}\n{"d":"\ud800\x01"}');
    expect(result.errors).toEqual([
      { line: 2, position: 6, reason: 'bad number', start: 8, end: 16 },
      { line: 4, position: 0, reason: 'not an object', start: 18, end: 21 },
      { line: 5, position: 7, reason: 'unexpected end', start: 22, end: 29 },
      { line: 7, position: 9, reason: 'control character in string', start: 39, end: 51 },
    ]);
    expect(result.rejectedLines.map(toText)).toEqual(['{"a":01}', '[1]', '{"b":"x', '{"d":"\ufffd\x01"}']);
    expect(result).toMatchObject({ count: 2, rejected: 4, output: '{"a":1}\n{"c":3}\n' });
  });

  test.each([
    ['{"a":tru}', 8, 'unexpected byte'],
    ['{"a":1,}', 7, 'unexpected byte'],
    ['{"a" 1}', 5, 'unexpected byte'],
    ['{"a":1.}', 7, 'bad number'],
    ['{"a":-}', 6, 'bad number'],
    ['{"a":1e+}', 8, 'bad number'],
    ['{"a":"' + backslash + 'x"}', 7, 'bad escape'],
    ['{"a":"' + backslash + 'u12G4"}', 10, 'bad escape'],
    ['{"a":1} x', 8, 'bytes after the value'],
    ['{"a":1', 6, 'unexpected end'],
    ['{"a":[1,2', 9, 'unexpected end'],
    ['{', 1, 'unexpected end'],
    ['\ufeff\ufeff{}', 0, 'not an object'],
  ])('%s is refused at %i: %s', (text, position, reason) => {
    expect(validate(text).errors).toMatchObject([{ line: 1, position, reason }]);
  });

  test('invalid UTF-8 is refused at the first byte of the bad sequence', () => {
    for (const bad of [
      [0x80],
      [0xc0, 0x80],
      [0xed, 0xa0, 0x80],
      [0xf4, 0x90, 0x80, 0x80],
      [0xe2, 0x82],
      [0xff],
    ]) {
      const bytes = Uint8Array.from([...toBytes('{"a":"é'), ...bad, ...toBytes('"}\n')]);
      expect(validate(bytes).errors).toMatchObject([{ position: 8, reason: 'invalid UTF-8' }]);
    }
  });

  test('depth 64 is accepted and depth 65 refused', () => {
    const nested = (depth: number): string => `{"a":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`;
    expect(validate(nested(64))).toMatchObject({ count: 1, rejected: 0 });
    expect(validate(nested(65)).errors).toMatchObject([{ position: 68, reason: 'nested deeper than 64' }]);
  });

  test('a line beyond the limit is refused, errors beyond maxErrors are only counted', () => {
    const result = validate('{"a":"12345"}\n{"a":"123456"}\n{]\n{]\n', { maxLineBytes: 13, maxErrors: 2 });
    expect(result).toMatchObject({ count: 1, rejected: 3 });
    expect(result.errors).toMatchObject([
      { line: 2, position: 13, reason: 'longer than the line limit' },
      { line: 3, position: 1, reason: 'unexpected byte' },
    ]);
  });

  const toNdjson = (text: string) => {
    const kernel = create();
    const { output, ...rest } = kernel.arrayToNdjson(fill(kernel, text));
    return { ...rest, output: toText(output) };
  };

  test('an array becomes a line an element, newlines between tokens become spaces', () => {
    expect(toNdjson(' [ {"a":1},\n{\r\n"b" : "x\\n" } , {} ] \n')).toMatchObject({
      count: 3,
      rejected: 0,
      output: '{"a":1}\n{  "b" : "x\\n" }\n{}\n',
    });
    expect(toNdjson('{\n"a": [1,\n2]\n}')).toMatchObject({ count: 1, output: '{ "a": [1, 2] }\n' });
    expect(toNdjson('[]')).toMatchObject({ count: 0, length: 0, rejected: 0 });
  });

  test('an element that is no object is one bad line, a broken structure refuses from there on', () => {
    expect(toNdjson('[{"a":1}, 2, {"b":2}, {"c":], {"d":4}]')).toMatchObject({
      count: 2,
      output: '{"a":1}\n{"b":2}\n',
      rejected: 2,
      errors: [
        { line: 2, position: 0, reason: 'not an object', start: 10, end: 11 },
        { line: 4, position: 5, reason: 'unexpected byte', start: 22, end: 38 },
      ],
    });
    expect(toNdjson('')).toMatchObject({ errors: [{ line: 1, reason: 'unexpected end' }] });
    expect(toNdjson('12')).toMatchObject({ errors: [{ line: 1, reason: 'not an array or object' }] });
    expect(toNdjson('[{}] x')).toMatchObject({
      count: 1,
      errors: [{ line: 2, reason: 'bytes after the value' }],
    });
    expect(toNdjson('[{}')).toMatchObject({ count: 1, errors: [{ line: 2, reason: 'unexpected end' }] });
    expect(toNdjson('[{},]')).toMatchObject({ count: 1, errors: [{ line: 2, reason: 'unexpected byte' }] });
  });

  test.each(['}', '# x', '/**/', ' "x"', '\n{"b":2}\n', ',{}', '\0'])(
    'one object with %j behind it is refused whole',
    tail => {
      expect(toNdjson(` {"a":\n1}${tail}`)).toMatchObject({
        count: 0,
        length: 0,
        output: '',
        rejected: 1,
        errors: [{ line: 1, position: 8 + tail.search(/\S/), reason: 'bytes after the value', start: 1 }],
      });
    },
  );

  const column = (text: string, path: string[], kind: ColumnKind) => {
    const kernel = create();
    const length = fill(kernel, text);
    const decoder = kernel.decoder([{ path, kind }]);
    const { rows, columns } = decoder.decode(0, length);
    const { state, values, start, end } = columns[0]!;
    return Array.from({ length: rows }, (_, row) => {
      if (state[row] === cell.absent) return undefined;
      if (state[row] === cell.null) return null;
      const raw = toText(toBytes(text).slice(start[row], end[row]));
      if (state[row] === cell.other) return { other: JSON.parse(raw) as unknown };
      if (kind === 'slice') return raw;
      if (kind === 'dict') return decoder.dictionaryValue(0, values[row] as number);
      return kind === 'hash' ? Array.from(values.slice(row * 4, row * 4 + 4) as Uint32Array) : values[row];
    });
  };
  const rowsOf = (...values: string[]): string =>
    values.map(value => `{"x":0,"v":${value},"w":[1]}\n`).join('');

  test('numbers are decoded exactly, other types flagged, null and absent told apart', () => {
    const text = `${rowsOf('1', '-0', '0.1', '1e3', '1.7976931348623157e308', '5e-324', '"1"', 'true', '[1]', 'null')}{}\n`;
    expect(column(text, ['v'], 'f64')).toEqual([
      ...[1, -0, 0.1, 1000, Number.MAX_VALUE, 5e-324],
      ...[{ other: '1' }, { other: true }, { other: [1] }, null, undefined],
    ]);
  });

  test('whole numbers keep 64 bits', () => {
    const whole = [
      '9223372036854775807',
      '-9223372036854775808',
      '5.00',
      '-0',
      '9223372036854775808',
      '1.5',
      '1e2',
    ];
    expect(column(rowsOf(...whole), ['v'], 'i64')).toEqual([
      ...[9223372036854775807n, -9223372036854775808n, 5n, 0n],
      ...[{ other: 2 ** 63 }, { other: 1.5 }, { other: 100 }],
    ]);
  });

  test('times are read in all their forms', () => {
    const us = Date.UTC(2015, 4, 17, 10, 5, 3) * 1000;
    const forms = [
      '"2015-05-17T10:05:03Z"',
      '"2015-05-17 12:05:03.0000009+02:00"',
      '"2015-05-17T10:05:03 UTC"',
      '"17/May/2015:12:05:03 +0200"',
      '"2015-05-17t10:05:03z"',
      '"20150517T100503Z"',
      '"20150517t120503.000000+0200"',
      '1431857103',
      '1431857103000',
      '1431857103000000',
      '1431857103000000000',
      '1.431857103e9',
      `"2015-05-17T10${backslash}u003a05:03"`,
    ];
    expect(column(rowsOf(...forms), ['v'], 'time')).toEqual(forms.map(() => us));
    expect(column(rowsOf('"2015-02-29"', '-1', '"x"', 'true', '"1431857103"'), ['v'], 'time')).toEqual(
      ['2015-02-29', -1, 'x', true, '1431857103'].map(other => ({ other })),
    );
    expect(
      column(
        rowsOf('"2015-05-17"', '"20150517"', '"2015-05-16T24:00:00Z"', '"1969-12-31T23:59:59.999999Z"'),
        ['v'],
        'time',
      ),
    ).toEqual([Date.UTC(2015, 4, 17) * 1000, Date.UTC(2015, 4, 17) * 1000, Date.UTC(2015, 4, 17) * 1000, -1]);
  });

  test('dictionaries tell types apart and keep any string', () => {
    const values = [
      '"1"',
      '1',
      '1.0',
      'true',
      '"true"',
      '""',
      `"${backslash}u0031"`,
      '"é\\n"',
      'false',
      '1e1',
      '{}',
    ];
    expect(column(rowsOf(...values), ['v'], 'dict')).toEqual([
      ...['1', 1, 1, true, 'true', '', '1', 'é\n', false],
      ...[{ other: 10 }, { other: {} }],
    ]);
    expect(column(rowsOf(`"${backslash}ud800"`), ['v'], 'dict')).toMatchObject([
      { other: expect.any(String) },
    ]);
  });

  test('hashes are murmur128 of the text', () => {
    const hash = (text: string) => {
      const { h1Low, h1High, h2Low, h2High } = murmur128Text(text);
      return [h1Low, h1High, h2Low, h2High];
    };
    expect(
      column(rowsOf('"é"', '-1.50', 'true', `"a${backslash}tb"`, '"0123456789abcdefgh"'), ['v'], 'hash'),
    ).toEqual(['é', '-1.5', 'true', 'a\tb', '0123456789abcdefgh'].map(hash));
    const kernel = create();
    fill(kernel, 'abcdef');
    expect(Array.from(kernel.hash(1, 4))).toEqual(hash('bcd'));
  });

  test('paths reach into nested objects, keys with dots, escaped keys and __proto__', () => {
    const text = `{"a.b":1,"a":{"x":[{"b":9}],"b":2},"__proto__":{"b":3},"${backslash}u006bey":4,"key ":5}\n`;
    const fields: FieldSpec[] = [
      ['a.b'],
      ['a', 'b'],
      ['__proto__', 'b'],
      ['key'],
      ['a'],
      ['constructor'],
    ].map(path => ({ path, kind: path.length === 1 && path[0] === 'a' ? 'slice' : 'f64' }));
    const kernel = create();
    const { columns } = kernel.decoder(fields).decode(0, fill(kernel, text));
    expect(columns.map(({ state, values }) => (state[0] === cell.value ? values[0] : state[0]))).toEqual([
      ...[1, 2, 3, 4],
      ...[undefined, cell.absent],
    ]);
    expect(text.slice(columns[4]!.start[0], columns[4]!.end[0])).toBe('{"x":[{"b":9}],"b":2}');
  });

  test('the last of duplicate keys wins, with everything below it', () => {
    const text =
      '{"v":1,"v":"x","v":2}\n{"v":{"a":1,"b":2},"v":{"b":3}}\n{"v":{"a":1},"v":5}\n{"v":1,"v":null}\n';
    expect(column(text, ['v'], 'dict')).toEqual([2, { other: { b: 3 } }, 5, null]);
    expect(column(text, ['v', 'a'], 'f64')).toEqual([undefined, undefined, undefined, undefined]);
    expect(column(text, ['v', 'b'], 'f64')).toEqual([undefined, 3, undefined, undefined]);
  });

  test('the case of ASCII letters counts below the root only, and of several spellings the last one wins', () => {
    const text = [
      '{"Foo":1,"\u00e9":1}',
      '{"foo":2,"\u00c9":2}',
      '{"FOO":3,"foo":4,"Foo":5}',
      '{"foo":6,"Foo":null}',
      `{"${backslash}u0046OO":{"a":1,"A":2}}`,
      '{"foo":{"a":1},"FOO":{"A":2}}',
      '{"f\u20aao":1,"fo_":2}\n',
    ].join('\n');
    for (const name of ['foo', 'Foo', 'fOO']) {
      expect(column(text, [name], 'f64').slice(0, 4)).toEqual([1, 2, 5, null]);
      expect(column(text, [name, 'a'], 'f64').slice(4)).toEqual([1, undefined, undefined]);
      expect(column(text, [name, 'A'], 'f64').slice(4)).toEqual([2, 2, undefined]);
    }
    expect(column(text, ['\u00e9'], 'f64').slice(0, 2)).toEqual([1, undefined]);
    // U+212A is k in lower case, and @ and ` differ in one bit as letters do.
    expect(column('{"k":1,"`":2}\n{"\u212a":1,"@":2}\n', ['k'], 'f64')).toEqual([1, undefined]);
    expect(column('{"k":1,"`":2}\n{"\u212a":1,"@":2}\n', ['`'], 'f64')).toEqual([2, undefined]);
    const kernel = create();
    const fields = ['foo', 'FOO'].map((name): FieldSpec => ({ path: [name], kind: 'dict' }));
    const decoder = kernel.decoder(fields);
    const { columns } = decoder.decode(0, fill(kernel, '{"Foo":"x"}\n{"fOO":"y"}\n'));
    expect(columns.map(({ state }) => Array.from(state))).toEqual([
      Array(2).fill(cell.value),
      Array(2).fill(cell.value),
    ]);
    expect([0, 1].map(code => decoder.dictionaryValue(1, code))).toEqual(['x', 'y']);
  });

  test('an exact field is read by its own spelling, beside others for the same key', () => {
    const kernel = create();
    const fields: FieldSpec[] = [
      { path: ['time'], kind: 'f64', isExact: true },
      { path: ['Time'], kind: 'f64' },
      { path: ['time', 'x'], kind: 'f64' },
      { path: ['TIME'], kind: 'f64', isExact: true },
    ];
    const lines = [
      '{"time":1}',
      '{"Time":2}',
      '{"time":3,"TIME":4}',
      '{"TIME":5,"t\\u0069me":6}',
      '{"time":{"x":7}}',
      '{"time":8,"tIME":{"x":9}}',
      '{"time":1}',
    ];
    const { columns } = kernel.decoder(fields).decode(0, fill(kernel, `${lines.join('\n')}\n`));
    const found = columns.map(({ state, values }) =>
      lines.map((_, row) =>
        state[row] === cell.value ? values[row] : state[row] === cell.absent ? '' : 'other',
      ),
    );
    expect(found).toEqual([
      [1, '', 3, 6, 'other', 8, 1],
      [1, 2, 4, 6, 'other', 'other', 1],
      ['', '', '', '', 7, 9, ''],
      ['', '', 4, 5, '', '', ''],
    ]);
    expect(() => kernel.decoder([{ path: ['a', 'b'], kind: 'f64', isExact: true }])).toThrow('one key');
  });

  test('a decode stops at the row limit and before a partial line', () => {
    const kernel = create();
    const text = '{"v":1}\n{"v":2}\n{"v":3}\n{"v":4';
    const length = fill(kernel, text);
    const decoder = kernel.decoder([{ path: ['v'], kind: 'f64' }], { maxRows: 2 });
    expect(decoder.decode(0, length)).toMatchObject({ rows: 2, consumed: 16 });
    const rest = decoder.decode(16, length - 16);
    expect(rest).toMatchObject({ rows: 1, consumed: 8 });
    expect(rest.columns[0]!.values[0]).toBe(3);
    expect(decoder.decode(24, length - 24)).toMatchObject({ rows: 0, consumed: 0 });
  });

  test('a full dictionary flags new values and takes them again after a reset', () => {
    const kernel = create();
    const length = fill(kernel, rowsOf('"a"', '"b"', '"c"', '"a"'));
    const decoder = kernel.decoder([{ path: ['v'], kind: 'dict' }], { maxDictionaryEntries: 2 });
    expect(Array.from(decoder.decode(0, length).columns[0]!.state)).toEqual([2, 2, 3, 2]);
    decoder.resetDictionary(0);
    expect(decoder.dictionarySize(0)).toBe(0);
    const again = fill(kernel, rowsOf('"c"'));
    expect(Array.from(decoder.decode(0, again).columns[0]!.state)).toEqual([2]);
    expect(decoder.dictionaryValue(0, 0)).toBe('c');
  });

  test('a grouper numbers tuples in order of first appearance up to its limit', () => {
    const grouper = create().grouper(2, { maxGroups: 3 });
    const [first, second] = [Uint32Array.of(1, 1, 2, 1, 7, 7), Uint32Array.of(5, 6, 5, 5, 7, 8)];
    expect(Array.from(grouper.assign([first, second], 6))).toEqual([0, 1, 2, 0, 0xfffffffe, 0xfffffffe]);
    expect(Array.from(grouper.assign([first, second], 3, Uint8Array.of(1, 0, 1)))).toEqual([
      0, 0xffffffff, 2,
    ]);
    expect(grouper.size()).toBe(3);
    expect(Array.from(grouper.key(1))).toEqual([1, 6]);
    grouper.reset();
    expect(Array.from(grouper.assign([second, first], 1))).toEqual([0]);
  });

  test('a grouper takes tuples of many words', () => {
    const grouper = create().grouper(200);
    const columns = Array.from({ length: 200 }, (_, i) =>
      Uint32Array.of(0, i === 150 ? 1 : 0, 0, i === 70 ? 1 : 0),
    );
    expect(Array.from(grouper.assign(columns, 4))).toEqual([0, 1, 0, 2]);
    expect(grouper.key(1)[150]).toBe(1);
  });

  const fromAccessLog = (
    text: string | Uint8Array,
    variant: 'common' | 'combined' | 'vhost',
    last = true,
  ) => {
    const kernel = create();
    const { output, ...rest } = kernel.accessLogToNdjson(fill(kernel, text), variant, last);
    return { ...rest, output: toText(output) };
  };
  const common = '1.2.3.4 - frank [10/Oct/2000:13:55:36 -0700] "GET /a%20b?c=1 HTTP/1.0" 200 2326';

  test('access logs become events', () => {
    const event =
      '{"_time":"2000-10-10T20:55:36.000Z","ip":"1.2.3.4","ident":null,"user":"frank","method":"GET",' +
      '"path":"/a%20b?c=1","protocol":"HTTP/1.0","status":200,"bytes":2326';
    expect(fromAccessLog(`${common}\r\n${common}`, 'common')).toMatchObject({
      count: 2,
      rejected: 0,
      output: `${event}}\n${event}}\n`,
    });
    expect(fromAccessLog(`${common} "-" "Mozilla ${backslash}"5.0${backslash}""\n`, 'combined').output).toBe(
      `${event},"referer":"-","agent":"Mozilla ${backslash}"5.0${backslash}""}\n`,
    );
    const vhost = event.replace('"ip"', '"vhost":"example.com:80","ip"');
    expect(fromAccessLog(`example.com:80 ${common}\n`, 'vhost').output).toBe(`${vhost}}\n`);
  });

  test('of a list of addresses the first is the client, and the others are kept', () => {
    const rest = '- frank [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.0" 200 2326\n';
    const found = (addresses: string, variant: 'common' | 'vhost' = 'common') => {
      const { output, errors } = fromAccessLog(`${addresses} ${rest}`, variant);
      if (errors.length > 0) return errors.map(({ position, reason }) => [position, reason]);
      const { ip, proxies, ident, user } = JSON.parse(output) as Record<string, unknown>;
      expect([ident, user]).toEqual([null, 'frank']);
      return [ip, proxies];
    };
    expect(found('1.2.3.4')).toEqual(['1.2.3.4', undefined]);
    expect(found('1.2.3.4, 5.6.7.8')).toEqual(['1.2.3.4', '5.6.7.8']);
    expect(found('1.2.3.4,5.6.7.8')).toEqual(['1.2.3.4', '5.6.7.8']);
    expect(found('::1, 5.6.7.8,::2, unknown')).toEqual(['::1', '5.6.7.8,::2, unknown']);
    expect(found('example.com:80 ::1, ::2', 'vhost')).toEqual(['::1', '::2']);
    for (const odd of [',', ', 1.2.3.4', '1.2.3.4,  5.6.7.8']) expect(found(odd)).toEqual([[0, 'bad ip']]);
    expect(fromAccessLog('1.2.3.4,', 'common').errors).toMatchObject([{ position: 0, reason: 'bad ip' }]);
    expect(fromAccessLog('1.2.3.4, ::1, ', 'common').errors).toMatchObject([
      { position: 0, reason: 'bad ip' },
    ]);
  });

  test('a method and a protocol in lower case are what they are', () => {
    const line = '1.2.3.4 - - [10/Oct/2000:13:55:36 -0700] "get /a b http/1.1" 200 1\n';
    const { output } = fromAccessLog(line, 'common');
    expect(JSON.parse(output)).toMatchObject({ method: 'get', path: '/a b', protocol: 'http/1.1' });
  });

  test('odd requests, dashes and escapes of an access log lose nothing', () => {
    const line = (request: string): string =>
      `::1 - - [01/Jan/2020:00:00:00 +0000] "${request}" 400 - "${backslash}xc3${backslash}xa9${backslash}xff" "a\tb"\n`;
    const events = (text: string | Uint8Array) =>
      fromAccessLog(text, 'combined')
        .output.trim()
        .split('\n')
        .map(event => JSON.parse(event) as Record<string, unknown>);
    expect(events(line('-'))).toMatchObject([{ method: null, path: null, protocol: null, bytes: null }]);
    expect(events(line(`${backslash}x16${backslash}x03`))).toMatchObject([
      { method: null, path: '\x16\x03' },
    ]);
    expect(events(line('GET /a b HTTP/1.1'))).toMatchObject([
      { path: '/a b', referer: 'é\ufffd', agent: 'a\tb' },
    ]);
    expect(events(Buffer.from(line('GET /\xff\xe9 HTTP/1.1'), 'latin1'))).toMatchObject([
      { path: '/\ufffd\ufffd' },
    ]);
  });

  test('bad access-log lines are reported where they go wrong, partial ones left', () => {
    const result = fromAccessLog(
      `${common}\n${common} "-" "cut o\n\n${common} "-" "x" 1\n${common}`,
      'combined',
      false,
    );
    expect(result).toMatchObject({ count: 0, rejected: 3 });
    expect(result.errors).toMatchObject([
      { line: 1, position: common.length, reason: 'bad referer' },
      { line: 2, position: common.length + 5, reason: 'bad agent' },
      { line: 4, position: common.length + 8, reason: 'bytes after the agent' },
    ]);
    expect(result.consumed).toBe(3 * (common.length + 1) + 11 + 1 + 10);
    expect(fromAccessLog(common.replace('Oct', 'Okt'), 'common').errors).toMatchObject([
      { reason: 'bad time' },
    ]);
    expect(fromAccessLog('what', 'common').errors).toMatchObject([{ position: 0, reason: 'bad ip' }]);
  });
});
