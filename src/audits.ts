// Audits of views by name: which there are to audit, each against its history, and what is said of those that cannot be.
import type { Logger } from 'pino';
import { MillraceError, toError } from './core/errors.ts';
import type { AuditFailure, AuditReport, AuditResult } from './process/audit-report.ts';
import type { Engine } from './process/engine.ts';
import type { ProjectViews } from './project-views.ts';
import type { ViewHistory } from './view-history.ts';

export interface AuditsOptions {
  engine: Pick<Engine, 'views'>;
  views: Pick<ProjectViews, 'refused'>;
  history: Pick<ViewHistory, 'audit'>;
  logger: Pick<Logger, 'error'>;
}

/**
 * Compares views with a recomputation from the history; all of them where none is named. A view for which that fails is named in
 * `failed`, and the others go on; so is one whose definition was refused, whether or not an earlier one is in force.
 */
export async function auditViews(
  { engine, views: project, history, logger }: AuditsOptions,
  names: readonly string[],
  onProgress: (view: string, share: number) => void,
  signal?: AbortSignal,
): Promise<AuditResult> {
  const views = await engine.views();
  const isAsked = (name: string): boolean => names.length === 0 || names.includes(name);
  const refused = project.refused().filter(({ name }) => isAsked(name));
  const unknown = names.find(name => ![...views, ...refused].some(view => view.name === name));
  if (unknown !== undefined) {
    throw new MillraceError('unknown-view', `There is no view "${unknown}".`, {
      status: 404,
      remedy: '"millrace views" lists them.',
    });
  }
  const reports: AuditReport[] = [];
  const failed: AuditFailure[] = refused.map(({ name, reason }) => ({
    view: name,
    reason: `It was refused: ${reason}`,
  }));
  for (const view of views.filter(view => isAsked(view.name))) {
    const known = failed.find(one => one.view === view.name);
    // Of one that does not run either, the refusal says what is to be mended.
    if (known && view.state === 'failed') continue;
    onProgress(view.name, 0);
    try {
      if (view.state === 'failed') throw new Error(view.error);
      reports.push(await history.audit(view, share => onProgress(view.name, share), signal));
    } catch (thrown) {
      signal?.throwIfAborted();
      logger.error({ view: view.name, err: toError(thrown) }, 'audit failed');
      const { message } = toError(thrown);
      if (known) known.reason += ` What is in force instead: ${message}`;
      else failed.push({ view: view.name, reason: message });
    }
  }
  return { reports, failed };
}
