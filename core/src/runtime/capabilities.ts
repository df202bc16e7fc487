import { ShoalError } from '../spec/errors.js';
import type { PluginKind } from '../spec/plugin.js';
import type { PluginSet } from './plugin-set.js';

/** Something that a role cannot do without. */
export interface CapabilityNeed {
  readonly kind: PluginKind;
  /** What it is needed for, ending the sentence "… is needed to". */
  readonly purpose: string;
  /** Whether a half in the worker process is needed. */
  readonly worker?: boolean;
}

/** What a node that computes needs. Discovery is not among them: a node may be joined by address or stay alone. */
export const computingNodeNeeds: readonly CapabilityNeed[] = [
  { kind: 'backend', purpose: 'compute on a device', worker: true },
  { kind: 'engine', purpose: 'run the shards of a model', worker: true },
  { kind: 'sharding', purpose: 'split a model over devices' },
  { kind: 'transport', purpose: 'carry activations between workers', worker: true },
];

/** Compares what the plugins provide with what is needed, before anything starts. Names everything that is missing. */
export function requireCapabilities(plugins: PluginSet, needs: readonly CapabilityNeed[] = computingNodeNeeds): void {
  const missing = needs.flatMap(({ kind, purpose, worker }) => {
    const candidates = plugins.of(kind);
    const article = /^[aeiou]/.test(kind) ? 'an' : 'a';
    if (candidates.length === 0) return [{ kind, what: `${article} ${kind} plugin to ${purpose}` }];
    if (worker !== true || candidates.some((plugin) => plugin.worker ?? plugin.createWorker)) return [];
    const names = candidates.map(({ name }) => name).join(', ');
    return [{ kind, what: `${article} ${kind} plugin with a worker half to ${purpose} (${names} has none)` }];
  });
  if (missing.length === 0) return;
  const packages = missing.map(({ kind }) => `@shoal/${kind}-…`).join(', ');
  const message =
    `Missing: ${missing.map(({ what }) => what).join('; ')}. ` +
    `Packages called ${packages} provide ${missing.length === 1 ? 'it' : 'them'}: list one of each kind.`;
  throw new ShoalError('PLUGIN_CAPABILITY_MISSING', message, { details: { missing: missing.map(({ kind }) => kind) } });
}
