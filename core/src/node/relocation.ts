/**
 * Moves instances between requests: the model is loaded a second time under a new plan, requests go there from then on,
 * and the old instance is unloaded when the last of its requests has ended. Where the devices do not hold both, the old one
 * goes first, and requests wait for the new one.
 *
 * Whatever wants an instance elsewhere comes here: a node that is drained, or a plan that has become a better one. Requests
 * that are still running at the deadline end with the old instance. (Carrying them over means giving their token logs to the
 * successor, which would go between `drain` and `unload`.)
 */
import type { Peers } from '../control/peers.js';
import { inject, injectable } from '../runtime/injection.js';
import { ShoalError } from '../spec/errors.js';
import type { ClusterEvent } from '../spec/events.js';
import type { Coordinator, LoadPlace } from './coordinator.js';
import type { Ingress } from './ingress.js';
import { headOf, Instances, summarize } from './instances.js';
import type { LocalMembers } from './local-members.js';
import type { NodeLog } from './log.js';
import type { InstanceSummary, MoveOutcome, MoveRequest } from './service.js';
import type { NodeSettings } from './settings.js';
import { nodeTokens } from './tokens.js';

export interface MoveOptions extends Omit<MoveRequest, 'without'> {
  /** Ids of nodes that may not take part, each with the reason; the planner finds those that are cordoned by itself. */
  readonly without?: ReadonlyMap<string, string>;
  readonly signal?: AbortSignal;
}

/** How an instance is given up. */
export interface Retirement {
  readonly successor: string;
  /** The node of the successor's head. */
  readonly headNodeId: string;
  readonly reason: string;
  readonly signal: AbortSignal;
}

const defaultDrainDeadlineMilliseconds = 10 * 60_000;
/** On top of the drain's own, for the way there and back. */
const answerMilliseconds = 5000;

@injectable()
export class Relocation {
  /** Moves in progress by the instance that is moved. */
  private readonly moving = new Map<string, Promise<MoveOutcome>>();

  constructor(
    @inject(nodeTokens.settings) private readonly settings: NodeSettings,
    @inject(nodeTokens.peers) private readonly peers: Peers,
    @inject(nodeTokens.instances) private readonly instances: Instances,
    @inject(nodeTokens.members) private readonly members: LocalMembers,
    @inject(nodeTokens.coordinator) private readonly coordinator: Coordinator,
    @inject(nodeTokens.ingress) private readonly ingress: Ingress,
    @inject(nodeTokens.emit) private readonly emit: (event: ClusterEvent) => void,
    @inject(nodeTokens.log) private readonly log: NodeLog,
  ) {}

  /**
   * Any node may call it, for any instance of the cluster; a second call for one that moves already is told of the first.
   * Rejects with what planning and loading reject with; the old instance then goes on as before, unless it had to be
   * unloaded first.
   */
  move(instance: string, options: MoveOptions): Promise<MoveOutcome> {
    const known = this.moving.get(instance);
    if (known) return known;
    const moved = this.moveNow(instance, options).finally(() => this.moving.delete(instance));
    this.moving.set(instance, moved);
    return moved;
  }

  /**
   * Gives an instance of this node up for another one that serves the same: its requests go there, and it is unloaded when
   * those that run have ended, however long they take. It stays where the signal aborts before. Rejects with
   * INSTANCE_NOT_FOUND, INSTANCE_MOVED, NODE_UNREACHABLE, ABORTED.
   */
  async retire(instance: string, { successor, headNodeId, reason, signal }: Retirement): Promise<void> {
    const record = this.instances.get(instance);
    // Gone, or on its way already because somebody else ordered it.
    if (!record || record.successor !== undefined) return;
    this.log.write('info', 'instance', `giving up ${record.plan.modelName}: ${reason}`, { instance, successor });
    await this.adopt(headNodeId, successor, [instance, ...record.replaces], signal);
    const summary = summarize(record);
    await this.members.drain(instance, successor, Number.POSITIVE_INFINITY, signal);
    if (signal.aborted) {
      delete record.successor;
      throw ShoalError.from(signal.reason, 'ABORTED');
    }
    await this.coordinator.unload(summary);
    this.emit({ kind: 'instance-moved', instance, successor, reason });
  }

  /** The successor goes by the old names from now on, so that whoever uses them finds it. */
  private async adopt(
    nodeId: string,
    instance: string,
    replaces: readonly string[],
    signal: AbortSignal,
  ): Promise<void> {
    if (nodeId === this.settings.nodeId) this.instances.adopt(instance, replaces);
    else await this.peers.connectionTo(nodeId).call('adopt', { instance, replaces: [...replaces] }, { signal });
  }

  private async moveNow(instance: string, options: MoveOptions): Promise<MoveOutcome> {
    const { reason, signal = new AbortController().signal } = options;
    const old = await this.ingress.find(instance, signal);
    this.log.write('info', 'instance', `moving ${old.plan.modelName}: ${reason}`, { instance: old.instance });
    const outcome = await this.inSequence(old, options, signal);
    this.emit({ kind: 'instance-moved', instance: old.instance, successor: outcome.instance.instance, reason });
    return outcome;
  }

  private async inSequence(old: InstanceSummary, options: MoveOptions, signal: AbortSignal): Promise<MoveOutcome> {
    const { sequence = 'as-memory-allows' } = options;
    if (sequence === 'unload-first') return this.unloadFirst(old, options, signal);
    try {
      return await this.loadFirst(old, options, signal);
    } catch (thrown) {
      const isFull = ShoalError.is(thrown) && thrown.code === 'PLAN_DOES_NOT_FIT';
      if (sequence === 'load-first' || !isFull) throw thrown;
      return this.unloadFirst(old, options, signal);
    }
  }

  private async loadFirst(old: InstanceSummary, options: MoveOptions, signal: AbortSignal): Promise<MoveOutcome> {
    const next = await this.loadFor(old, options, signal);
    try {
      const endedRequests = await this.drain(old, next.instance, options);
      await this.coordinator.unload(old);
      return { instance: next, endedRequests };
    } catch (thrown) {
      // Given up, or another node was faster to move it.
      await this.coordinator.unload(next);
      throw thrown;
    }
  }

  private loadFor(
    old: InstanceSummary,
    { options, without }: MoveOptions,
    signal: AbortSignal,
    place: LoadPlace = {},
  ): Promise<InstanceSummary> {
    return this.coordinator.load(old.model, options ?? old.options ?? {}, () => undefined, signal, {
      ...place,
      replaces: [old.instance, ...(old.replaces ?? [])],
      ...(without === undefined ? {} : { without }),
    });
  }

  /** There is no room for both: requests wait at their ingress until the new one has been loaded. */
  private async unloadFirst(old: InstanceSummary, options: MoveOptions, signal: AbortSignal): Promise<MoveOutcome> {
    let endedRequests = 0;
    const next = await this.loadFor(old, options, signal, {
      freed: old.plan,
      beforePrepare: async () => {
        endedRequests = await this.drain(old, '', options);
        await this.coordinator.unload(old);
      },
    });
    return { instance: next, endedRequests };
  }

  private async drain(
    { instance, plan }: InstanceSummary,
    successor: string,
    { drainDeadlineMilliseconds: deadlineMilliseconds = defaultDrainDeadlineMilliseconds, signal }: MoveOptions,
  ): Promise<number> {
    const head = headOf(plan);
    if (head.nodeId === this.settings.nodeId) {
      return this.members.drain(instance, successor, deadlineMilliseconds, signal ?? new AbortController().signal);
    }
    const { remainingRequests } = await this.peers
      .connectionTo(head.nodeId)
      .call(
        'drain',
        { instance, successor, deadlineMilliseconds },
        { signal, deadlineMilliseconds: deadlineMilliseconds + answerMilliseconds },
      );
    return remainingRequests ?? 0;
  }
}
