/** One simulated process: a real Consensus, and an owner of instances that does what the agreed state asks of it. */
import { Consensus } from '../consensus/consensus.js';
import type { DecisionLimits, Decisions } from '../consensus/decisions.js';
import { type Duty, dutiesOf } from '../consensus/duties.js';
import type { Clock } from '../consensus/environment.js';
import type { InstanceFact, NodeFact } from '../consensus/facts.js';
import type { ConsensusMessage } from '../consensus/messages.js';
import type { ConsensusRules, Leader } from '../consensus/options.js';
import { type ClusterState, cordonOf } from '../consensus/state.js';
import type { Network, NetworkEnd } from './network.js';
import type { SeededRandom } from './seeded-random.js';
import type { SimulatedDisk } from './simulated-disk.js';

export type StopReason = Exclude<Duty, { kind: 'load-model' }>;

/** What the node needs of its world, and tells it. */
export interface NodeWorld {
  readonly network: Network;
  readonly random: SeededRandom;
  /** The machine's own. */
  readonly clock: Clock;
  readonly rules: ConsensusRules;
  readonly duties: typeof dutiesOf;
  readonly limits: DecisionLimits;
  /** What the node finds of its earlier lives, and leaves to later ones. */
  readonly disk: SimulatedDisk;
  /** The running process of a node. */
  readonly processOf: (nodeId: string) => SimulatedNode | undefined;
  readonly observer: {
    /** It begins with what it has kept. */
    restored(node: SimulatedNode, decisions: Decisions): void;
    stateChanged(node: SimulatedNode, state: ClusterState, before: ClusterState): void;
    leaderChanged(node: SimulatedNode, leader: Leader): void;
    /** About to end an instance. */
    instanceStops(node: SimulatedNode, instance: InstanceFact, reason: StopReason): void;
  };
}

const loadMilliseconds = 400;
const dutyMilliseconds = 100;
const lookMilliseconds = 2000;
/** What this brings about, a leader decides by itself; it is over well before a simulation looks whether all agree. */
const forgetAfterMilliseconds = 15_000;

export class SimulatedNode implements NetworkEnd {
  readonly consensus: Consensus;
  isRunning = true;
  private instances: readonly InstanceFact[] = [];
  private readonly busy = new Set<string>();
  private dutiesScheduled = false;
  private departed = false;
  private made = 0;
  private companySince: number | undefined;

  constructor(
    readonly nodeId: string,
    /** 1 for the first process of the node. */
    readonly life: number,
    incarnation: number,
    readonly stands: boolean,
    private readonly world: NodeWorld,
  ) {
    const { network, random, clock, rules, limits, disk } = world;
    this.consensus = new Consensus({
      nodeId,
      incarnation,
      fact: this.fact(),
      stands,
      clock,
      random: random.fork(),
      bus: {
        neighbours: () => network.neighbours(nodeId),
        send: (to, message) => network.send(nodeId, to, message),
      },
      observer: {
        leaderChanged: (leader) => {
          world.observer.leaderChanged(this, leader);
          this.scheduleDuties();
        },
        stateChanged: (state, before) => {
          world.observer.stateChanged(this, state, before);
          this.scheduleDuties();
        },
      },
      rules,
      limits,
      forgetAfterMilliseconds,
      decisions: disk.decisions,
      store: disk,
    });
  }

  start(): void {
    const { network, disk, observer } = this.world;
    if (disk.decisions) observer.restored(this, disk.decisions);
    network.attach(this.nodeId, this);
    this.consensus.start();
    this.lookAgain();
  }

  /** Who is there changes without any word of anybody's. */
  private lookAgain(): void {
    this.world.clock.schedule(lookMilliseconds, () => {
      if (!this.isRunning) return;
      this.scheduleDuties();
      this.lookAgain();
    });
  }

  /** The process ends without a word. */
  crash(): void {
    this.isRunning = false;
    this.world.disk.stop();
    this.world.network.detach(this.nodeId);
    this.consensus.stop();
  }

  /** Says that it leaves; the process ends a moment later. */
  leave(ended: () => void): void {
    this.departed = true;
    this.speak();
    this.world.clock.schedule(50, () => {
      if (!this.isRunning) return;
      this.crash();
      ended();
    });
  }

  /** Whether it has been connected to others for so long without a break. */
  hasHadCompanyFor(milliseconds: number): boolean {
    return this.companySince !== undefined && this.world.clock.now() - this.companySince >= milliseconds;
  }

  connected(nodeId: string): void {
    if (!this.isRunning) return;
    this.companySince ??= this.world.clock.now();
    this.consensus.connected(nodeId);
  }

  disconnected(nodeId: string): void {
    if (!this.isRunning) return;
    if (this.world.network.neighbours(this.nodeId).length === 0) this.companySince = undefined;
    this.consensus.disconnected(nodeId);
  }

  receive(from: string, message: ConsensusMessage): void {
    if (this.isRunning) this.consensus.receive(from, message);
  }

  get serving(): readonly InstanceFact[] {
    return this.instances.filter(({ state }) => state === 'ready');
  }

  /** Loads an instance with these nodes as members. */
  load(nodeIds: readonly string[], wish?: string): void {
    const instance = `${this.nodeId}-${this.life}-${++this.made}`;
    const millisecondsPerToken = this.world.random.pick([undefined, 1, 2]);
    const loading: InstanceFact = {
      instance,
      epoch: 1,
      state: 'loading',
      modelName: 'model',
      nodeIds,
      ...(wish === undefined ? {} : { wish }),
      ...(millisecondsPerToken === undefined ? {} : { millisecondsPerToken }),
    };
    this.instances = [...this.instances, loading];
    this.speak();
    this.world.clock.schedule(loadMilliseconds, () => {
      if (!this.isRunning) return;
      this.instances = this.instances.map((one) => (one === loading ? { ...one, state: 'ready' } : one));
      this.speak();
    });
  }

  private scheduleDuties(): void {
    if (this.dutiesScheduled) return;
    this.dutiesScheduled = true;
    this.world.clock.schedule(dutyMilliseconds, () => {
      this.dutiesScheduled = false;
      if (this.isRunning) this.doDuties();
    });
  }

  private doDuties(): void {
    const { consensus, nodeId } = this;
    const isPresent = (other: string) => consensus.isPresent(other);
    const duties = this.world.duties(consensus.state, { nodeId, isLeader: consensus.isLeader, isPresent });
    for (const duty of duties) {
      const key = duty.kind === 'load-model' ? duty.wish : duty.instance;
      if (this.busy.has(key)) continue;
      this.busy.add(key);
      this.world.clock.schedule(dutyMilliseconds, () => {
        this.busy.delete(key);
        if (this.isRunning) this.fulfil(duty);
      });
    }
  }

  private fulfil(duty: Duty): void {
    const { state } = this.consensus;
    const usable = Object.values(state.facts).filter(
      ({ nodeId, fact }) => !fact.departed && this.consensus.isPresent(nodeId) && !cordonOf(state, nodeId),
    );
    if (duty.kind === 'load-model') {
      if (usable.length > 0) this.order(this.world.random.pick(usable).nodeId, duty.wish);
      return;
    }
    const instance = this.instances.find((one) => one.instance === duty.instance);
    if (!instance) return;
    if (duty.kind === 'move-instance') {
      // Nowhere to go: it stays and serves.
      if (usable.length === 0) return;
      this.order(this.world.random.pick(usable).nodeId, instance.wish);
    }
    this.world.observer.instanceStops(this, instance, duty);
    this.instances = this.instances.filter((one) => one !== instance);
    this.speak();
  }

  /** Has another node load an instance: a call, which is none of the messages of consensus, and overtakes them. */
  private order(nodeId: string, wish: string | undefined): void {
    const isReached = nodeId === this.nodeId || this.world.network.neighbours(this.nodeId).includes(nodeId);
    const target = isReached ? this.world.processOf(nodeId) : undefined;
    (target ?? this).load([nodeId], wish);
  }

  private speak(): void {
    this.consensus.say(this.fact());
  }

  private fact(): NodeFact {
    const { nodeId, instances, departed } = this;
    return {
      nodeName: nodeId,
      softwareVersion: '0.1.0',
      offersDevices: this.stands,
      departed,
      seniority: 0,
      instances,
    };
  }
}
