// What is counted of a pipeline since the start of the process; pipeline.ts says what each count is.
import type { PipelineSummary } from '../pipeline.ts';

export type PipelineCounts = Pick<
  PipelineSummary,
  'eventsIn' | 'eventsOut' | 'timersFired' | 'failures' | 'retries' | 'rejected' | 'skipped' | 'restarts'
>;

export const zeroCounts = (): PipelineCounts => ({
  eventsIn: 0,
  eventsOut: 0,
  timersFired: 0,
  failures: 0,
  retries: 0,
  rejected: 0,
  skipped: 0,
  restarts: 0,
});
