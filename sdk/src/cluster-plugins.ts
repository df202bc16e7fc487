import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  loadManifestPlugins,
  loadPlugins,
  type PluginContext,
  type PluginSet,
  type PluginSource,
  readPluginManifest,
  resolveHome,
} from '@shoal/core';
import { shippedManifest } from './shipped.js';

export interface PluginSelection {
  /** Plugins in code, in order of preference within a kind; instead of a manifest. */
  readonly plugins?: readonly PluginSource[] | undefined;
  /** A plugins.json; else the home's, else the shipped one. */
  readonly pluginManifest?: string | undefined;
  readonly home?: string | undefined;
  /** Hears what plugins say. */
  readonly log?: PluginContext['log'] | undefined;
}

/** The plugins of a cluster. Throws PLUGIN_*. */
export async function selectPlugins(selection: PluginSelection): Promise<PluginSet> {
  const log = selection.log === undefined ? {} : { log: selection.log };
  if (selection.plugins) {
    // The program's own packages first, then those that this package depends on.
    const program = pathToFileURL(join(process.cwd(), 'package.json')).href;
    return loadPlugins(selection.plugins, { resolveFrom: [program, import.meta.url], ...log });
  }
  const own = join(resolveHome(selection.home), 'plugins.json');
  const file = selection.pluginManifest ?? (existsSync(own) ? own : shippedManifest());
  return loadManifestPlugins(await readPluginManifest(file), { fallback: [import.meta.url], ...log });
}
