// What to do while there is no event yet.
import { t } from '../language.ts';

export function Welcome() {
  const origin = location.origin;
  return (
    <section class="welcome">
      <h1>{t('welcome.title')}</h1>
      <p>{t('welcome.text')}</p>
      <h2>{t('welcome.file')}</h2>
      <pre>
        <code>millrace up access.log</code>
      </pre>
      <h2>{t('welcome.http')}</h2>
      <pre>
        <code>{`curl ${origin}/v1/streams/shop/events -d '{"event":"order","amount":42}'`}</code>
      </pre>
      <p class="muted">{t('welcome.waiting')}</p>
    </section>
  );
}
