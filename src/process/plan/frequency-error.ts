// What the frequent-items summary of a view promises: which size it has, and how far off its counts may be.
import type { Aggregate } from './plan.ts';

/** Places of the summary: the power of two from 32·k on, at least 256; for the count of one value 1,024. */
export function frequencyPlaces(question: { top: number } | { item: unknown }): number {
  if ('item' in question) return 1024;
  return 2 ** Math.ceil(Math.log2(Math.max(256, Math.min(question.top, 4096) * 32)));
}

/** `share`: a count is too high by at most that share of the group's values, or left out where it is not more. */
export function frequencyError({ function: name, parameters }: Aggregate): { places: number; share: number } {
  const places = frequencyPlaces(
    name === 'approx_frequency' ? { item: parameters[0] } : { top: Number(parameters[0] ?? 10) },
  );
  return { places, share: 2.67 / places };
}
