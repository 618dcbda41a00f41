// Which page a path names, and back. Pure, so that the server's and the browser's idea of it can be tested alike.

export type Route =
  | { page: 'dashboard'; name?: string }
  | { page: 'sql' }
  | { page: 'streams' }
  | { page: 'stream'; name: string }
  | { page: 'missing' };

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The page at a path; a trailing slash is ignored, anything unknown is `missing`. */
export function matchRoute(path: string): Route {
  const [, first = '', second, ...rest] = (path.replace(/\/+$/, '') || '/').split('/');
  if (rest.length > 0) return { page: 'missing' };
  if (first === '') return { page: 'dashboard' };
  if (first === 'd') return second ? { page: 'dashboard', name: decode(second) } : { page: 'dashboard' };
  if (first === 'sql' && second === undefined) return { page: 'sql' };
  if (first === 'streams') return second ? { page: 'stream', name: decode(second) } : { page: 'streams' };
  return { page: 'missing' };
}

/** The path of a page. */
export function pathOf(route: Route): string {
  switch (route.page) {
    case 'dashboard':
      return route.name === undefined ? '/' : `/d/${encodeURIComponent(route.name)}`;
    case 'stream':
      return `/streams/${encodeURIComponent(route.name)}`;
    case 'missing':
      return '/';
    default:
      return `/${route.page}`;
  }
}

export type ParamChange = Record<string, string | string[] | null>;

/** A query string with some parameters set (a list repeats the name) or, with null, taken out. */
export function withParams(params: URLSearchParams, change: ParamChange): string {
  const next = new URLSearchParams(params);
  for (const [name, value] of Object.entries(change)) {
    next.delete(name);
    for (const item of value === null ? [] : Array.isArray(value) ? value : [value]) next.append(name, item);
  }
  const text = next.toString();
  return text === '' ? '' : `?${text}`;
}
