/**
 * One node's part in agreeing on the state of the cluster: it says its facts, hears those of others, elects a leader
 * with them, brings commands to it, and folds what was decided. Knows nothing of sockets, clocks and chance: see
 * environment.ts.
 */
import { errorFromCode, ShoalError } from '../spec/errors.js';
import { Absences } from './absences.js';
import { type Change, registerOf } from './changes.js';
import { DecisionKeeper } from './decision-keeper.js';
import {
  countDecisions,
  type Decision,
  type DecisionLimits,
  decisionLimits,
  findDecision,
  hasSeen,
  highest,
  isNext,
} from './decisions.js';
import { compareDigest, digestOf } from './digest.js';
import { compareCandidacies, Election } from './election.js';
import { randomId } from './environment.js';
import { type FactRecord, incarnationAfter, isNewer, type NodeFact } from './facts.js';
import { Gossip } from './gossip.js';
import type { Candidacy, Command, ConsensusMessage, Digest } from './messages.js';
import { type Decided, Office } from './office.js';
import type { ConsensusOptions, ConsensusRules, Leader } from './options.js';
import { Presence } from './presence.js';
import { apply, type ClusterState, emptyState, forgottenIncarnation, merge } from './state.js';
import { type CommandSettled, Submissions, type SubmitOptions } from './submissions.js';
import { WaitingDecisions } from './waiting-decisions.js';

const standardRules: ConsensusRules = { compare: compareCandidacies, apply, merge };

const tickMilliseconds = 1000;
/** Digests go out at every second tick, to a few neighbours each time. */
const ticksPerDigest = 2;
const neighboursPerDigest = 2;
/** Connections come and go in pairs; what breaks now may be whole again in a moment. */
const settleMilliseconds = 200;
/** Messages overtake each other; only what is still missing after this is asked for. */
const repairMilliseconds = 150;
const forgetAfterMilliseconds = 10 * 60_000;
/** Registers in which something is in force. */
const maximumRegisters = 1024;

export class Consensus {
  private readonly rules: ConsensusRules;
  private readonly limits: DecisionLimits;
  private readonly gossip: Gossip;
  private readonly presence: Presence;
  private readonly absences: Absences;
  private readonly election: Election;
  private readonly submissions: Submissions;
  private readonly timers = new Set<() => void>();
  private readonly keeper: DecisionKeeper;
  private current: ClusterState;
  private own: FactRecord;
  private office: Office | undefined;
  /** Decisions of which an earlier one is missing. */
  private readonly waiting = new WaitingDecisions();
  private ticks = 0;
  private stopped = false;

  constructor(private readonly options: ConsensusOptions) {
    const { nodeId, incarnation, fact, clock, random } = options;
    this.rules = { ...standardRules, ...options.rules };
    this.limits = options.limits ?? decisionLimits;
    this.own = { nodeId, incarnation, version: 1, fact };
    this.current = options.decisions ? { facts: {}, decisions: options.decisions } : emptyState;
    this.keeper = new DecisionKeeper(options.store, clock);
    this.gossip = new Gossip(options.bus, random);
    this.presence = new Presence(nodeId, clock);
    this.absences = new Absences(clock, options.forgetAfterMilliseconds ?? forgetAfterMilliseconds);
    this.election = new Election({
      nodeId,
      life: randomId(random),
      stands: options.stands,
      clock,
      compare: this.rules.compare,
      commandCount: () => countDecisions(this.current.decisions),
      isPresent: (other) => this.presence.isPresent(other),
      publish: (candidacy) => this.gossip.publish({ kind: 'candidacy', candidacy }),
      elected: (candidacy) => this.elected(candidacy),
    });
    this.submissions = new Submissions({
      nodeId,
      clock,
      random,
      route: (command, attempt) => this.route(command, attempt),
      repeat: (decision) => this.gossip.publish({ kind: 'decision', decision }),
      leaderName: () => this.current.facts[this.leader.nodeId]?.fact.nodeName ?? this.leader.nodeId,
    });
  }

  get state(): ClusterState {
    return this.current;
  }

  /** This node's last word about itself. */
  get ownFact(): FactRecord {
    return this.own;
  }

  get leader(): Leader {
    const { nodeId, clock, seniority } = this.election.leader;
    return { nodeId, term: clock, seniority };
  }

  /** How large a cluster this node has led; −1: it does not stand. */
  get seniority(): number {
    return this.election.seniority;
  }

  get isLeader(): boolean {
    return this.office !== undefined;
  }

  get isCampaigning(): boolean {
    return this.election.isCampaigning;
  }

  /** As far as this node can tell: it is connected, or its beat comes through others. */
  isPresent(nodeId: string): boolean {
    return this.presence.isPresent(nodeId);
  }

  start(): void {
    this.change(this.rules.apply(this.current, { kind: 'fact', record: this.own }, this.limits));
    // Kept decisions may say that this node was forgotten.
    this.defendOwnFact();
    this.elected(this.election.leader);
    this.scheduleTick();
  }

  /** Ends everything at once; open commands fail with CLUSTER_CLOSED. */
  stop(): void {
    if (this.stopped) return;
    this.stopped = true;
    this.gossip.stop();
    this.election.stop();
    for (const cancel of this.timers) cancel();
    this.timers.clear();
    this.submissions.stop(new ShoalError('CLUSTER_CLOSED', 'the node is stopping'));
    this.keeper.stop();
  }

  /** Resolves once what is known to be decided is kept, or cannot be. */
  kept(): Promise<void> {
    return new Promise((resolve) => this.keeper.whenKept(resolve, resolve));
  }

  connected(nodeId: string): void {
    this.presence.connected(nodeId);
    this.sendDigest(nodeId);
  }

  disconnected(nodeId: string): void {
    this.presence.disconnected(nodeId);
    if (this.options.bus.neighbours().length === 0) this.submissions.alone();
    const { leader } = this;
    const mayHaveLostLeader = leader.nodeId === nodeId || !this.presence.isPresent(leader.nodeId) || this.isFar(leader);
    if (!mayHaveLostLeader) return;
    this.after(settleMilliseconds, () => {
      const { nodeId: leaderId } = this.leader;
      if (!this.election.isCampaigning && this.isFar({ nodeId: leaderId })) this.election.campaign();
    });
  }

  /** This node's word about itself; others hear it at once. */
  say(fact: NodeFact): void {
    if (JSON.stringify(fact) === JSON.stringify(this.own.fact)) return;
    this.own = { ...this.own, version: this.own.version + 1, fact };
    this.sayAgain();
  }

  /**
   * Has something decided, whoever leads. Resolves when it was, when another node (if there is one) knows, and when it is
   * kept here. Rejects with CLUSTER_COMMAND_UNCONFIRMED, CLUSTER_STATE_FULL, ABORTED, CLUSTER_CLOSED.
   */
  submit(change: Change, options?: SubmitOptions): Promise<Decision> {
    return new Promise((decided, refused) => this.command(change, { decided, refused }, options));
  }

  /** As `submit`, in the same turn that it is settled in. */
  command(change: Change, settled: CommandSettled, options?: SubmitOptions): void {
    const closed = () => settled.refused(new ShoalError('CLUSTER_CLOSED', 'the node is stopping'));
    if (this.stopped) {
      closed();
      return;
    }
    const decided = (decision: Decision) => this.keeper.whenKept(() => settled.decided(decision), closed);
    this.submissions.submit(change, { decided, refused: (error) => settled.refused(error) }, options);
  }

  receive(from: string, message: ConsensusMessage): void {
    if (this.stopped) return;
    switch (message.kind) {
      case 'candidacy':
        this.receiveCandidacy(from, message.candidacy);
        break;
      case 'fact':
        this.receiveFact(from, message);
        break;
      case 'decision':
        this.receiveDecision(from, message.decision);
        break;
      case 'command':
        if (this.gossip.isFirst(nameOf(message))) this.route(message.command, message.attempt, from);
        break;
      case 'rejection':
        this.receiveRejection(from, message);
        break;
      case 'acknowledgement':
        this.submissions.confirmed(message.decision);
        break;
      case 'digest':
        this.receiveDigest(from, message.digest);
        break;
      case 'snapshot':
        this.change(this.rules.merge(this.current, message.snapshot, this.limits));
        break;
    }
  }

  // Facts and state.

  private sayAgain(): void {
    this.change(this.rules.apply(this.current, { kind: 'fact', record: this.own }, this.limits));
    this.gossip.publish({ kind: 'fact', record: this.own });
  }

  private change(next: ClusterState): void {
    const before = this.current;
    if (next === before) return;
    this.current = this.withWaiting(next);
    if (this.current.decisions !== before.decisions) this.keeper.changed(this.current.decisions);
    if (!this.stopped) this.options.observer.stateChanged(this.current, before);
    this.settleSubmissions();
    this.defendOwnFact();
  }

  /** Words of an earlier life, or the cluster's belief that this node is gone, are overruled by a new incarnation. */
  private defendOwnFact(): void {
    const { nodeId } = this.own;
    const known = this.current.facts[nodeId];
    const isHeard = known !== undefined && !isNewer(known, this.own);
    if (isHeard || this.own.fact.departed) return;
    const forgotten = forgottenIncarnation(this.current.decisions, nodeId) ?? 0;
    const latest = Math.max(known?.incarnation ?? 0, forgotten, this.own.incarnation);
    this.own = { ...this.own, incarnation: incarnationAfter(latest, this.options.random), version: 1 };
    this.sayAgain();
  }

  /** Decisions that waited for an earlier one follow it. */
  private withWaiting(state: ClusterState): ClusterState {
    let result = state;
    for (;;) {
      const decision = this.waiting.take(result.decisions);
      if (!decision) return result;
      result = this.rules.apply(result, { kind: 'decision', decision }, this.limits);
    }
  }

  private settleSubmissions(): void {
    for (const { id, change } of this.submissions.waiting()) {
      const decision = findDecision(this.current.decisions, id, change);
      if (decision) this.submissions.decided(decision, this.isHeldElsewhere(decision));
    }
  }

  /** What another leader decided is held by it, too, or by who told of it. */
  private isHeldElsewhere({ session }: Decision): boolean {
    return session.leader !== this.options.nodeId || this.options.bus.neighbours().length === 0;
  }

  private receiveFact(from: string, message: Extract<ConsensusMessage, { kind: 'fact' }>): void {
    const { record } = message;
    if (!isNewer(record, this.current.facts[record.nodeId])) return;
    this.change(this.rules.apply(this.current, { kind: 'fact', record }, this.limits));
    if (this.current.facts[record.nodeId] === record) this.gossip.forward(message, from, record.nodeId);
  }

  private receiveDecision(from: string, decision: Decision): void {
    const acknowledge = () => {
      // Where an earlier one is missing it is not held yet; the leader asks again.
      if (from !== decision.session.leader || !hasSeen(this.current.decisions, decision)) return;
      this.gossip.send(from, { kind: 'acknowledgement', decision: decision.id });
    };
    if (this.waiting.has(decision)) return;
    if (hasSeen(this.current.decisions, decision)) {
      acknowledge();
      // It may have been overwritten meanwhile, and would not be found.
      this.submissions.decided(decision, this.isHeldElsewhere(decision));
      return;
    }
    if (isNext(this.current.decisions, decision)) {
      this.change(this.rules.apply(this.current, { kind: 'decision', decision }, this.limits));
    } else {
      this.waiting.add(decision);
      this.after(repairMilliseconds, () => {
        if (this.waiting.has(decision)) this.sendDigest(from);
      });
    }
    acknowledge();
    this.gossip.forward({ kind: 'decision', decision }, from, decision.session.leader);
  }

  // Election.

  private receiveCandidacy(from: string, candidacy: Candidacy): void {
    if (candidacy.nodeId !== this.options.nodeId) this.presence.spoke(candidacy.nodeId);
    if (this.election.receive(candidacy)) this.gossip.forward({ kind: 'candidacy', candidacy }, from, candidacy.nodeId);
  }

  private elected({ nodeId, clock }: Candidacy): void {
    const isSelf = nodeId === this.options.nodeId;
    if (!isSelf) this.office = undefined;
    else if (this.office?.term !== clock) this.office = new Office(nodeId, clock, this.options.random);
    this.options.observer.leaderChanged(this.leader);
    this.submissions.retry();
  }

  /** Whether this node is not connected to it, and is not it. */
  private isFar({ nodeId }: { readonly nodeId: string }): boolean {
    return nodeId !== this.options.nodeId && !this.presence.isNeighbour(nodeId);
  }

  // Commands.

  /** One step towards the leader; the leader decides. */
  private route(command: Command, attempt: number, from?: string): void {
    const message = { kind: 'command', command, attempt } as const;
    this.gossip.isFirst(nameOf(message));
    if (this.office) this.decide(this.office, command, attempt);
    else this.gossip.sendTowards(this.leader.nodeId, message, from);
  }

  private decide(office: Office, command: Command, attempt: number): void {
    const refusal = this.refusalOf(command);
    const decided = refusal ? undefined : office.decide(command, this.current.decisions);
    if (refusal) this.reject(command, attempt, refusal);
    else if (decided) this.announce(command, decided);
    // Another leader's decisions came here before its candidacy did.
    else if (!this.election.isCampaigning) this.election.campaign(highest(this.current.decisions).term + 1);
  }

  private announce(command: Command, { decision, isNew }: Decided): void {
    if (isNew) {
      this.change(this.rules.apply(this.current, { kind: 'decision', decision }, this.limits));
      this.gossip.publish({ kind: 'decision', decision });
    } else if (command.origin === this.options.nodeId) {
      this.submissions.decided(decision, this.isHeldElsewhere(decision));
    } else this.gossip.sendTowards(command.origin, { kind: 'decision', decision });
  }

  private refusalOf({ change }: Command): ShoalError | undefined {
    const registers = Object.keys(this.current.decisions.registers).length;
    if (registers < maximumRegisters || !registerOf(change).holds) return undefined;
    return new ShoalError('CLUSTER_STATE_FULL', `the cluster keeps ${registers} decisions in force, which is the most`);
  }

  private reject({ id, origin }: Command, attempt: number, error: ShoalError): void {
    const { code, message } = error;
    if (origin === this.options.nodeId) this.submissions.rejected(id, error);
    else this.gossip.sendTowards(origin, { kind: 'rejection', command: id, origin, attempt, code, message });
  }

  private receiveRejection(from: string, message: Extract<ConsensusMessage, { kind: 'rejection' }>): void {
    if (message.origin === this.options.nodeId) {
      this.submissions.rejected(message.command, errorFromCode(message.code, message.message));
    } else if (this.gossip.isFirst(nameOf(message))) {
      this.gossip.sendTowards(message.origin, message, from);
    }
  }

  // Comparing notes with neighbours.

  private receiveDigest(from: string, digest: Digest): void {
    this.presence.learn(digest.entries);
    const isBehind = this.rules.compare(digest.candidacy, this.election.best) < 0;
    if (this.election.receive(digest.candidacy)) {
      this.gossip.forward({ kind: 'candidacy', candidacy: digest.candidacy }, from, digest.candidacy.nodeId);
    }
    const { lacking, isWanting } = compareDigest(this.current, digest);
    if (lacking) this.gossip.send(from, { kind: 'snapshot', snapshot: lacking });
    const differs = digest.reply === 'if-different' && (isWanting || isBehind);
    if (digest.reply === 'always' || differs) this.sendDigest(from, 'never');
  }

  private sendDigest(nodeId: string, reply = this.replyWanted()): void {
    const known = digestOf(this.current, (other) => this.presence.beatOf(other));
    this.gossip.send(nodeId, { kind: 'digest', digest: { ...known, candidacy: this.election.best, reply } });
  }

  /** Nodes that are not connected to this one are heard of only as often as neighbours tell. */
  private replyWanted(): Digest['reply'] {
    const isFar = ({ nodeId, fact }: FactRecord) =>
      !fact.departed && this.isFar({ nodeId }) && this.presence.isPresent(nodeId);
    return Object.values(this.current.facts).some(isFar) ? 'always' : 'if-different';
  }

  private scheduleTick(): void {
    // Spread, so that nodes that started together do not speak together.
    const jitter = 0.9 + this.options.random.next() / 5;
    this.after(tickMilliseconds * jitter, () => {
      this.tick();
      this.scheduleTick();
    });
  }

  private tick(): void {
    this.ticks++;
    this.presence.beat((nodeId) => this.current.facts[nodeId] !== undefined);
    if (this.ticks % ticksPerDigest === 0) {
      for (const nodeId of this.gossip.choose(neighboursPerDigest)) this.sendDigest(nodeId);
    }
    this.submissions.retry();
    if (!this.election.isCampaigning && !this.presence.isPresent(this.leader.nodeId)) this.election.campaign();
    this.forgetAbsent();
  }

  /** A leader has what is gone for long forgotten. Should a node come back, it says so itself. */
  private forgetAbsent(): void {
    for (const change of this.absences.look(this.current, (nodeId) => this.presence.isPresent(nodeId))) {
      // Should it fail, it is still absent after as long again.
      if (this.office) this.submit(change).catch(() => undefined);
    }
  }

  private after(milliseconds: number, run: () => void): void {
    const cancel = this.options.clock.schedule(milliseconds, () => {
      this.timers.delete(cancel);
      if (!this.stopped) run();
    });
    this.timers.add(cancel);
  }
}

/** What a message on its way is known by. */
function nameOf(message: Extract<ConsensusMessage, { kind: 'command' | 'rejection' }>): string {
  const command = message.kind === 'command' ? message.command.id : message.command;
  return `${message.kind} ${command} ${message.attempt}`;
}
