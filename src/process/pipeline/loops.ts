// Pipelines that feed each other in a circle would never rest: found here, with the circle named.
import { MillraceError } from '../../core/errors.ts';
import type { PipelineSpec } from './definition.ts';

type Edges = Pick<PipelineSpec, 'name' | 'from' | 'to' | 'sides' | 'place'>;

/** The error where `added` closes a circle with `others`; undefined where it does not. O(streams + outputs). */
export function refusedLoop(added: Edges, others: readonly Edges[]): MillraceError | undefined {
  const readers = new Map<string, Edges[]>();
  for (const one of others) readers.set(one.from, [...(readers.get(one.from) ?? []), one]);
  const seen = new Set<string>();
  /** The way from `stream` to what `added` reads, as pipelines and the streams they write. */
  const wayFrom = (stream: string): string[] | undefined => {
    if (stream === added.from) return [];
    if (seen.has(stream)) return undefined;
    seen.add(stream);
    for (const reader of readers.get(stream) ?? []) {
      for (const output of [reader.to, ...reader.sides]) {
        const way = wayFrom(output);
        if (way) return [reader.name, output, ...way];
      }
    }
    return undefined;
  };
  for (const output of [added.to, ...added.sides]) {
    const way = wayFrom(output);
    if (!way) continue;
    const circle = [added.from, added.name, output, ...way];
    const text = circle.map((word, i) => (i % 2 === 0 ? word : `(${word})`)).join(' → ');
    return new MillraceError('pipeline-loop', `${added.place}: its output comes back to it: ${text}.`, {
      status: 400,
      remedy: 'Send one of these outputs to a stream of another name.',
      context: { circle },
    });
  }
  return undefined;
}
