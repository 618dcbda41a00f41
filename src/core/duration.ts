// Durations as people write them ("1s", "5m", "1h30m", "1d", "250ms"); inside, whole milliseconds.
import { MillraceError } from './errors.ts';

const unitMs: Record<string, number> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
  y: 31_536_000_000,
};

/**
 * Milliseconds of a duration such as `1s`, `90m`, `1h30m`, `14d`, `1y` (365 days).
 * Throws `bad-duration` on anything else, a sign included.
 */
export function parseDuration(text: string): number {
  const compact = text.trim();
  if (!/^(\d+(\.\d+)?(ms|[smhdwy]))+$/.test(compact)) {
    throw new MillraceError('bad-duration', `"${text}" is not a duration.`, {
      status: 400,
      remedy: 'Write a number and a unit: 250ms, 1s, 5m, 1h, 1h30m, 14d, 1w, 1y.',
    });
  }
  let totalMs = 0;
  for (const [, amount, unit] of compact.matchAll(/(\d+(?:\.\d+)?)(ms|[smhdwy])/g)) {
    totalMs += Number(amount) * unitMs[unit!]!;
  }
  return Math.round(totalMs);
}

/** The shortest exact spelling: 60000 → "1m", 5400000 → "1h30m", 0 → "0s". */
export function formatDuration(durationMs: number): string {
  if (durationMs === 0) return '0s';
  let rest = Math.round(Math.abs(durationMs));
  let text = durationMs < 0 ? '-' : '';
  for (const unit of ['d', 'h', 'm', 's', 'ms']) {
    const amount = Math.floor(rest / unitMs[unit]!);
    if (amount > 0) text += `${amount}${unit}`;
    rest -= amount * unitMs[unit]!;
  }
  return text;
}
