/**
 * SHOAL_HOME: what a node keeps between runs. The folder is private to its user, and so is every file in it that holds
 * a key.
 */
import { createHash, randomBytes } from 'node:crypto';
import { link, mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { homeError } from '../control/home-error.js';
import { ShoalError } from '../spec/errors.js';

/** The home folder in force: the argument, else SHOAL_HOME, else `.shoal` in the user's folder. */
export function resolveHome(directory?: string): string {
  return resolve(directory ?? (process.env.SHOAL_HOME || join(homedir(), '.shoal')));
}

export class Home {
  private constructor(readonly directory: string) {}

  /** Makes the folder if it is not there. Throws NODE_HOME_UNUSABLE. */
  static async open(directory?: string): Promise<Home> {
    const home = new Home(resolveHome(directory));
    try {
      await mkdir(home.runDirectory, { recursive: true, mode: 0o700 });
    } catch (thrown) {
      // Node's recursive mkdir says "no such file" for much; a plain one says what it is.
      const plain: unknown = await mkdir(home.runDirectory, { mode: 0o700 }).then(
        () => thrown,
        (reason: unknown) => reason,
      );
      throw homeError(home.directory, plain);
    }
    return home;
  }

  get runDirectory(): string {
    return join(this.directory, 'run');
  }

  /** Models by name: `models/<name>` is a folder with config.json and *.safetensors files. */
  get modelsDirectory(): string {
    return join(this.directory, 'models');
  }

  /**
   * The cluster's pre-shared key, 32 bytes. Made on first use: copy the file to another machine's home to let its nodes
   * join.
   */
  async clusterKey(): Promise<Uint8Array> {
    const text = await this.readOrCreate('cluster.key', () => Promise.resolve(randomBytes(32).toString('hex')));
    return parseClusterKey(text, join(this.directory, 'cluster.key'));
  }

  /** The node's lasting identity; `create` makes the text of a new one. */
  identity(create: () => Promise<string>): Promise<string> {
    return this.readOrCreate('identity.key', create);
  }

  /** The name that the node was given while it ran; undefined: none. */
  async nodeName(): Promise<string | undefined> {
    return (await readIfThere(join(this.directory, 'node-name')))?.slice(0, 200);
  }

  async setNodeName(name: string): Promise<void> {
    const path = join(this.directory, 'node-name');
    const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
    try {
      await writeFile(temporary, `${name}\n`, { mode: 0o600 });
      await rename(temporary, path);
    } catch (thrown) {
      await rm(temporary, { force: true }).catch(() => undefined);
      throw homeError(this.directory, thrown);
    }
  }

  /** Of several processes that start at once, one writes and all read the same. */
  private async readOrCreate(name: string, create: () => Promise<string>): Promise<string> {
    const path = join(this.directory, name);
    const existing = await readIfThere(path);
    if (existing !== undefined) return existing;
    const text = await create();
    try {
      if (await writeWhole(path, `${text}\n`)) return text;
    } catch (thrown) {
      throw homeError(this.directory, thrown);
    }
    return (await readIfThere(path)) ?? text;
  }
}

/**
 * Makes a private file with its whole text or not at all, whatever happens meanwhile: half a key must never be found.
 * False when there is one already.
 */
async function writeWhole(path: string, text: string): Promise<boolean> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    await writeSynced(temporary, text, 'wx');
    await nameFile(temporary, path);
    return true;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw thrown;
  } finally {
    await rm(temporary, { force: true }).catch(() => undefined);
  }
}

/** A private file that is on the disk when this resolves. */
export async function writeSynced(path: string, text: string, flags: 'w' | 'wx'): Promise<void> {
  const file = await open(path, flags, 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Gives a file its name; rejects with EEXIST where that is taken. */
async function nameFile(temporary: string, path: string): Promise<void> {
  try {
    await link(temporary, path);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'EEXIST') throw thrown;
    // A file system without links, such as of a memory card: renaming is as whole, but the last of two writers wins.
    await rename(temporary, path);
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  let text: string;
  try {
    text = (await readFile(path, 'utf8')).trim();
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new ShoalError('ARGUMENT_INVALID', `cannot read ${path}`, { cause: thrown });
  }
  if (text === '') throw new ShoalError('ARGUMENT_INVALID', `${path} is empty; delete it to have a new one made`);
  return text;
}

/** Reads a key of 64 hex digits; `source` names it in the error. */
export function parseClusterKey(text: string, source: string): Uint8Array {
  const trimmed = text.trim();
  if (!/^[0-9a-f]{64}$/i.test(trimmed)) {
    throw new ShoalError('ARGUMENT_INVALID', `${source} is not a cluster key (64 hexadecimal digits)`);
  }
  return Uint8Array.from(Buffer.from(trimmed, 'hex'));
}

/** Tells clusters apart on one network without giving their key away. */
export function clusterTag(key: Uint8Array): string {
  return createHash('sha256').update('shoal cluster tag\0').update(key).digest('hex').slice(0, 16);
}
