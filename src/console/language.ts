// The language in use and the look-up of sentences in it.
import { computed, effect, signal } from '@preact/signals';
import type { Text } from '../deliver/api.ts';
import { readSetting, writeSetting } from './setting.ts';
import { type TextKey, texts } from './text.ts';

export const languages = ['en', 'ko'] as const;
export type Language = (typeof languages)[number];

/** The stored choice, else the first of the browser's languages that is ours, else English. */
export function chooseLanguage(stored: string | null, preferred: readonly string[]): Language {
  const wanted = [stored ?? '', ...preferred].map(tag => tag.toLowerCase().split('-')[0]);
  return (wanted.find(tag => languages.includes(tag as Language)) as Language | undefined) ?? 'en';
}

const preferred = typeof navigator === 'undefined' ? [] : (navigator.languages ?? []);
export const language = signal<Language>(chooseLanguage(readSetting('language'), preferred));
const column = computed(() => languages.indexOf(language.value));

export type TextValues = Record<string, string | number>;

/**
 * A template with its `{names}` filled in. Numbers are written in the language; where the template has two forms,
 * `one|other`, `count` decides.
 */
export function fill(template: string, values: TextValues, lang: Language): string {
  let form = template;
  const bar = template.indexOf('|');
  if (bar >= 0) {
    const one = new Intl.PluralRules(lang).select(Number(values['count'] ?? 0)) === 'one';
    form = one ? template.slice(0, bar) : template.slice(bar + 1);
  }
  return form.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    if (value === undefined) return whole;
    return typeof value === 'number' ? new Intl.NumberFormat(lang).format(value) : value;
  });
}

/** The sentence of the catalogue in the language in use. */
export function t(key: TextKey, values: TextValues = {}): string {
  return fill(texts[key][column.value] as string, values, language.value);
}

/** A text that came with a dashboard. */
export function pick(text: Text): string {
  return typeof text === 'string' ? text : text[language.value];
}

/** Keeps the page's `lang` and the stored choice in step; to be called once. */
export function startLanguage(): void {
  effect(() => {
    document.documentElement.lang = language.value;
  });
}

export function setLanguage(lang: Language): void {
  language.value = lang;
  writeSetting('language', lang);
}
