// Whether the page follows the data: live, reconnecting, paused; with the rate of events while live.
import { formatRate } from '../format.ts';
import { language, t } from '../language.ts';
import type { LiveState } from '../live.ts';
import { Icon } from '../parts/icon.tsx';
import { rate } from '../server.ts';

export interface LiveButtonProps {
  state: LiveState;
  onToggle: () => void;
  onRetry: () => void;
}

export function LiveButton({ state, onToggle, onRetry }: LiveButtonProps) {
  const word = t(`live.${state}`);
  return (
    <div class={`live live-${state}`} data-live={state}>
      <button
        type="button"
        class="button"
        aria-pressed={state !== 'off'}
        aria-keyshortcuts="l"
        data-shortcut="l"
        title={`${t(state === 'off' ? 'live.resume' : 'live.pause')} (l)`}
        onClick={onToggle}
      >
        <i class="live-dot" />
        <span role="status">{word}</span>
        {state === 'live' && rate.value !== undefined && (
          <span class="live-rate">{t('live.rate', { rate: formatRate(rate.value, language.value) })}</span>
        )}
        <Icon name={state === 'off' ? 'play' : 'pause'} size={12} />
      </button>
      {state === 'reconnecting' && (
        <button type="button" class="button button-small" onClick={onRetry}>
          {t('live.retryNow')}
        </button>
      )}
    </div>
  );
}
