// Running until Ctrl-C: a clean end within two seconds; a second Ctrl-C does not wait, and neither does an error that nobody expected.
import { say, sayError } from './terminal.ts';

/** A clean end may take this long; what is then not done is done at the next start. */
const patienceMs = 1800;

/** Runs `work`, then waits for SIGINT or SIGTERM, then closes. */
export async function untilStopped(
  app: { close(): Promise<void> },
  work: () => Promise<void>,
): Promise<void> {
  let stopping = false;
  const stopped = new Promise<void>(resolve => {
    const stop = (signal: NodeJS.Signals): void => {
      if (stopping) endBy(signal);
      stopping = true;
      setTimeout(() => {
        say('Stopped before everything was tidy; nothing is lost, the next start takes a moment longer.');
        endBy(signal);
      }, patienceMs).unref();
      resolve();
    };
    process.on('SIGINT', stop);
    process.on('SIGTERM', stop);
  });
  const working = work().catch(async error => {
    if (stopping) return;
    await app.close().catch(() => {});
    throw error;
  });
  await Promise.race([stopped, working.then(() => stopped)]);
  try {
    await app.close();
  } catch (error) {
    sayError(error, false);
    process.exit(1);
  }
  process.exit(0);
}

/** An error that nothing catches is told in full and ends the process at once. */
export function endAtUncaught(): void {
  process.on('uncaughtException', thrown => {
    sayError(thrown, true);
    say(
      '          This should not happen. What was acknowledged is in the log; the next start goes on from there.',
    );
    endBy('SIGABRT');
  });
}

/**
 * Ends at once, as the signal by itself does. An exit would stop the threads and wait for them, and one that is stopped within a transaction
 * of the state store waits for its lock for ever.
 */
function endBy(signal: NodeJS.Signals): void {
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}
