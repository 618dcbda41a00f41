import { expect, test } from 'vitest';
import { type AuditsOptions, auditViews } from './audits.ts';

/** Views by name: live, failed with a reason, or refused with one. */
function over(views: Record<string, 'live' | { failed: string } | { refused: string }>): AuditsOptions {
  const all = Object.entries(views);
  return {
    engine: {
      views: async () =>
        all.flatMap(([name, is]) => {
          if (is === 'live') return [{ name, state: 'live' }];
          return 'failed' in is ? [{ name, state: 'failed', error: is.failed }] : [];
        }) as never,
    },
    views: {
      refused: () =>
        all.flatMap(([name, is]) =>
          typeof is === 'object' && 'refused' in is ? [{ name, reason: is.refused }] : [],
        ),
    },
    history: {
      audit: async ({ name }) => {
        if (name === 'torn') throw new Error('no history');
        return { view: name } as never;
      },
    },
    logger: { error: () => {} },
  };
}

const gone = 'The view "b" under it has failed: The view "a" under it is gone.';

test('a view that has failed, for whatever is under it, is named with that reason, and the others go on', async () => {
  const views = over({
    c: { failed: gone },
    wrong: { refused: 'no such field' },
    torn: 'live',
    fine: 'live',
  });
  const { reports, failed } = await auditViews(views, [], () => {});
  expect(reports).toEqual([{ view: 'fine' }]);
  expect(failed).toEqual([
    { view: 'wrong', reason: 'It was refused: no such field' },
    { view: 'c', reason: gone },
    { view: 'torn', reason: 'no history' },
  ]);
});

test('only the views that are named are audited, and each has to be there', async () => {
  const views = over({ one: 'live', two: 'live', wrong: { refused: 'no' } });
  const told: string[] = [];
  const { reports, failed } = await auditViews(views, ['two'], view => told.push(view));
  expect({ reports, failed, told }).toEqual({ reports: [{ view: 'two' }], failed: [], told: ['two'] });
  await expect(auditViews(views, ['two', 'three'], () => {})).rejects.toMatchObject({ code: 'unknown-view' });
});
