// The file that says what went wrong and when. It takes part in nothing: where the disk is full, lines wait for room, or are dropped.
import { type DestinationStream, destination } from 'pino';

/** Of lines that cannot be written now. */
const waitingBytesMax = 1024 * 1024;

export function openLogFile(path: string): DestinationStream {
  const file = destination({ dest: path, sync: true, maxLength: waitingBytesMax });
  // Without a listener it would be thrown where the line is written. The next line tries again.
  file.on('error', () => {});
  return file;
}
