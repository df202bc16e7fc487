/** Loads models: asks the nodes what they have, lets placement decide, and takes the members from prepare to ready. */
import { randomBytes } from 'node:crypto';
import { parseDocument } from '../control/messages.js';
import type { Peers } from '../control/peers.js';
import { modelTraits } from '../model/traits.js';
import { explainPlan, explainRefusal } from '../placement/explain.js';
import { explainNumbers, planNumbers } from '../placement/explain-numbers.js';
import { explainTimes } from '../placement/explain-times.js';
import type { PlacementResult } from '../placement/request.js';
import { printProgram } from '../program/print.js';
import { propagate } from '../program/propagate.js';
import { inject, injectable } from '../runtime/injection.js';
import { ShoalError } from '../spec/errors.js';
import type { ClusterEvent } from '../spec/events.js';
import type { Plan, PlanMember } from '../spec/plan.js';
import type { MemberAddress, MemberEndpoint, TransportEndpoint } from '../spec/transport.js';
import { stageProgram } from '../worker/member-program.js';
import type { NodeFacts } from './facts.js';
import { type InstanceRecord, Instances, nodesOf, summarize } from './instances.js';
import type { PrepareMember } from './local-member.js';
import type { LocalMembers } from './local-members.js';
import type { NodeLog } from './log.js';
import { endpointsFor } from './member-routes.js';
import type { Explanation, InstanceSummary, LoadOptions, LoadProgress } from './service.js';
import type { NodeSettings } from './settings.js';
import type { SurveyConditions, Surveyor } from './survey.js';
import { nodeTokens } from './tokens.js';
import { chooseTransport } from './transport-choice.js';
import { failureToMessage, summaryToMessage } from './wire.js';

const prepareDeadlineMilliseconds = 60_000;
const releaseDeadlineMilliseconds = 5000;
/** Nodes that are owed the news of a release, and releases of each: those that never come back take no more than this. */
const maximumOwed = 256;
/** When one member fails, others often fail of it: the wait for the one that knows why. */
const causeDelayMilliseconds = 300;

/** Where a load stands among others: the instances whose place it takes, and what planning has to look at. */
export interface LoadPlace extends SurveyConditions {
  readonly replaces?: readonly string[];
  /** Done once there is a plan, before any device is touched: unloads what is in the way. */
  readonly beforePrepare?: () => Promise<void>;
}

interface MemberOrder extends MemberAddress {
  readonly placement: PlanMember;
}

@injectable()
export class Coordinator {
  /** Instances, with their epochs, whose end a node could not be told. */
  private readonly owedReleases = new Map<string, Map<string, number>>();

  constructor(
    @inject(nodeTokens.settings) private readonly settings: NodeSettings,
    @inject(nodeTokens.peers) private readonly peers: Peers,
    @inject(nodeTokens.surveyor) private readonly surveyor: Surveyor,
    @inject(nodeTokens.instances) private readonly instances: Instances,
    @inject(nodeTokens.members) private readonly members: LocalMembers,
    @inject(nodeTokens.emit) private readonly emit: (event: ClusterEvent) => void,
    @inject(nodeTokens.log) private readonly log: NodeLog,
  ) {}

  async explain(
    model: string,
    options: LoadOptions,
    signal: AbortSignal,
    conditions: SurveyConditions = {},
  ): Promise<Explanation> {
    const survey = await this.surveyor.survey(model, options, signal, conditions);
    const { result, request, strategy, model: description } = survey;
    if ('refusal' in result) return { outcome: result, text: explainRefusal(result.refusal), programs: [] };
    const programs = result.plan.stages.map((_, stage) =>
      printProgram(propagate(stageProgram(strategy.host, description, result.plan, stage))),
    );
    const numbers = planNumbers(result.plan, request, result.considered);
    const times = explainTimes(result.plan, numbers.times, numbers.considered);
    const text = [explainPlan(result.plan), times, explainNumbers(numbers)].filter(Boolean).join('\n');
    return { outcome: result, text, numbers, programs };
  }

  async load(
    model: string,
    options: LoadOptions,
    onProgress: (progress: LoadProgress) => void,
    signal: AbortSignal,
    { replaces = [], beforePrepare, ...conditions }: LoadPlace = {},
  ): Promise<InstanceSummary> {
    const survey = await this.surveyor.survey(model, options, signal, conditions);
    const { facts, request, result, model: description } = survey;
    const plan = { ...planOrThrow(result), traits: await modelTraits(description) };
    const credentials = {
      instance: randomBytes(8).toString('hex'),
      epoch: 1,
      secret: randomBytes(32).toString('hex'),
    };
    const { instance: id, epoch } = credentials;
    const record = this.instances.add({
      id,
      epoch,
      model: description.directory,
      plan,
      coordinatorId: this.settings.nodeId,
      replaces,
      options,
    });
    const orders = plan.stages.flatMap((stage, stageIndex) =>
      stage.members.map((placement, member): MemberOrder => ({ stage: stageIndex, member, placement })),
    );
    const { modelName, stages } = plan;
    this.log.write('info', 'instance', `loading ${modelName} over ${orders.length} members`, {
      instance: id,
      stages: stages.length,
    });
    try {
      const memberNodes = new Set(orders.map(({ placement }) => placement.nodeId));
      const transport = chooseTransport(facts.filter(({ nodeId }) => memberNodes.has(nodeId)));
      await beforePrepare?.();
      const endpoints = await this.together(orders, signal, async (order, one) => ({
        stage: order.stage,
        member: order.member,
        nodeId: order.placement.nodeId,
        endpoint: await this.prepare(
          { credentials, plan, transport, model: description.directory, replaces, options },
          order,
          one,
        ),
      }));
      const told = (order: MemberOrder) => endpointsFor(order.placement.nodeId, endpoints, request.links ?? []);
      await this.together(orders, signal, (order, one) =>
        this.loadMember(id, epoch, order, told(order), settingsFor(order, plan, facts, options), onProgress, one),
      );
      this.instances.ready(id);
      await this.reportReady(record);
    } catch (thrown) {
      const error = ShoalError.from(thrown, 'ENGINE_LOAD_FAILED');
      const level = error.code === 'ABORTED' ? 'info' : 'error';
      this.log.write(level, 'instance', `loading ${plan.modelName}: ${error.message}`, {
        instance: id,
        code: error.code,
      });
      this.instances.fail(id, error, 'first-hand');
      await this.releaseEverywhere(id, epoch, nodesOf(record));
      throw error;
    }
    return summarize(record);
  }

  /** Frees an instance on all its nodes, also on those that think it has failed. */
  async unload(summary: InstanceSummary): Promise<void> {
    const record = this.instances.get(summary.instance);
    const nodes = nodesOf({ plan: summary.plan, coordinatorId: record?.coordinatorId ?? this.settings.nodeId });
    nodes.add(this.settings.nodeId);
    // The node that ordered the load keeps a record, too; who has no part in the instance does not know which one that is.
    if (!record) for (const { nodeId } of this.peers.list()) nodes.add(nodeId);
    await this.releaseEverywhere(summary.instance, summary.epoch, nodes);
  }

  private async prepare(
    load: Omit<PrepareMember, 'self' | 'coordinatorId'>,
    { stage, member, placement }: MemberOrder,
    signal: AbortSignal,
  ): Promise<TransportEndpoint> {
    const self = { stage, member };
    if (placement.nodeId === this.settings.nodeId) {
      return this.members.prepare({ ...load, self, coordinatorId: this.settings.nodeId }, signal);
    }
    const { credentials, plan, transport, model, replaces = [], options = {} } = load;
    const response = await this.peers.connectionTo(placement.nodeId).call(
      'prepare',
      {
        credentials,
        self,
        planJson: JSON.stringify(plan),
        transport,
        model,
        replaces: [...replaces],
        optionsJson: JSON.stringify(options),
      },
      { signal, deadlineMilliseconds: prepareDeadlineMilliseconds },
    );
    return parseDocument<TransportEndpoint>(response.endpointJson, `the endpoint of node ${placement.nodeName}`);
  }

  private async loadMember(
    instance: string,
    epoch: number,
    { stage, member, placement }: MemberOrder,
    endpoints: readonly MemberEndpoint[],
    settings: MemberSettings,
    onProgress: (progress: LoadProgress) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const self = { stage, member };
    const { nodeId, nodeName } = placement;
    const progressed = (loadedBytes: number, totalBytes: number) => {
      onProgress({ nodeId, nodeName, stage, member, loadedBytes, totalBytes });
      this.emit({ kind: 'load-progressed', instance, nodeId, loadedBytes, totalBytes });
    };
    if (nodeId === this.settings.nodeId) {
      return this.members.load({ instance, self, endpoints, ...settings }, progressed, signal);
    }
    const request = { instance, epoch, self, endpointsJson: JSON.stringify(endpoints), ...settings };
    for await (const { progress, ready } of this.peers.connectionTo(nodeId).stream('load', request, { signal })) {
      if (progress) progressed(progress.loadedBytes ?? 0, progress.totalBytes ?? 0);
      if (ready) return;
    }
    throw new ShoalError('ENGINE_LOAD_FAILED', `node ${placement.nodeName} ended the load without becoming ready`);
  }

  /** Runs one thing for all members at once; when one fails, the others are stopped and the best explanation thrown. */
  private async together<Result>(
    orders: readonly MemberOrder[],
    signal: AbortSignal,
    run: (order: MemberOrder, signal: AbortSignal) => Promise<Result>,
  ): Promise<Result[]> {
    const controller = new AbortController();
    const both = AbortSignal.any([signal, controller.signal]);
    const errors: ShoalError[] = [];
    let giveUp: NodeJS.Timeout | undefined;
    const results = await Promise.allSettled(
      orders.map(async (order) => {
        try {
          return await run(order, both);
        } catch (thrown) {
          const error = ShoalError.from(thrown, 'ENGINE_LOAD_FAILED');
          errors.push(error);
          const wait = isEffect(error) ? causeDelayMilliseconds : 0;
          giveUp ??= setTimeout(() => controller.abort(error), wait);
          throw error;
        }
      }),
    );
    clearTimeout(giveUp);
    if (signal.aborted) throw ShoalError.from(signal.reason, 'ABORTED');
    const cause = errors.find((error) => !isEffect(error)) ?? errors[0];
    if (cause) throw cause;
    return results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  }

  /** From now on the instance belongs to its head. */
  private async reportReady(record: InstanceRecord): Promise<void> {
    const instance = summaryToMessage(summarize(record));
    const others = [...nodesOf(record)].filter((nodeId) => nodeId !== this.settings.nodeId);
    await Promise.all(others.map((nodeId) => this.peers.connectionTo(nodeId).call('report', { instance })));
    if (record.failure) throw record.failure;
  }

  /** Tells the other nodes of an instance that it has failed. */
  async reportFailure(id: string, error: ShoalError): Promise<void> {
    const record = this.instances.get(id);
    if (!record) return;
    const others = [...nodesOf(record)].filter((nodeId) => nodeId !== this.settings.nodeId);
    await Promise.all(others.map((nodeId) => this.reportFailureTo(nodeId, record, error)));
  }

  /** A node that cannot be told notices for itself, or is told when it is connected again. */
  private async reportFailureTo(nodeId: string, record: InstanceRecord, error: ShoalError): Promise<void> {
    const connection = this.peers.get(nodeId)?.connection;
    if (!connection) return;
    const instance = { ...summaryToMessage(summarize(record)), failure: failureToMessage(error) };
    await connection.call('report', { instance }).catch(() => undefined);
  }

  /**
   * A node is connected, perhaps again. Where only this side took the other one for lost, and it was back before the other
   * side noticed anything, the other side still holds what has failed or was released here meanwhile.
   */
  nodeJoined(nodeId: string): void {
    const owed = this.owedReleases.get(nodeId);
    this.owedReleases.delete(nodeId);
    for (const [instance, epoch] of owed ?? []) void this.releaseOn(nodeId, instance, epoch);
    for (const record of this.instances.list()) {
      if (record.failure && nodesOf(record).has(nodeId)) void this.reportFailureTo(nodeId, record, record.failure);
    }
  }

  private async releaseEverywhere(instance: string, epoch: number, nodes: ReadonlySet<string>): Promise<void> {
    await Promise.allSettled(
      [...nodes].map((nodeId) =>
        nodeId === this.settings.nodeId ? this.members.release(instance) : this.releaseOn(nodeId, instance, epoch),
      ),
    );
  }

  private async releaseOn(nodeId: string, instance: string, epoch: number): Promise<void> {
    const connection = this.peers.get(nodeId)?.connection;
    try {
      const deadlines = { deadlineMilliseconds: releaseDeadlineMilliseconds };
      if (connection) await connection.call('release', { instance, epoch }, deadlines);
    } catch {
      // It refuses, because it knows of no such instance, or hears of it when its event loop turns again.
    }
    if (!connection || connection.isClosed) this.owe(nodeId, instance, epoch);
  }

  private owe(nodeId: string, instance: string, epoch: number): void {
    const owed = this.owedReleases.get(nodeId) ?? new Map<string, number>();
    owed.set(instance, epoch);
    this.owedReleases.set(nodeId, owed);
    for (const full of [owed, this.owedReleases]) {
      const [oldest] = full.keys();
      if (full.size > maximumOwed && oldest !== undefined) full.delete(oldest);
    }
  }
}

function planOrThrow(result: PlacementResult): Plan {
  if ('plan' in result) return result.plan;
  const { code, message, ...details } = result.refusal;
  throw new ShoalError(code, message, { details });
}

/** Errors that another member's failure brings about. */
function isEffect({ code }: ShoalError): boolean {
  return code.startsWith('TRANSPORT_') || code === 'ABORTED' || code === 'ENGINE_ABORTED' || code === 'TIMEOUT';
}

/** A thread that has less than this to read in a step costs more in waiting for the others than it saves. */
const weightBytesPerThread = 8 * 1024 * 1024;

/** What a member is told beside the plan. */
interface MemberSettings {
  readonly threads?: number;
  readonly queueCapacity?: number;
}

function settingsFor(
  order: MemberOrder,
  plan: Plan,
  facts: readonly NodeFacts[],
  { queueCapacity }: LoadOptions,
): MemberSettings {
  const threads = threadsFor(order, plan, facts);
  const isHead = order.stage === 0 && order.member === 0;
  return {
    ...(threads === undefined ? {} : { threads }),
    ...(queueCapacity === undefined || !isHead ? {} : { queueCapacity }),
  };
}

/**
 * Compute threads of a member on a processor; undefined where the device has none of its own. Members of one stage
 * compute at the same time: where several share a machine, each gets its part of the cores, for more threads than cores
 * would make every one of them wait for the others.
 */
function threadsFor({ stage, placement }: MemberOrder, plan: Plan, facts: readonly NodeFacts[]): number | undefined {
  const machineOf = (nodeId: string) => facts.find((node) => node.nodeId === nodeId)?.machineId;
  const own = facts.find((node) => node.nodeId === placement.nodeId);
  const device = own?.devices.find(
    ({ backend, properties }) => backend === placement.backend && properties.id === placement.deviceId,
  );
  const properties = device?.properties;
  if (!properties?.available || properties.kind !== 'cpu' || properties.coreCount === undefined) return undefined;
  const beside = (plan.stages[stage]?.members ?? []).filter(({ nodeId }) => machineOf(nodeId) === own?.machineId);
  const cores = Math.max(1, Math.floor(properties.coreCount / Math.max(1, beside.length)));
  return Math.min(cores, Math.max(1, Math.ceil(placement.weightBytes / weightBytesPerThread)));
}
