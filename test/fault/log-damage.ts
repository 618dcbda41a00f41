// A small log on a simulated disk and what may be done to its files: the tail cut, junk appended, bits flipped.
// The judge reads everything that can be read and compares it with what was written, byte for byte.
import { Rng } from '../../src/core/rng.ts';
import type { LogReader } from '../../src/flow/log.ts';
import { batchOf } from '../contract/log.contract.ts';
import { openOn } from './log-power-loss.ts';
import { SimulatedDisk } from './simulated-disk.ts';

export interface Written {
  disk: SimulatedDisk;
  /** Every event's line by offset. */
  lines: string[];
  /** Batches as [first, end) of offsets. */
  batches: [number, number][];
  /** The first offset that retention left. */
  first: number;
}

/** Batches of 1 to 5 events; `isClosed` false leaves the log as a crash does. */
export async function writeLog(
  seed: number,
  batches: number,
  isClosed: boolean,
  extra = {},
  retainBytes?: number,
): Promise<Written> {
  const rng = new Rng(seed);
  const disk = new SimulatedDisk(rng.fork());
  const log = await openOn(disk, extra);
  await log.createStream('s');
  const written: Written = { disk, lines: [], batches: [], first: 0 };
  for (let i = 0; i < batches; i++) {
    const ids = Array.from({ length: 1 + rng.below(5) }, (_, k) => written.lines.length + k);
    const producer = rng.boolean(0.5) ? { key: `k${i}` } : undefined;
    const batch = batchOf(ids, producer, rng.below(80));
    const { offset } = await log.append('s', 0, batch);
    written.lines.push(...new TextDecoder().decode(batch.bytes).split('\n').slice(0, -1));
    written.batches.push([offset, offset + ids.length]);
  }
  if (retainBytes !== undefined) await log.retain({ maxBytes: retainBytes });
  written.first = (await log.range('s', 0)).first;
  if (isClosed) await log.close();
  return written;
}

export interface Survey {
  first: number;
  end: number;
  /** Spans that were reported as damaged. */
  gaps: [number, number][];
  events: number;
}

/** Reads all, once each way; throws where anything differs from what was written. */
export async function survey(log: LogReader, lines: string[]): Promise<Survey> {
  const target = new Uint8Array(64 * 1024);
  const { first, end } = await log.range('s', 0);
  const gaps: [number, number][] = [];
  let events = 0;
  for (let at = first; at < end; ) {
    try {
      const { batches, next } = await log.read('s', 0, at, target);
      if (next <= at) throw new Error(`reading stands still at ${at}`);
      for (const { position, length, offset, count } of batches) {
        const text = new TextDecoder().decode(target.subarray(position, position + length));
        const expected = lines.slice(offset, offset + count).join('\n') + '\n';
        if (text !== expected) throw new Error(`wrong bytes at offset ${offset}`);
        if (offset > at) throw new Error(`offsets ${at} to ${offset} were skipped silently`);
        at = offset + count;
        events += count;
      }
      at = next;
    } catch (thrown) {
      const { code, context } = thrown as { code?: string; context?: { first: number; end: number } };
      if (code !== 'log-damaged') throw thrown;
      if (context!.end <= at)
        throw new Error(`damage [${context!.first}, ${context!.end}) does not lead on from ${at}`);
      gaps.push([context!.first, context!.end]);
      at = context!.end;
    }
  }
  return { first, end, gaps, events };
}

/** The path of the newest segment's file. */
export function newest(disk: SimulatedDisk, extension: 'ndjson' | 'index'): string {
  return disk
    .files()
    .filter(path => path.endsWith(extension))
    .sort()
    .pop()!;
}

/** One bit of one file of the log flipped. Returns the spans reported. */
export async function bitFlipRound(
  written: Written,
  rng: Rng,
  files = /\.(ndjson|index|producers)$|start$|partitions$/,
): Promise<Survey> {
  const disk = written.disk.copy(rng.fork());
  const paths = disk.files().filter(path => files.test(path));
  const sizes = paths.map(path => disk.contentOf(path).length);
  let at = rng.below(sizes.reduce((sum, size) => sum + size, 0) * 8);
  let which = 0;
  while (at >= sizes[which]! * 8) at -= sizes[which++]! * 8;
  const bytes = disk.contentOf(paths[which]!);
  bytes[at >> 3]! ^= 1 << (at & 7);
  disk.damage(paths[which]!, bytes);
  const log = await openOn(disk);
  const found = await survey(log, written.lines);
  // What is lost was said, and is no more than the batches that the bit belongs to.
  const reported = found.gaps.reduce((sum, [first, end]) => sum + end - first, 0);
  const place = `bit ${at} of ${paths[which]}`;
  if (found.end !== written.lines.length)
    throw new Error(`${place}: end ${found.end} of ${written.lines.length}`);
  if (found.first !== written.first) throw new Error(`${place}: begins at ${found.first}`);
  if (found.first + found.events + reported !== found.end)
    throw new Error(`${place}: ${found.events} read, ${reported} reported`);
  if (reported > 5) throw new Error(`${place}: ${reported} events lost by one bit`);
  // It goes on: a batch can be appended and comes back, also after another start.
  const { offset } = await log.append('s', 0, batchOf([written.lines.length]));
  if (offset !== found.end) throw new Error(`${place}: appended at ${offset}`);
  await log.close();
  const again = await openOn(disk.afterKill(rng.fork()));
  const id = written.lines.length;
  const second = await survey(again, [...written.lines, `{"id":${id},"pad":""}`]);
  if (second.events !== found.events + 1)
    throw new Error(`${place}: ${second.events} events at the second start`);
  await again.close();
  return found;
}

/** An index without the zeros it had grown by. */
function withoutRoom(index: Buffer): Buffer {
  let length = index.length;
  while (length > 0 && index[length - 1] === 0) length--;
  return index.subarray(0, Math.ceil(length / 80) * 80);
}

/** The tail of one file cut at a byte, or followed by junk; exactly the valid prefix must come back. */
export async function tailRound(
  written: Written,
  change: { extension: 'ndjson' | 'index' | 'both'; cutBytes: number; junk: Uint8Array },
  rng: Rng,
): Promise<void> {
  const disk = written.disk.copy(rng.fork());
  const before: Buffer[] = [];
  const after: Buffer[] = [];
  for (const extension of ['ndjson', 'index'] as const) {
    const path = newest(disk, extension);
    const bytes = extension === 'index' ? withoutRoom(disk.contentOf(path)) : disk.contentOf(path);
    const isChanged = change.extension === extension || change.extension === 'both';
    const kept = bytes.subarray(0, isChanged ? bytes.length - change.cutBytes : bytes.length);
    const changed = isChanged ? Buffer.concat([kept, change.junk]) : bytes;
    before.push(bytes);
    after.push(changed);
    disk.damage(path, changed);
  }
  // How many batches are whole: those whose bytes and record are what they were (junk may restore a byte).
  const base = Number(/(\d{20})\.ndjson$/.exec(newest(disk, 'ndjson'))![1]);
  const inSegment = written.batches.filter(([first]) => first >= base);
  const isSame = (file: number, from: number, to: number): boolean =>
    before[file]!.subarray(from, to).equals(after[file]!.subarray(from, to));
  let bytes = 0;
  let whole = 0;
  for (const [first, end] of inSegment) {
    const length = Buffer.byteLength(written.lines.slice(first, end).join('\n')) + 1;
    if (!isSame(0, bytes, bytes + length) || !isSame(1, whole * 80, whole * 80 + 80)) break;
    bytes += length;
    whole++;
  }
  const expectedEnd = whole === 0 ? base : inSegment[whole - 1]![1];
  const log = await openOn(disk);
  const { events, end, gaps } = await survey(log, written.lines);
  if (events !== expectedEnd) throw new Error(`${events} events came back, ${expectedEnd} are whole`);
  // Beyond them there is nothing, or what was known to be durable is reported as lost; it is not given out again.
  const lost = gaps.reduce((sum, [first, last]) => sum + last - first, 0);
  if (end !== expectedEnd + lost) throw new Error(`end ${end}, ${expectedEnd} whole, ${lost} reported lost`);
  const isSaid = log.problems().length > 0 || change.junk.length > 0;
  if (lost > 0 && !isSaid) throw new Error('the opening did not say what it found');
  const { offset } = await log.append('s', 0, batchOf([end]));
  if (offset !== end) throw new Error(`appended at ${offset}, the end was ${end}`);
  await log.close();
}
