// The header of a view's file: `-- key: value` comment lines before the SELECT, which say how event time is cut and how
// long results are kept. Comments are SQL too, so the file as a whole can be pasted into the workbench.
import { formatDuration, parseDuration } from '../../core/duration.ts';
import type { WindowSpec } from '../view.ts';
import { isNear } from './near-name.ts';
import { Source } from './refusal.ts';

export interface ViewHeader {
  window: WindowSpec;
  /** By resolution (for a hopping window by its hop, for a session by its gap); null is for ever. */
  keepMs: { everyMs: number; keepMs: number | null }[];
  delayMs: number;
  latenessMs: number;
  aheadMs: number;
  maxGroups: number;
  /** Where each key's value starts in the file, for errors found later. */
  positions: Record<string, number>;
}

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const keys = ['every', 'keep', 'window', 'session', 'delay', 'lateness', 'ahead', 'max groups'];

/** Most resolutions of one view, and the shortest of any window. */
export const resolutionsMax = 8;
export const everyMsMin = 100;
/** Most groups a view may ask for. */
export const maxGroupsLimit = 1_000_000;

/** Kept unless the header says otherwise: below a minute 2 h, below an hour 14 d, longer ones for ever. */
export function defaultKeepMs(everyMs: number): number | null {
  if (everyMs < minute) return 2 * hour;
  return everyMs < hour ? 14 * day : null;
}

/**
 * Reads the header of `text`. Lines `-- word: …` whose word is no key and not close to one are ordinary comments.
 * Throws `view-syntax` with the place of the value.
 */
export function parseViewFile(name: string, text: string): ViewHeader {
  const source = new Source(name, text);
  const values = headerValues(source);
  const duration = (key: string, fallbackMs: number, leastMs = 0) => {
    const found = values.get(key);
    return found ? readDuration(source, found.text, found.position, leastMs) : fallbackMs;
  };
  const kinds = ['every', 'window', 'session'].filter(key => values.has(key));
  if (kinds.length > 1) {
    source.syntax(
      values.get(kinds[1]!)!.position,
      `"${kinds[0]}" and "${kinds[1]}" exclude each other.`,
      'Keep one of every, window and session; write a second view for the other.',
    );
  }
  const window = readWindow(source, values);
  const maxGroups = values.get('max groups');
  const header: ViewHeader = {
    window,
    keepMs: readKeep(source, window, values.get('keep')),
    delayMs: duration('delay', 10 * second),
    latenessMs: duration('lateness', minute),
    aheadMs: duration('ahead', hour),
    maxGroups: maxGroups ? readCount(source, maxGroups) : 10_000,
    positions: {},
  };
  for (const [key, { position }] of values) header.positions[key] = position;
  return header;
}

interface Value {
  text: string;
  position: number;
}

function headerValues(source: Source): Map<string, Value> {
  const values = new Map<string, Value>();
  let position = 0;
  // What stands in comments of the other kind is no header; each keeps its place.
  const lead = source.text
    .slice(0, source.start)
    .replace(/--[^\n]*|\/\*[\s\S]*?\*\//g, comment =>
      comment.startsWith('--') ? comment : comment.replace(/[^\n]/g, ' '),
    );
  for (const line of lead.split('\n')) {
    refuseUnmarked(source, line, position);
    const match = /^(\s*--+\s*)([A-Za-z][A-Za-z_ ]*?)(\s*:\s*)(.*?)\s*$/.exec(line);
    if (match) {
      const key = match[2]!.toLowerCase().replace(/[_ ]+/g, ' ');
      const at = position + match[1]!.length;
      if (keys.includes(key)) {
        if (values.has(key)) source.syntax(at, `"${key}" is given twice.`, 'Keep one of the two lines.');
        values.set(key, { text: match[4]!, position: at + match[2]!.length + match[3]!.length });
      } else {
        const near = keys.find(known => isNear(known, key)) ?? keyOfOthers(key, match[4]!);
        if (near)
          source.syntax(
            at,
            `"${key}" is no key of a view.`,
            `Did you mean "${near}"? Keys: ${keys.join(', ')}.`,
          );
      }
    }
    position += line.length + 1;
  }
  return values;
}

const length = String.raw`(?:\d[\d.]*(?:ms|[smhdwy]))+`;
/** Durations as the keys take them: `1h30m`, `1s, 1m`, `1s for 2h, 1m for ever`, `5m every 1m`. */
const durations = new RegExp(
  String.raw`^(?:${length}|forever)(?:(?:\s*,\s*|\s+for\s+|\s+every\s+)(?:${length}|ever))*$`,
  'i',
);

/** `every 1m` and `every = 1m` are meant as `every: 1m`. */
function refuseUnmarked(source: Source, line: string, position: number): void {
  const match =
    /^(\s*--+\s*)(every|keep|window|session|delay|lateness|ahead|max[_ ]groups)\s*[=\s]\s*(.*?)\s*$/i.exec(
      line,
    );
  if (!match) return;
  const [, dashes, key, value] = match as unknown as [string, string, string, string];
  const isMeant = /^max/i.test(key)
    ? /^\d[\d,_]*$/.test(value)
    : durations.test(/^session$/i.test(key) ? value.replace(/\s+by\s+\S.*$/i, '') : value);
  if (!isMeant) return;
  source.syntax(
    position + dashes.length,
    `"${key}" has no colon behind it, so this line would be a mere comment.`,
    `Write: -- ${key.toLowerCase()}: ${value}`,
  );
}

/** The key of ours for what other systems call so. */
function keyOfOthers(key: string, value: string): string | undefined {
  return durations.test(value) ? otherKeys[key] : undefined;
}

const otherKeys: Record<string, string> = {
  tumble: 'every',
  tumbling: 'every',
  interval: 'every',
  resolution: 'every',
  resolutions: 'every',
  hop: 'window',
  hopping: 'window',
  slide: 'window',
  sliding: 'window',
  retention: 'keep',
  ttl: 'keep',
  watermark: 'delay',
  'allowed lateness': 'lateness',
};

/** What somebody means who writes the other kinds of windows as this one. */
function windowAdvice(text: string): string {
  const session = /^session\w*[\s:,]+(.+)$/i.exec(text)?.[1];
  if (session) return `Write: session: ${/\sby\s/i.test(session) ? session : '30m by user'}.`;
  const length = /^(?:tumbl\w*[\s:,]+)?(\d\S*)$/i.exec(text)?.[1];
  return length ? `Write: every: ${length}.` : 'Write: window: 5m every 1m.';
}

function readWindow(source: Source, values: Map<string, Value>): WindowSpec {
  const window = values.get('window');
  if (window) {
    const match = /^(\S+)\s+every\s+(\S+)$/i.exec(window.text);
    if (!match) source.syntax(window.position, `"${window.text}" is no window.`, windowAdvice(window.text));
    const sizeMs = readDuration(source, match[1]!, window.position, everyMsMin);
    const everyMs = readDuration(source, match[2]!, window.position, everyMsMin);
    if (sizeMs % everyMs !== 0 || sizeMs < everyMs) {
      source.syntax(
        window.position,
        `A window of ${match[1]} cannot be cut every ${match[2]}: its length must be a multiple of the step.`,
        `Write for instance: window: ${formatDuration(Math.ceil(sizeMs / everyMs) * everyMs)} every ${match[2]}.`,
      );
    }
    if (sizeMs / everyMs > 1440) {
      source.syntax(
        window.position,
        `Every event would be in ${sizeMs / everyMs} windows, more than 1,440.`,
        'Use a longer step.',
      );
    }
    return sizeMs === everyMs
      ? { kind: 'tumbling', everyMs: [everyMs] }
      : { kind: 'hopping', sizeMs, everyMs };
  }
  const session = values.get('session');
  if (session) {
    const match = /^(\S+)\s+by\s+(.+)$/i.exec(session.text);
    if (!match)
      source.syntax(
        session.position,
        `"${session.text}" is no session.`,
        'Write: session: 30m by user (output columns that are in GROUP BY).',
      );
    const by = match[2]!.split(',').map(column => column.trim().replace(/^"(.*)"$/, '$1'));
    return { kind: 'session', gapMs: readDuration(source, match[1]!, session.position, everyMsMin), by };
  }
  const every = values.get('every');
  if (!every) return { kind: 'tumbling', everyMs: [second, minute, hour, day] };
  const everyMs = every.text
    .split(',')
    .map(part => readDuration(source, part, every.position, everyMsMin))
    .sort((a, b) => a - b);
  if (everyMs.length > resolutionsMax) {
    source.syntax(every.position, `More than ${resolutionsMax} resolutions.`, 'Name fewer.');
  }
  for (let index = 1; index < everyMs.length; index++) {
    const [finer, coarser] = [everyMs[index - 1]!, everyMs[index]!];
    if (finer === coarser) {
      source.syntax(every.position, `${formatDuration(finer)} is given twice.`, 'Name each resolution once.');
    }
    if (coarser % finer !== 0) {
      source.syntax(
        every.position,
        `${formatDuration(coarser)} is not a multiple of ${formatDuration(finer)}, so it cannot be merged from it.`,
        'Give resolutions of which each is a multiple of the one before: 1s, 1m, 1h, 1d.',
      );
    }
  }
  return { kind: 'tumbling', everyMs };
}

function readKeep(source: Source, window: WindowSpec, keep: Value | undefined): ViewHeader['keepMs'] {
  const lengths =
    window.kind === 'tumbling' ? window.everyMs : [window.kind === 'hopping' ? window.everyMs : window.gapMs];
  const kept = new Map<number, number | null>();
  for (const length of lengths) {
    kept.set(length, defaultKeepMs(window.kind === 'hopping' ? window.sizeMs : length));
  }
  for (const part of keep ? keep.text.split(',') : []) {
    const match = /^\s*(?:(?:(\S+)\s+)?for\s+)?(ever|forever|always|\S+)\s*$/i.exec(part);
    if (!match) {
      source.syntax(
        keep!.position,
        `"${part.trim()}" is no keep time.`,
        'Write: keep: 1s for 2h, 1m for 14d.',
      );
    }
    const keepMs = /^(for)?ever$|^always$/i.test(match[2]!)
      ? null
      : readDuration(source, match[2]!, keep!.position, everyMsMin);
    if (match[1] === undefined) {
      for (const length of lengths) kept.set(length, keepMs);
      continue;
    }
    const everyMs = readDuration(source, match[1], keep!.position, everyMsMin);
    if (!kept.has(everyMs)) {
      source.syntax(
        keep!.position,
        `${match[1]} is not a resolution of this view.`,
        `It has ${lengths.map(formatDuration).join(', ')}.`,
      );
    }
    kept.set(everyMs, keepMs);
  }
  for (const [everyMs, keepMs] of kept) {
    if (keepMs !== null && keepMs < everyMs) {
      source.syntax(
        keep?.position ?? 0,
        `${formatDuration(everyMs)} kept for ${formatDuration(keepMs)} would be gone before it is full.`,
        'Keep a window at least as long as it is.',
      );
    }
  }
  return lengths.map(everyMs => ({ everyMs, keepMs: kept.get(everyMs)! }));
}

function readDuration(source: Source, text: string, position: number, leastMs: number): number {
  let durationMs: number;
  try {
    durationMs = parseDuration(text);
  } catch {
    source.syntax(
      position,
      `"${text.trim()}" is not a duration.`,
      'Write a number and a unit: 1s, 5m, 1h, 1d.',
    );
  }
  if (durationMs < leastMs || durationMs > 400 * 365 * day) {
    source.syntax(position, `${text.trim()} is too short or too long.`, `The shortest is ${leastMs}ms.`);
  }
  return durationMs;
}

function readCount(source: Source, value: Value): number {
  const count = Number(value.text.replace(/[,_]/g, ''));
  if (!Number.isInteger(count) || count < 1 || count > maxGroupsLimit) {
    source.syntax(
      value.position,
      `"${value.text}" is no number of groups.`,
      `Write a whole number from 1 to ${maxGroupsLimit}.`,
    );
  }
  return count;
}
