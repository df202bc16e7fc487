import { resolveHome } from '@shoal/core';
import { selectPlugins } from './cluster-plugins.js';
import { diagnose, type Finding } from './diagnose.js';

/** What this machine has, what is missing and how to get it. */
export async function runDoctor(
  options: { readonly home?: string; readonly pluginManifest?: string } = {},
): Promise<readonly Finding[]> {
  return diagnose(await selectPlugins(options), resolveHome(options.home));
}
