import { expect, test } from 'vitest';
import { matchRoute, pathOf, type Route, withParams } from './route.ts';

test('each page has a path and the path gives the page again', () => {
  const routes: Route[] = [
    { page: 'dashboard' },
    { page: 'dashboard', name: 'web/상점 ?' },
    { page: 'sql' },
    { page: 'streams' },
    { page: 'stream', name: '_rejected' },
  ];
  for (const route of routes) expect(matchRoute(pathOf(route))).toEqual(route);
});

test('a trailing slash is ignored and what is unknown is missing', () => {
  expect(matchRoute('/streams/')).toEqual({ page: 'streams' });
  expect(matchRoute('/sql/x')).toEqual({ page: 'missing' });
  expect(matchRoute('/d/a/b')).toEqual({ page: 'missing' });
  expect(matchRoute('/d/%E0%A4%A')).toEqual({ page: 'dashboard', name: '%E0%A4%A' });
});

test('parameters are set, repeated and taken out', () => {
  const params = new URLSearchParams('from=-1h&where=a%3D1&live=off');
  expect(withParams(params, { where: ['a=1', 'b!=2'], live: null })).toBe(
    '?from=-1h&where=a%3D1&where=b%21%3D2',
  );
  expect(withParams(new URLSearchParams('a=1'), { a: null })).toBe('');
});
