// How many live connections there are, and the bound on it: each holds a socket and what waits for its client, so beyond the bound a new one
// is refused, and those that are there go on.
import { MillraceError } from '../core/errors.ts';

export class LiveConnections {
  private readonly max: number;
  private open = 0;

  constructor(max = 1000) {
    this.max = max;
  }

  /** Counts a connection until its response closes. Throws `too-many-connections` (503). */
  admit(response: { once(event: 'close', listener: () => void): unknown }): void {
    if (this.open >= this.max) {
      throw new MillraceError('too-many-connections', `${this.max} live connections are open.`, {
        status: 503,
        canRetry: true,
        context: { retryAfterMs: 5000, maxConnections: this.max },
        remedy: 'Close some, or ask for several views on one connection: /v1/live?s=a@1m&s=b@1m.',
      });
    }
    this.open++;
    response.once('close', () => this.open--);
  }
}
