import type { LoadedPlugin, PluginSet } from '../runtime/plugin-set.js';
import { ShoalError } from '../spec/errors.js';
import type { ModelDescription } from '../spec/model.js';

/** The first sharding strategy that covers a model. Throws MODEL_ARCHITECTURE_UNSUPPORTED with every strategy's reason. */
export function strategyFor(plugins: PluginSet, { config, name }: ModelDescription): LoadedPlugin<'sharding'> {
  const reasons: string[] = [];
  for (const plugin of plugins.of('sharding')) {
    const reason = plugin.host.unsupportedReason(config);
    if (reason === undefined) return plugin;
    reasons.push(`${plugin.name}: ${reason}`);
  }
  const architecture = config.architectures?.join(', ') ?? 'an unnamed architecture';
  const message = `no sharding strategy covers ${name} (${architecture}): ${reasons.join('; ') || 'none is listed'}`;
  throw new ShoalError('MODEL_ARCHITECTURE_UNSUPPORTED', message, { details: { architecture, reasons } });
}
