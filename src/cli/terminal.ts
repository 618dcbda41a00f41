// What the command line writes: results to standard output, everything else to standard error; colour, progress and cursor
// movement only on a terminal.
import { styleText } from 'node:util';
import { codeOf, MillraceError, toError } from '../core/errors.ts';

type Style = Parameters<typeof styleText>[0];

const coloured = process.stderr.isTTY === true && !process.env['NO_COLOR'];

export function style(format: Style, text: string): string {
  return coloured ? styleText(format, text) : text;
}

/** One line to standard error. */
export function say(line: string): void {
  clearProgress();
  process.stderr.write(`${line}\n`);
}

const output = new AbortController();

/** Nobody reads standard output any more, or it cannot be written: what only prints has nothing left to do. */
export const outputEnded: AbortSignal = output.signal;

/** A reader that has seen enough (`| head`) is no fault: the command goes to its end in silence, and what serves goes on. */
export function watchOutput(): void {
  process.stdout.on('error', thrown => {
    if (outputEnded.aborted) return;
    output.abort();
    if (codeOf(thrown) === 'EPIPE') return;
    process.exitCode = 1;
    const what = `Standard output cannot be written: ${toError(thrown).message}`;
    sayError(new MillraceError('output-failed', what, { cause: thrown }), false);
  });
  // There is no place left to say it.
  process.stderr.on('error', () => {});
}

/** To standard output, as it is. */
export function write(text: string): void {
  clearProgress();
  if (!outputEnded.aborted) process.stdout.write(text);
}

/** One line to standard output. */
export function print(line: string): void {
  write(`${line}\n`);
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value));
}

let progressShown = false;

/** A line that the next one replaces; nothing where standard error is not a terminal. */
export function showProgress(text: string): void {
  if (process.stderr.isTTY !== true) return;
  const width = Math.max(20, (process.stderr.columns || 80) - 1);
  process.stderr.write(`\r\x1b[K${text.slice(0, width)}`);
  progressShown = true;
}

export function clearProgress(): void {
  if (!progressShown) return;
  process.stderr.write('\r\x1b[K');
  progressShown = false;
}

/** `████████░░░░`, for a share between 0 and 1. */
export function bar(share: number, width = 24): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * width);
  return '█'.repeat(full) + '░'.repeat(width - full);
}

export function count(value: number): string {
  return decimal(value, 0);
}

/** By hand: starting Intl takes 20 ms. */
function decimal(value: number, fractionDigitsMax: number): string {
  const [whole, fraction] = String(Number(value.toFixed(fractionDigitsMax))).split('.');
  const grouped = whole!.replace(/\B(?=(\d{3})+$)/g, ',');
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

/** `1 event`, `2,000 events`. */
export function countOf(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`;
}

export function bytesText(value: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${decimal(value, 1)} ${units[unit]}`;
}

export function seconds(valueMs: number): string {
  if (valueMs < 10_000) return `${(valueMs / 1000).toFixed(1)} s`;
  const total = Math.round(valueMs / 1000);
  if (total < 60) return `${total} s`;
  return `${Math.floor(total / 60)} min ${total % 60} s`;
}

/** One sentence and its remedy; the stack only where it was asked for. */
export function sayError(thrown: unknown, verbose: boolean): void {
  const error = toError(thrown);
  // Of a view's text the message has the place itself.
  const { line, column } = error instanceof MillraceError && /^sql-/.test(error.code) ? error.context : {};
  const place = line === undefined ? '' : `line ${line}, column ${column}: `;
  say(`${style('red', 'millrace:')} ${place}${error.message}`);
  if (error instanceof MillraceError && error.remedy) say(`          ${error.remedy}`);
  if (verbose) {
    say(error.stack ?? '');
    if (error.cause) say(`caused by ${toError(error.cause).stack}`);
  } else if (!(error instanceof MillraceError)) {
    say('          This should not happen; --verbose shows where it did.');
  }
}

/** Columns that line up; numbers to the right. */
export function table(header: readonly string[], rows: readonly (readonly unknown[])[]): string[] {
  const cells = rows.map(row => row.map(cellText));
  const widths = header.map((name, index) =>
    Math.max(width(name), ...cells.map(row => width(row[index] ?? ''))),
  );
  const isNumber = header.map((_, index) =>
    rows.every(row => row[index] === null || typeof row[index] === 'number'),
  );
  const line = (values: readonly string[]): string =>
    values
      .map((value, index) => {
        const space = ' '.repeat(Math.max(0, widths[index]! - width(value)));
        return isNumber[index] ? space + value : value + space;
      })
      .join('  ')
      .trimEnd();
  return [line(header), widths.map(size => '─'.repeat(size)).join('  '), ...cells.map(line)];
}

function cellText(value: unknown): string {
  if (value === null || value === undefined) return '';
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  const safe = harmless(text);
  return safe.length > 200 ? `${safe.slice(0, 199)}…` : safe;
}

/** Control characters of an event must not reach the terminal. */
export function harmless(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is the point
  return text.replace(/[\x00-\x1f\x7f-\x9f]/g, '�');
}

/** Columns a text takes: wide characters (Hangul, CJK, emoji) take two. */
function width(text: string): number {
  let columns = 0;
  for (const char of text) {
    columns +=
      /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}]/u.test(
        char,
      )
        ? 2
        : 1;
  }
  return columns;
}
