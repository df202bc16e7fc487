import { ShoalError } from '../spec/errors.js';
import type { PluginKind, PluginKinds, PluginWorkerModule } from '../spec/plugin.js';
import { checkPluginModule } from './plugin-loader.js';
import type { LoadedPlugin, PluginSet } from './plugin-set.js';

/** A worker half as data: what the host writes into a worker's start order. JSON-safe. */
export interface WorkerPluginDescription {
  readonly kind: PluginKind;
  readonly name: string;
  readonly version: string;
  /** File URL of the module. */
  readonly module: string;
  readonly export: string;
  readonly options: Readonly<Record<string, unknown>>;
}

/** The worker halves of a set that a worker process can load. */
export function describeWorkerPlugins(plugins: PluginSet): readonly WorkerPluginDescription[] {
  return plugins.all.flatMap(({ kind, name, version, worker, options }) =>
    worker === undefined ? [] : [{ kind, name, version, module: worker.module, export: worker.export, options }],
  );
}

/** Worker halves by kind and name. Each is imported and made when it is first asked for: a worker needs few of them. */
export class WorkerPluginSet {
  readonly #descriptions: readonly WorkerPluginDescription[];
  readonly #inline: readonly LoadedPlugin[];
  readonly #made = new Map<string, Promise<unknown>>();

  /** `inline`: plugins whose worker halves run in this process because they have no module. */
  constructor(descriptions: readonly WorkerPluginDescription[], inline: readonly LoadedPlugin[] = []) {
    this.#descriptions = descriptions;
    this.#inline = inline;
  }

  /** Names of the kind, in order of preference. */
  names(kind: PluginKind): readonly string[] {
    return [...this.#descriptions, ...this.#inline].filter((one) => one.kind === kind).map(({ name }) => name);
  }

  /** Throws PLUGIN_CAPABILITY_MISSING, PLUGIN_LOAD_FAILED or PLUGIN_VERSION_MISMATCH. */
  get<Kind extends PluginKind>(kind: Kind, name: string): Promise<PluginKinds[Kind]['worker']> {
    const key = `${kind}/${name}`;
    let made = this.#made.get(key);
    if (made === undefined) {
      made = this.#make(kind, name);
      this.#made.set(key, made);
    }
    return made as Promise<PluginKinds[Kind]['worker']>;
  }

  async #make(kind: PluginKind, name: string): Promise<unknown> {
    const inline = this.#inline.find((one) => one.kind === kind && one.name === name);
    if (inline?.createWorker !== undefined) {
      const { createWorker } = inline;
      return loading(`worker half of inline ${kind} plugin "${name}"`, async () => createWorker());
    }
    const description = this.#descriptions.find((one) => one.kind === kind && one.name === name);
    if (description === undefined) {
      const message = `This worker has no ${kind} plugin "${name}" (it has: ${this.names(kind).join(', ') || 'none'}).`;
      throw new ShoalError('PLUGIN_CAPABILITY_MISSING', message, { details: { kind, name } });
    }
    const label = `worker half of ${kind} plugin "${name}" (${description.module})`;
    return loading(label, async () => {
      const exports = (await import(description.module)) as Record<string, unknown>;
      const module = checkPluginModule(exports[description.export], label) as unknown as PluginWorkerModule;
      if (module.kind !== kind || module.name !== name) {
        throw new ShoalError('PLUGIN_LOAD_FAILED', `The ${label} says that it is ${module.kind} "${module.name}".`);
      }
      return module.create(description.options);
    });
  }
}

/** What foreign code throws while it is loaded says whose it is. */
async function loading(label: string, load: () => Promise<unknown>): Promise<unknown> {
  try {
    return await load();
  } catch (thrown) {
    if (ShoalError.is(thrown)) throw thrown;
    const message = `The ${label} throws: ${thrown instanceof Error ? thrown.message : String(thrown)}`;
    throw new ShoalError('PLUGIN_LOAD_FAILED', message, { cause: thrown });
  }
}
