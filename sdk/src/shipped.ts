/** What comes with the package: the plugin list and a small model. In a clone they stand at the top of the repository. */
import { existsSync } from 'node:fs';
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
