// From comparisons to an action: a short list of rules in order of precedence, each with its reason in words.
import type { Comparison } from './compare.ts';
import type { Metric } from './metric.ts';

export type Reason =
  /** Units were lost or doubled: nothing else can be trusted. */
  | 'sample-ratio-mismatch'
  | 'not-enough-data'
  /** Every variant loses more on a guard rail than is tolerated. */
  | 'guard-rail-harmed'
  | 'winner'
  /** A variant leads, but a guard rail does not yet hold. */
  | 'guard-rail-unclear'
  /** Every variant is worse than the control, or harmed. */
  | 'control-wins'
  /** No variant can still be better by the primary metric's margin. */
  | 'no-relevant-gain'
  /** The planned number of units is reached without a difference. */
  | 'plan-complete'
  | 'undecided';

export interface Decision {
  action: 'investigate' | 'continue' | 'stop';
  reason: Reason;
  /** The variant to ship when stopping now; absent where the experiment does not say. */
  winner?: string;
  /** Variants that the winner is not (yet) told apart from on the primary metric. */
  tiedWith: string[];
  /** One or two sentences for people. */
  explanation: string;
}

export interface Evidence {
  sound: boolean;
  /** What is lacking for a judgement; undefined when nothing is. */
  missing: string | undefined;
  comparisons: readonly Comparison[];
  control: string;
  treatments: readonly string[];
  primary: Metric;
  last: boolean;
  /** False for a fixed plan, whose only look is the last. */
  mayStopEarly: boolean;
  separated: (a: string, b: string) => boolean;
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

export function decide(evidence: Evidence): Decision {
  const { sound, missing, control, treatments, primary, last, mayStopEarly, separated } = evidence;
  const conclude = (
    action: Decision['action'],
    reason: Reason,
    explanation: string,
    winner?: string,
    tiedWith: string[] = [],
  ): Decision => ({ action, reason, explanation, tiedWith, ...(winner === undefined ? {} : { winner }) });

  if (!sound) {
    const why =
      'The variants hold other shares of the units than they were assigned. Find out where units are lost.';
    return conclude('investigate', 'sample-ratio-mismatch', why);
  }
  if (missing !== undefined) return conclude('continue', 'not-enough-data', missing);
  if (!mayStopEarly && !last) {
    const why = 'A fixed plan has one look, at its end; deciding now would err more often than stated.';
    return conclude('continue', 'undecided', why);
  }

  const of = (variant: string): Comparison[] =>
    evidence.comparisons.filter(other => other.variant === variant);
  const onPrimary = (variant: string): Comparison => of(variant).find(({ role }) => role === 'primary')!;
  const guards = (variant: string) => of(variant).filter(({ role }) => role === 'guardrail');
  const standing = treatments.filter(variant => guards(variant).every(({ verdict }) => verdict !== 'harmed'));
  if (standing.length === 0) {
    const names = guards(treatments[0]!).filter(({ verdict }) => verdict === 'harmed');
    const why = `Harm beyond the margin on ${names.map(({ metric }) => metric).join(', ')}. Keep ${control}.`;
    return conclude('stop', 'guard-rail-harmed', why, control);
  }

  const direction = primary.better === 'lower' ? -1 : 1;
  const gain = (variant: string): number => direction * onPrimary(variant).absolute.estimate;
  const leaders = standing
    .filter(variant => onPrimary(variant).verdict === 'better')
    .sort((a, b) => gain(b) - gain(a));
  const cleared = leaders.filter(variant => guards(variant).every(({ verdict }) => verdict === 'safe'));
  if (cleared.length > 0) {
    const winner = cleared[0]!;
    const tied = standing.filter(variant => variant !== winner && !separated(winner, variant));
    const { estimate, interval } = onPrimary(winner).relative;
    const range = Number.isFinite(interval[0])
      ? ` (between ${percent(interval[0])} and ${percent(interval[1])})`
      : '';
    const also = tied.length > 0 ? ` It is not told apart from ${tied.join(', ')} yet.` : '';
    const why = `${winner} changes ${primary.name} by ${percent(estimate)}${range} against ${control}.${also}`;
    return conclude('stop', 'winner', why, winner, tied);
  }
  if (leaders.length > 0) {
    const open = guards(leaders[0]!).filter(({ verdict }) => verdict !== 'safe');
    const why = `${leaders[0]} is better on ${primary.name}, but ${open.map(({ metric }) => metric).join(', ')} may still be harmed.`;
    return conclude(last ? 'stop' : 'continue', 'guard-rail-unclear', why);
  }
  if (standing.every(variant => onPrimary(variant).verdict === 'worse')) {
    return conclude(
      'stop',
      'control-wins',
      `Every variant is worse than ${control} on ${primary.name}.`,
      control,
    );
  }
  const { margin } = primary;
  const most = (variant: string): number => {
    const [low, high] = onPrimary(variant).relative.interval;
    return direction > 0 ? high : -low;
  };
  if (margin !== undefined && standing.every(variant => most(variant) < margin)) {
    const why = `No variant can be ${percent(margin)} better than ${control} on ${primary.name} any more.`;
    return conclude('stop', 'no-relevant-gain', why);
  }
  if (last) {
    const why = `The planned units are in, and no difference on ${primary.name} shows.`;
    return conclude('stop', 'plan-complete', why);
  }
  return conclude(
    'continue',
    'undecided',
    `The interval on ${primary.name} still holds both better and worse.`,
  );
}
