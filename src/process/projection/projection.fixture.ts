// For tests only: a projection over lines of NDJSON, cut into spans in any way.
import type { Kernel } from '../../kernel/kernel.ts';
import { fill, toText } from '../../kernel/testing/kernels.ts';
import type { Catalog } from '../plan/bind/catalog.ts';
import { parseSql } from '../plan/plan.fixture.ts';
import { planProjection } from './plan-projection.ts';
import { Projection, type ProjectionOptions } from './projection.ts';
import type { ProjectionPlan } from './projection-plan.ts';

export const planned = (text: string, catalog: Catalog = {}): Promise<ProjectionPlan> =>
  planProjection({ name: 'projection', text }, { parseSql, ...catalog });

export interface Projected {
  text: string;
  count: number;
  /** Numbers of the lines whose output was too long. */
  tooLong: number[];
}

/** The output for `lines`, given in spans of `spanLines`. */
export function project(
  plan: ProjectionPlan,
  kernel: Kernel,
  lines: readonly string[],
  options: Omit<ProjectionOptions, 'kernel'> & { spanLines?: number; appendTimeUs?: number } = {},
): Projected {
  const { spanLines = lines.length, appendTimeUs = 0 } = options;
  const projection = new Projection(plan, { kernel, ...options });
  const made: Projected = { text: '', count: 0, tooLong: [] };
  try {
    for (let from = 0; from < lines.length; from += spanLines) {
      const span = lines.slice(from, from + spanLines);
      const length = fill(kernel, span.map(line => `${line}\n`).join(''));
      let taken = 0;
      for (let at = 0; at < length; ) {
        const { rows, consumed, bytes, count, tooLong } = projection.run(at, length - at, appendTimeUs);
        made.text += toText(bytes);
        made.count += count;
        made.tooLong.push(...tooLong.map(row => from + taken + row));
        taken += rows;
        at += consumed;
      }
      if (taken !== span.length) throw new Error(`${taken} rows of ${span.length}`);
    }
  } finally {
    projection.free();
  }
  return made;
}

export const parsedLines = (text: string): unknown[] =>
  text
    .split('\n')
    .slice(0, -1)
    .map(line => JSON.parse(line) as unknown);
