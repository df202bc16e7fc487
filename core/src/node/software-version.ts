import { createRequire } from 'node:module';

let version: string | undefined;

/** Version of this package, shown to people and told to peers. */
export function softwareVersion(): string {
  version ??= (createRequire(import.meta.url)('../../package.json') as { version: string }).version;
  return version;
}
