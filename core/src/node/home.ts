/**
 * SHOAL_HOME: what a node keeps between runs. The folder is private to its user, and so is every file in it that holds
 * a key.
 */
import { createHash, randomBytes } from 'node:crypto';
import { chmod, mkdir, open, readFile, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { ShoalError } from '../spec/errors.js';

/** The home folder in force: the argument, else SHOAL_HOME, else `.shoal` in the user's folder. */
export function resolveHome(directory?: string): string {
  return resolve(directory ?? (process.env.SHOAL_HOME || join(homedir(), '.shoal')));
}

export class Home {
  private constructor(readonly directory: string) {}

  /** Makes the folder if it is not there. */
  static async open(directory?: string): Promise<Home> {
    const home = new Home(resolveHome(directory));
    await mkdir(join(home.directory, 'run'), { recursive: true, mode: 0o700 });
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

  private async readOrCreate(name: string, create: () => Promise<string>): Promise<string> {
    const path = join(this.directory, name);
    const existing = await readIfThere(path);
    if (existing !== undefined) return existing;
    const text = await create();
    try {
      // Exclusive: of two processes that start at once, one writes and both read the same.
      const file = await open(path, 'wx', 0o600);
      try {
        await file.writeFile(`${text}\n`);
        await file.sync();
      } catch (thrown) {
        await rm(path, { force: true });
        throw thrown;
      } finally {
        await file.close();
      }
      await chmod(path, 0o600);
      return text;
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST') throw thrown;
    }
    // The other process may still be writing.
    for (let attempt = 0; attempt < 50; attempt++) {
      const written = await readIfThere(path);
      if (written) return written;
      await new Promise((wake) => setTimeout(wake, 20));
    }
    throw new ShoalError('ARGUMENT_INVALID', `${path} is empty; delete it to have a new one made`);
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new ShoalError('ARGUMENT_INVALID', `cannot read ${path}`, { cause: thrown });
  }
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
