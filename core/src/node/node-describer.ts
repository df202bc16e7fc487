/** Describes this node to whoever plans, and finds models on its disk. */
import { basename, isAbsolute } from 'node:path';
import type { MachineMonitor } from '../machine/monitor.js';
import { describeModel } from '../model/describe.js';
import { hubNameOf } from '../model/hub-cache.js';
import { resolveModelDirectory } from '../model/model-resolver.js';
import { inject, injectable } from '../runtime/injection.js';
import type { PluginSet } from '../runtime/plugin-set.js';
import { tokens } from '../runtime/tokens.js';
import { ShoalError } from '../spec/errors.js';
import type { ModelDescription } from '../spec/model.js';
import type { PluginContext } from '../spec/plugin.js';
import type { StorageType } from '../spec/program.js';
import { type DeviceRates, measuringDeadlineMilliseconds } from './device-rates.js';
import { describePlugins, type ModelFacts, type NodeFacts, platformName, processId } from './facts.js';
import type { NodeSettings } from './settings.js';
import { nodeTokens } from './tokens.js';

@injectable()
export class NodeDescriber {
  constructor(
    @inject(nodeTokens.settings) private readonly settings: NodeSettings,
    @inject(tokens.plugins) private readonly plugins: PluginSet,
    @inject(nodeTokens.rates) private readonly rates: DeviceRates,
    @inject(nodeTokens.machine) private readonly machine: MachineMonitor,
    @inject(tokens.log) private readonly log: PluginContext['log'],
  ) {}

  /**
   * Facts of now: devices are probed, the model's folder is read. How fast devices are with weights of `storageTypes` is
   * measured first where that is not known yet and can be done at once.
   */
  async describe(model?: string, storageTypes: readonly StorageType[] = []): Promise<NodeFacts> {
    const { nodeId, nodeName, softwareVersion, machineId, offersDevices } = this.settings;
    const isOfMachine = model === undefined || model === '';
    const [capabilities, modelFacts, machine, conditions, devicePaths] = await Promise.all([
      describePlugins(this.plugins, {
        withDevices: offersDevices,
        log: (message) => this.log('warn', message),
      }),
      isOfMachine ? undefined : this.modelFacts(model),
      this.machine.facts(),
      this.machine.conditions(),
      // A plan does not wait for it.
      isOfMachine ? this.machine.devicePaths() : undefined,
    ]);
    const { devices } = capabilities;
    if (storageTypes.length > 0) {
      await this.rates.measure(devices, storageTypes, AbortSignal.timeout(measuringDeadlineMilliseconds));
    }
    return {
      nodeId,
      nodeName,
      softwareVersion,
      machineId,
      processId,
      platform: platformName,
      machine,
      conditions,
      ...(devicePaths === undefined ? {} : { devicePaths }),
      ...capabilities,
      devices: await this.rates.known(devices),
      ...(modelFacts === undefined ? {} : { model: modelFacts }),
    };
  }

  /**
   * The folder of a model on this machine. A path of the machine that asks is tried as it is, then by its last part in
   * the libraries. Throws MODEL_NOT_FOUND.
   */
  async modelDirectory(model: string): Promise<string> {
    const libraries = this.settings.modelLibraries;
    try {
      return await resolveModelDirectory(model, { libraries });
    } catch (thrown) {
      if (!isAbsolute(model)) throw thrown;
      return resolveModelDirectory(hubNameOf(model) ?? basename(model), { libraries }).catch(() => {
        throw thrown;
      });
    }
  }

  async model(model: string): Promise<ModelDescription> {
    return describeModel(await this.modelDirectory(model));
  }

  private async modelFacts(model: string): Promise<ModelFacts> {
    try {
      const { directory, name, digest } = await this.model(model);
      return { found: true, directory, name, digest };
    } catch (thrown) {
      const { code, message } = ShoalError.from(thrown, 'MODEL_NOT_FOUND');
      return { found: false, code, message };
    }
  }
}
