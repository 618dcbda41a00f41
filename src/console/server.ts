// What the server says about itself, kept fresh: by asking, and by the status messages of the live connection.
import { signal } from '@preact/signals';
import type { Info, LiveMessage } from '../deliver/api.ts';
import { api } from './api-client.ts';

export const info = signal<Info | undefined>(undefined);
export const infoError = signal<unknown>(undefined);
/** Events a second, while a live connection says so. */
export const rate = signal<number | undefined>(undefined);

const calmMs = 10_000;
/** While sources load, or nothing is there yet. */
const eagerMs = 1000;

let timer: ReturnType<typeof setTimeout> | undefined;

export function isLoading(of: Info | undefined): boolean {
  return of?.sources.some(source => source.state === 'loading') ?? false;
}

export async function refreshInfo(): Promise<void> {
  clearTimeout(timer);
  try {
    info.value = await api.info();
    infoError.value = undefined;
  } catch (error) {
    infoError.value = error;
  }
  const isEager = infoError.value !== undefined || info.value?.home === undefined || isLoading(info.value);
  timer = setTimeout(refreshInfo, isEager ? eagerMs : calmMs);
}

export function applyStatus(status: Extract<LiveMessage, { type: 'status' }>): void {
  rate.value = status.rate;
  if (!info.value) return;
  const wasLoading = isLoading(info.value);
  info.value = { ...info.value, sources: status.sources, problems: status.problems };
  // The span that holds data has grown with what was loaded.
  if (wasLoading !== isLoading(info.value)) void refreshInfo();
}
