// The live tail of a stream: events as they are appended, newest first. At most `heldMax` are held; the oldest are let
// go and counted. Shown once a frame.
import { type Signal, signal } from '@preact/signals';
import type { EventPage } from '../../deliver/api.ts';
import { backoffMs } from '../live.ts';

export type StreamEvent = EventPage['events'][number];

const heldMax = 2000;

export interface TailState {
  events: StreamEvent[];
  skipped: number;
  isConnected: boolean;
}

/** Newest first: `added` is in order of arrival. */
export function withNewest(
  held: StreamEvent[],
  added: StreamEvent[],
  max: number,
): { events: StreamEvent[]; skipped: number } {
  const all = [...[...added].reverse(), ...held];
  return { events: all.slice(0, max), skipped: Math.max(0, all.length - max) };
}

function isEvent(value: unknown): value is StreamEvent {
  const event = value as StreamEvent | null;
  return (
    typeof event === 'object' && event !== null && typeof event.event === 'object' && event.event !== null
  );
}

export class Tail {
  readonly state: Signal<TailState> = signal({ events: [], skipped: 0, isConnected: false });
  private readonly url: string;
  private source: EventSource | undefined;
  private waiting: StreamEvent[] = [];
  private isFrameWaiting = false;
  private attempt = 0;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(stream: string) {
    this.url = `/v1/streams/${encodeURIComponent(stream)}/tail`;
    this.connect();
  }

  close(): void {
    clearTimeout(this.retryTimer);
    this.source?.close();
    this.source = undefined;
  }

  private connect(): void {
    const source = new EventSource(this.url);
    this.source = source;
    const receive = (message: Event) => this.receive((message as MessageEvent<string>).data);
    for (const type of ['message', 'event', 'events']) source.addEventListener(type, receive);
    source.addEventListener('open', () => {
      this.attempt = 0;
      this.state.value = { ...this.state.value, isConnected: true };
    });
    source.addEventListener('error', () => {
      source.close();
      this.state.value = { ...this.state.value, isConnected: false };
      this.retryTimer = setTimeout(() => this.connect(), backoffMs(this.attempt++, Math.random()));
    });
  }

  private receive(data: string): void {
    let value: unknown;
    try {
      value = JSON.parse(data);
    } catch {
      return;
    }
    this.waiting.push(...(Array.isArray(value) ? value : [value]).filter(isEvent));
    // A hidden page has no frames: what cannot be shown any more is not kept.
    if (this.waiting.length > heldMax * 2) this.waiting.splice(0, this.waiting.length - heldMax);
    if (this.isFrameWaiting) return;
    this.isFrameWaiting = true;
    requestAnimationFrame(() => {
      this.isFrameWaiting = false;
      const held = this.state.peek();
      const { events, skipped } = withNewest(held.events, this.waiting, heldMax);
      this.waiting = [];
      this.state.value = { ...held, events, skipped: held.skipped + skipped };
    });
  }
}
