import { expect, test } from 'vitest';
import { ProjectViews, type ProjectViewsOptions } from './project-views.ts';

test('a view that stands still is a problem, said once in the log, and no more when it goes on', () => {
  const logged: unknown[] = [];
  const views = new ProjectViews({
    logger: { warn: (what: unknown) => logged.push(what) },
    onNotice: () => {},
  } as unknown as ProjectViewsOptions);
  for (let i = 0; i < 3; i++) views.noteStates([{ name: 'a', error: 'no table' }, { name: 'b' }]);
  expect(views.problems()).toEqual(['View a: no table']);
  expect(logged).toHaveLength(1);
  views.noteProblem('a', new Error('a: wrong SQL'));
  expect(views.problems()).toEqual(['a: wrong SQL']);
  views.noteStates([{ name: 'a' }]);
  expect(views.problems()).toEqual(['a: wrong SQL']);
});
