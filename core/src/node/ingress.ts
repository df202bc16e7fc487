/** Where requests enter: finds the head of their instance, wherever it is, and passes events on as they come. */
import { setTimeout } from 'node:timers/promises';
import type { Peer, Peers } from '../control/peers.js';
import { inject, injectable } from '../runtime/injection.js';
import { ShoalError } from '../spec/errors.js';
import type { GenerationOrder } from '../worker/worker-protocol.js';
import type { Agreement } from './agreement.js';
import { checkOrder } from './generation-rules.js';
import { generationFromMessage, orderToMessage } from './generation-wire.js';
import { headOf, Instances, summarize } from './instances.js';
import { instanceFailed } from './local-member.js';
import type { LocalMembers } from './local-members.js';
import type { GenerationEvent, InstanceSummary, MemberReport } from './service.js';
import type { NodeSettings } from './settings.js';
import { currentOf, replicasOf } from './successors.js';
import { nodeTokens } from './tokens.js';
import { reportFromMessage, summaryFromMessage } from './wire.js';

const listDeadlineMilliseconds = 2000;
const statisticsDeadlineMilliseconds = 5000;
/** Loading a large model takes minutes. */
const successorDeadlineMilliseconds = 10 * 60_000;
const successorCheckMilliseconds = 250;
/** How long a request waits for a connection to a node that is there. */
const connectMilliseconds = 5000;
const connectCheckMilliseconds = 50;
/** How long a request waits at most for what nodes that have just met learn of each other. */
const meetingMilliseconds = 10_000;
/** How often an instance may move under one request before it has begun. */
const maximumMoves = 3;
/** What keeps a request from one instance, while another one of the model may take it. */
const takenElsewhere = new Set([
  'INSTANCE_PAUSED',
  'INSTANCE_MOVED',
  'INSTANCE_NOT_FOUND',
  'INSTANCE_FAILED',
  'NODE_LOST',
]);

@injectable()
export class Ingress {
  constructor(
    @inject(nodeTokens.settings) private readonly settings: NodeSettings,
    @inject(nodeTokens.peers) private readonly peers: Peers,
    @inject(nodeTokens.instances) private readonly instances: Instances,
    @inject(nodeTokens.members) private readonly members: LocalMembers,
    @inject(nodeTokens.agreement) private readonly agreement: Agreement,
  ) {}

  /** Instances that this node or any node it reaches knows; the head's word counts most. */
  async list(signal?: AbortSignal): Promise<InstanceSummary[]> {
    const found = new Map<string, { summary: InstanceSummary; fromHead: boolean }>();
    const add = (summary: InstanceSummary, nodeId: string) => {
      const fromHead = headOf(summary.plan).nodeId === nodeId;
      if (fromHead || !found.has(summary.instance)) found.set(summary.instance, { summary, fromHead });
    };
    for (const record of this.instances.list()) add(summarize(record), this.settings.nodeId);
    await Promise.all(
      this.peers.list().map(async ({ nodeId, connection }) => {
        try {
          const options = { signal, deadlineMilliseconds: listDeadlineMilliseconds };
          const { instances } = await connection.call('listInstances', {}, options);
          for (const message of instances ?? []) add(summaryFromMessage(message), nodeId);
        } catch {
          // What a silent peer knows is not known now.
        }
      }),
    );
    return [...found.values()].map(({ summary }) => summary);
  }

  /**
   * The instance of that name, or the one that has taken its place; waits for one that is being loaded to take it.
   * `except`: instances that have moved away. Throws INSTANCE_NOT_FOUND, INSTANCE_FAILED.
   */
  async find(
    instance: string,
    signal?: AbortSignal,
    except: ReadonlySet<string> = new Set(),
  ): Promise<InstanceSummary> {
    const record = except.has(instance) ? undefined : this.instances.get(instance);
    if (record?.state === 'failed') throw instanceFailed(record);
    if (record) return summarize(record);
    const end = performance.now() + successorDeadlineMilliseconds;
    let found = currentOf(await this.list(signal), instance, except);
    // Between the end of the old instance and the beginning of the new one's load nobody knows of either.
    while (
      performance.now() < end &&
      (found ? found.instance !== instance && found.state === 'loading' : except.size > 0)
    ) {
      await setTimeout(successorCheckMilliseconds, undefined, { signal });
      found = currentOf(await this.list(signal), instance, except);
    }
    if (!found) {
      throw new ShoalError('INSTANCE_NOT_FOUND', `no node that is reached serves instance ${instance}`, {
        details: { instance },
      });
    }
    if (found.state === 'failed') {
      const message = `${found.plan.modelName} stopped serving: ${found.failure?.message ?? 'unknown'}`;
      throw new ShoalError('INSTANCE_FAILED', message, { details: { instance, causeCode: found.failure?.code } });
    }
    return found;
  }

  /** Counters of all members, wherever they run. */
  async statistics(instance: string, signal?: AbortSignal): Promise<MemberReport[]> {
    const { plan, instance: current } = await this.find(instance, signal);
    const members = plan.stages.flatMap((stage) => stage.members);
    const reports = await Promise.all(
      [...new Map(members.map(({ nodeId, nodeName }) => [nodeId, nodeName]))].map(async ([nodeId, nodeName]) => {
        if (nodeId === this.settings.nodeId) return this.members.statistics(current, signal);
        const peer = this.peers.get(nodeId);
        if (!peer) {
          const message = `node ${nodeName}, which holds a part of ${plan.modelName}, is not connected`;
          throw new ShoalError('NODE_LOST', message, { details: { nodeId, nodeName, instance } });
        }
        const options = { signal, deadlineMilliseconds: statisticsDeadlineMilliseconds };
        return ((await peer.connection.call('statistics', { instance: current }, options)).members ?? []).map(
          reportFromMessage,
        );
      }),
    );
    return reports.flat().sort((left, right) => left.stage - right.stage || left.member - right.member);
  }

  async *generate(
    instance: string,
    order: GenerationOrder,
    signal?: AbortSignal,
  ): AsyncGenerator<GenerationEvent, void, undefined> {
    checkOrder(order);
    const except = new Set<string>();
    for (let attempt = 0; ; attempt += 1) {
      const summary = await this.find(instance, signal, except);
      let hasBegun = false;
      try {
        for await (const event of this.generateOn(summary, order, signal)) {
          hasBegun = true;
          yield event;
        }
        return;
      } catch (thrown) {
        const { code } = ShoalError.from(thrown);
        if (!hasBegun && code === 'INSTANCE_PAUSED') {
          yield* this.passOn(summary, order, ShoalError.from(thrown), signal);
          return;
        }
        // It moved, or moved and is gone, since it was found.
        const hasMoved = code === 'INSTANCE_MOVED' || (code === 'INSTANCE_NOT_FOUND' && !this.instances.get(instance));
        if (hasBegun || !hasMoved || attempt === maximumMoves) throw thrown;
        except.add(summary.instance);
        if (code === 'INSTANCE_NOT_FOUND' && !currentOf(await this.list(signal), instance, except)) throw thrown;
      }
    }
  }

  /**
   * Answers a request to an instance that is paused by another one of the same model. One that is just being loaded is
   * waited for, if the request may wait so long; where there is none, the request ends with why the first one is paused.
   */
  private async *passOn(
    paused: InstanceSummary,
    order: GenerationOrder,
    refusal: ShoalError,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<GenerationEvent, void, undefined> {
    const patience = Math.min(
      order.queueTimeoutMilliseconds ?? Number.POSITIVE_INFINITY,
      successorDeadlineMilliseconds,
    );
    const end = performance.now() + patience;
    const tried = new Set<string>();
    for (;;) {
      const replica = await this.replicaOf(paused, tried, end, signal);
      if (!replica) {
        const message = `${refusal.message}, and no other instance of the model takes requests`;
        throw new ShoalError(refusal.code, message, { cause: refusal, details: refusal.details });
      }
      tried.add(replica.instance);
      let hasBegun = false;
      try {
        for await (const event of this.generateOn(replica, order, signal)) {
          hasBegun = true;
          yield event;
        }
        return;
      } catch (thrown) {
        if (hasBegun || !takenElsewhere.has(ShoalError.from(thrown).code)) throw thrown;
      }
    }
  }

  /**
   * An instance that takes the requests of another one; undefined: there is none, or none by `end`. Where nodes have just
   * met, as the halves of a split network do, a pause of the other half is heard before all that it serves.
   */
  private async replicaOf(
    one: InstanceSummary,
    except: ReadonlySet<string>,
    end: number,
    signal: AbortSignal | undefined,
  ): Promise<InstanceSummary | undefined> {
    const meetingEnd = Math.min(end, performance.now() + meetingMilliseconds);
    for (;;) {
      const isSettled = this.agreement.isSettled || performance.now() >= meetingEnd;
      const all = await this.list(signal);
      const [best] = replicasOf(all, one, except).filter((other) => this.agreement.pauseOf(other) === undefined);
      if (best ? best.state !== 'loading' : isSettled) return best;
      if (performance.now() >= end) return undefined;
      await setTimeout(successorCheckMilliseconds, undefined, { signal });
    }
  }

  /** Nodes that meet, as the halves of a split network do, hear of each other before all of them are connected. */
  private async connected(nodeId: string, signal: AbortSignal | undefined): Promise<Peer | undefined> {
    const end = performance.now() + connectMilliseconds;
    let peer = this.peers.get(nodeId);
    while (!peer && this.agreement.isPresent(nodeId) && performance.now() < end) {
      await setTimeout(connectCheckMilliseconds, undefined, { signal });
      peer = this.peers.get(nodeId);
    }
    return peer;
  }

  private async *generateOn(
    { instance, plan }: InstanceSummary,
    order: GenerationOrder,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<GenerationEvent, void, undefined> {
    const head = headOf(plan);
    if (head.nodeId === this.settings.nodeId) {
      yield* this.members.generate(instance, order, signal);
      return;
    }
    const peer = await this.connected(head.nodeId, signal);
    if (!peer) {
      throw new ShoalError('NODE_LOST', `node ${head.nodeName}, the head of ${plan.modelName}, is not connected`, {
        details: { nodeId: head.nodeId, nodeName: head.nodeName, instance },
      });
    }
    try {
      for await (const message of peer.connection.stream('generate', orderToMessage(instance, order), { signal })) {
        const event = generationFromMessage(message);
        if (event) yield event;
      }
    } catch (thrown) {
      if (!peer.connection.isClosed || signal?.aborted) throw thrown;
      throw new ShoalError(
        'NODE_LOST',
        `node ${head.nodeName}, the head of ${plan.modelName}, left during the request`,
        {
          cause: thrown,
          details: { nodeId: head.nodeId, nodeName: head.nodeName, instance },
        },
      );
    }
  }
}
