// logfmt: `level=info msg="listening on :80" duration=12ms`, one event a line.
import type { Detection, Format } from '../format.ts';
import { LineFormatReader, type LineOutcome, refuse } from './line-format.ts';
import { scalarOf } from './scalar.ts';

const pair = /([^\s="]+)(?:=(?:"((?:[^"\\]|\\.)*)"|([^\s"]*)))?(?:\s+|$)/y;

function parseLine(line: string): LineOutcome {
  const event: Record<string, unknown> = Object.create(null);
  pair.lastIndex = line.length - line.trimStart().length;
  let valued = 0;
  while (pair.lastIndex < line.length) {
    const at = pair.lastIndex;
    const match = pair.exec(line);
    if (!match) return refuse('not key=value', at);
    const [, key, quotedValue, plainValue] = match;
    if (quotedValue !== undefined) {
      event[key!] = quotedValue.replace(/\\(["\\nt])/g, (_, c: string) =>
        c === 'n' ? '\n' : c === 't' ? '\t' : c,
      );
    } else event[key!] = plainValue === undefined ? true : scalarOf(plainValue);
    if (quotedValue !== undefined || plainValue !== undefined) valued++;
  }
  return valued === 0 ? refuse('no key=value pair') : event;
}

export const logfmt: Format = {
  id: 'logfmt',
  title: 'logfmt (key=value)',
  detect(sample): Detection | undefined {
    const fitting = sample.filter(line => /^\s*[\w.@/-]+=("([^"\\]|\\.)*"|[^\s"]*)(\s|$)/.test(line)).length;
    if (fitting < sample.length * 0.8) return undefined;
    return {
      confidence: 0.85 * (fitting / sample.length),
      why: `${fitting} of ${sample.length} lines are key=value pairs`,
    };
  },
  reader: () => new LineFormatReader(parseLine),
};
