// The address bar as a signal. All state worth sharing (range, filters, SQL text) is in it, so the browser's
// back button undoes a zoom and a copied address shows the same thing to somebody else.
import { computed, signal } from '@preact/signals';
import { matchRoute, type ParamChange, withParams } from './route.ts';

interface Place {
  path: string;
  params: URLSearchParams;
}

function readPlace(): Place {
  return { path: location.pathname, params: new URLSearchParams(location.search) };
}

export const place = signal<Place>(readPlace());
export const route = computed(() => matchRoute(place.value.path));

/** Opens an address of the console; `replace` leaves no entry in the history. */
export function go(href: string, options: { replace?: boolean } = {}): void {
  if (href === location.pathname + location.search) return;
  if (options.replace) history.replaceState(null, '', href);
  else history.pushState(null, '', href);
  const before = place.value.path;
  place.value = readPlace();
  if (place.value.path !== before) scrollTo(0, 0);
}

/** Changes some parameters of the address that is open. */
export function setParams(change: ParamChange, options: { replace?: boolean } = {}): void {
  go(place.value.path + withParams(place.value.params, change), options);
}

/** Follows back, forward and clicks on links to the console's own pages; to be called once. */
export function startRouter(): void {
  addEventListener('popstate', () => (place.value = readPlace()));
  document.addEventListener('click', event => {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = (event.target as Element | null)?.closest?.('a');
    if (!link || link.target || link.hasAttribute('download') || link.origin !== location.origin) return;
    if (link.pathname.startsWith('/v1/') || link.getAttribute('href')?.startsWith('#')) return;
    event.preventDefault();
    go(link.pathname + link.search);
  });
}
