import type { LoadedPlugin, PluginSet } from '../runtime/plugin-set.js';
import { ShoalError } from '../spec/errors.js';
import type { ModelDescription } from '../spec/model.js';

/**
 * The first sharding strategy that covers a model. Throws MODEL_ARCHITECTURE_UNSUPPORTED with every strategy's reason, or
 * MODEL_CONFIG_INVALID where one covers the architecture but not what is written of it.
 */
export function strategyFor(plugins: PluginSet, { config, name }: ModelDescription): LoadedPlugin<'sharding'> {
  const reasons: string[] = [];
  let invalid: ShoalError | undefined;
  for (const plugin of plugins.of('sharding')) {
    try {
      const reason = plugin.host.unsupportedReason(config);
      if (reason === undefined) return plugin;
      reasons.push(`${plugin.name}: ${reason}`);
    } catch (thrown) {
      const error = ShoalError.from(thrown);
      if (error.code !== 'MODEL_CONFIG_INVALID') throw error;
      invalid ??= error;
    }
  }
  if (invalid) {
    const { message, details } = invalid;
    throw new ShoalError('MODEL_CONFIG_INVALID', `${name}: ${message}`, { cause: invalid, details });
  }
  const architecture = config.architectures?.join(', ') ?? 'an unnamed architecture';
  const message = `no sharding strategy covers ${name} (${architecture}): ${reasons.join('; ') || 'none is listed'}`;
  throw new ShoalError('MODEL_ARCHITECTURE_UNSUPPORTED', message, { details: { architecture, reasons } });
}
