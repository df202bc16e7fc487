/** The shipped plugins, as hosts made of network namespaces need them. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from './repository.js';

export interface ListedPlugin {
  readonly module: string;
  readonly options?: object;
  readonly enabled?: boolean;
}

/** mDNS that asks more often than is polite. */
export const eagerMdns: ListedPlugin = { module: '@shoal/discovery-mdns', options: { intervalSeconds: 1 } };

/** The shipped plugins; `discovery` replaces the ways of finding peers. */
export function shippedPlugins(discovery?: readonly ListedPlugin[]): readonly ListedPlugin[] {
  const manifest = readFileSync(join(repositoryRoot, 'plugins.json'), 'utf8');
  const { plugins } = JSON.parse(manifest) as { readonly plugins: readonly ListedPlugin[] };
  if (!discovery) return plugins;
  return [...discovery, ...plugins.filter(({ module }) => !module.includes('/discovery-'))];
}

/** With TLS alone: hosts in namespaces share a file system, so that Unix sockets would reach across. */
export function withTlsAlone(plugins: readonly ListedPlugin[]): readonly ListedPlugin[] {
  return plugins.map((plugin) =>
    plugin.module === '@shoal/transport-tcp' ? { ...plugin, options: { kind: 'tls' } } : plugin,
  );
}

/** A plugins.json of these. */
export function writePlugins(file: string, plugins: readonly ListedPlugin[]): void {
  writeFileSync(file, JSON.stringify({ plugins }));
}
