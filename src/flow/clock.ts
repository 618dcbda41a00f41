// The time as the log is told it. Handed in, so that tests can make it jump.

export interface Clock {
  /** Milliseconds since 1970, as the wall clock says; may jump either way. */
  nowMs(): number;
  /** Milliseconds since some moment; never jumps. */
  elapsedMs(): number;
  /** Runs once after `delayMs`, without keeping the process alive; the result cancels. */
  after(delayMs: number, run: () => void): () => void;
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  elapsedMs: () => performance.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
