// The server of `millrace up` with a log that kills the process at a named point, the n-th time it comes there.
import { openApp } from '../../src/app.ts';
import type { Failpoint } from '../../src/flow/writer-limits.ts';

export interface AppCrashOrders {
  dataDir: string;
  projectDir: string;
  failpoint: { name: string; hit: number };
}

const orders = JSON.parse(process.argv[2]!) as AppCrashOrders;
let hits = 0;
const failpoint: Failpoint = name => {
  if (name === orders.failpoint.name && ++hits === orders.failpoint.hit) process.kill(process.pid, 'SIGKILL');
};
const { dataDir, projectDir } = orders;
const app = await openApp({
  dataDir,
  projectDir,
  listen: { host: '127.0.0.1', port: 0 },
  log: { failpoint, segmentBytes: 200_000 },
});
process.stdout.write(`${JSON.stringify({ url: app.url })}\n`);
