// Reads the producer window back from the index records, newest segment first, no more of them than the window
// may know. Only the index is read: 80 bytes a batch.
import type { FileSystem } from './file-system.ts';
import { decodeRecord, recordBytes, recordKind } from './index-record.ts';
import { ProducerWindow, type WindowLimits } from './producer-window.ts';
import { indexPath } from './segment.ts';

/** `activeSlots`: the records of the newest segment that count; the file has room for more. */
export async function loadWindow<Waiting>(
  fs: FileSystem,
  directory: string,
  segments: readonly number[],
  activeSlots: number,
  limits: WindowLimits,
): Promise<ProducerWindow<Waiting>> {
  const chunks: Buffer[] = [];
  let wanted = limits.recordsMax;
  for (let i = segments.length - 1; i >= 0 && wanted > 0; i--) {
    const path = indexPath(directory, segments[i]!);
    const isActive = i === segments.length - 1;
    const slots = isActive ? activeSlots : Math.floor(((await fs.sizeOf(path)) ?? 0) / recordBytes);
    const taken = Math.min(slots, wanted);
    if (taken === 0) continue;
    const records = Buffer.allocUnsafe(taken * recordBytes);
    const file = await fs.open(path, 'read');
    try {
      chunks.push(records.subarray(0, await file.read(records, (slots - taken) * recordBytes)));
    } finally {
      await file.close();
    }
    wanted -= taken;
  }
  const window = new ProducerWindow<Waiting>(limits);
  for (const records of chunks.reverse()) replay(records, window);
  return window;
}

function replay<Waiting>(records: Buffer, window: ProducerWindow<Waiting>): void {
  for (let at = 0; at + recordBytes <= records.length; at += recordBytes) {
    const record = decodeRecord(records, at);
    if (!record || record.kind === recordKind.seal) continue;
    const { kind, offset, count, appendTimeMs, producer, first, next } = record;
    const answer = { offset, count, appendTimeMs };
    if (kind === recordKind.keyed) window.rememberKey(producer, answer);
    else if (kind === recordKind.sequenced) window.rememberSequence(producer, first, next, answer);
    else window.countPlain();
  }
}
