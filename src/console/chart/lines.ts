// What a chart draws: named lines over one list of times, and their stacking. Pure.

/** What a line is painted in: a place on the scale of series, a status class, or grey for the rest. */
export type Paint = number | `status-${string}` | 'other';

export interface Line {
  key: string;
  label: string;
  paint: Paint;
  /** One for each time of the grid; null where nothing can be said. */
  values: (number | null)[];
}

export interface Series {
  /** Window starts, ms. */
  times: number[];
  everyMs: number;
  lines: Line[];
}

/** Label of the line that sums what is beyond the largest; the panel replaces it by a word of the language. */
export const otherKey = '\0other';
/** Key of a group whose value is NULL. */
export const nullKey = '\0null';

/**
 * Running sums from the first line (lowest) up; null where a line has nothing to draw, so that no empty edge is
 * painted.
 */
export function stack(lines: Line[]): (number | null)[][] {
  const base = new Array<number>(lines[0]?.values.length ?? 0).fill(0);
  return lines.map(line =>
    line.values.map((value, index) => (value === null || value === 0 ? null : (base[index]! += value))),
  );
}
