// A page whose code is fetched when it is first opened.
import type { FunctionComponent } from 'preact';
import { t } from '../language.ts';
import { ProblemNotice } from './problem-notice.tsx';
import { useLoad } from './use-load.ts';

export function lazy<P extends object>(load: () => Promise<FunctionComponent<P>>): FunctionComponent<P> {
  let ready: FunctionComponent<P> | undefined;
  return function Lazy(props: P) {
    const { error, retry } = useLoad(async () => {
      ready ??= await load();
    }, []);
    if (ready) {
      const Page = ready;
      return <Page {...props} />;
    }
    if (error) return <ProblemNotice error={error} onRetry={retry} />;
    return <div class="skeleton page-skeleton" role="status" aria-label={t('state.loading')} />;
  };
}
