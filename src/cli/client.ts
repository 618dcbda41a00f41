// How commands reach the data: through the process that runs on the folder where there is one, otherwise by opening the folder
// for the moment, served on a free port to this process alone.

import { findRunning, type Running } from '../running.ts';
import { openApp } from './open-app.ts';
import { type CommonOptions, dataDir } from './options.ts';

export async function withServerOf<T>(
  options: CommonOptions,
  work: (server: Running) => Promise<T>,
  { mustExist = true } = {},
): Promise<T> {
  const dir = dataDir(options);
  const running = await findRunning(dir);
  if (running) return work(running);
  const app = await openApp({
    dataDir: dir,
    projectDir: options.project,
    forTheMoment: true,
    listen: { host: '127.0.0.1', port: 0 },
    mustExist,
  });
  try {
    await app.settled();
    return await work({ pid: process.pid, url: app.url!, version: '', startedAt: '' });
  } finally {
    await app.close();
  }
}
