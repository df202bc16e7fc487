/** Which home is meant, and which plugins: options that stand by themselves, for commands that only ask a node. */
import type { OptionSpecification } from './command.js';
import type { ParsedOptions } from './options.js';

export const clusterSection = 'Cluster';

export const homeOption: OptionSpecification = {
  name: 'home',
  value: 'DIR',
  description: 'Folder of identity, keys, models and the running node.',
  default: 'SHOAL_HOME',
  completes: 'directory',
  section: clusterSection,
};

export const pluginsOption: OptionSpecification = {
  name: 'plugins',
  value: 'FILE',
  description: "Plugin list to use instead of the home's plugins.json, or the shipped one.",
  completes: 'file',
  section: clusterSection,
};

/** Which home and plugins are meant, as the SDK takes it. */
export function parseHome(options: ParsedOptions): { readonly home?: string; readonly pluginManifest?: string } {
  const home = options.text('home');
  const pluginManifest = options.text('plugins');
  return {
    ...(home === undefined ? {} : { home }),
    ...(pluginManifest === undefined ? {} : { pluginManifest }),
  };
}
