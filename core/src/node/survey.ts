/** What is known before a model is loaded: the nodes, what they have, and the plan that placement makes of it. */
import { parseDocument } from '../control/messages.js';
import type { Peers } from '../control/peers.js';
import { type Derating, deratingsByMachine } from '../machine/derating.js';
import { place } from '../placement/placement.js';
import type { PlacementDevice, PlacementNode, PlacementRequest, PlacementResult } from '../placement/request.js';
import { longestSensibleContext } from '../placement/settings.js';
import { parsePlanShape } from '../placement/shape.js';
import { inject, injectable } from '../runtime/injection.js';
import type { LoadedPlugin, PluginSet } from '../runtime/plugin-set.js';
import { tokens } from '../runtime/tokens.js';
import type { ModelDescription } from '../spec/model.js';
import type { Plan } from '../spec/plan.js';
import type { StorageType } from '../spec/program.js';
import { memberLowering } from '../worker/member-program.js';
import type { Agreement } from './agreement.js';
import type { NodeFacts } from './facts.js';
import { type LeftOutNode, placeJoined } from './joined-placement.js';
import { withRatesOfMachine } from './machine-rates.js';
import type { NodeDescriber } from './node-describer.js';
import { linksForPlacement, type NodeLinks } from './node-links.js';
import type { LoadOptions } from './service.js';
import type { NodeSettings } from './settings.js';
import { storageTypesToMeasure } from './storage-to-measure.js';
import { strategyFor } from './strategy.js';
import { nodeTokens } from './tokens.js';
import { type PretendedNode, pretend } from './what-if.js';

const describeDeadlineMilliseconds = 15_000;
const silenceCheckMilliseconds = 500;

/** What a plan is made for, beside the model and its options. */
export interface SurveyConditions {
  /** Nodes that may not take part, each with the reason. */
  readonly without?: ReadonlyMap<string, string>;
  /** A loaded plan whose memory counts as free, for it will be unloaded before. */
  readonly freed?: Plan;
  /** Nodes that are only pretended: a plan with them explains something, and is never loaded. */
  readonly added?: readonly PretendedNode[];
}

export interface Survey {
  readonly facts: readonly NodeFacts[];
  readonly model: ModelDescription;
  readonly strategy: LoadedPlugin<'sharding'>;
  readonly request: PlacementRequest;
  readonly result: PlacementResult;
}

@injectable()
export class Surveyor {
  constructor(
    @inject(nodeTokens.settings) private readonly settings: NodeSettings,
    @inject(tokens.plugins) private readonly plugins: PluginSet,
    @inject(nodeTokens.peers) private readonly peers: Peers,
    @inject(nodeTokens.agreement) private readonly agreement: Agreement,
    @inject(nodeTokens.describer) private readonly describer: NodeDescriber,
    @inject(nodeTokens.links) private readonly links: NodeLinks,
  ) {}

  /** Describes every node, finds the model and its strategy, and plans. */
  async survey(
    model: string,
    options: LoadOptions,
    signal: AbortSignal,
    { without = new Map(), freed, added = [] }: SurveyConditions = {},
  ): Promise<Survey> {
    const shape = options.plan === undefined ? undefined : parsePlanShape(options.plan);
    const description = await this.describer.model(model);
    const strategy = strategyFor(this.plugins, description);
    const storageTypes = storageTypesToMeasure(description, options);
    const { facts: described, silent } = await this.describeAll(description.directory, storageTypes, signal);
    // One after the other: machines that time their devices are slow to answer.
    const measured = await this.links.fresh(signal);
    const real = described.filter((node) => holdsModel(node, description)).map(({ nodeId }) => nodeId);
    const { facts, links } = pretend({ facts: described, links: linksForPlacement(measured, real) }, added);
    const { config, tensors } = description;
    const { contextLength, slotCount, storage, stateStorage, policy, objective, manual } = options;
    const costs = strategy.host.costs(config, tensors);
    const holders = facts.filter((node) => holdsModel(node, description));
    const deratings = deratingsByMachine(facts);
    const context = contextLength ?? longestSensibleContext(costs);
    const lower = memberLowering(strategy.host, description, context);
    const machineOf = (nodeId: string) => facts.find((node) => node.nodeId === nodeId)?.machineId;
    const nodeForPlacement = (node: NodeFacts): PlacementNode => {
      const cordoned = without.get(node.nodeId) ?? this.agreement.cordonReason(node.nodeId);
      const now = freed === undefined ? node : withMemoryOf(node, freed, machineOf);
      const described = placementNode(now, deratings.get(node.nodeId));
      return cordoned === undefined ? described : { ...described, cordoned };
    };
    const request: PlacementRequest = {
      model: { name: description.name, digest: description.digest },
      strategy: { name: strategy.name, version: strategy.version },
      costs,
      constraints: (memberCount) => strategy.host.constraints(config, memberCount),
      tensors,
      nodes: holders.map(nodeForPlacement),
      links,
      options: {
        contextLength: context,
        preferredNodeId: this.settings.nodeId,
        ...(slotCount === undefined ? {} : { slotCount }),
        ...(storage === undefined ? {} : { storage }),
        ...(stateStorage === undefined ? {} : { stateStorage }),
        ...(shape === undefined ? {} : { shape }),
        ...(policy === undefined ? {} : { policy }),
        ...(objective === undefined ? {} : { objective }),
        ...(manual === undefined ? {} : { manual }),
      },
      lowerMember: (shard, member, _device, settings) => lower(shard, member, settings.storage),
    };
    const { result, leftOut } = placeJoined(holders, this.settings.nodeId, (nodes) =>
      place({ ...request, nodes: nodes.map(nodeForPlacement) }),
    );
    const notes = [...leftOut, ...silent, ...missingModels(facts, description)];
    return { facts, model: description, strategy, request, result: withLeftOut(result, notes) };
  }

  private async describeAll(
    model: string,
    storageTypes: readonly StorageType[],
    signal: AbortSignal,
  ): Promise<{ facts: readonly NodeFacts[]; silent: readonly LeftOutNode[] }> {
    const silent: LeftOutNode[] = [];
    const others = this.peers.list().map(async (peer) => {
      // A lost machine must not hold up a plan: one that falls silent is given up long before the deadline.
      const given = new AbortController();
      const watch = setInterval(() => {
        if (this.peers.get(peer.nodeId)?.stalled !== false) given.abort();
      }, silenceCheckMilliseconds);
      try {
        const response = await peer.connection.call(
          'describe',
          { model, storageTypes: [...storageTypes] },
          { signal: AbortSignal.any([signal, given.signal]), deadlineMilliseconds: describeDeadlineMilliseconds },
        );
        return parseDocument<NodeFacts>(response.factsJson, `the description of node ${peer.nodeName}`);
      } catch (thrown) {
        if (signal.aborted) throw thrown;
        // A node that does not answer now is not one to build on.
        silent.push({ nodeName: peer.nodeName, reason: 'does not answer' });
        return undefined;
      } finally {
        clearInterval(watch);
      }
    });
    const described = await Promise.all([this.describer.describe(model, storageTypes), ...others]);
    return { facts: withRatesOfMachine(described.filter((facts) => facts !== undefined)), silent };
  }
}

function holdsModel({ model }: NodeFacts, { digest }: ModelDescription): boolean {
  return model?.found === true && model.digest === digest;
}

function placementNode(
  { nodeId, nodeName, machineId, machine, devices }: NodeFacts,
  derating: Derating | undefined,
): PlacementNode {
  const cores = machine?.processor.logicalCores;
  return {
    nodeId,
    nodeName,
    machineId,
    ...(cores !== undefined && 'value' in cores ? { machineCoreCount: cores.value } : {}),
    devices,
    ...(derating === undefined ? {} : { derating }),
  };
}

/** The node as it would be without its members of a plan. */
function withMemoryOf(node: NodeFacts, plan: Plan, machineOf: (nodeId: string) => string | undefined): NodeFacts {
  const all = plan.stages.flatMap((stage) => stage.members);
  const members = all.filter(({ nodeId }) => nodeId === node.nodeId || machineOf(nodeId) === node.machineId);
  if (members.length === 0) return node;
  const devices = node.devices.map((device): PlacementDevice => {
    const { properties } = device;
    const freedBytes = members
      // Processors of one machine share its memory, whichever node has them.
      .filter(
        ({ nodeId, backend, deviceId }) =>
          backend === device.backend &&
          deviceId === properties.id &&
          (nodeId === node.nodeId || (properties.available && properties.kind === 'cpu')),
      )
      .reduce((sum, { weightBytes, stateBytes }) => sum + weightBytes + stateBytes, 0);
    if (!properties.available || 'unknown' in properties.memoryAvailableBytes) return device;
    const { value, source } = properties.memoryAvailableBytes;
    return {
      ...device,
      properties: { ...properties, memoryAvailableBytes: { value: value + freedBytes, source } },
    };
  });
  return { ...node, devices };
}

/** Nodes without the model's files cannot take part. */
function missingModels(facts: readonly NodeFacts[], model: ModelDescription): LeftOutNode[] {
  const missing = facts.filter((node) => !holdsModel(node, model) && node.devices.length > 0);
  return missing.map((node) => {
    const reason = node.model?.found
      ? `holds other files under the name ${model.name}`
      : `does not have ${model.name} on its disk`;
    return { nodeName: node.nodeName, reason };
  });
}

/** The plan, or the refusal, says who is left out. */
function withLeftOut(result: PlacementResult, notes: readonly LeftOutNode[]): PlacementResult {
  if (notes.length === 0) return result;
  if ('refusal' in result) {
    const reasons = [...result.refusal.reasons, ...notes.map(({ nodeName, reason }) => `${nodeName} ${reason}.`)];
    return { refusal: { ...result.refusal, reasons } };
  }
  const leftOut = [...result.plan.leftOut, ...notes.map((note) => ({ ...note, deviceId: 'all devices' }))];
  return { ...result, plan: { ...result.plan, leftOut } };
}
