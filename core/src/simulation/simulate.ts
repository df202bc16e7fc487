/**
 * A cluster in one process, from a seed: nodes start, crash, restart and leave, the network delays, loses, doubles,
 * reorders and splits, commands and facts come in everywhere. Then everything heals, and what must hold is checked.
 */
import { type Decision, type DecisionLimits, type Decisions, decisionLimits } from '../consensus/decisions.js';
import { dutiesOf } from '../consensus/duties.js';
import { compareCandidacies } from '../consensus/election.js';
import { incarnationAt } from '../consensus/facts.js';
import type { ConsensusMessage } from '../consensus/messages.js';
import type { ConsensusRules } from '../consensus/options.js';
import { apply, merge } from '../consensus/state.js';
import type { ShoalError } from '../spec/errors.js';
import { checkAgreement, checkLeader, checkWishes } from './invariants.js';
import { calm, Network } from './network.js';
import { RandomChanges } from './random-changes.js';
import { SeededRandom } from './seeded-random.js';
import { type DiskMistake, longestWriteMilliseconds, SimulatedDisk } from './simulated-disk.js';
import { type NodeWorld, SimulatedNode } from './simulated-node.js';
import { makeTopology } from './simulated-topology.js';
import { VirtualTime } from './virtual-time.js';
import { InvariantError, Witness } from './witness.js';

/** What a mutant gets wrong. */
export interface Mistake {
  readonly rules?: Partial<ConsensusRules>;
  readonly duties?: typeof dutiesOf;
  readonly limits?: Partial<DecisionLimits>;
  readonly disk?: DiskMistake;
  /** Drops or changes what nodes say; undefined: not sent. */
  readonly message?: (message: ConsensusMessage, from: string) => ConsensusMessage | undefined;
}

export interface SimulationOptions {
  readonly mistake?: Mistake | undefined;
  /** Hears every event of the run. */
  readonly trace?: ((line: string) => void) | undefined;
}

export interface SimulationResult {
  readonly seed: number;
  /** Which invariant broke; absent: none. */
  readonly violation?: { readonly invariant: string; readonly message: string; readonly atMilliseconds: number };
  readonly nodes: number;
  readonly messages: number;
  readonly commands: { readonly accepted: number; readonly refused: number };
  /** Elections that ended after everything had healed, of the node that took longest to agree. */
  readonly campaignsToAgree: number;
}

/** Time in which one leader and one state must come about once everything is connected; ghosts are believed for 10 s. */
const healMilliseconds = 30_000;
const lossyHealMilliseconds = 90_000;

export function simulate(seed: number, options: SimulationOptions = {}): SimulationResult {
  return new Simulation(seed, options).run();
}

class Simulation {
  private readonly time = new VirtualTime();
  private readonly random: SeededRandom;
  private readonly witness = new Witness();
  private readonly network: Network;
  private readonly running = new Map<string, SimulatedNode>();
  private readonly nodeIds: readonly string[];
  private readonly edges: ReadonlySet<string>;
  private readonly lives = new Map<string, number>();
  private readonly cut = new Set<string>();
  private groups = new Map<string, number>();
  private violation: InvariantError | undefined;
  private open = 0;
  private accepted = 0;
  private refused = 0;
  private stableSince: number | undefined;
  private conclusions = new Map<SimulatedNode, string[]>();
  private readonly disks = new Map<string, SimulatedDisk>();
  private readonly changes: RandomChanges;

  constructor(
    private readonly seed: number,
    private readonly options: SimulationOptions,
  ) {
    this.random = new SeededRandom(seed);
    const count = this.random.integer(2, 7);
    this.nodeIds = Array.from({ length: count }, (_, index) => `n${index + 1}`);
    this.changes = new RandomChanges(this.random, this.nodeIds);
    this.edges = makeTopology(this.nodeIds, this.random);
    this.network = new Network(
      this.time,
      this.random.fork(),
      (one, other) => this.isPassable(one, other),
      (line) => this.trace(line),
    );
    const { message } = options.mistake ?? {};
    if (message) {
      const send = this.network.send.bind(this.network);
      this.network.send = (from, to, sent) => {
        const changed = message(sent, from);
        if (changed) send(from, to, changed);
      };
    }
  }

  run(): SimulationResult {
    try {
      const end = this.random.between(15_000, 50_000);
      for (const nodeId of this.nodeIds) this.at(this.random.between(0, 2000), () => this.start(nodeId));
      this.scheduleFaults(end);
      this.advance(end);
      this.heal();
    } catch (thrown) {
      this.fail(thrown);
    }
    return {
      seed: this.seed,
      ...(this.violation && {
        violation: {
          invariant: this.violation.invariant,
          message: this.violation.message,
          atMilliseconds: Math.round(this.time.now()),
        },
      }),
      nodes: this.nodeIds.length,
      messages: this.network.messageCount,
      commands: { accepted: this.accepted, refused: this.refused },
      campaignsToAgree: this.violation ? 0 : this.campaignsToAgree(),
    };
  }

  // What happens.

  private scheduleFaults(end: number): void {
    const next = () => {
      if (this.time.now() > end) return;
      this.disturb();
      this.at(this.random.between(50, 3000), next);
    };
    this.at(this.random.between(0, 3000), next);
  }

  private disturb(): void {
    const { random } = this;
    const kind = random.integer(0, 18);
    const nodeId = random.pick(this.nodeIds);
    const found = this.running.get(nodeId);
    const node = found?.isRunning ? found : undefined;
    if (kind <= 6) this.command();
    else if (kind <= 8) this.loadSomewhere();
    else if (kind === 9) this.partition();
    else if (kind === 10) this.reconnect();
    else if (kind === 11) this.cutLink();
    else if (kind === 12) this.changeWeather();
    else if (kind <= 15 && !node) this.start(nodeId);
    else if (kind <= 14 && node) this.crash(node);
    else if (kind === 15 && node) this.leave(node);
    else if (kind === 16) this.command();
    else if (kind === 17) this.powerFails();
    else this.reconnect();
  }

  private start(nodeId: string): void {
    if (this.running.get(nodeId)?.isRunning) return;
    const { random } = this;
    const life = (this.lives.get(nodeId) ?? 0) + 1;
    this.lives.set(nodeId, life);
    // A machine's calendar may have been set back while it was off.
    const incarnation = incarnationAt(random.chance(0.1) ? 1 : 1000 * life, random);
    const stands = (nodeId.charCodeAt(1) + this.seed) % 5 !== 0;
    const node = new SimulatedNode(nodeId, life, incarnation, stands, this.world(nodeId));
    this.running.set(nodeId, node);
    this.trace(() => `${nodeId} starts`);
    node.start();
    this.network.update(this.nodeIds);
  }

  /** What a node keeps: sometimes it is damaged when the node starts, and in some clusters nobody keeps anything. */
  private diskOf(nodeId: string): SimulatedDisk {
    const { random, witness } = this;
    const found = this.disks.get(nodeId);
    const written = (decisions: Decisions) => this.guard(() => witness.kept(nodeId, decisions));
    const disk = found ?? new SimulatedDisk(this.time, random.fork(), written, this.options.mistake?.disk);
    this.disks.set(nodeId, disk);
    if (this.seed % 4 === 3 || random.chance(0.05)) {
      disk.damage();
      witness.diskLost(nodeId);
    }
    return disk;
  }

  private world(nodeId: string): NodeWorld {
    const { random, witness } = this;
    const mistake = this.options.mistake ?? {};
    const right = { compare: compareCandidacies, apply, merge, ...mistake.rules };
    return {
      network: this.network,
      disk: this.diskOf(nodeId),
      random: random.fork(),
      clock: this.time.machineClock(random.between(0, 1e6), random.between(0.95, 1.05)),
      rules: {
        ...right,
        apply: (state, event, limits) => {
          this.guard(() => witness.applied(event));
          return right.apply(state, event, limits);
        },
      },
      processOf: (nodeId) => {
        const found = this.running.get(nodeId);
        return found?.isRunning ? found : undefined;
      },
      duties: mistake.duties ?? dutiesOf,
      limits: {
        ...decisionLimits,
        emptyRegisters: this.forgetsEarly ? 2 : decisionLimits.emptyRegisters,
        ...mistake.limits,
      },
      observer: {
        restored: (node, decisions) => witness.holds(node, decisions),
        stateChanged: (node, state, before) => this.guard(() => witness.stateChanged(node, state, before)),
        instanceStops: (node, instance, reason) => {
          this.trace(() => `${node.nodeId} ends ${instance.instance}: ${JSON.stringify(reason)}`);
          this.guard(() => witness.instanceStops(node, instance, reason));
        },
        leaderChanged: (node, leader) => {
          this.trace(() => `${node.nodeId} follows ${leader.nodeId} in term ${leader.term}`);
          if (this.stableSince !== undefined) this.conclusions.get(node)?.push(leader.nodeId);
        },
      },
    };
  }

  /** Registers in which nothing is in force are dropped almost at once: no order is promised then, only agreement. */
  private get forgetsEarly(): boolean {
    return this.seed % 8 === 0;
  }

  private crash(node: SimulatedNode): void {
    this.trace(() => `${node.nodeId} crashes`);
    node.crash();
    this.network.update(this.nodeIds);
  }

  /** Everything ends at once, and most of it starts again a little later. */
  private powerFails(): void {
    this.trace(() => 'the power fails');
    for (const node of this.running.values()) if (node.isRunning) this.crash(node);
    for (const nodeId of this.nodeIds) {
      if (this.random.chance(0.8)) this.at(this.random.between(100, 4000), () => this.start(nodeId));
    }
  }

  private leave(node: SimulatedNode): void {
    this.trace(() => `${node.nodeId} leaves`);
    node.leave(() => this.network.update(this.nodeIds));
  }

  private command(deadlineMilliseconds = this.random.between(500, 10_000), mustSucceed = false): void {
    const nodes = [...this.running.values()].filter(({ isRunning }) => isRunning);
    if (nodes.length === 0) return;
    const node = this.random.pick(nodes);
    const change = this.changes.next();
    this.open++;
    this.trace(() => `${node.nodeId} is asked to ${JSON.stringify(change)}`);
    const decided = (decision: Decision) => {
      this.open--;
      this.accepted++;
      this.trace(() => `${node.nodeId} has ${decision.id} confirmed`);
      // What it decided while it was alone may have been written only now.
      const hasNeighbours = node.hasHadCompanyFor(longestWriteMilliseconds);
      this.guard(() => this.witness.commandAccepted(decision, node.nodeId, hasNeighbours));
    };
    const refused = (error: ShoalError) => {
      this.open--;
      this.refused++;
      const isExpected = error.code === 'CLUSTER_COMMAND_UNCONFIRMED' || error.code === 'CLUSTER_CLOSED';
      if (isExpected && !mustSucceed) return;
      this.fail(new InvariantError('commands are decided', `${JSON.stringify(change)} ended with ${String(error)}`));
    };
    node.consensus.command(change, { decided, refused }, { deadlineMilliseconds });
  }

  private loadSomewhere(): void {
    const nodes = [...this.running.values()].filter(({ isRunning }) => isRunning);
    if (nodes.length > 0) this.random.pick(nodes).load([this.random.pick(this.nodeIds)]);
  }

  private partition(): void {
    const groups = this.random.integer(2, 3);
    this.groups = new Map(this.nodeIds.map((nodeId) => [nodeId, this.random.integer(1, groups)]));
    this.trace(() => `the network splits: ${JSON.stringify([...this.groups])}`);
    this.network.update(this.nodeIds);
  }

  private reconnect(): void {
    this.groups.clear();
    this.cut.clear();
    this.trace(() => 'the network is whole');
    this.network.update(this.nodeIds);
  }

  private cutLink(): void {
    this.cut.add(this.random.pick([...this.edges]));
    this.network.update(this.nodeIds);
  }

  private changeWeather(): void {
    const { random } = this;
    this.network.weather = {
      leastDelay: random.between(0, 20),
      mostDelay: random.pick([5, 50, 400, 2500]),
      loss: random.pick([0, 0, 0.02, 0.2, 0.5]),
      duplication: random.pick([0, 0.1, 0.5]),
      mostNoticeDelay: random.pick([50, 1500, 1500]),
    };
    this.trace(() => `the weather is ${JSON.stringify(this.network.weather)}`);
  }

  private isPassable(one: string, other: string): boolean {
    const key = one < other ? `${one} ${other}` : `${other} ${one}`;
    return (
      this.edges.has(key) &&
      !this.cut.has(key) &&
      (this.groups.get(one) ?? 0) === (this.groups.get(other) ?? 0) &&
      this.running.get(one)?.isRunning === true &&
      this.running.get(other)?.isRunning === true
    );
  }

  // What must hold.

  private heal(): void {
    const isLossy = this.random.chance(0.2);
    this.network.weather = isLossy ? { ...calm, loss: 0.1, duplication: 0.1 } : { ...calm, duplication: 0.1 };
    for (const nodeId of this.nodeIds) if (!this.running.get(nodeId)?.isRunning && this.isNeeded()) this.start(nodeId);
    this.reconnect();
    // Breaks are noticed, connections made, late messages arrive.
    this.advance(this.time.now() + 5000);
    this.stableSince = this.time.now();
    for (const node of this.running.values()) this.conclusions.set(node, []);
    this.advance(this.time.now() + (isLossy ? lossyHealMilliseconds : healMilliseconds));
    for (const part of this.parts()) checkLeader(part, isLossy ? undefined : this.conclusions);
    // Commands of the wild time have come to their end, and new ones get through.
    for (let count = 0; count < 3; count++) this.command(isLossy ? 30_000 : 5000, true);
    this.advance(this.time.now() + (isLossy ? lossyHealMilliseconds : healMilliseconds));
    if (this.open > 0) throw new InvariantError('commands are decided', `${this.open} commands never ended`);
    for (const part of this.parts()) {
      checkLeader(part, isLossy ? undefined : this.conclusions);
      checkAgreement(part);
      checkWishes(part);
      this.witness.checkAccepted(part);
      if (!this.forgetsEarly) this.witness.checkRegisters(part);
    }
  }

  /** In a network that is no mesh, nodes that are missing part the others; some stay away all the same. */
  private isNeeded(): boolean {
    return this.random.chance(0.7);
  }

  /** Nodes that reach each other. */
  private parts(): SimulatedNode[][] {
    const rest = new Set([...this.running.values()].filter(({ isRunning }) => isRunning));
    const parts: SimulatedNode[][] = [];
    for (const first of rest) {
      rest.delete(first);
      const part = [first];
      for (const node of part) {
        for (const other of rest) {
          if (!this.isPassable(node.nodeId, other.nodeId)) continue;
          rest.delete(other);
          part.push(other);
        }
      }
      parts.push(part);
    }
    return parts;
  }

  private campaignsToAgree(): number {
    return Math.max(0, ...[...this.conclusions.values()].map((outcomes) => outcomes.length));
  }

  private at(milliseconds: number, run: () => void): void {
    this.time.schedule(milliseconds, run);
  }

  private advance(end: number): void {
    this.time.runUntil(end);
    if (this.violation) throw this.violation;
  }

  private guard(run: () => void): void {
    try {
      run();
    } catch (thrown) {
      this.fail(thrown);
    }
  }

  private fail(thrown: unknown): void {
    const error = thrown instanceof InvariantError ? thrown : new InvariantError('nothing is thrown', describe(thrown));
    if (!this.violation) this.trace(() => `VIOLATION ${error.message}`);
    this.violation ??= error;
  }

  private trace(line: () => string): void {
    this.options.trace?.(`${(this.time.now() / 1000).toFixed(3).padStart(9)} ${line()}`);
  }
}

function describe(thrown: unknown): string {
  return thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
}
