// A problem as a person sees it: what happened, what to do about it, and a way to try again.
import { ApiError } from '../api-client.ts';
import { t } from '../language.ts';
import { Icon } from './icon.tsx';

export interface ProblemWords {
  title: string;
  detail: string;
  remedy?: string;
}

/** Words for any error: the server's own, or the catalogue's for what never reached it. */
export function wordsOf(error: unknown): ProblemWords {
  if (!(error instanceof ApiError)) {
    return { title: t('problem.internal'), detail: String((error as Error)?.message ?? error) };
  }
  const { code, title, detail, remedy, status } = error.problem;
  if (code === 'unreachable')
    return { title: t('problem.unreachable'), detail: '', remedy: t('remedy.unreachable') };
  if (code === 'unexpected-answer') {
    return {
      title: t('problem.unexpected', { status: String(status) }),
      detail,
      remedy: t('remedy.unexpected'),
    };
  }
  return { title, detail: detail === title ? '' : detail, remedy };
}

export function ProblemNotice({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const { title, detail, remedy } = wordsOf(error);
  const { line, column = 1 } = error instanceof ApiError ? error.problem : {};
  return (
    <div class="notice notice-problem" role="alert">
      <Icon name="warning" size={18} />
      <div class="notice-text">
        <strong>{title}</strong>
        {line !== undefined && <p class="muted">{t('sql.line', { line, column })}</p>}
        {detail && <p>{detail}</p>}
        {remedy && <p class="notice-remedy">{remedy}</p>}
        {onRetry && (
          <button type="button" class="button button-small" onClick={onRetry}>
            {t('action.retry')}
          </button>
        )}
      </div>
    </div>
  );
}
