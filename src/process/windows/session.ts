// Sessions, derived when they are read: events are kept in panes as long as the gap, by group, with their first and last time.
// Two events of one pane are always less than a gap apart, so a session is a run of neighbouring panes of one key whose
// times come within the gap; nothing has to be moved when a late event joins two of them.
import type { Aggregate, Plan } from '../plan/plan.ts';

const timeBound = (name: 'min' | 'max'): Aggregate => ({
  function: name,
  args: [{ kind: 'event-time', type: 'time' }],
  parameters: [],
});

const isBound = (aggregate: Aggregate | undefined, name: string): boolean =>
  aggregate?.function === name && aggregate.args[0]?.kind === 'event-time' && aggregate.filter === undefined;

/** The plan with first and last event time as its last two aggregates, where sessions need them. */
export function withSessionBounds(plan: Plan): Plan {
  if (plan.window.kind !== 'session') return plan;
  return {
    ...plan,
    sources: plan.sources.map(source => {
      const { aggregates } = source;
      if (isBound(aggregates.at(-2), 'min') && isBound(aggregates.at(-1), 'max')) return source;
      return { ...source, aggregates: [...aggregates, timeBound('min'), timeBound('max')] };
    }),
  };
}

/** Which group columns tell sessions apart. */
export function sessionKeyColumns(plan: Plan): number[] {
  const { window, outputs } = plan;
  if (window.kind !== 'session') return [];
  return window.by.map(by => {
    const expression = outputs.find(({ name }) => name === by)?.expression;
    return expression?.kind === 'group' ? expression.index : 0;
  });
}
