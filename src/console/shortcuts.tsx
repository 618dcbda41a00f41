// Keys that work anywhere outside a text field: single letters press the control marked with `data-shortcut`, `g` and a
// letter goes to a page, `?` lists them all.
import { useEffect, useRef } from 'preact/hooks';
import { t } from './language.ts';
import { go } from './router.ts';
import type { TextKey } from './text.ts';

const pages: Record<string, string> = { d: '/', q: '/sql', s: '/streams' };
const chordMs = 1500;

const rows: [keys: string, meaning: TextKey][] = [
  ['g d', 'keys.dashboard'],
  ['g q', 'keys.sql'],
  ['g s', 'keys.streams'],
  ['t', 'keys.range'],
  ['l', 'keys.live'],
  ['f', 'keys.filter'],
  ['← →', 'keys.cursor'],
  ['⇧ ← →, ↵', 'keys.zoom'],
  ['-', 'keys.zoomOut'],
  ['Ctrl ↵ · ⌘ ↵', 'keys.run'],
  ['?', 'keys.help'],
];

function isTyping(target: EventTarget | null): boolean {
  const element = target as HTMLElement | null;
  return Boolean(
    element?.closest?.('input:not([type=radio]), textarea, select, [contenteditable], .sql-editor'),
  );
}

export function Shortcuts() {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    let chordUntilMs = 0;
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      const isChord = event.timeStamp < chordUntilMs;
      chordUntilMs = 0;
      if (isChord && pages[event.key]) go(pages[event.key]!);
      else if (event.key === 'g') chordUntilMs = event.timeStamp + chordMs;
      else if (event.key === '?') dialog.current?.showModal();
      else {
        const control = document.querySelector<HTMLElement>(`[data-shortcut="${CSS.escape(event.key)}"]`);
        if (!control) return;
        if (control instanceof HTMLInputElement) control.focus();
        else control.click();
      }
      event.preventDefault();
    };
    document.addEventListener('keydown', onKeyDown);
    return () => document.removeEventListener('keydown', onKeyDown);
  }, []);
  return (
    <dialog ref={dialog} class="dialog" aria-labelledby="keys-title">
      <form method="dialog">
        <h2 id="keys-title">{t('keys.title')}</h2>
        <dl class="keys">
          {rows.map(([keys, meaning]) => (
            <div key={keys}>
              <dt>
                <kbd>{keys}</kbd>
              </dt>
              <dd>{t(meaning)}</dd>
            </div>
          ))}
        </dl>
        <button type="submit" class="button">
          {t('action.close')}
        </button>
      </form>
    </dialog>
  );
}
