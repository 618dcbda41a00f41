// A button that shows a small panel below itself; closed by Escape, by a click elsewhere and by leaving with Tab.
import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';

export interface DisclosureProps {
  button: ComponentChildren;
  label: string;
  buttonClass?: string;
  align?: 'start' | 'end';
  shortcut?: string;
  children: (close: () => void) => ComponentChildren;
}

export function Disclosure({
  button,
  label,
  buttonClass = 'button',
  align = 'start',
  shortcut,
  children,
}: DisclosureProps) {
  const isOpen = useSignal(false);
  const root = useRef<HTMLDivElement>(null);
  const trigger = useRef<HTMLButtonElement>(null);
  const id = useId();
  const close = () => {
    isOpen.value = false;
    trigger.current?.focus();
  };
  const open = isOpen.value;

  useEffect(() => {
    if (!open) return;
    const outside = (event: Event) => {
      if (!root.current?.contains(event.target as Node)) isOpen.value = false;
    };
    document.addEventListener('pointerdown', outside);
    document.addEventListener('focusin', outside);
    root.current
      ?.querySelector<HTMLElement>('.popover [autofocus], .popover button, .popover input')
      ?.focus();
    return () => {
      document.removeEventListener('pointerdown', outside);
      document.removeEventListener('focusin', outside);
    };
  }, [open, isOpen]);

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: Escape closes from wherever the focus is inside.
    <div
      class="disclosure"
      ref={root}
      role="presentation"
      onKeyDown={event => {
        if (event.key !== 'Escape' || !isOpen.value) return;
        event.stopPropagation();
        close();
      }}
    >
      <button
        type="button"
        ref={trigger}
        class={buttonClass}
        aria-expanded={open}
        aria-controls={id}
        aria-label={label}
        aria-keyshortcuts={shortcut}
        data-shortcut={shortcut}
        title={shortcut ? `${label} (${shortcut})` : label}
        onClick={() => (isOpen.value = !isOpen.value)}
      >
        {button}
      </button>
      {open && (
        <div class={`popover popover-${align}`} id={id}>
          {children(close)}
        </div>
      )}
    </div>
  );
}
