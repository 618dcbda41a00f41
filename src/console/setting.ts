// What this browser remembers (theme, language, SQL history). Storage may be off or full: then nothing is remembered.

const prefix = 'millrace.';

export function readSetting(name: string): string | null {
  try {
    return localStorage.getItem(prefix + name);
  } catch {
    return null;
  }
}

export function writeSetting(name: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(prefix + name);
    else localStorage.setItem(prefix + name, value);
  } catch {
    // Private mode or a full quota: the setting lasts as long as the page.
  }
}
