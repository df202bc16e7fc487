import { stat } from 'node:fs/promises';
import path from 'node:path';
import { ShoalError } from '../spec/errors.js';
import { hubSnapshot } from './hub-cache.js';

/**
 * Folder of a model that a person named: a path (absolute, or with a separator, or beginning with `.`), or else a name
 * that is looked up in each of `libraries`, then as a folder here. A name may have an owner (`owner/model`). A library is a
 * folder of models, or a cache of Hugging Face's libraries. Throws MODEL_NOT_FOUND listing where it looked.
 */
export async function resolveModelDirectory(
  model: string,
  options: { readonly libraries: readonly string[]; readonly workingDirectory?: string },
): Promise<string> {
  if (model.trim() === '' || model.includes('\0')) {
    throw new ShoalError('ARGUMENT_INVALID', 'A model needs a name or a path.', { details: { argument: 'model' } });
  }
  const here = path.resolve(options.workingDirectory ?? process.cwd(), model);
  const inLibraries = isName(model) ? options.libraries : [];
  const candidates = [...(await Promise.all(inLibraries.map((library) => placesIn(library, model)))).flat(), here];
  for (const candidate of candidates) {
    if (await isModel(candidate)) return candidate;
  }
  const places = candidates.map((candidate) => `\n  ${candidate}`).join('');
  throw new ShoalError('MODEL_NOT_FOUND', `There is no model "${model}" with a config.json; looked at:${places}`, {
    details: { model, candidates },
  });
}

async function placesIn(library: string, name: string): Promise<string[]> {
  const snapshot = await hubSnapshot(library, name);
  return snapshot === undefined ? [path.resolve(library, name)] : [snapshot];
}

/** Names stay inside a library: no absolute path, no step upwards. */
function isName(model: string): boolean {
  return /^[\w-][\w.-]*(\/[\w-][\w.-]*)?$/.test(model);
}

async function isModel(directory: string): Promise<boolean> {
  try {
    return (await stat(path.join(directory, 'config.json'))).isFile();
  } catch {
    return false;
  }
}
