// From what a file exports to a pipeline that may run: every option checked, names and places in the errors.
import { parseDuration } from '../../core/duration.ts';
import { MillraceError, toError } from '../../core/errors.ts';
import { streamNamePattern } from '../../flow/log.ts';
import { definedAt, type PipelineDefinition, pipelineLimits } from '../pipeline.ts';

/** What is known of a pipeline outside its thread. */
export interface PipelineSpec {
  name: string;
  from: string;
  to: string;
  sides: string[];
  start: 'beginning' | 'now';
  version: number;
  delayUs: number;
  aheadUs: number;
  attempts: number;
  timeoutMs: number;
  /** The file and place of its definition: "pipelines/visits.ts:4:16". */
  place: string;
}

export interface PipelineFunctions {
  key: PipelineDefinition['key'];
  process: PipelineDefinition['process'];
  onTimer: PipelineDefinition['onTimer'];
}

export const optionNames = [
  'from',
  'to',
  'sides',
  'key',
  'start',
  'version',
  'delay',
  'ahead',
  'attempts',
  'timeout',
  'process',
  'onTimer',
] as const;

/** The name under which errors speak of a file. */
export const labelOf = (name: string): string => `pipelines/${name}.ts`;

/**
 * The place in `text` (a stack) that lies in the file at `url`: "pipelines/visits.ts:4:16", or the file alone. A place in
 * another local file is named by its path.
 */
export function placeIn(text: string, name: string, url: string): { place: string; line?: number } {
  for (const line of text.split('\n')) {
    const match = /(file:\/\/[^\s()]+?):(\d+)(?::(\d+))?\)?$/.exec(line);
    if (match?.[1] !== url) continue;
    const column = match[3] === undefined ? '' : `:${match[3]}`;
    return { place: `${labelOf(name)}:${match[2]}${column}`, line: Number(match[2]) };
  }
  return { place: labelOf(name) };
}

export function refusedPipeline(
  place: string,
  what: string,
  remedy: string,
  context: Record<string, unknown> = {},
): MillraceError {
  return new MillraceError('bad-pipeline', `${place}: ${what}`, {
    status: 400,
    remedy,
    context: { file: place.replace(/(:\d+){1,2}$/, ''), ...context },
  });
}

/** Throws `bad-pipeline`, naming file, line and option. `url` is that of the file. */
export function checkDefinition(
  name: string,
  url: string,
  exported: unknown,
): { spec: PipelineSpec; functions: PipelineFunctions } {
  if (typeof exported !== 'object' || exported === null || !(definedAt in exported)) {
    throw refusedPipeline(
      labelOf(name),
      exported === undefined ? 'nothing is exported as default.' : 'the default export is no pipeline.',
      "Write: import { pipeline } from 'millrace'; export default pipeline({ from, to, process }).",
    );
  }
  const { place } = placeIn(String(exported[definedAt]), name, url);
  const refuse = (what: string, remedy: string): never => {
    throw refusedPipeline(place, what, remedy);
  };
  const definition = exported as Record<string, unknown>;
  const unknown = Object.keys(definition).find(key => !(optionNames as readonly string[]).includes(key));
  if (unknown !== undefined) {
    refuse(`there is no option "${unknown}".`, `The options are ${optionNames.join(', ')}.`);
  }
  const stream = (option: string, value: unknown): string => {
    if (value === undefined) return refuse(`"${option}" is missing.`, `Name a stream: ${option}: 'access'.`);
    if (typeof value === 'string' && streamNamePattern.test(value)) return value;
    return refuse(
      `${option}: ${JSON.stringify(value)} cannot name a stream.`,
      'Use letters, digits, "_", "-" and ".", starting with a letter, at most 100.',
    );
  };
  const from = stream('from', definition['from']);
  const to = stream('to', definition['to']);
  const sides = definition['sides'] ?? [];
  if (!Array.isArray(sides) || sides.length > pipelineLimits.sidesMax) {
    refuse('sides is no list of streams.', `List up to ${pipelineLimits.sidesMax}: sides: ['late'].`);
  }
  const outputs = [to, ...(sides as unknown[]).map(side => stream('sides', side))];
  outputs.forEach((output, i) => {
    if (outputs.indexOf(output) < i) refuse(`the output "${output}" is named twice.`, 'Name each once.');
    if (output.startsWith('_')) {
      refuse(`streams such as "${output}" are the system's own.`, 'Give the output another name.');
    }
  });
  if (from === '_rejected') {
    refuse(
      'a pipeline cannot read _rejected: what it rejects would come back to it.',
      'Read another stream.',
    );
  }
  for (const option of ['key', 'process', 'onTimer'] as const) {
    const value = definition[option];
    if (value === undefined && option !== 'process') continue;
    if (typeof value !== 'function') {
      refuse(
        value === undefined ? '"process" is missing.' : `${option} is no function.`,
        `Write ${option}(…) { … }.`,
      );
    }
  }
  const whole = (option: string, byDefault: number, low: number, high: number): number => {
    const value = definition[option] ?? byDefault;
    if (Number.isSafeInteger(value) && (value as number) >= low && (value as number) <= high) {
      return value as number;
    }
    return refuse(`${option}: ${JSON.stringify(value)}.`, `Give a whole number from ${low} to ${high}.`);
  };
  const duration = (option: string, byDefault: string, lowMs: number, highMs: number): number => {
    const value = definition[option] ?? byDefault;
    try {
      const ms = parseDuration(String(value));
      if (ms >= lowMs && ms <= highMs) return ms;
    } catch (thrown) {
      refuse(`${option}: ${toError(thrown).message}`, 'Write a duration such as "30s" or "5m".');
    }
    return refuse(`${option}: ${JSON.stringify(value)} is out of range.`, rangeOf(lowMs, highMs));
  };
  const start = definition['start'] ?? 'beginning';
  if (start !== 'beginning' && start !== 'now') {
    refuse(`start: ${JSON.stringify(start)}.`, "Write start: 'beginning' or start: 'now'.");
  }
  const yearMs = 366 * 86_400_000;
  return {
    spec: {
      name,
      from,
      to,
      sides: outputs.slice(1),
      start: start as PipelineSpec['start'],
      version: whole('version', 1, 0, Number.MAX_SAFE_INTEGER),
      delayUs: duration('delay', '0s', 0, yearMs) * 1000,
      aheadUs: duration('ahead', '1h', 0, yearMs) * 1000,
      attempts: whole('attempts', 3, 1, 10),
      timeoutMs: duration('timeout', '5s', 100, 60_000),
      place,
    },
    functions: {
      key: definition['key'] as PipelineFunctions['key'],
      process: definition['process'] as PipelineFunctions['process'],
      onTimer: definition['onTimer'] as PipelineFunctions['onTimer'],
    },
  };
}

const rangeOf = (lowMs: number, highMs: number): string =>
  lowMs === 0 ? 'Give 0s to 366d.' : `Give ${lowMs}ms to ${highMs / 1000}s.`;
