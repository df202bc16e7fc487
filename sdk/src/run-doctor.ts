import { resolveHome } from '@shoal/core';
import { selectPlugins } from './cluster-plugins.js';
import { diagnose } from './diagnose.js';
import type { Finding } from './doctor/finding.js';

/** What this machine has, what is missing and how to get it. */
export async function runDoctor(
  options: { readonly home?: string; readonly pluginManifest?: string } = {},
): Promise<readonly Finding[]> {
  return diagnose(await selectPlugins(options), resolveHome(options.home));
}
