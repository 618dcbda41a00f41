// The time zone times are shown and typed in.
import { signal } from '@preact/signals';
import type { Zone } from './format.ts';
import { readSetting, writeSetting } from './setting.ts';

export const zone = signal<Zone>(readSetting('zone') === 'UTC' ? 'UTC' : 'local');

export function setZone(next: Zone): void {
  zone.value = next;
  writeSetting('zone', next === 'UTC' ? 'UTC' : null);
}

/** `UTC`, or what the browser calls its own zone: `Asia/Seoul`. */
export function zoneName(of: Zone): string {
  return of === 'UTC' ? 'UTC' : Intl.DateTimeFormat().resolvedOptions().timeZone;
}
