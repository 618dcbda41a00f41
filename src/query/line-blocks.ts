// Reads an NDJSON file a block of whole lines at a time. A line ends at a newline and nothing else: other line ends may stand in strings.
import { closeSync, openSync, readSync } from 'node:fs';

const blockBytes = 4 * 1024 * 1024;
const newline = 0x0a;

/** Hands out blocks whose bytes [0, end) are whole lines, which are valid until `take` returns. The last line may lack its newline. */
export function eachBlock(file: string, take: (block: Buffer, end: number) => void): void {
  const handle = openSync(file, 'r');
  try {
    let block = Buffer.allocUnsafe(blockBytes);
    let filled = 0;
    for (;;) {
      const got = readSync(handle, block, filled, block.length - filled, null);
      filled += got;
      if (got === 0) {
        if (filled === 0) break;
        block[filled++] = newline;
      }
      const end = block.lastIndexOf(newline, filled - 1) + 1;
      if (end > 0) take(block, end);
      block.copy(block, 0, end, filled);
      filled -= end;
      if (got === 0) break;
      if (filled === block.length) block = Buffer.concat([block], block.length * 2);
    }
  } finally {
    closeSync(handle);
  }
}

/** As `eachBlock`, the lines as texts without their newlines. */
export function eachLine(file: string, take: (line: string) => void): void {
  eachBlock(file, (block, end) => {
    for (let at = 0; at < end; ) {
      const next = block.indexOf(newline, at);
      take(block.toString('utf8', at, next));
      at = next + 1;
    }
  });
}
