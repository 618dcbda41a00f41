// Who runs on a data folder: a small file that says how to reach the process, so that other commands talk to it in place of
// opening the data beside it.
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MillraceError } from './core/errors.ts';
import type { Problem } from './deliver/api.ts';

export interface Running {
  pid: number;
  url: string;
  version: string;
  startedAt: string;
}

const fileName = 'running.json';

export function announceRunning(dataDir: string, running: Running): void {
  mkdirSync(dataDir, { recursive: true });
  const file = join(dataDir, fileName);
  writeFileSync(`${file}.part`, JSON.stringify(running));
  renameSync(`${file}.part`, file);
}

export function withdrawRunning(dataDir: string): void {
  rmSync(join(dataDir, fileName), { force: true });
}

/** The process that answers for this data folder now, if there is one. */
export async function findRunning(dataDir: string): Promise<Running | undefined> {
  const file = join(dataDir, fileName);
  if (!existsSync(file)) return undefined;
  let running: Running;
  try {
    running = JSON.parse(readFileSync(file, 'utf8')) as Running;
    const answer = await fetch(`${running.url}/healthz`, { signal: AbortSignal.timeout(2000) });
    return answer.ok ? running : undefined;
  } catch {
    return undefined;
  }
}

/** Calls the API of a running process; its problems are thrown as the errors they are. */
export async function callApi<T>(running: Running, path: string, init: RequestInit = {}): Promise<T> {
  const answer = await fetch(running.url + path, init);
  if (!answer.ok) throw await problemError(answer);
  return (await answer.json()) as T;
}

/** The body of an answer, piece by piece; `cut` is thrown where the connection breaks before its end. */
export async function* bodyOf(answer: Response, cut: () => MillraceError): AsyncGenerator<Uint8Array> {
  try {
    for await (const bytes of answer.body ?? []) yield bytes;
  } catch {
    throw cut();
  }
}

export async function problemError(answer: Response): Promise<MillraceError> {
  let problem: Problem | undefined;
  try {
    problem = (await answer.json()) as Problem;
  } catch {
    // Not from us, or cut: the status has to do.
  }
  if (!problem?.code)
    return new MillraceError('http-error', `The server answered ${answer.status}.`, {
      status: answer.status,
    });
  return problemOfBody(problem);
}

export function problemOfBody(problem: Problem): MillraceError {
  return new MillraceError(problem.code, problem.detail, {
    status: problem.status,
    context: problem,
    ...(problem.remedy === undefined ? {} : { remedy: problem.remedy }),
  });
}
