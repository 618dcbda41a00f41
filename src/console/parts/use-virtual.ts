// Rows of one height in a scrolling element: only those in sight are in the page.
import { elementScroll, observeElementOffset, observeElementRect, Virtualizer } from '@tanstack/virtual-core';
import type { RefObject } from 'preact';
import { useEffect, useLayoutEffect, useReducer, useState } from 'preact/hooks';

export type RowVirtualizer = Virtualizer<HTMLElement, Element>;

/** `count` rows of `rowPx` each; `scroller` is the element that scrolls. */
export function useVirtual(
  count: number,
  rowPx: number,
  scroller: RefObject<HTMLElement | null>,
): RowVirtualizer {
  const [, redraw] = useReducer((n: number, _: undefined) => n + 1, 0);
  const options = {
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowPx,
    overscan: 12,
    scrollToFn: elementScroll,
    observeElementRect,
    observeElementOffset,
    onChange: () => redraw(undefined),
  };
  const [virtualizer] = useState<RowVirtualizer>(() => new Virtualizer(options));
  virtualizer.setOptions(options);
  useEffect(() => virtualizer._didMount(), [virtualizer]);
  useLayoutEffect(() => virtualizer._willUpdate());
  return virtualizer;
}
