// JSON lines: validated and kept as they came.
import { type Detection, type Format, maxLineBytes, maxRejectedPerSpan } from '../format.ts';

export const jsonLines: Format = {
  id: 'json-lines',
  title: 'JSON lines',
  detect(sample): Detection | undefined {
    const fitting = sample.filter(line => {
      try {
        const value: unknown = JSON.parse(line);
        return typeof value === 'object' && value !== null && !Array.isArray(value);
      } catch {
        return false;
      }
    }).length;
    if (fitting < sample.length * 0.5 || fitting === 0) return undefined;
    return {
      confidence: fitting / sample.length,
      why: `${fitting} of ${sample.length} lines are JSON objects`,
    };
  },
  reader(kernel) {
    let input = kernel.input(0);
    return {
      input: capacity => (input = kernel.input(capacity)),
      state: () => undefined,
      convert(length, last) {
        input = kernel.input(length);
        const consumed = last ? length : input.subarray(0, length).lastIndexOf(10) + 1;
        const lines = countLines(input, consumed);
        const rest = input.slice(consumed, length);
        const result = kernel.validate(consumed, { maxErrors: maxRejectedPerSpan, maxLineBytes });
        input = kernel.input(length);
        const ndjson = input.slice(0, result.length);
        input.set(rest, consumed);
        const rejected = result.errors.map((error, index) => ({
          line: error.line,
          start: error.start,
          position: error.position,
          reason: error.reason,
          raw: result.rejectedLines[index]!,
        }));
        return { ndjson, count: result.count, consumed, lines, rejected, rejectedCount: result.rejected };
      },
    };
  },
};

function countLines(bytes: Uint8Array, length: number): number {
  let lines = 0;
  let at = 0;
  while (at < length) {
    const end = bytes.indexOf(10, at);
    lines++;
    if (end < 0 || end >= length) break;
    at = end + 1;
  }
  return lines;
}
