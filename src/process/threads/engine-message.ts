// What crosses the port between an engine's thread and the main one. Requests are answered by id in any order; changes are
// acknowledged, so that the engine can hold them back while the other side is busy.
import type { ErrorWire } from '../../core/errors.ts';
import type { ViewChange } from '../view.ts';

export type EngineMethod =
  | 'define'
  | 'check'
  | 'drop'
  | 'views'
  | 'plan'
  | 'setLookup'
  | 'setSchema'
  | 'query'
  | 'page'
  | 'settled'
  | 'status'
  | 'close';

export type ToEngine =
  | { kind: 'request'; id: number; method: EngineMethod; args: unknown[] }
  | { kind: 'watch'; id: number; view: string; everyMs: number }
  | { kind: 'unwatch'; id: number }
  /** So many changes have been handled. */
  | { kind: 'handled'; count: number };

export type FromEngine =
  | { kind: 'answer'; id: number; value: unknown }
  | { kind: 'failure'; id: number; error: ErrorWire }
  | { kind: 'change'; change: ViewChange };

// biome-ignore lint/suspicious/noExplicitAny: what Node's ports declare of their listeners
type Listener = (message: any) => void;

/** The part of MessagePort, Worker and parentPort that is used. */
export interface EnginePort {
  postMessage(message: unknown): void;
  on(event: 'message', listener: Listener): unknown;
  off(event: 'message', listener: Listener): unknown;
}
