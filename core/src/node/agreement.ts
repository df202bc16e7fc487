/** This node's part in the state that the cluster agrees on: consensus over its connections, about its own instances. */
import { type Change, registerOf } from '../consensus/changes.js';
import { Consensus } from '../consensus/consensus.js';
import type { Decision } from '../consensus/decisions.js';
import { systemClock, systemRandom } from '../consensus/environment.js';
import { type InstanceFact, incarnationAt, type NodeFact } from '../consensus/facts.js';
import type { Leader } from '../consensus/options.js';
import { type ClusterState as AgreedState, cordonOf, pauseReason } from '../consensus/state.js';
import type { SubmitOptions } from '../consensus/submissions.js';
import type { messages } from '../control/messages.js';
import type { Peers } from '../control/peers.js';
import { inject, injectable } from '../runtime/injection.js';
import { ShoalError } from '../spec/errors.js';
import type { ClusterEvent } from '../spec/events.js';
import type { Plan } from '../spec/plan.js';
import { type ClusterState, describeCluster } from './cluster-state.js';
import { consensusFromMessage } from './consensus-wire.js';
import type { KeptDecisions } from './decision-file.js';
import { headOf, type InstanceRecord, Instances } from './instances.js';
import type { NodeLog } from './log.js';
import { PeerBus } from './peer-bus.js';
import type { NodeSettings } from './settings.js';
import { nodeTokens } from './tokens.js';

/** How long a node that leaves waits until others have heard so. */
const farewellMilliseconds = 500;
/** A campaign, and a little more. */
const restMilliseconds = 4000;

@injectable()
export class Agreement {
  private readonly consensus: Consensus;
  private readonly bus: PeerBus;
  private readonly listeners = new Set<() => void>();
  /** Why instances of this node cannot move. */
  private readonly stuck = new Map<string, string>();
  private departed = false;
  private lastLeader: Leader | undefined;
  private restlessAt = 0;

  constructor(
    @inject(nodeTokens.settings) private readonly settings: NodeSettings,
    @inject(nodeTokens.peers) private readonly peers: Peers,
    @inject(nodeTokens.instances) private readonly instances: Instances,
    @inject(nodeTokens.emit) private readonly emit: (event: ClusterEvent) => void,
    @inject(nodeTokens.log) private readonly log: NodeLog,
    @inject(nodeTokens.keptDecisions) kept: KeptDecisions,
  ) {
    this.bus = new PeerBus(peers);
    const { nodeId, stands } = settings;
    this.consensus = new Consensus({
      nodeId,
      // The calendar tells one life from the next; where it was set back, the node notices and counts on.
      incarnation: incarnationAt(Date.now(), systemRandom),
      fact: this.fact(stands ? 0 : -1),
      stands,
      clock: systemClock,
      random: systemRandom,
      bus: this.bus,
      ...kept,
      observer: {
        leaderChanged: (leader) => this.leaderChanged(leader),
        stateChanged: (state, before) => this.stateChanged(state, before),
      },
    });
  }

  start(): void {
    this.consensus.start();
    this.instances.onChanged(() => this.refresh());
    for (const { nodeId } of this.peers.list()) this.consensus.connected(nodeId);
  }

  /** Says that this node leaves, and waits a little for others to hear it and for what was decided to be kept. */
  async stop(): Promise<void> {
    this.departed = true;
    this.refresh();
    const farewell = new Promise<void>((resolve) => setTimeout(resolve, farewellMilliseconds).unref());
    await Promise.race([Promise.all([this.bus.settled(), this.consensus.kept()]), farewell]);
    this.consensus.stop();
  }

  connected(nodeId: string): void {
    this.restlessAt = performance.now();
    this.consensus.connected(nodeId);
  }

  disconnected(nodeId: string): void {
    this.consensus.disconnected(nodeId);
  }

  /** What a peer says. Throws REQUEST_INVALID. */
  receive(from: string, request: messages.ConsensusRequest.$Properties): void {
    for (const message of (request.messages ?? []).map(consensusFromMessage)) {
      if (message) this.consensus.receive(from, message);
    }
  }

  get state(): AgreedState {
    return this.consensus.state;
  }

  /**
   * Whether this node leads, and has for a while in which nobody came: where nodes have just met, each of them may still
   * take itself for the leader, and what a leader starts must not be started twice.
   */
  get isSettledLeader(): boolean {
    return this.consensus.isLeader && this.isSettled;
  }

  /** Whether nobody has come for a while: nodes that have just met do not know yet all that the others have. */
  get isSettled(): boolean {
    return !this.consensus.isCampaigning && performance.now() - this.restlessAt > restMilliseconds;
  }

  isPresent(nodeId: string): boolean {
    return this.consensus.isPresent(nodeId);
  }

  /** As programs see it. */
  cluster(): ClusterState {
    const { leader, isCampaigning } = this.consensus;
    return describeCluster(this.state, { ...leader, isCampaigning }, (nodeId) => this.isPresent(nodeId));
  }

  /** Rejects with CLUSTER_COMMAND_UNCONFIRMED, CLUSTER_STATE_FULL, ABORTED, CLUSTER_CLOSED. */
  submit(change: Change, options?: SubmitOptions): Promise<Decision> {
    return this.consensus.submit(change, options);
  }

  /** Why a node takes no new shares; undefined: it takes them. */
  cordonReason(nodeId: string): string | undefined {
    const cordon = cordonOf(this.state, nodeId);
    if (cordon) return `it is ${cordon.draining ? 'drained' : 'cordoned'}: ${cordon.reason}`;
    const pause = pauseReason(this.state, { instance: '', nodeIds: [nodeId] });
    return pause === undefined ? undefined : 'it is paused';
  }

  /** Why an instance takes no new requests; undefined: it takes them. */
  pauseOf({ instance, plan }: { readonly instance: string; readonly plan: Plan }): string | undefined {
    return pauseReason(this.state, { instance, nodeIds: memberNodes(plan) });
  }

  /** Throws INSTANCE_PAUSED for an instance that takes no new requests. */
  refusePaused({ id, plan }: Pick<InstanceRecord, 'id' | 'plan'>): void {
    const reason = this.pauseOf({ instance: id, plan });
    if (reason === undefined) return;
    throw new ShoalError('INSTANCE_PAUSED', `${plan.modelName} takes no requests: ${reason}`, {
      details: { instance: id },
    });
  }

  /** Says why an instance of this node does not move; undefined: it does, or may. */
  setStuck(instance: string, reason: string | undefined): void {
    if (reason === undefined) this.stuck.delete(instance);
    else this.stuck.set(instance, reason.slice(0, 500));
    this.refresh();
  }

  /** Called whenever the state or the leader has changed. Returns what ends that. */
  onChanged(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Says what is true of this node now, if it has changed. */
  refresh(): void {
    for (const instance of this.stuck.keys()) if (!this.instances.get(instance)) this.stuck.delete(instance);
    this.consensus.say(this.fact(this.consensus.seniority));
  }

  private fact(seniority: number): NodeFact {
    const { nodeId, nodeName, softwareVersion, offersDevices } = this.settings;
    const own = this.instances.list().filter(({ plan }) => headOf(plan).nodeId === nodeId);
    return {
      nodeName,
      softwareVersion,
      offersDevices,
      departed: this.departed,
      seniority,
      instances: this.departed ? [] : own.flatMap((record) => this.instanceFact(record)),
    };
  }

  private instanceFact({ id, epoch, state, plan, options, replaces }: InstanceRecord): InstanceFact[] {
    if (state === 'unloaded') return [];
    const { wish } = options;
    const stuck = this.stuck.get(id);
    const millisecondsPerToken = plan.predicted?.millisecondsPerToken;
    return [
      {
        instance: id,
        epoch,
        state,
        modelName: plan.modelName,
        nodeIds: memberNodes(plan),
        ...(wish === undefined ? {} : { wish }),
        ...(wish === undefined || replaces.length === 0 ? {} : { replaces }),
        ...(wish === undefined || millisecondsPerToken === undefined ? {} : { millisecondsPerToken }),
        ...(stuck === undefined ? {} : { stuck }),
      },
    ];
  }

  private leaderChanged(leader: Leader): void {
    const before = this.lastLeader;
    this.lastLeader = leader;
    if (before?.nodeId !== leader.nodeId) this.restlessAt = performance.now();
    // Told while it is made, before it is started.
    if (before && before.nodeId !== leader.nodeId) {
      const nodeName = this.state.facts[leader.nodeId]?.fact.nodeName ?? '';
      this.emit({ kind: 'leader-changed', nodeId: leader.nodeId, nodeName, term: leader.term });
    }
    // Its own seniority may have grown.
    queueMicrotask(() => this.refresh());
    this.changed();
  }

  private stateChanged(state: AgreedState, before: AgreedState): void {
    const nodeIds = Object.keys({ ...before.facts, ...state.facts }).filter(
      (id) => before.facts[id] !== state.facts[id],
    );
    for (const nodeId of nodeIds) {
      const name = state.facts[nodeId]?.fact.nodeName;
      if (name !== undefined && nodeId !== this.settings.nodeId) this.peers.rename(nodeId, name);
    }
    const changes = Object.values(state.decisions.registers).flatMap((writes) => {
      const [write] = writes;
      if (!write || before.decisions.registers[registerOf(write.change).key]?.[0]?.id === write.id) return [];
      return [write.change];
    });
    for (const { kind, ...details } of changes) this.log.write('info', 'cluster', `decided: ${kind}`, details);
    this.emit({ kind: 'state-changed', nodeIds, changes });
    this.changed();
  }

  private changed(): void {
    for (const listener of this.listeners) listener();
  }
}

function memberNodes(plan: Plan): string[] {
  return [...new Set(plan.stages.flatMap(({ members }) => members.map(({ nodeId }) => nodeId)))];
}
