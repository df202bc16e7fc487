import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export type Resolution = { readonly url: string } | { readonly failure: string };

/**
 * Finds a module as seen from each of `bases` (files or file URLs), in order: relative paths from the first only, bare
 * names from all. createRequire is used because it takes a base on every runtime, which import.meta.resolve does not.
 */
export function resolveModule(specifier: string, bases: readonly (string | URL)[]): Resolution {
  if (specifier.startsWith('file:')) return existing(fileURLToPath(specifier));
  const first = bases[0];
  if (specifier.startsWith('./') || specifier.startsWith('../')) {
    if (first === undefined) return { failure: 'a relative path needs a file that it is relative to' };
    return existing(resolve(dirname(filePath(first)), specifier));
  }
  if (isAbsolute(specifier)) return existing(specifier);
  const failures: string[] = [];
  for (const base of bases) {
    try {
      return { url: pathToFileURL(createRequire(filePath(base)).resolve(specifier)).href };
    } catch (thrown) {
      failures.push(`from ${dirname(filePath(base))}: ${explain(thrown)}`);
    }
  }
  return { failure: failures.join('; ') };
}

function existing(path: string): Resolution {
  return existsSync(path) ? { url: pathToFileURL(path).href } : { failure: `${path} does not exist` };
}

function filePath(base: string | URL): string {
  return typeof base === 'string' && !base.startsWith('file:') ? base : fileURLToPath(base);
}

function explain(thrown: unknown): string {
  const { code, message } = thrown as NodeJS.ErrnoException;
  if (code === 'MODULE_NOT_FOUND') return 'not installed';
  if (code === 'ERR_PACKAGE_PATH_NOT_EXPORTED') {
    return 'its package.json exports no "default" condition for this path';
  }
  return message.split('\n')[0] ?? message;
}

/** Version in the nearest package.json at or above a file; undefined when there is none. */
export function packageVersion(fileUrl: string): string | undefined {
  let folder = dirname(fileURLToPath(fileUrl));
  for (;;) {
    const file = join(folder, 'package.json');
    if (existsSync(file)) {
      try {
        const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version?: unknown };
        if (typeof version === 'string') return version;
      } catch {
        return undefined;
      }
    }
    const parent = dirname(folder);
    if (parent === folder) return undefined;
    folder = parent;
  }
}
