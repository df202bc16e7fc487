/** What comes with the package: the plugin list and a small model. In a clone they stand at the top of the repository. */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const roots = ['..', '../..'].map((path) => new URL(`${path}/`, import.meta.url));

export function shippedManifest(): string {
  const candidates = roots.map((root) => fileURLToPath(new URL('plugins.json', root)));
  return candidates.find((file) => existsSync(file)) ?? (candidates[0] as string);
}

/** Folders of models by name. */
export function shippedModelLibraries(): string[] {
  return roots.map((root) => fileURLToPath(new URL('models', root))).filter((folder) => existsSync(folder));
}

/** Where Hugging Face's libraries keep what they have fetched, as their own variables say; none where there is nothing. */
export function hubCaches(environment: NodeJS.ProcessEnv = process.env): string[] {
  const { HF_HUB_CACHE, HF_HOME, XDG_CACHE_HOME } = environment;
  const given = (value: string | undefined) => (value === undefined || value === '' ? undefined : value);
  const home = given(HF_HOME) ?? join(given(XDG_CACHE_HOME) ?? join(homedir(), '.cache'), 'huggingface');
  return [given(HF_HUB_CACHE) ?? join(home, 'hub')].filter((folder) => existsSync(folder));
}

/** Libraries of models beside that of the home. */
export function modelLibraries(): string[] {
  return [...shippedModelLibraries(), ...hubCaches()];
}
