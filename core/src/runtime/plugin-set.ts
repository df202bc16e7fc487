import { ShoalError } from '../spec/errors.js';
import type { PluginKind, PluginKinds } from '../spec/plugin.js';

/** A loaded plugin: its host half, and what a worker needs to load the other half. */
export interface LoadedPlugin<Kind extends PluginKind = PluginKind> {
  readonly kind: Kind;
  readonly name: string;
  /** Version of its package; `inline` for one given in code. */
  readonly version: string;
  readonly host: PluginKinds[Kind]['host'];
  readonly isolation: 'process' | 'none';
  /** Validated, with defaults. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Where the worker half is, as a URL; undefined when the plugin has none, or is inline. */
  readonly worker?: { readonly module: string; readonly export: string };
  /** Makes the worker half in this process; only for inline plugins that have one. */
  readonly createWorker?: () => Promise<PluginKinds[Kind]['worker']>;
}

/** The plugins of one cluster, in order of preference within a kind. */
export class PluginSet {
  readonly #plugins: readonly LoadedPlugin[];

  constructor(plugins: readonly LoadedPlugin[]) {
    this.#plugins = plugins;
  }

  get all(): readonly LoadedPlugin[] {
    return this.#plugins;
  }

  /** All plugins of a kind; perhaps none. */
  of<Kind extends PluginKind>(kind: Kind): readonly LoadedPlugin<Kind>[] {
    return this.#plugins.filter((plugin) => plugin.kind === kind) as unknown as LoadedPlugin<Kind>[];
  }

  /** The plugin of that name; throws PLUGIN_CAPABILITY_MISSING naming those there are. */
  get<Kind extends PluginKind>(kind: Kind, name: string): LoadedPlugin<Kind> {
    const found = this.of(kind).find((plugin) => plugin.name === name);
    if (found !== undefined) return found;
    const names = this.of(kind).map((plugin) => plugin.name);
    const listed = names.length === 0 ? 'none is loaded' : `loaded: ${names.join(', ')}`;
    throw new ShoalError('PLUGIN_CAPABILITY_MISSING', `There is no ${kind} plugin "${name}" (${listed}).`, {
      details: { kind, name, loaded: names },
    });
  }
}
