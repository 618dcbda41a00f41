// Rejected events put together by their reason. Pure.
import type { EventPage, RejectedEvent } from '../../deliver/api.ts';

export interface RejectedGroup {
  reason: string;
  events: RejectedEvent[];
}

/** Groups, the largest first; within a group in the order given. */
export function groupByReason(page: EventPage['events']): RejectedGroup[] {
  const groups = new Map<string, RejectedEvent[]>();
  for (const { event } of page) {
    const rejected = event as unknown as RejectedEvent;
    const reason = String(rejected.reason ?? '');
    const group = groups.get(reason);
    if (group) group.push(rejected);
    else groups.set(reason, [rejected]);
  }
  return [...groups]
    .map(([reason, events]) => ({ reason, events }))
    .sort((a, b) => b.events.length - a.events.length);
}

/** The raw line cut in two at the byte where it went wrong; all in the first part where that is unknown. */
export function splitAt(raw: string, position: number | undefined): [before: string, after: string] {
  if (position === undefined || position < 0) return [raw, ''];
  const bytes = new TextEncoder().encode(raw);
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  return [decoder.decode(bytes.subarray(0, position)), decoder.decode(bytes.subarray(position))];
}
