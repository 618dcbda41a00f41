// From one segment to the next: the old one is finished, what is known of producers is kept beside the new one, then
// the new one gets its files. Invariant: in whichever step it stops, the partition opens with the same events and the
// same memory of producers, and only its newest segment can be found unfinished.
import { codeOf } from '../core/errors.ts';
import { ActiveSegment } from './active-segment.ts';
import { removeOldSnapshots, writeSnapshot } from './producer-snapshot.ts';
import type { ProducerWindow } from './producer-window.ts';
import { createSegment, removeSegment } from './segment.ts';
import type { WriterContext, WriterState } from './writer-context.ts';

/** The seal of the old segment only helps a later opening: without space for it, it is left out. */
export async function finishSegment({ segment, end, lastAppendMs }: WriterState): Promise<void> {
  try {
    await segment?.finish(end, lastAppendMs);
  } catch (thrown) {
    if (codeOf(thrown) !== 'ENOSPC') throw thrown;
  }
}

/**
 * Starts a new segment at the end of the partition. Everything in the old one must be durable, and `window` must know
 * all of it. Throws the system's error, with ENOSPC after which the old segment is still the one to write to.
 */
export async function rollSegment(
  { fs, board, failpoint }: WriterContext,
  state: WriterState,
  window: ProducerWindow<unknown>,
): Promise<void> {
  const { directory, end } = state;
  await finishSegment(state);
  let segment: ActiveSegment;
  try {
    failpoint?.('before-snapshot');
    if (state.segments.length > 0) await writeSnapshot(fs, directory, end, window);
    failpoint?.('after-snapshot');
    segment = new ActiveSegment(await createSegment(fs, directory, end));
  } catch (thrown) {
    // What was made of it must go: a later opening would take it for the newest, and give offsets out twice.
    await removeSegment(fs, directory, end);
    throw thrown;
  }
  await state.segment?.close();
  state.segment = segment;
  state.segments.push(end);
  board.update(state.slot, { segmentsChanged: true });
  await removeOldSnapshots(fs, directory);
}
