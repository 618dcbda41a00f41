// A clock that stands still until it is told to move, and may leap either way.
import type { Clock } from '../../src/flow/clock.ts';

export class FakeClock implements Clock {
  private wallMs: number;
  private steadyMs = 0;
  private timers: { atMs: number; run: () => void }[] = [];

  constructor(wallMs = 1_700_000_000_000) {
    this.wallMs = wallMs;
  }
  nowMs(): number {
    return this.wallMs;
  }
  elapsedMs(): number {
    return this.steadyMs;
  }
  after(delayMs: number, run: () => void): () => void {
    const timer = { atMs: this.steadyMs + delayMs, run };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter(other => other !== timer);
    };
  }
  /** Time passes: both clocks move, timers that are due run in order. */
  advance(ms: number): void {
    const endMs = this.steadyMs + ms;
    for (;;) {
      const due = this.timers.filter(({ atMs }) => atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (!due) break;
      this.timers = this.timers.filter(other => other !== due);
      this.wallMs += due.atMs - this.steadyMs;
      this.steadyMs = due.atMs;
      due.run();
    }
    this.wallMs += endMs - this.steadyMs;
    this.steadyMs = endMs;
  }
  /** Somebody sets the wall clock. */
  leap(ms: number): void {
    this.wallMs += ms;
  }
}
