// Which format a source has: every known format says how much of the first lines it explains, and the best wins.
import { MillraceError } from '../core/errors.ts';
import type { Detection, Format } from './format.ts';
import { accessCombined, accessCommon, accessVhost } from './formats/access-log.ts';
import { csv, tsv } from './formats/csv.ts';
import { jsonLines } from './formats/json-lines.ts';
import { logfmt } from './formats/logfmt.ts';
import { syslog } from './formats/syslog.ts';
import { w3c } from './formats/w3c.ts';

/** In the order in which they are listed to people; ties go to the first. */
export const formats: readonly Format[] = [
  accessVhost,
  accessCombined,
  accessCommon,
  w3c,
  jsonLines,
  syslog,
  logfmt,
  tsv,
  csv,
];

export interface Detected extends Detection {
  format: Format;
}

/** Bytes of a source's beginning that detection looks at. */
export const sampleBytes = 256 * 1024;

const sampleLines = 1000;

/**
 * Chooses a format from the beginning of a source. `whole` says that the bytes are all there is, so that the last line
 * counts without a newline. Undefined where no format explains half of the lines; throws `binary-content` for compressed or binary content.
 */
export function detectFormat(bytes: Uint8Array, whole: boolean): Detected | undefined {
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) {
    throw new MillraceError('binary-content', 'The content is compressed with gzip.', {
      status: 400,
      remedy: 'Unpack it first: gunzip -k FILE, or zcat FILE | millrace produce STREAM.',
    });
  }
  if (bytes.subarray(0, 4096).includes(0)) {
    throw new MillraceError('binary-content', 'The content is binary, not lines of text.', {
      status: 400,
      remedy: 'Name a file of text: one event or log line a line.',
    });
  }
  const end = whole ? bytes.length : bytes.lastIndexOf(10) + 1;
  const text = new TextDecoder().decode(bytes.subarray(0, end)).replace(/^\uFEFF/, '');
  const sample = text
    .split('\n')
    .map(line => line.replace(/\r$/, ''))
    .filter(line => line !== '')
    .slice(0, sampleLines);
  if (sample.length === 0) return undefined;
  let best: Detected | undefined;
  for (const format of formats) {
    const detection = format.detect(sample, text);
    if (detection && detection.confidence > (best?.confidence ?? 0)) best = { ...detection, format };
  }
  return best;
}

/** Says that no format fits the content that begins with `text`; `remedy`: what to do where it is no JSON. */
export function unknownFormat(detail: string, text: string, remedy: string): MillraceError {
  const isJson = /^\uFEFF?\s*[[{]/.test(text);
  return new MillraceError('format-unknown', detail, {
    status: 400,
    remedy: isJson
      ? "JSON is read as one object a line. Make lines of an array with jq -c '.[]', of objects over several lines with jq -c ."
      : remedy,
  });
}

/** The format with this id; throws `unknown-format` with the list. */
export function formatById(id: string): Format {
  const format = formats.find(format => format.id === id);
  if (format) return format;
  throw new MillraceError('unknown-format', `There is no format "${id}".`, {
    status: 400,
    remedy: `Choose one of: ${formats.map(format => format.id).join(', ')}.`,
  });
}
