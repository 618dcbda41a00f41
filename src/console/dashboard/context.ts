// What the panels of an open dashboard share: its feeds, the drawn range, and how to change range and filters.
import type { ReadonlySignal } from '@preact/signals';
import { createContext } from 'preact';
import { useContext, useEffect } from 'preact/hooks';
import type { Filter } from '../filter.ts';
import type { Span } from '../time-range.ts';
import type { Feed, FeedSpec, FeedState, Feeds } from './feeds.ts';

export interface DashboardContext {
  feeds: Feeds;
  /** The range drawn: the x axis of every chart. */
  domain: ReadonlySignal<Span>;
  /** The span that holds data, as far as it is known. */
  known: ReadonlySignal<Span | null>;
  syncKey: string;
  zoomTo: (span: Span) => void;
  zoomOut: () => void;
  showAll: () => void;
  addFilter: (filter: Filter) => void;
  filters: ReadonlySignal<Filter[]>;
}

const context = createContext<DashboardContext | null>(null);
export const DashboardProvider = context.Provider;

export function useDashboard(): DashboardContext {
  return useContext(context)!;
}

/** The answer to a question, kept up to date while the component is there. */
export function useFeed(spec: FeedSpec): { feed: Feed; state: FeedState } {
  const { feeds } = useDashboard();
  const key = JSON.stringify(spec);
  const feed = feeds.feed(spec);
  // A feed is identified by its key.
  useEffect(() => feeds.retain(feed), [feeds, key]);
  return { feed, state: feed.state.value };
}
