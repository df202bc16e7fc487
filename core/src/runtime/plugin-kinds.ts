/** The kinds of plugins that the loader knows, with the versions of their contracts. */
import { ShoalError } from '../spec/errors.js';
import { specVersions } from '../spec/version.js';

/** Kept where every copy of this package finds it: a plugin may bring its own. */
const key = Symbol.for('shoal.plugin-kinds');
const shared = globalThis as { [key]?: Map<string, number> };
shared[key] ??= new Map(Object.entries(specVersions));
const versions: Map<string, number> = shared[key];

/**
 * Makes the loader accept plugins of a kind of one's own, before plugins are loaded: what they give is declared by
 * merging into `PluginKinds`. Registering the same version again does nothing; another one is refused.
 */
export function registerPluginKind(kind: string, specVersion: number): void {
  if (!/^[a-z][a-z0-9-]*$/.test(kind) || !Number.isSafeInteger(specVersion) || specVersion < 1) {
    throw new ShoalError(
      'ARGUMENT_INVALID',
      `a plugin kind needs a name like "api" and a version from 1, got "${kind}"`,
    );
  }
  const known = versions.get(kind);
  if (known !== undefined && known !== specVersion) {
    const message = `the kind "${kind}" is registered with version ${known} of its contract, not ${specVersion}`;
    throw new ShoalError('ARGUMENT_INVALID', message, { details: { kind, known, specVersion } });
  }
  versions.set(kind, specVersion);
}

/** Version of a kind's contract here; undefined for a kind that nobody registered. */
export function contractVersion(kind: string): number | undefined {
  return versions.get(kind);
}

/** Every kind that the loader knows now, for listings. */
export function pluginKinds(): readonly string[] {
  return [...versions.keys()];
}
