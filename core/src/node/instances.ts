/**
 * The instances that this node has a part in, and what becomes of them. Every node of an instance decides by itself when
 * the instance has failed, so that no single loss can keep the others waiting; the first cause wins.
 */
import { maximumReplaced } from '../consensus/facts.js';
import { inject, injectable } from '../runtime/injection.js';
import { ShoalError } from '../spec/errors.js';
import type { ClusterEvent } from '../spec/events.js';
import type { Plan } from '../spec/plan.js';
import type { InstanceState, InstanceSummary, LoadOptions } from './service.js';
import { nodeTokens } from './tokens.js';

export interface InstanceRecord {
  readonly id: string;
  readonly epoch: number;
  readonly model: string;
  readonly plan: Plan;
  /** The node that ordered the load; it owns the instance until it is ready. */
  readonly coordinatorId: string;
  /** Earlier instances whose place it takes, the last one first. */
  replaces: readonly string[];
  readonly options: LoadOptions;
  /** What takes its place; '' while that is still to be loaded. Known to the head's node. */
  successor?: string;
  /** By `performance.now()`. */
  readonly addedAt: number;
  state: InstanceState;
  failure: ShoalError | undefined;
}

export type NewInstance = Pick<InstanceRecord, 'id' | 'epoch' | 'model' | 'plan' | 'coordinatorId'> &
  Partial<Pick<InstanceRecord, 'replaces' | 'options'>>;

/** How a failure is known. Second-hand: a peer was lost from sight, which may be the effect of an earlier cause. */
export type Evidence = 'first-hand' | 'second-hand' | 'reported';

/** Second-hand evidence waits this long for the node concerned to say what really happened. */
const secondHandDelayMilliseconds = 250;
const keptEndedInstances = 100;

export interface InstanceListener {
  /** Called once an instance has failed: end its requests, free its members. */
  failed(record: InstanceRecord, error: ShoalError, evidence: Evidence): void;
}

@injectable()
export class Instances {
  private readonly records = new Map<string, InstanceRecord>();
  private readonly suspicions = new Map<string, NodeJS.Timeout>();
  private readonly listeners: InstanceListener[] = [];
  private readonly observers: (() => void)[] = [];

  constructor(@inject(nodeTokens.emit) private readonly emit: (event: ClusterEvent) => void) {}

  onFailed(listener: InstanceListener): void {
    this.listeners.push(listener);
  }

  /** Called after every change of what `list` says. */
  onChanged(observer: () => void): void {
    this.observers.push(observer);
  }

  add({ replaces = [], options = {}, ...record }: NewInstance): InstanceRecord {
    const known = this.records.get(record.id);
    if (known) return known;
    const added: InstanceRecord = {
      ...record,
      replaces,
      options,
      addedAt: performance.now(),
      state: 'loading',
      failure: undefined,
    };
    this.records.set(record.id, added);
    this.forgetOldest();
    this.changed();
    return added;
  }

  get(id: string): InstanceRecord | undefined {
    return this.records.get(id);
  }

  list(): InstanceRecord[] {
    return [...this.records.values()];
  }

  /** An instance takes the place of others that were loaded beside it. Throws INSTANCE_NOT_FOUND. */
  adopt(id: string, names: readonly string[]): void {
    const record = this.records.get(id);
    if (record?.state !== 'ready') throw new ShoalError('INSTANCE_NOT_FOUND', `no instance ${id} serves here`);
    const added = names.filter((name) => name !== id && !record.replaces.includes(name));
    if (added.length === 0) return;
    record.replaces = [...added, ...record.replaces].slice(0, maximumReplaced);
    this.changed();
  }

  ready(id: string): void {
    const record = this.records.get(id);
    if (record?.state !== 'loading') return;
    record.state = 'ready';
    this.changed();
    this.emit({ kind: 'instance-loaded', instance: id, plan: record.plan });
  }

  unloaded(id: string): void {
    const record = this.records.get(id);
    if (!record) return;
    this.forget(id);
    const wasVisible = record.state === 'ready';
    record.state = 'unloaded';
    this.changed();
    if (wasVisible) this.emit({ kind: 'instance-unloaded', instance: id });
  }

  /** A member cannot go on. Ignored when the instance has ended already. */
  fail(id: string, error: ShoalError, evidence: Evidence): void {
    const record = this.records.get(id);
    if (!record || record.state === 'failed' || record.state === 'unloaded') return;
    if (evidence === 'second-hand') {
      if (this.suspicions.has(id)) return;
      const timer = setTimeout(() => this.settle(record, error, evidence), secondHandDelayMilliseconds);
      this.suspicions.set(id, timer);
      return;
    }
    this.settle(record, error, evidence);
  }

  /** The failure of an instance that is about to be known; undefined when there is none after a short wait. */
  async failureOf(id: string): Promise<ShoalError | undefined> {
    const end = performance.now() + 2 * secondHandDelayMilliseconds;
    for (;;) {
      const record = this.records.get(id);
      if (record?.failure || record?.state !== 'ready' || performance.now() > end) return record?.failure;
      await new Promise((wake) => setTimeout(wake, 25));
    }
  }

  private settle(record: InstanceRecord, error: ShoalError, evidence: Evidence): void {
    clearTimeout(this.suspicions.get(record.id));
    this.suspicions.delete(record.id);
    if (record.state === 'failed' || record.state === 'unloaded') return;
    const wasReady = record.state === 'ready';
    record.state = 'failed';
    record.failure = error;
    this.changed();
    for (const listener of this.listeners) listener.failed(record, error, evidence);
    // A load that fails is reported to who asked for it; only what was serving is news to everybody.
    if (!wasReady) return;
    const nodeId = error.details.nodeId;
    this.emit({
      kind: 'instance-failed',
      instance: record.id,
      code: error.code,
      message: error.message,
      ...(typeof nodeId === 'string' ? { nodeId } : {}),
    });
  }

  private changed(): void {
    for (const observer of this.observers) observer();
  }

  private forget(id: string): void {
    clearTimeout(this.suspicions.get(id));
    this.suspicions.delete(id);
    this.records.delete(id);
  }

  /** Failed instances are kept, so that a late request is told why. */
  private forgetOldest(): void {
    const ended = [...this.records.values()].filter(({ state }) => state === 'failed');
    for (const record of ended.slice(0, Math.max(0, ended.length - keptEndedInstances))) this.forget(record.id);
  }
}

/** Nodes that have a part in an instance. */
export function nodesOf(record: Pick<InstanceRecord, 'plan' | 'coordinatorId'>): Set<string> {
  const members = record.plan.stages.flatMap((stage) => stage.members.map(({ nodeId }) => nodeId));
  return new Set([...members, record.coordinatorId]);
}

/** The node of the head, which takes the instance's requests. */
export function headOf(plan: Plan): { readonly nodeId: string; readonly nodeName: string } {
  const head = plan.stages[0]?.members[0];
  return { nodeId: head?.nodeId ?? '', nodeName: head?.nodeName ?? '' };
}

export function summarize(record: InstanceRecord): InstanceSummary {
  const { id, epoch, state, model, plan, replaces, options, failure } = record;
  return {
    instance: id,
    epoch,
    state,
    model,
    plan,
    ...(Object.keys(options).length === 0 ? {} : { options }),
    ...(replaces.length === 0 ? {} : { replaces }),
    ...(failure === undefined ? {} : { failure: { code: failure.code, message: failure.message } }),
  };
}
