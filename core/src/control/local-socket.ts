/**
 * The door for programs on the same machine: `SHOAL_HOME/run/node.sock`, a Unix socket that only its user can open (a
 * named pipe on Windows). It also shows whether a node runs in a home.
 */
import { createHash } from 'node:crypto';
import { chmod, lstat, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ShoalError } from '../spec/errors.js';
import { type ByteChannel, socketChannel } from './byte-channel.js';
import { homeError } from './home-error.js';

/** sockaddr_un holds 104 bytes on macOS and 108 on Linux, with the closing zero. */
const maximumSocketPathBytes = 100;

const connectTimeoutMilliseconds = 2000;

interface SocketPlace {
  readonly path: string;
  /** Holds the path when the socket cannot stand in the home itself. */
  readonly pointer?: string;
  readonly directory?: string;
}

function socketPlace(home: string): SocketPlace {
  const hash = createHash('sha256').update(home).digest('hex').slice(0, 16);
  if (process.platform === 'win32') return { path: `\\\\.\\pipe\\shoal-${hash}` };
  const path = join(home, 'run', 'node.sock');
  if (Buffer.byteLength(path) <= maximumSocketPathBytes) return { path };
  const directory = join(tmpdir(), `shoal-${process.getuid?.() ?? 0}-${hash}`);
  return { path: join(directory, 'node.sock'), pointer: `${path}.path`, directory };
}

/** Where the socket of a home is, for people who look for what is wrong. */
export interface LocalSocketDescription {
  readonly path: string;
  /** What the path has of what the system allows; on Windows, whose pipes have no such limit, `maximumBytes` is absent. */
  readonly pathBytes: number;
  readonly maximumBytes?: number;
  /** The home's path is too long: the socket is in the folder for temporary files. */
  readonly isElsewhere: boolean;
}

export function describeLocalSocket(home: string): LocalSocketDescription {
  const { path, pointer } = socketPlace(home);
  const limit = process.platform === 'win32' ? {} : { maximumBytes: maximumSocketPathBytes };
  return { path, pathBytes: Buffer.byteLength(path), ...limit, isElsewhere: pointer !== undefined };
}

export interface LocalSocket {
  readonly path: string;
  close(): Promise<void>;
}

/** Listens in `home`. Throws NODE_ALREADY_RUNNING when another node answers there, NODE_HOME_UNUSABLE. */
export async function listenLocal(home: string, onChannel: (channel: ByteChannel) => void): Promise<LocalSocket> {
  const place = socketPlace(home);
  if (place.directory) await makePrivateDirectory(place.directory);
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    onChannel(socketChannel(socket, 'a program on this machine'));
  });
  try {
    await listen(server, place.path);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'EADDRINUSE') {
      throw homeError(home, thrown);
    }
    if (await answers(place.path)) {
      throw new ShoalError('NODE_ALREADY_RUNNING', `a node is running in ${home}`, { details: { home } });
    }
    // Left behind by a node that was killed.
    await rm(place.path, { force: true });
    await listen(server, place.path);
  }
  try {
    if (process.platform !== 'win32') await chmod(place.path, 0o600);
    if (place.pointer) await writeFile(place.pointer, place.path, { mode: 0o600 });
  } catch (thrown) {
    server.close();
    throw homeError(home, thrown);
  }
  return {
    path: place.path,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      if (place.pointer) await rm(place.pointer, { force: true });
      if (place.directory) await rm(place.directory, { recursive: true, force: true });
    },
  };
}

/** Connects to the node that runs in `home`. Throws NODE_NOT_RUNNING. */
export async function connectLocal(home: string): Promise<ByteChannel> {
  const place = socketPlace(home);
  const path = place.pointer ? ((await readPointer(place.pointer)) ?? place.path) : place.path;
  try {
    return socketChannel(await connect(path), `the node in ${home}`);
  } catch (thrown) {
    throw new ShoalError('NODE_NOT_RUNNING', `no node is running in ${home}`, { cause: thrown, details: { home } });
  }
}

async function readPointer(path: string): Promise<string | undefined> {
  try {
    // Empty: a full disk took no more of it than its name.
    return (await readFile(path, 'utf8')).trim() || undefined;
  } catch {
    return undefined;
  }
}

/** In a folder that everybody can write to, the name alone proves nothing: it must be ours. */
async function makePrivateDirectory(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const status = await lstat(directory);
  const mine = status.isDirectory() && status.uid === process.getuid?.() && (status.mode & 0o077) === 0;
  if (!mine) {
    throw new ShoalError('ARGUMENT_INVALID', `${directory} is not private to this user; delete it`, {
      details: { directory },
    });
  }
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function connect(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(path);
    const timer = setTimeout(() => socket.destroy(new Error('no answer')), connectTimeoutMilliseconds);
    socket.once('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.removeAllListeners('error');
      resolve(socket);
    });
  });
}

async function answers(path: string): Promise<boolean> {
  try {
    (await connect(path)).destroy();
    return true;
  } catch {
    return false;
  }
}
