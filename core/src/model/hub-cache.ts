/**
 * Checkpoints that other programs have fetched: the cache of Hugging Face's libraries holds each under
 * `models--OWNER--NAME`, with `refs/main` naming the snapshot that is the newest here, a folder of links to blobs.
 */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

const prefix = 'models--';
const separator = '--';

/** `owner/name` of the folder of a snapshot, or undefined where it is none. */
export function hubNameOf(directory: string): string | undefined {
  const [repository = '', snapshots] = path.resolve(directory).split(path.sep).slice(-3);
  return snapshots === 'snapshots' ? nameOfRepository(repository) : undefined;
}

/** Folder of the snapshot of `name` that is current in a cache; undefined where it holds none. */
export async function hubSnapshot(cache: string, name: string): Promise<string | undefined> {
  const repository = path.resolve(cache, `${prefix}${name.replace('/', separator)}`);
  try {
    const revision = (await readFile(path.join(repository, 'refs', 'main'), 'utf8')).trim();
    // What a file says leads nowhere else.
    return /^\w[\w.-]*$/.test(revision) ? path.join(repository, 'snapshots', revision) : undefined;
  } catch {
    return undefined;
  }
}

/** Names of all models in a cache; none where it is no cache. */
export async function hubNames(cache: string): Promise<string[]> {
  const entries = await readdir(cache).catch(() => []);
  return entries.map(nameOfRepository).filter((name) => name !== undefined);
}

function nameOfRepository(folder: string): string | undefined {
  if (!folder.startsWith(prefix)) return undefined;
  const name = folder.slice(prefix.length).replace(separator, '/');
  return name === '' ? undefined : name;
}
