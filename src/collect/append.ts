// Appending for sources that can wait: what the log refuses for a while (overload, a full disk) is tried again until it
// is taken, so that a slow log makes a slow reader and nothing is lost.
import { MillraceError, withRemedy } from '../core/errors.ts';
import type { AppendResult, Batch, Log } from '../flow/log.ts';

export async function appendPatiently(
  log: Log,
  stream: string,
  partition: number,
  batch: Batch,
  signal: AbortSignal,
  onWait: (problem: string | undefined) => void = () => {},
): Promise<AppendResult> {
  for (;;) {
    try {
      const result = await log.append(stream, partition, batch);
      onWait(undefined);
      return result;
    } catch (thrown) {
      const waits =
        thrown instanceof MillraceError && (thrown.code === 'log-overloaded' || thrown.code === 'disk-full');
      if (!waits || signal.aborted) throw thrown;
      onWait(thrown.code === 'disk-full' ? withRemedy(thrown) : thrown.message);
      const delayMs = Number(thrown.context['retryAfterMs'] ?? 500);
      await new Promise<void>(resolve => {
        const timer = setTimeout(done, delayMs);
        function done(): void {
          clearTimeout(timer);
          signal.removeEventListener('abort', done);
          resolve();
        }
        signal.addEventListener('abort', done, { once: true });
      });
    }
  }
}
