// One process at a time in a data folder, and the second one is told who holds it. The lock is a file made by
// link(2) with the holder's identity in it; that the holder lives is proved by a socket it listens on, which the
// kernel closes however the process ends, and where that cannot be asked by its pid with its start time, so that
// a pid in use again is not mistaken for it. Node has no flock.
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, link, readFile, rm, stat, unlink, writeFile } from 'node:fs/promises';
import { createConnection, createServer, type Server } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { codeOf, MillraceError } from '../core/errors.ts';

export interface LockHolder {
  pid: number;
  /** Start of the process in clock ticks since boot, where /proc tells it; 0 elsewhere. */
  startTicks: number;
  /** Changes at every boot, where the system tells it; empty elsewhere. */
  bootId: string;
  host: string;
  /** ISO 8601. */
  since: string;
  token: string;
  /** Path of the socket the holder listens on; empty where none could be made. */
  socket: string;
}

const lockName = 'lock';

async function startTicksOf(pid: number | 'self'): Promise<number | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'latin1');
    // The command's name may hold anything, so fields count from its closing parenthesis.
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
  } catch {
    return undefined;
  }
}

const bootIdOf = (): Promise<string> =>
  readFile('/proc/sys/kernel/random/boot_id', 'latin1').then(
    text => text.trim(),
    () => '',
  );

function listen(path: string): Promise<Server | undefined> {
  return new Promise(resolve => {
    const server = createServer(socket => {
      socket.on('error', () => {});
      socket.end();
    });
    server.once('error', () => resolve(undefined));
    server.listen(path, () => {
      server.unref();
      resolve(server);
    });
  });
}

/** `refused`: the socket is there and nobody listens; its process is gone. */
function ask(path: string): Promise<'listening' | 'refused' | 'absent' | 'unknown'> {
  return new Promise(resolve => {
    const socket = createConnection(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve('listening');
    });
    socket.once('error', error => {
      const code = codeOf(error);
      if (code === 'ECONNREFUSED') resolve('refused');
      else if (code === 'ENOENT') resolve('absent');
      else resolve(code === 'EAGAIN' ? 'listening' : 'unknown');
    });
  });
}

/** Whether the process that wrote the lock in `directory` still runs; where nobody can tell, it is taken to. */
export async function isHolderAlive(holder: LockHolder, directory: string): Promise<boolean> {
  const bootId = await bootIdOf();
  const isSameBoot = bootId !== '' && holder.bootId !== '' ? bootId === holder.bootId : undefined;
  const isSameHost = holder.host === hostname();
  if (isSameHost ? isSameBoot === false : isSameBoot !== true) return !isSameHost;
  // The folder may be mounted elsewhere in another container: the socket is looked for beside the lock first.
  let answer =
    holder.socket === '' ? 'unknown' : await ask(join(resolve(directory), basename(holder.socket)));
  if (answer === 'absent') answer = await ask(holder.socket);
  if (answer === 'listening') return true;
  // The kernel closes the socket of a process that ends, also of one that nobody has reaped yet.
  if (answer === 'refused') return false;
  // Another container of this machine has process ids of its own; there the socket alone can tell.
  if (!isSameHost) return true;
  const startTicks = await startTicksOf(holder.pid);
  if (startTicks !== undefined) return startTicks === holder.startTicks;
  if (answer !== 'unknown') return false;
  try {
    process.kill(holder.pid, 0);
    return true;
  } catch (thrown) {
    return codeOf(thrown) === 'EPERM';
  }
}

async function readHolder(path: string): Promise<LockHolder | 'unreadable' | undefined> {
  try {
    const holder = JSON.parse(await readFile(path, 'utf8')) as LockHolder;
    return typeof holder.pid === 'number' && typeof holder.token === 'string' ? holder : 'unreadable';
  } catch (thrown) {
    return codeOf(thrown) === 'ENOENT' ? undefined : 'unreadable';
  }
}

function refuse(directory: string, holder: LockHolder): MillraceError {
  const { pid, host, since } = holder;
  return new MillraceError(
    'log-locked',
    `The data folder ${directory} is in use by process ${pid} on ${host} since ${since}.`,
    {
      status: 409,
      remedy:
        host === hostname()
          ? 'Stop that process, or use another folder (--data).'
          : `Stop it there; if ${host} is gone for good, remove the file "${lockName}" in the folder.`,
      context: { holder: { pid, host, since } },
    },
  );
}

/** The socket beside the lock, or in the temporary folder where the path would be too long for a socket. */
async function openSocket(directory: string, token: string): Promise<{ server?: Server; path: string }> {
  const places =
    process.platform === 'win32'
      ? [`\\\\.\\pipe\\millrace-${token}`]
      : [join(resolve(directory), `lock-${token}.sock`), join(tmpdir(), `millrace-${token}.sock`)];
  for (const path of places) {
    // sun_path holds 104 to 108 bytes, its final zero included.
    if (Buffer.byteLength(path) > 103) continue;
    const server = await listen(path);
    if (server) return { server, path };
  }
  return { path: '' };
}

/** Gives the draft the lock's name, unless that exists; where there are no hard links, by an exclusive copy. */
async function claim(draft: string, path: string): Promise<void> {
  try {
    await link(draft, path);
  } catch (thrown) {
    const code = codeOf(thrown) ?? '';
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(code)) throw thrown;
    await copyFile(draft, path, constants.COPYFILE_EXCL);
  }
}

/** A gate this old was left by a process that died inside it: what is done inside takes milliseconds. */
const gateStaleMs = 10_000;

/**
 * Removes the lock of a dead process. One process at a time may: the gate, a file made exclusively, is held while the lock is read
 * once more and removed, so that nobody removes the lock of whoever was quicker. Without the gate it only waits.
 */
async function removeStale(path: string, stale: LockHolder | 'unreadable'): Promise<void> {
  const gate = `${path}.gate`;
  try {
    await writeFile(gate, '', { flag: 'wx' });
  } catch (thrown) {
    if (codeOf(thrown) !== 'EEXIST') throw thrown;
    const age = await stat(gate).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0,
    );
    if (age > gateStaleMs) await rm(gate, { force: true });
    await new Promise(resolve => setTimeout(resolve, 2));
    return;
  }
  try {
    const now = await readHolder(path);
    const same =
      typeof now === 'object' && typeof stale === 'object' ? now.token === stale.token : now === stale;
    if (!same) return;
    await rm(path, { force: true });
    if (typeof stale === 'object' && stale.socket) {
      await rm(join(dirname(path), basename(stale.socket)), { force: true });
      await rm(stale.socket, { force: true });
    }
  } finally {
    await rm(gate, { force: true });
  }
}

/**
 * Takes `directory` (which exists) for this process and resolves with the release. Throws `log-locked` with
 * context {holder: {pid, host, since}} where a living process, this one included, holds it. A lock left behind by
 * a dead process or an earlier boot is removed. A lock written on another host counts as held, unless that is a
 * container of this machine and its socket, in the folder, refuses.
 */
export async function lockFolder(directory: string): Promise<() => Promise<void>> {
  const path = join(directory, lockName);
  const token = randomBytes(8).toString('hex');
  const socket = await openSocket(directory, token);
  const own: LockHolder = {
    pid: process.pid,
    startTicks: (await startTicksOf('self')) ?? 0,
    bootId: await bootIdOf(),
    host: hostname(),
    since: new Date(Date.now() - process.uptime() * 1000).toISOString(),
    token,
    socket: socket.path,
  };
  const draft = `${path}-${token}.draft`;
  const release = async (): Promise<void> => {
    const holder = await readHolder(path);
    if (holder !== undefined && holder !== 'unreadable' && holder.token === token) {
      await unlink(path).catch(() => {});
    }
    await new Promise<void>(resolve => (socket.server ? socket.server.close(() => resolve()) : resolve()));
    if (socket.path && process.platform !== 'win32') await rm(socket.path, { force: true });
  };
  try {
    // Written whole before it gets its name: nobody ever reads half a lock.
    await writeFile(draft, JSON.stringify(own) + '\n', { mode: 0o640 });
    for (let attempt = 0; ; attempt++) {
      try {
        await claim(draft, path);
        break;
      } catch (thrown) {
        if (codeOf(thrown) !== 'EEXIST' || attempt > 1000) throw thrown;
      }
      const holder = await readHolder(path);
      if (holder === undefined) continue;
      if (holder !== 'unreadable' && (await isHolderAlive(holder, directory)))
        throw refuse(directory, holder);
      await removeStale(path, holder);
    }
    return release;
  } catch (thrown) {
    await release();
    throw thrown;
  } finally {
    await rm(draft, { force: true });
  }
}
