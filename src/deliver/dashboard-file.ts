// dashboards/*.yaml: a dashboard as a file of the project folder, checked before it is shown.
import { LineCounter, parseDocument } from 'yaml';
import * as z from 'zod';
import { MillraceError } from '../core/errors.ts';
import type { Dashboard } from './api.ts';

const text = z.union([z.string(), z.strictObject({ en: z.string(), ko: z.string() })]);
const unit = z.enum(['count', 'bytes', 'ratio', 'ms', 'seconds', 'number', 'currency']);
const base = {
  id: z.string().min(1).max(100),
  title: text,
  note: text.optional(),
  view: z.string(),
  unit: unit.default('count'),
  width: z.union([z.literal(3), z.literal(4), z.literal(6), z.literal(8), z.literal(12)]).default(6),
};

const panel = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('stat'), ...base, column: z.string(), per: z.string().optional() }),
  z.strictObject({
    kind: z.literal('timeseries'),
    ...base,
    columns: z.array(z.string()).min(1).max(20),
    per: z.string().optional(),
    series: z.string().optional(),
    classes: z.literal('status').optional(),
    labels: z.array(z.string()).optional(),
    stacked: z.boolean().optional(),
    maxSeries: z.number().int().min(1).max(50).optional(),
  }),
  z.strictObject({
    kind: z.literal('list'),
    ...base,
    group: z.string(),
    field: z.string(),
    column: z.string(),
    more: z.array(z.strictObject({ column: z.string(), unit })).optional(),
    limit: z.number().int().min(1).max(1000).optional(),
  }),
]);

const dashboard = z.strictObject({
  title: text,
  stream: z.string().optional(),
  range: z.string().default('-24h'),
  panels: z.array(panel).min(1).max(100),
});

/** Throws `bad-dashboard` with the file, line and what is wrong there. */
export function parseDashboard(name: string, file: string, source: string): Dashboard {
  const lines = new LineCounter();
  const document = parseDocument(source, { lineCounter: lines });
  const fault = document.errors[0];
  if (fault) throw bad(file, lines.linePos(fault.pos[0]).line, fault.message.split('\n')[0]!);
  const parsed = dashboard.safeParse(document.toJS());
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    const node = document.getIn(issue.path as (string | number)[], true) as { range?: [number] } | undefined;
    const line = node?.range ? lines.linePos(node.range[0]).line : 1;
    throw bad(file, line, `${issue.path.join('.') || 'the file'}: ${issue.message}`);
  }
  const ids = parsed.data.panels.map(item => item.id);
  const twice = ids.find((id, index) => ids.indexOf(id) !== index);
  if (twice !== undefined) throw bad(file, 1, `two panels have the id "${twice}"`);
  return { name, ...parsed.data };
}

function bad(file: string, line: number, what: string): MillraceError {
  return new MillraceError('bad-dashboard', `${file}:${line}: ${what}.`, {
    status: 400,
    context: { file, line },
    remedy: 'docs/dashboards.md shows every key of a dashboard.',
  });
}
