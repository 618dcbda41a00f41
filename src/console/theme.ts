// Dark or light: the system's until the user says otherwise. `data-theme` on the root selects the tokens; charts
// are drawn on canvas and so read the colours of the tokens from here.
import { computed, effect, signal } from '@preact/signals';
import { readSetting, writeSetting } from './setting.ts';

export type ThemeChoice = 'system' | 'dark' | 'light';

const dark = matchMedia('(prefers-color-scheme: dark)');
const systemDark = signal(dark.matches);
const stored = readSetting('theme');
export const themeChoice = signal<ThemeChoice>(stored === 'dark' || stored === 'light' ? stored : 'system');
export const theme = computed(() =>
  themeChoice.value === 'system' ? (systemDark.value ? 'dark' : 'light') : themeChoice.value,
);

export function setTheme(choice: ThemeChoice): void {
  themeChoice.value = choice;
  writeSetting('theme', choice === 'system' ? null : choice);
}

export function startTheme(): void {
  dark.addEventListener('change', () => (systemDark.value = dark.matches));
  effect(() => {
    document.documentElement.dataset['theme'] = theme.value;
  });
}

/** The value of a token in the theme in use; reading it makes the reader follow the theme. */
export function token(name: string): string {
  document.documentElement.dataset['theme'] = theme.value;
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}
