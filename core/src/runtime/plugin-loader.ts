import { ShoalError } from '../spec/errors.js';
import type { OptionsSchema, PluginContext, PluginModule } from '../spec/plugin.js';
import { packageVersion, resolveModule } from './module-resolution.js';
import { contractVersion, pluginKinds } from './plugin-kinds.js';
import { type PluginManifestFile, type PluginReference } from './plugin-manifest.js';
import { type LoadedPlugin, PluginSet } from './plugin-set.js';
import { type InlinePlugin, isInlinePlugin, type PluginSource } from './plugin-source.js';
import { compileSchema } from './schema-validation.js';

export interface LoadPluginsOptions {
  /** Files or file URLs to resolve module names from, in order. Relative paths are relative to the first. */
  readonly resolveFrom: readonly (string | URL)[];
  readonly log?: PluginContext['log'];
}

/** Loads the enabled plugins of a manifest; `fallback` names further places to resolve packages from. */
export async function loadManifestPlugins(
  manifest: PluginManifestFile,
  options: { readonly fallback?: readonly (string | URL)[]; readonly log?: PluginContext['log'] } = {},
): Promise<PluginSet> {
  const resolveFrom = [manifest.file, ...(options.fallback ?? [])];
  const log = options.log ?? silent;
  const loaded = new UniquePlugins();
  for (const { reference, label } of manifest.plugins) {
    loaded.add(await loadReference(reference, label, { resolveFrom, log }), label);
  }
  return new PluginSet(loaded.plugins);
}

/**
 * Loads plugins given in code, in order. Throws PLUGIN_NOT_FOUND, PLUGIN_LOAD_FAILED, PLUGIN_VERSION_MISMATCH,
 * PLUGIN_OPTIONS_INVALID or PLUGIN_MANIFEST_INVALID (two plugins of one kind and name).
 */
export async function loadPlugins(sources: readonly PluginSource[], options: LoadPluginsOptions): Promise<PluginSet> {
  const log = options.log ?? silent;
  const loaded = new UniquePlugins();
  for (const [index, source] of sources.entries()) {
    const isInline = isInlinePlugin(source);
    const label = `plugin ${index} (${isInline ? 'an object' : source.module})`;
    const plugin = isInline
      ? await loadInline(source, log)
      : await loadReference(source, label, { resolveFrom: options.resolveFrom, log });
    loaded.add(plugin, label);
  }
  return new PluginSet(loaded.plugins);
}

/** Plugins in order, each with where it stands. */
class UniquePlugins {
  readonly plugins: LoadedPlugin[] = [];
  readonly #labels = new Map<string, string>();

  add(plugin: LoadedPlugin, label: string): void {
    const { kind, name } = plugin;
    const first = this.#labels.get(`${kind}/${name}`);
    if (first !== undefined) {
      const message = `Two ${kind} plugins are called "${name}": ${first} and ${label}. Keep one of them.`;
      throw new ShoalError('PLUGIN_MANIFEST_INVALID', message, { details: { kind, name, places: [first, label] } });
    }
    this.#labels.set(`${kind}/${name}`, label);
    this.plugins.push(plugin);
  }
}

const inThisProcess = (label: string): string =>
  `The ${label} runs in this process (isolation "none"): a crash in it ends the node.`;

async function loadReference(
  reference: PluginReference,
  label: string,
  { resolveFrom, log }: Required<LoadPluginsOptions>,
): Promise<LoadedPlugin> {
  const resolution = resolveModule(reference.module, resolveFrom);
  if ('failure' in resolution) {
    throw new ShoalError('PLUGIN_NOT_FOUND', `${label}: cannot be found: ${resolution.failure}.`, {
      details: { module: reference.module },
    });
  }
  const exportName = reference.export ?? 'default';
  let exports: Record<string, unknown>;
  try {
    exports = (await import(resolution.url)) as Record<string, unknown>;
  } catch (thrown) {
    const message = `${label}: loading throws: ${thrown instanceof Error ? thrown.message : String(thrown)}`;
    throw new ShoalError('PLUGIN_LOAD_FAILED', message, { details: { module: reference.module }, cause: thrown });
  }
  const module = checkPluginModule(exports[exportName], `${label}, export "${exportName}"`);
  const options = validateOptions(module.optionsSchema, reference.options ?? {}, label);
  const host = await createHost(module, options, label, log);
  const worker = findWorker(module, exportName, resolution.url, label);
  if (reference.isolation === 'none') log('warn', inThisProcess(`${module.kind} plugin "${module.name}"`));
  return {
    kind: module.kind,
    name: module.name,
    version: packageVersion(resolution.url) ?? 'unknown',
    host,
    isolation: reference.isolation ?? 'process',
    options,
    ...(worker === undefined ? {} : { worker }),
  };
}

async function loadInline(plugin: InlinePlugin, log: PluginContext['log']): Promise<LoadedPlugin> {
  const label = `inline plugin ${String(plugin.kind)} "${String(plugin.name)}"`;
  const module = checkPluginModule(plugin, label);
  const options = validateOptions(module.optionsSchema, plugin.options ?? {}, label);
  const host = await createHost(module, options, label, log);
  log('warn', inThisProcess(label));
  const createWorker = inlineWorker(plugin, options, host);
  return {
    kind: module.kind,
    name: module.name,
    version: 'inline',
    host,
    isolation: 'none',
    options,
    ...(createWorker === undefined ? {} : { createWorker }),
  };
}

function inlineWorker(
  plugin: InlinePlugin,
  options: Readonly<Record<string, unknown>>,
  host: LoadedPlugin['host'],
): LoadedPlugin['createWorker'] {
  if (plugin.createWorker !== undefined) return async () => plugin.createWorker?.(options) as Promise<InlineWorker>;
  // A strategy is pure, so that both halves are one.
  if (plugin.kind === 'sharding') return async () => host as InlineWorker;
  return undefined;
}

type InlineWorker = Awaited<ReturnType<NonNullable<LoadedPlugin['createWorker']>>>;

/** Says precisely what keeps a value from being a plugin. Exported for the worker's loader. */
export function checkPluginModule(value: unknown, label: string): PluginModule {
  if (typeof value !== 'object' || value === null) {
    const message = `${label}: is ${value === undefined ? 'missing' : typeof value}, not a plugin module.`;
    throw new ShoalError('PLUGIN_LOAD_FAILED', message);
  }
  const module = value as Partial<PluginModule>;
  const { kind } = module;
  if (typeof kind !== 'string' || typeof module.name !== 'string' || typeof module.create !== 'function') {
    throw new ShoalError('PLUGIN_LOAD_FAILED', `${label}: a plugin module needs kind, name and create().`);
  }
  const expected = contractVersion(kind);
  if (expected === undefined) {
    const message = `${label}: the kind "${kind}" is unknown; known are ${pluginKinds().join(', ')}.`;
    throw new ShoalError('PLUGIN_LOAD_FAILED', message);
  }
  if (module.specVersion !== expected) {
    const message =
      `${label}: ${kind} plugin "${module.name}" is written for version ${String(module.specVersion)} ` +
      `of the ${kind} contract; this is version ${expected}.`;
    throw new ShoalError('PLUGIN_VERSION_MISMATCH', message, {
      details: { kind, name: module.name, expected, actual: module.specVersion },
    });
  }
  return module as PluginModule;
}

/** A copy of the options with defaults filled in. */
function validateOptions(
  schema: OptionsSchema | undefined,
  given: Readonly<Record<string, unknown>>,
  label: string,
): Readonly<Record<string, unknown>> {
  let options: Record<string, unknown>;
  try {
    options = structuredClone(given);
  } catch (thrown) {
    throw new ShoalError('PLUGIN_OPTIONS_INVALID', `${label}: options must be plain data.`, { cause: thrown });
  }
  if (schema === undefined) {
    const [unknownKey] = Object.keys(options);
    if (unknownKey === undefined) return options;
    throw new ShoalError('PLUGIN_OPTIONS_INVALID', `${label}: options/${unknownKey}: the plugin takes no options.`);
  }
  let validator: ReturnType<typeof compileSchema>;
  try {
    validator = compileSchema(schema);
  } catch (thrown) {
    const message = `${label}: its optionsSchema is not valid: ${(thrown as Error).message}`;
    throw new ShoalError('PLUGIN_LOAD_FAILED', message, { cause: thrown });
  }
  const problems = validator.validate(options);
  if (problems.length > 0) {
    const lines = problems.map(({ pointer, message }) => `${label}: options${pointer}: ${message}`);
    throw new ShoalError('PLUGIN_OPTIONS_INVALID', lines.join('\n'), { details: { problems } });
  }
  return options;
}

async function createHost(
  module: PluginModule,
  options: Readonly<Record<string, unknown>>,
  label: string,
  log: PluginContext['log'],
): Promise<LoadedPlugin['host']> {
  try {
    return await module.create(options, { log });
  } catch (thrown) {
    if (ShoalError.is(thrown)) throw thrown;
    const message = `${label}: create() throws: ${thrown instanceof Error ? thrown.message : String(thrown)}`;
    throw new ShoalError('PLUGIN_LOAD_FAILED', message, { cause: thrown });
  }
}

function findWorker(
  module: PluginModule,
  exportName: string,
  moduleUrl: string,
  label: string,
): { module: string; export: string } | undefined {
  if (module.workerModule === undefined) {
    // A strategy is pure, so that both halves are one.
    return module.kind === 'sharding' ? { module: moduleUrl, export: exportName } : undefined;
  }
  const resolution = resolveModule(module.workerModule, [moduleUrl]);
  if ('failure' in resolution) {
    throw new ShoalError('PLUGIN_NOT_FOUND', `${label}: its worker half cannot be found: ${resolution.failure}.`);
  }
  return { module: resolution.url, export: 'default' };
}

function silent(): void {}
