import { isAbsolute, resolve } from 'node:path';
import type {
  ClusterEvent,
  ClusterLeader,
  ClusterState,
  ClusterTopology,
  Explanation,
  InstanceSummary,
  LoadOptions,
  LoadProgress,
  LogRecord,
  LogRequest,
  MoveRequest,
  NodeApi,
  NodeOperation,
  NodeService,
  NodeSummary,
  PlanNumbers,
  WhatIf,
} from '@shoal/core';
import { ShoalError } from '@shoal/core/client';
import { languageModel } from './language-model/language-model.js';
import type { LanguageModel } from './language-model/specification.js';
import { LoadedModel } from './loaded-model.js';
import { type MachineReport, machinesOf } from './machines.js';

/** Progress of a load, summed over its members. */
export interface LoadProgressed {
  readonly loadedBytes: number;
  readonly totalBytes: number;
  /** Each member's part, as far as it has reported. */
  readonly members: readonly LoadProgress[];
}

export interface LoadModelOptions extends LoadOptions {
  readonly onProgress?: (progress: LoadProgressed) => void;
  readonly signal?: AbortSignal;
}

export interface MoveModelOptions extends Partial<MoveRequest> {
  readonly signal?: AbortSignal;
}

export interface OperateOptions {
  /** For people: why. */
  readonly reason?: string;
  readonly signal?: AbortSignal;
}

export interface DrainOptions extends OperateOptions {
  readonly deadlineMilliseconds?: number;
}

export interface LeaveOptions extends DrainOptions {
  /** Without draining: what it has a part in fails. */
  readonly now?: boolean;
}

export interface KeepOptions extends LoadOptions {
  readonly signal?: AbortSignal;
}

/** Beside how it would be loaded: what is pretended. `{ without: ['anna'] }`, `{ added: [{ like: 'ben' }] }`. */
export interface ExplainOptions extends LoadOptions, WhatIf {
  readonly signal?: AbortSignal;
}

/** Who would compute what, and why. */
export interface PlanExplanation {
  readonly outcome: Explanation['outcome'];
  /** For people. */
  readonly text: string;
  /** What every member needs and its device has, and what other shapes would need; absent for a refusal. */
  readonly numbers?: PlanNumbers;
  /** What every stage computes, with the shard state of each value. */
  program(): string;
}

type Listener = (event: ClusterEvent) => void;

export interface ClusterParts {
  readonly service: NodeService;
  readonly nodeName: string;
  readonly home: string;
  /** Where others reach this node; empty for an attached program. */
  readonly addresses: () => readonly string[];
  /** APIs of this program's node; empty for an attached program. */
  readonly apis?: readonly NodeApi[];
  readonly close: () => Promise<void>;
}

/** The machines as one engine. Made by `createCluster` or `attach`. */
export class Cluster implements AsyncDisposable {
  private readonly listeners = new Map<ClusterEvent['kind'] | '*', Set<Listener>>();
  private readonly watching = new AbortController();
  private readonly loaded = new Set<string>();
  private isWatching = false;
  private closing: Promise<void> | undefined;

  constructor(private readonly parts: ClusterParts) {}

  /** The node that this program is, or is attached to. */
  get nodeId(): string {
    return this.parts.service.nodeId;
  }

  get nodeName(): string {
    return this.parts.nodeName;
  }

  get home(): string {
    return this.parts.home;
  }

  /** Multiaddresses for other nodes' `peers`. */
  get addresses(): readonly string[] {
    return this.parts.addresses();
  }

  /** Where this program's node serves other programs, and why an API does not. Empty for an attached program. */
  get apis(): readonly NodeApi[] {
    return this.parts.apis ?? [];
  }

  /** What the node does for programs, for those that need more than this class offers. */
  get nodeService(): NodeService {
    return this.service();
  }

  /** This node first, then its peers, then those that were refused, with the reason. */
  async nodes(): Promise<readonly NodeSummary[]> {
    return this.service().nodes();
  }

  /** What the cluster agrees on: its leader, its nodes and how they are operated, its instances. */
  async state(): Promise<ClusterState> {
    return this.service().state();
  }

  /** The node that puts the cluster's decisions in order. Another one follows when it is lost; nothing is unloaded. */
  async leader(): Promise<ClusterLeader> {
    return (await this.state()).leader;
  }

  /** Has a node take no new shares; what it serves goes on. By name or id, from any node; so all that follow. */
  async cordon(node: string, options: OperateOptions = {}): Promise<void> {
    await this.operate({ kind: 'cordon', node }, options);
  }

  /** Ends `cordon` and `drain`. */
  async uncordon(node: string, options: OperateOptions = {}): Promise<void> {
    await this.operate({ kind: 'uncordon', node }, options);
  }

  /**
   * Has a node take no new shares, and the instances that it has a part in move to other nodes between requests. Resolves
   * when it is idle; rejects with NODE_NOT_DRAINED when instances have nowhere to go, or at the deadline (ten minutes).
   */
  async drain(node: string, options: DrainOptions = {}): Promise<void> {
    await this.operate({ kind: 'drain', node }, options);
  }

  /**
   * Has a node, or an instance, take no new requests; running ones go on, and nothing is unloaded. Requests pass on to
   * another instance of the same model; where there is none, they end with INSTANCE_PAUSED.
   */
  async pause(target: string | LoadedModel, options: OperateOptions = {}): Promise<void> {
    await this.operate(await this.pausing('pause', target), options);
  }

  /** Ends `pause`. */
  async resume(target: string | LoadedModel, options: OperateOptions = {}): Promise<void> {
    await this.operate(await this.pausing('resume', target), options);
  }

  /** Gives a node another name. */
  async rename(node: string, name: string, options: OperateOptions = {}): Promise<void> {
    await this.operate({ kind: 'rename', node, name }, options);
  }

  /** Has a node leave the cluster: drained first, unless it is to go `now`. Its process ends if it is only a node. */
  async leave(node: string, options: LeaveOptions = {}): Promise<void> {
    await this.operate({ kind: 'leave', node }, options);
  }

  /**
   * Has the cluster keep a model loaded, wherever there is room for it, until `drop` or `unload`: it outlives this program, and
   * is loaded again when a node that held a part of it is lost. Resolves when that is decided, with what `drop` takes; the
   * leader plans and loads it then (see `state`).
   */
  async keep(model: string, { signal, ...options }: KeepOptions = {}): Promise<string> {
    const order = { kind: 'keep', model: modelReference(model), options } as const;
    return (await this.service().operate(order, signal)).wish ?? '';
  }

  /** Ends `keep`, and unloads the model. */
  async drop(wish: string, { signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    await this.service().operate({ kind: 'drop', wish }, signal);
  }

  /** What is loaded, here or anywhere in the cluster. */
  async instances(): Promise<readonly InstanceSummary[]> {
    return this.service().instances();
  }

  /**
   * Plans and loads a model: a folder with a checkpoint, or the name of one in a model library. What a cluster object
   * loaded is unloaded when it closes. Rejects with a coded error; PLAN_DOES_NOT_FIT comes with the numbers.
   */
  async load(model: string, { onProgress, signal, ...options }: LoadModelOptions = {}): Promise<LoadedModel> {
    const members = new Map<string, LoadProgress>();
    const progressed = (progress: LoadProgress) => {
      members.set(`${progress.stage}/${progress.member}`, progress);
      const all = [...members.values()];
      const sum = (field: 'loadedBytes' | 'totalBytes') => all.reduce((total, one) => total + one[field], 0);
      onProgress?.({ loadedBytes: sum('loadedBytes'), totalBytes: sum('totalBytes'), members: all });
    };
    const summary = await this.service().load(modelReference(model), options, { signal, onProgress: progressed });
    this.loaded.add(summary.instance);
    return this.modelOf(summary);
  }

  /** A model that is loaded already, by its instance (see `instances`). */
  async model(instance: string): Promise<LoadedModel> {
    const all = await this.instances();
    const summary = all.find((one) => one.instance === instance || one.replaces?.includes(instance));
    if (!summary) throw new ShoalError('INSTANCE_NOT_FOUND', `no instance ${instance} is loaded`);
    return this.modelOf(summary);
  }

  /**
   * A model for the Vercel AI SDK (provider specification V4): `generateText({ model: cluster.languageModel(id), … })`.
   * `id` is the name of a model that is loaded anywhere in the cluster, or an instance; it is looked up by each call.
   */
  languageModel(id: string): LanguageModel {
    return languageModel(id, async () => {
      const serving = (await this.instances()).filter(({ state }) => state === 'ready');
      const names = (one: InstanceSummary) => [one.instance, one.plan.modelName, one.model];
      const found = serving.find((one) => names(one).includes(id));
      if (found) return this.modelOf(found);
      const loaded = serving.map(({ plan }) => plan.modelName).join(', ') || 'none';
      throw new ShoalError('INSTANCE_NOT_FOUND', `no model ${id} is loaded in this cluster (loaded: ${loaded})`);
    });
  }

  async unload(model: LoadedModel | string): Promise<void> {
    const instance = typeof model === 'string' ? model : model.instance;
    this.loaded.delete(instance);
    await this.service().unload(instance);
  }

  /**
   * Plans a loaded model anew, loads it there, and unloads it here once its requests have ended; new requests go to the new
   * one at once. `LoadedModel`s of the old one go on working. For example to do `without` a node that is wanted elsewhere.
   */
  async move(
    model: LoadedModel | string,
    { signal, reason = 'a program asked for it', ...request }: MoveModelOptions = {},
  ): Promise<LoadedModel> {
    const instance = typeof model === 'string' ? model : model.instance;
    const moved = await this.service().move(instance, { reason, ...request }, signal);
    if (this.loaded.delete(instance)) this.loaded.add(moved.instance.instance);
    return this.modelOf(moved.instance);
  }

  /** What `load` would do, without loading: as the cluster is, or without some of its nodes, or with more of them. */
  async explain(
    model: string,
    { signal, without, added, unloaded, ...options }: ExplainOptions = {},
  ): Promise<PlanExplanation> {
    const whatIf = {
      ...(without === undefined ? {} : { without }),
      ...(added === undefined ? {} : { added }),
      ...(unloaded === undefined ? {} : { unloaded }),
    };
    const answer = await this.service().explain(modelReference(model), options, signal, whatIf);
    const { outcome, text, numbers, programs } = answer;
    return { outcome, text, ...(numbers === undefined ? {} : { numbers }), program: () => programs.join('\n\n') };
  }

  /**
   * Nodes with their devices and interfaces, and the links between them, each number with where it is from.
   * `topologyGraph` makes a graph of it.
   *
   * Without `fresh`: what nodes have measured by themselves, latency every half minute or so, bandwidth only before
   * placements; it is there at once. With `fresh`: all nodes measure the links whose numbers are older than ten seconds,
   * latency first and then bandwidth for as long as time allows, and what they find is awaited, a second and a half, or
   * some seconds where links are long. What is not measured by then stays as it was: `measuredAt` of each link says when that was. It loads the
   * links while it runs, so ask for it before a decision and not all the time.
   */
  async topology(options: { readonly fresh?: boolean; readonly signal?: AbortSignal } = {}): Promise<ClusterTopology> {
    return this.service().topology(options);
  }

  /** Every node's machine: its processor, memory and devices, how fast these are, and how it fares now. */
  async machines({ signal }: { readonly signal?: AbortSignal } = {}): Promise<readonly MachineReport[]> {
    return machinesOf(this.service(), signal);
  }

  /**
   * What the node has written down, then, with `follow`, what comes; of another node with `node`. The iterable ends when
   * the signal aborts.
   */
  logs({ signal, ...request }: LogRequest & { readonly signal?: AbortSignal } = {}): AsyncIterable<LogRecord> {
    const both = signal ? AbortSignal.any([signal, this.watching.signal]) : this.watching.signal;
    return this.service().logs(request, both);
  }

  /** Calls the listener for every event of the kind (`*`: of any kind) from now on. Returns what ends that. */
  on<Kind extends ClusterEvent['kind'] | '*'>(
    kind: Kind,
    listener: (event: Kind extends '*' ? ClusterEvent : Extract<ClusterEvent, { kind: Kind }>) => void,
  ): () => void {
    const listeners = this.listeners.get(kind) ?? new Set();
    this.listeners.set(kind, listeners);
    listeners.add(listener as Listener);
    this.watch();
    return () => listeners.delete(listener as Listener);
  }

  /** Unloads what this object loaded and leaves the cluster; idempotent. */
  close(): Promise<void> {
    this.closing ??= this.closeNow();
    return this.closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private async operate(
    operation: NodeOperation,
    { signal, ...details }: OperateOptions & LeaveOptions,
  ): Promise<void> {
    await this.service().operate({ ...operation, ...details }, signal);
  }

  /** An instance has an id of 16 hexadecimal digits. */
  private async pausing(verb: 'pause' | 'resume', target: string | LoadedModel): Promise<NodeOperation> {
    const wanted = typeof target === 'string' ? target : target.instance;
    const { instances, nodes } = await this.state();
    const isNode = nodes.some(({ nodeId, nodeName }) => nodeId === wanted || nodeName === wanted);
    const isInstance = instances.some(({ instance }) => instance === wanted) || /^[0-9a-f]{16}$/.test(wanted);
    return isInstance && !isNode ? { kind: `${verb}-instance`, instance: wanted } : { kind: verb, node: wanted };
  }

  private service(): NodeService {
    if (this.closing) throw new ShoalError('CLUSTER_CLOSED', 'the cluster is closed');
    return this.parts.service;
  }

  private modelOf(summary: InstanceSummary): LoadedModel {
    return new LoadedModel(this.parts.service, summary, (instance) => this.unload(instance));
  }

  private watch(): void {
    if (this.isWatching) return;
    this.isWatching = true;
    const events = this.service().watch(this.watching.signal);
    const run = async () => {
      for await (const event of events) {
        for (const kind of [event.kind, '*'] as const) {
          for (const listener of this.listeners.get(kind) ?? []) listener(event);
        }
      }
    };
    // The stream of events ends with the connection, which every other call reports.
    run().catch(() => undefined);
  }

  private async closeNow(): Promise<void> {
    const { service } = this.parts;
    await Promise.all([...this.loaded].map((instance) => service.unload(instance).catch(() => undefined)));
    this.watching.abort();
    await this.parts.close();
  }
}

/** A path is one of this process; a name is looked up by each node. */
function modelReference(model: string): string {
  return isAbsolute(model) || /^\.\.?([\\/]|$)/.test(model) ? resolve(model) : model;
}
