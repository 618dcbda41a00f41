// Views as the API shows them: from the engine's numbers to ISO times and spelled durations.

import { formatDuration, parseDuration } from '../core/duration.ts';
import { MillraceError } from '../core/errors.ts';
import { formatUs } from '../core/time.ts';
import type { ViewResult, ViewSummary, WindowRow, WindowSpec } from '../process/view.ts';
import type { ViewAnswer, ViewEntry, ViewWindow } from './api.ts';

export function everyText(everyMs: number | 'total'): string {
  return everyMs === 'total' ? 'total' : formatDuration(everyMs);
}

export function everyMsOf(text: string): number | 'total' {
  return text === 'total' ? 'total' : parseDuration(text);
}

function windowText(window: WindowSpec): string {
  switch (window.kind) {
    case 'tumbling':
      return window.everyMs.map(formatDuration).join(', ');
    case 'hopping':
      return `${formatDuration(window.sizeMs)} every ${formatDuration(window.everyMs)}`;
    case 'session':
      return `session ${formatDuration(window.gapMs)} by ${window.by.join(', ')}`;
  }
}

export function instantOrNull(timeUs: number | null): string | null {
  return timeUs === null || !Number.isFinite(timeUs) ? null : formatUs(timeUs);
}

export function viewEntry(view: ViewSummary): ViewEntry {
  const {
    name,
    sql,
    streams,
    columns,
    state,
    progress,
    error,
    notice,
    expired,
    ahead,
    mismatched,
    groups,
    stateBytes,
    memoryBytes,
  } = view;
  return {
    name,
    sql,
    streams,
    window: windowText(view.window),
    resolutions: view.resolutions.map(({ everyMs }) => formatDuration(everyMs)),
    columns,
    state,
    progress,
    ...(error === undefined ? {} : { error }),
    ...(notice === undefined ? {} : { notice }),
    watermark: instantOrNull(view.watermarkUs),
    expired,
    ahead,
    mismatched,
    groups,
    stateBytes,
    memoryBytes,
  };
}

export function viewWindow(row: WindowRow): ViewWindow {
  const { startUs, endUs, revision, final, values, overflow, incomplete, gone } = row;
  return {
    start: formatUs(startUs),
    end: formatUs(endUs),
    revision,
    final,
    values,
    ...(overflow ? { overflow } : {}),
    ...(incomplete ? { incomplete } : {}),
    ...(gone ? { gone } : {}),
  };
}

export function viewAnswer(result: ViewResult, source: 'view' | 'history'): ViewAnswer {
  return {
    view: result.view,
    every: everyText(result.everyMs),
    columns: result.columns,
    windows: result.rows.map(viewWindow),
    watermark: instantOrNull(result.watermarkUs),
    source,
    ...(result.next === undefined ? {} : { next: result.next }),
  };
}

/** One `where=` parameter. */
export interface Condition {
  column: string;
  op: '=' | '!=';
  value: string;
}

/** `status=404`, `path!=/`: split at the first operator, so that values may hold any character. */
export function parseCondition(text: string): Condition {
  const match = /^([^=!]+)(!?=)([\s\S]*)$/.exec(text);
  if (!match) {
    throw new MillraceError('bad-condition', `where: "${text}" is not a condition.`, {
      status: 400,
      remedy: 'Write column=value or column!=value.',
    });
  }
  return { column: match[1]!.trim(), op: match[2] as '=' | '!=', value: match[3]! };
}

/** A parameter that is a whole number above 0; undefined where it is left out. Throws `bad-parameter`. */
export function positive(parameters: URLSearchParams, name: string): number | undefined {
  const text = parameters.get(name);
  if (text === null) return undefined;
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new MillraceError('bad-parameter', `${name}: "${text}" is not a whole number above 0.`, {
    status: 400,
  });
}
