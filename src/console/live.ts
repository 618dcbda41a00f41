// The one live connection of the page: server-sent events from /v1/live for many subscriptions. A broken connection
// is opened again with exponential backoff, continuing after the last id, so nothing is missed; one that has gone
// silent counts as broken.
import { signal } from '@preact/signals';
import type { LiveMessage } from '../deliver/api.ts';

export type LiveState = 'off' | 'connecting' | 'live' | 'reconnecting';

const firstDelayMs = 500;
const delayMsMax = 15_000;
/** The server sends a status about once a second. */
const silenceMsMax = 20_000;
const messageTypes = ['snapshot', 'change', 'status', 'error'] as const;

/** How long to wait before the n-th attempt (from 0); `random` in 0–1 spreads the clients of a restarted server. */
export function backoffMs(attempt: number, random: number): number {
  return Math.min(delayMsMax, firstDelayMs * 2 ** attempt) * (0.5 + random / 2);
}

export class LiveConnection {
  readonly state = signal<LiveState>('off');
  private readonly onMessage: (message: LiveMessage) => void;
  private readonly open: (url: string) => EventSource;
  private source: EventSource | undefined;
  private wanted: { subscriptions: string[]; from: string } | undefined;
  private lastId = '';
  private attempt = 0;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;
  private silenceTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    onMessage: (message: LiveMessage) => void,
    open: (url: string) => EventSource = url => new EventSource(url),
  ) {
    this.onMessage = onMessage;
    this.open = open;
  }

  /** Listens to these (`view@1m`) from a time on; the same again changes nothing, others replace them. */
  subscribe(subscriptions: string[], from: string): void {
    const sorted = [...subscriptions].sort();
    if (this.wanted && this.wanted.from === from && this.wanted.subscriptions.join() === sorted.join())
      return;
    this.close();
    this.wanted = { subscriptions: sorted, from };
    this.lastId = '';
    this.attempt = 0;
    this.state.value = this.state.value === 'live' ? 'live' : 'connecting';
    this.connect();
  }

  /** Says that a subscription is about to come. */
  expect(): void {
    if (this.state.value === 'off') this.state.value = 'connecting';
  }

  stop(): void {
    this.close();
    this.wanted = undefined;
    this.state.value = 'off';
  }

  /** Does not wait for the backoff. */
  retryNow(): void {
    if (!this.wanted || this.state.value === 'live') return;
    this.close();
    this.connect();
  }

  private close(): void {
    clearTimeout(this.retryTimer);
    clearTimeout(this.silenceTimer);
    this.source?.close();
    this.source = undefined;
  }

  private connect(): void {
    if (!this.wanted) return;
    const params = new URLSearchParams(this.wanted.subscriptions.map(name => ['s', name]));
    params.set('from', this.wanted.from);
    if (this.lastId) params.set('after', this.lastId);
    const source = this.open(`/v1/live?${params}`);
    this.source = source;
    source.addEventListener('open', () => {
      if (this.source === source) this.alive();
    });
    for (const type of messageTypes) {
      source.addEventListener(type, event => {
        if (this.source !== source) return;
        // A broken connection and a message named `error` arrive under the same name; only the message has data.
        const data = (event as MessageEvent<unknown>).data;
        if (typeof data !== 'string') this.broken();
        else this.receive(type, data, (event as MessageEvent).lastEventId);
      });
    }
    this.watchSilence();
  }

  private receive(type: LiveMessage['type'], data: string, id: string): void {
    this.alive();
    if (id) this.lastId = id;
    let message: LiveMessage;
    try {
      message = { ...(JSON.parse(data) as LiveMessage), type } as LiveMessage;
    } catch {
      return;
    }
    this.onMessage(message);
  }

  private alive(): void {
    this.attempt = 0;
    this.state.value = 'live';
    this.watchSilence();
  }

  private watchSilence(): void {
    clearTimeout(this.silenceTimer);
    this.silenceTimer = setTimeout(() => this.broken(), silenceMsMax);
  }

  private broken(): void {
    this.close();
    this.state.value = 'reconnecting';
    this.retryTimer = setTimeout(() => this.connect(), backoffMs(this.attempt++, Math.random()));
  }
}
