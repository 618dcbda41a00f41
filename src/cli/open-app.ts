// The whole product, for the commands that run it. The others start without: reading it takes longer than all else at their start.
import type { App, AppOptions } from '../app.ts';

export async function openApp(options: AppOptions): Promise<App> {
  const app = await import('../app.ts');
  return app.openApp(options);
}
