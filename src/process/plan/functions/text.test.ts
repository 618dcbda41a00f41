// The text, regular expression and URL functions against DuckDB, where random expressions do not reach.
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { duckdb, query } from '../plan.fixture.ts';
import { quoteText } from '../sql/field-sql.ts';
import type { Scalar } from './function.ts';
import { likeMatcher } from './like.ts';
import { scalarFunction } from './registry.ts';
import { urlMacros } from './url-sql.ts';

const call = (name: string, ...values: Scalar[]): Scalar => {
  const { signatures } = scalarFunction(name)!;
  return (signatures[0]!.scalar as (...scalars: Scalar[]) => Scalar)(...values);
};

const naughty = new URL('../../../../../shared/data/fuzz/blns.json', import.meta.url);

function naughtyStrings(): string[] | undefined {
  try {
    const texts = JSON.parse(readFileSync(naughty, 'utf8')) as string[];
    // DuckDB takes no NUL, and its client drops a byte order mark.
    return texts.filter(text => !/\0|\ufeff/.test(text));
  } catch {
    return undefined;
  }
}

async function answers(texts: readonly string[], sql: string): Promise<unknown[]> {
  const values = texts.map((text, index) => `(${index}, ${quoteText(text)})`).join(', ');
  const rows = await query(`SELECT ${sql} FROM (VALUES ${values}) AS t(_row, s) ORDER BY _row`);
  return rows.map(([value]) => (typeof value === 'bigint' ? Number(value) : value));
}

beforeAll(async () => {
  for (const macro of urlMacros) await (await duckdb()).run(macro);
});

describe('text functions', () => {
  it('change the case of every character as DuckDB does', async () => {
    const rows = await query(
      'SELECT i, lower(chr(i::INTEGER)), upper(chr(i::INTEGER)) FROM range(1, 1114112) AS t(i) WHERE i NOT BETWEEN 55296 AND 57343 AND (lower(chr(i::INTEGER)) <> chr(i::INTEGER) OR upper(chr(i::INTEGER)) <> chr(i::INTEGER))',
    );
    const different: string[] = [];
    for (const [code, lower, upper] of rows) {
      const character = String.fromCodePoint(Number(code));
      if (call('lower', character) !== lower || call('upper', character) !== upper) different.push(character);
    }
    expect(different).toEqual([]);
    expect(rows.length).toBeGreaterThan(2000);
  });

  const texts = naughtyStrings();
  it.skipIf(!texts)('agree with DuckDB on naughty strings (skipped without ../shared/data)', async () => {
    const checks: [string, (text: string) => Scalar][] = [
      ['lower(s)', text => call('lower', text)],
      ['upper(s)', text => call('upper', text)],
      ['length(s)', text => call('length', text)],
      ['strlen(s)', text => call('strlen', text)],
      ['trim(s)', text => call('trim', text)],
      ['reverse(s)', text => call('reverse', text)],
      ['substr(s, 2, 3)', text => call('substr', text, 2, 3)],
      ["split_part(s, ' ', 2)", text => call('split_part', text, ' ', 2)],
      ["replace(s, 'e', 'ë')", text => call('replace', text, 'e', 'ë')],
      ["s LIKE '%a_%'", text => call('like', text, '%a_%')],
      ["regexp_extract(s, '[a-z]+(.)', 1)", text => call('regexp_extract', text, '[a-z]+(.)', 1)],
      ["regexp_replace(s, '\\W+', '-', 'g')", text => call('regexp_replace', text, '\\W+', '-', 'g')],
      ['url_host(s)', text => call('url_host', text)],
      ['url_path(s)', text => call('url_path', text)],
      ['TRY_CAST(s AS DOUBLE)', text => call('cast', text, 'DOUBLE')],
    ];
    for (const [sql, apply] of checks) {
      const expected = await answers(texts!, sql);
      for (const [index, text] of texts!.entries())
        expect({ sql, text, value: apply(text) }).toEqual({ sql, text, value: expected[index] });
    }
  });
});

describe('URLs', () => {
  const urls = [
    'https://User:pw@Example.COM:8080/a/b.html?x=1&y=two%20words#top',
    'http://[::1]:80/p?x',
    '//cdn.example.net/lib.js',
    '/search?q=caf%C3%A9+au+lait&q=second&empty=&flag',
    '/a?x=1&x=%ff&bad=%zz',
    'example.com/path',
    'mailto:someone@example.com',
    '?x=5',
    '#x=1',
    '',
    '/path#frag?x=1',
    'ftp://h/?a.b=c&xx=2',
  ];

  it('give their host, path and parameters', () => {
    expect(urls.map(url => call('url_host', url))).toEqual([
      'example.com',
      '[::1]',
      'cdn.example.net',
      ...Array(8).fill(null),
      'h',
    ]);
    expect(urls.map(url => call('url_path', url))).toEqual([
      '/a/b.html',
      '/p',
      '/lib.js',
      '/search',
      '/a',
      '/path',
      '',
      '',
      '',
      '',
      '/path',
      '/',
    ]);
    expect(urls.map(url => call('url_parameter', url, 'x'))).toEqual([
      '1',
      '',
      null,
      null,
      '1',
      null,
      null,
      '5',
      null,
      null,
      null,
      null,
    ]);
    expect(call('url_parameter', urls[0]!, 'y')).toBe('two words');
    expect(call('url_parameter', urls[3]!, 'q')).toBe('café au lait');
    expect(call('url_parameter', urls[3]!, 'flag')).toBe('');
    expect(call('url_parameter', urls[11]!, 'a.b')).toBe('c');
  });

  /** Whole URLs, as Node's URL takes them apart. */
  const absolute = [
    'https://www.google.com',
    'http://ex.com?x=1',
    'http://ex.com#f',
    'http://ex.com/?x=1/2',
    'http://ex.com?u=//other.org/p&x=2#x=3',
    'http://ex.com#/a?x=1',
    'https://EX.com:8443',
    'https://ex.com:8443?x=1',
    'https://user@ex.com/a',
    'https://user:p%40ss@ex.com:81/a/b/',
    'https://user@old@ex.com/a?x=user@new',
    'http://[2001:db8::1]',
    'http://[2001:db8::1]:8080/p?x=%5B1%5D',
    'http://u@[::1]?x',
    'ftp://ex.com/a;type=i',
    'ws://ex.com//a//b',
    'https://ex.com/a@b:c/d',
    'https://ex.com/?a=1?x=2&x=3',
    'https://ex.com/?ax=1&x=a+b',
    'https://ex.com/?x=',
    'https://ex.com/p?&&x=1',
    'https://ex.com/#?x=1',
  ];

  it("are taken apart as Node's URL does", () => {
    for (const text of absolute) {
      const { hostname, pathname, searchParams } = new URL(text);
      const [host, path] = ['url_host', 'url_path'].map(name => call(name, text));
      const x = call('url_parameter', text, 'x');
      expect({ text, host, path, x }).toEqual({
        text,
        host: hostname,
        path: pathname,
        x: searchParams.get('x'),
      });
    }
  });

  const others: [text: string, host: string | null, path: string, x: string | null][] = [
    ['', null, '', null],
    ['//', null, '/', null],
    ['//ex.com', 'ex.com', '/', null],
    ['//ex.com?x=1', 'ex.com', '/', '1'],
    ['//ex.com/a?x=1', 'ex.com', '/a', '1'],
    ['mailto:x', null, '', null],
    ['mailto:x@ex.com?x=1', null, '', '1'],
    ['file:///etc/hosts', null, '/etc/hosts', null],
    ['page.html?x=1', null, 'page.html', '1'],
    ['a/b?x=1#c', null, '/b', '1'],
    ['ex.com//a', null, '//a', null],
    ['/a//b', null, '/a//b', null],
    ['/a?u=http://ex.com/b&x=1', null, '/a', '1'],
    ['/?x=a=b', null, '/', 'a=b'],
    ['http://', null, '/', null],
    ['http://[::1', '[', '/', null],
    ['http://İ.com', 'i.com', '/', null],
  ];

  it.each(others)('%j has the host %j, the path %j and the parameter %j', (text, host, path, x) => {
    expect([call('url_host', text), call('url_path', text), call('url_parameter', text, 'x')]).toEqual([
      host,
      path,
      x,
    ]);
  });

  it('mean the same in DuckDB, inline and as macros', async () => {
    const every = [...urls, ...absolute, ...others.map(([text]) => text)];
    for (const name of ['url_host', 'url_path']) {
      const expected = every.map(url => call(name, url));
      expect(await answers(every, scalarFunction(name)!.signatures[0]!.sql!(['s'], []))).toEqual(expected);
      expect(await answers(every, `${name}(s)`)).toEqual(expected);
    }
    for (const parameter of ['x', 'y', 'q', 'flag', 'empty', 'a.b', 'bad']) {
      const expected = every.map(url => call('url_parameter', url, parameter));
      const literal = { kind: 'literal', type: 'text', value: parameter } as const;
      const inline = scalarFunction('url_parameter')!.signatures[0]!.sql!(
        ['s', quoteText(parameter)],
        [literal, literal],
      );
      expect({ parameter, values: await answers(every, inline) }).toEqual({ parameter, values: expected });
      expect({
        parameter,
        values: await answers(every, `url_parameter(s, ${quoteText(parameter)})`),
      }).toEqual({
        parameter,
        values: expected,
      });
    }
  });
});

describe('LIKE', () => {
  it('is linear on patterns that make backtracking explode', () => {
    const matches = likeMatcher(`${'%a'.repeat(40)}%b`, '');
    // With 2^40 ways to try, a backtracking matcher would not come back.
    expect(matches('a'.repeat(2000))).toBe(false);
    expect(matches(`${'a'.repeat(2000)}b`)).toBe(true);
  });
});

describe('regular expressions', () => {
  it('are linear on patterns that make backtracking explode', () => {
    expect(call('regexp_matches', 'a'.repeat(5000), '^(a+)+$')).toBe(true);
    expect(call('regexp_matches', `${'a'.repeat(5000)}!`, '^(a+)+$')).toBe(false);
  });
});
