import type { Backend, BackendWorker } from './backend.js';
import type { Discovery } from './discovery.js';
import type { Engine, EngineWorker } from './engine.js';
import type { ShardingStrategy } from './sharding.js';
import type { Transport, TransportWorker } from './transport.js';

/** What each kind's factories give. Kinds are an open registry: extend this interface by declaration merging. */
export interface PluginKinds {
  discovery: { host: Discovery; worker: never };
  transport: { host: Transport; worker: TransportWorker };
  backend: { host: Backend; worker: BackendWorker };
  sharding: { host: ShardingStrategy; worker: ShardingStrategy };
  engine: { host: Engine; worker: EngineWorker };
}

export type PluginKind = keyof PluginKinds;

/** A JSON Schema (draft 7 subset that Ajv validates in strict mode) of a plugin's options. */
export type OptionsSchema = Readonly<Record<string, unknown>>;

/** Host half of a plugin: the default export of its module. Options arrive validated, with defaults filled in. */
export interface PluginModule<Kind extends PluginKind = PluginKind, Options = unknown> {
  readonly kind: Kind;
  /** Unique among plugins of the kind: `tcp`, `cpu`, `llama`. */
  readonly name: string;
  /** The contract version it was written against (`specVersions`). */
  readonly specVersion: number;
  readonly optionsSchema?: OptionsSchema;
  create(options: Options, context: PluginContext): PluginKinds[Kind]['host'] | Promise<PluginKinds[Kind]['host']>;
  /**
   * Module specifier of the worker half (its default export is a `PluginWorkerModule`), resolved relative to the plugin.
   * Absent: the plugin has no worker half. Give `import.meta.resolve('./worker.js')`.
   */
  readonly workerModule?: string;
}

/** Worker half of a plugin, loaded in the worker process of a shard. */
export interface PluginWorkerModule<Kind extends PluginKind = PluginKind, Options = unknown> {
  readonly kind: Kind;
  readonly name: string;
  readonly specVersion: number;
  create(options: Options): PluginKinds[Kind]['worker'] | Promise<PluginKinds[Kind]['worker']>;
}

export interface PluginContext {
  readonly log: (level: 'debug' | 'info' | 'warn' | 'error', message: string, fields?: object) => void;
}
