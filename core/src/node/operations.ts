/**
 * Operating nodes and instances: what an operator asks of any node, decided by the cluster or passed on to the node that it
 * concerns. Who may: programs of a node's own user (its local socket) and members of the cluster, which hold its key.
 */
import type { Change } from '../consensus/changes.js';
import { randomId, systemRandom } from '../consensus/environment.js';
import { parseDocument } from '../control/messages.js';
import type { Peers } from '../control/peers.js';
import { inject, injectable } from '../runtime/injection.js';
import { ShoalError } from '../spec/errors.js';
import type { Agreement } from './agreement.js';
import type { ClusterInstance, ClusterNode } from './cluster-state.js';
import type { Coordinator } from './coordinator.js';
import type { LoadOptions } from './service.js';
import type { NodeSettings } from './settings.js';
import { nodeTokens } from './tokens.js';
import { invalid, loadOptionsFromJson } from './wire.js';

/** JSON. `node` is a name or an id, `instance` an id. */
export type NodeOperation =
  /** It takes no new shares; what it serves goes on. */
  | { readonly kind: 'cordon'; readonly node: string; readonly reason?: string }
  /** Neither cordoned nor drained any more. */
  | { readonly kind: 'uncordon'; readonly node: string }
  /** It takes no new shares, and the instances that it has a part in move away between requests. */
  | { readonly kind: 'drain'; readonly node: string; readonly reason?: string; readonly deadlineMilliseconds?: number }
  /** The instances that it has a part in take no new requests; running ones go on. */
  | { readonly kind: 'pause'; readonly node: string; readonly reason?: string }
  | { readonly kind: 'resume'; readonly node: string }
  | { readonly kind: 'pause-instance'; readonly instance: string; readonly reason?: string }
  | { readonly kind: 'resume-instance'; readonly instance: string }
  | { readonly kind: 'rename'; readonly node: string; readonly name: string }
  /** The cluster keeps the model loaded, wherever there is room, and loads it again when what held it is lost. */
  | { readonly kind: 'keep'; readonly model: string; readonly options: LoadOptions }
  /** Ends that, and unloads it. */
  | { readonly kind: 'drop'; readonly wish: string }
  /** It is drained first, unless told to go `now`. */
  | { readonly kind: 'leave'; readonly node: string; readonly now?: boolean; readonly deadlineMilliseconds?: number };

export interface NodeOperationOutcome {
  readonly kind: NodeOperation['kind'];
  /** The node that it concerned. */
  readonly nodeId?: string;
  /** Its name now. */
  readonly nodeName?: string;
  readonly instance?: string;
  /** What `drop` takes. */
  readonly wish?: string;
}

/** What a node does to itself. */
export interface SelfOperations {
  rename(name: string): Promise<void>;
  /** Ends the node a moment later, so that the answer still gets out. */
  leave(): void;
}

const defaultDrainDeadlineMilliseconds = 10 * 60_000;
const orderDeadlineMilliseconds = 10_000;
const longestName = 100;

@injectable()
export class Operations {
  constructor(
    @inject(nodeTokens.settings) private readonly settings: NodeSettings,
    @inject(nodeTokens.peers) private readonly peers: Peers,
    @inject(nodeTokens.agreement) private readonly agreement: Agreement,
    @inject(nodeTokens.coordinator) private readonly coordinator: Coordinator,
    @inject(nodeTokens.selfOperations) private readonly self: SelfOperations,
  ) {}

  /**
   * Rejects with NODE_NOT_FOUND, INSTANCE_NOT_FOUND, NODE_NOT_DRAINED, NODE_UNREACHABLE, and as `Agreement.submit` does.
   */
  async operate(operation: NodeOperation, signal: AbortSignal): Promise<NodeOperationOutcome> {
    const { kind } = operation;
    if (kind === 'pause-instance' || kind === 'resume-instance') return this.operateInstance(operation, signal);
    if (kind === 'keep' || kind === 'drop') return this.wish(operation, signal);
    const { nodeId, nodeName } = this.find(operation.node);
    const outcome = { kind, nodeId, nodeName };
    switch (kind) {
      case 'cordon':
        await this.decide({ kind: 'cordon-node', nodeId, reason: reasonOf(operation) }, signal);
        return outcome;
      case 'uncordon':
        await this.decide({ kind: 'uncordon-node', nodeId }, signal);
        return outcome;
      case 'drain':
        await this.drain(nodeId, operation, signal);
        return outcome;
      case 'pause':
        await this.decide({ kind: 'pause-node', nodeId, reason: reasonOf(operation) }, signal);
        return outcome;
      case 'resume':
        await this.decide({ kind: 'resume-node', nodeId }, signal);
        return outcome;
      case 'rename':
        await this.order(nodeId, operation, signal);
        return { ...outcome, nodeName: operation.name.trim() };
      case 'leave':
        await this.leave(nodeId, operation, signal);
        return outcome;
    }
  }

  /** What another member of the cluster orders of this very node. Throws REQUEST_INVALID. */
  async obey(operation: NodeOperation, signal: AbortSignal): Promise<NodeOperationOutcome> {
    const { nodeId } = this.settings;
    if (operation.kind === 'rename') {
      const name = operation.name.trim();
      if (name === '' || name.length > longestName) throw invalid(`a name has 1 to ${longestName} characters`);
      await this.self.rename(name);
      this.agreement.refresh();
    } else if (operation.kind === 'leave') this.self.leave();
    else if (operation.kind === 'keep') {
      // The leader's: it does not have the model itself.
      const { model, options } = operation;
      const { instance } = await this.coordinator.load(model, options, () => undefined, signal);
      return { kind: 'keep', instance };
    } else throw invalid(`a node cannot be ordered to ${operation.kind}; that is decided by the cluster`);
    return { kind: operation.kind, nodeId, nodeName: this.settings.nodeName };
  }

  private async operateInstance(
    operation: Extract<NodeOperation, { kind: 'pause-instance' | 'resume-instance' }>,
    signal: AbortSignal,
  ): Promise<NodeOperationOutcome> {
    const { kind, instance } = operation;
    if (!this.agreement.cluster().instances.some((one) => one.instance === instance)) {
      throw new ShoalError('INSTANCE_NOT_FOUND', `no node serves an instance ${instance}`, { details: { instance } });
    }
    if (kind === 'resume-instance') await this.decide({ kind, instance }, signal);
    else await this.decide({ kind, instance, reason: reasonOf(operation) }, signal);
    return { kind, instance };
  }

  private async wish(
    operation: Extract<NodeOperation, { kind: 'keep' | 'drop' }>,
    signal: AbortSignal,
  ): Promise<NodeOperationOutcome> {
    const { kind } = operation;
    if (kind === 'keep') {
      const { model, options } = operation;
      const wish = randomId(systemRandom);
      await this.decide({ kind: 'want-model', wish, model, optionsJson: JSON.stringify(options) }, signal);
      return { kind, wish };
    }
    const { wish } = operation;
    if (!this.agreement.cluster().wishes.some((one) => one.wish === wish)) {
      throw new ShoalError('INSTANCE_NOT_FOUND', `the cluster keeps nothing loaded for ${wish}`, { details: { wish } });
    }
    await this.decide({ kind: 'drop-model', wish }, signal);
    return { kind, wish };
  }

  private async decide(change: Change, signal: AbortSignal): Promise<void> {
    await this.agreement.submit(change, { signal });
  }

  /** Resolves when the node has no part in any instance. The node stays drained, however this ends. */
  private async drain(
    nodeId: string,
    operation: { readonly reason?: string; readonly deadlineMilliseconds?: number },
    signal: AbortSignal,
  ): Promise<void> {
    await this.decide({ kind: 'drain-node', nodeId, reason: reasonOf(operation) }, signal);
    const deadline = AbortSignal.timeout(operation.deadlineMilliseconds ?? defaultDrainDeadlineMilliseconds);
    const either = AbortSignal.any([signal, deadline]);
    for (;;) {
      const changed = this.nextChange(either);
      const left = this.instancesOn(nodeId);
      if (left.length === 0) return;
      const isStuck = left.every(({ stuck }) => stuck !== undefined);
      if (isStuck || deadline.aborted) throw this.notDrained(nodeId, left);
      signal.throwIfAborted();
      await changed;
    }
  }

  private nextChange(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        end();
        signal.removeEventListener('abort', wake);
        resolve();
      };
      const end = this.agreement.onChanged(wake);
      signal.addEventListener('abort', wake, { once: true });
      if (signal.aborted) wake();
    });
  }

  private instancesOn(nodeId: string): ClusterInstance[] {
    const { instances } = this.agreement.cluster();
    return instances.filter((one) => one.isPresent && one.state !== 'failed' && one.nodeIds.includes(nodeId));
  }

  private notDrained(nodeId: string, left: readonly ClusterInstance[]): ShoalError {
    const { nodeName } = this.find(nodeId);
    const list = left.map(({ modelName, instance, stuck }) => `${modelName} (${instance}): ${stuck ?? 'still moving'}`);
    const details = { nodeId, instances: left.map(({ instance }) => instance) };
    const message = `node ${nodeName} still has a part in ${left.length} instances: ${list.join('; ')}`;
    return new ShoalError('NODE_NOT_DRAINED', message, { details });
  }

  private async leave(
    nodeId: string,
    operation: Extract<NodeOperation, { kind: 'leave' }>,
    signal: AbortSignal,
  ): Promise<void> {
    const wasCordoned = this.agreement.cordonReason(nodeId) !== undefined;
    const drains = operation.now !== true;
    if (drains) await this.drain(nodeId, { ...operation, reason: 'it is about to leave' }, signal);
    // It comes back as it was. A node that tells itself has nobody left to tell afterwards.
    const revert = async () => {
      if (drains && !wasCordoned) await this.decide({ kind: 'uncordon-node', nodeId }, signal);
    };
    const isSelf = nodeId === this.settings.nodeId;
    if (isSelf) await revert();
    await this.order(nodeId, { kind: 'leave', node: nodeId, now: true }, signal);
    if (!isSelf) await revert();
  }

  /** Has the node itself do it. */
  private async order(nodeId: string, operation: NodeOperation, signal: AbortSignal): Promise<void> {
    if (nodeId === this.settings.nodeId) {
      await this.obey(operation, signal);
      return;
    }
    const peer = this.peers.get(nodeId);
    if (!peer) {
      const { nodeName } = this.find(nodeId);
      const message = `node ${nodeName} is not connected to ${this.settings.nodeName}, and has to be told itself`;
      throw new ShoalError('NODE_UNREACHABLE', message, { details: { nodeId } });
    }
    const deadlines = { signal, deadlineMilliseconds: orderDeadlineMilliseconds };
    await peer.connection.call('operate', { operationJson: JSON.stringify(operation) }, deadlines);
  }

  /** A node by name or id. Throws NODE_NOT_FOUND, ARGUMENT_INVALID where several have the name. */
  private find(wanted: string): ClusterNode {
    const { nodes } = this.agreement.cluster();
    const found = nodes.filter(({ nodeId, nodeName }) => nodeId === wanted || nodeName === wanted);
    const [node] = found;
    if (node && found.length === 1) return node;
    if (node) {
      const ids = found.map(({ nodeId }) => nodeId).join(', ');
      throw new ShoalError('ARGUMENT_INVALID', `${found.length} nodes are called ${wanted}; say which: ${ids}`);
    }
    const known = nodes.map(({ nodeName }) => nodeName).join(', ');
    throw new ShoalError('NODE_NOT_FOUND', `the cluster has no node "${wanted}"; it has ${known}`, {
      details: { node: wanted },
    });
  }
}

function reasonOf({ reason }: { readonly reason?: string }): string {
  return reason?.trim().slice(0, 1000) || 'an operator asked for it';
}

const kinds = new Set<string>([
  'cordon',
  'uncordon',
  'drain',
  'pause',
  'resume',
  'pause-instance',
  'resume-instance',
  'rename',
  'leave',
  'keep',
  'drop',
] satisfies NodeOperation['kind'][]);

/** Throws REQUEST_INVALID. */
export function operationFromJson(text: string | null | undefined): NodeOperation {
  const operation = parseDocument<Readonly<Record<string, unknown>> | null>(text, 'an operation');
  const { kind, node, instance, wish, model, options, reason, name, now, deadlineMilliseconds } = operation ?? {};
  if (typeof kind !== 'string' || !kinds.has(kind)) throw invalid(`there is no operation ${JSON.stringify(kind)}`);
  if (kind === 'keep')
    return { kind, model: modelName(model), options: loadOptionsFromJson(JSON.stringify(options ?? {})) };
  const target = kind === 'drop' ? wish : kind.endsWith('-instance') ? instance : node;
  const isText = (value: unknown) => value === undefined || (typeof value === 'string' && value.length <= 4096);
  if (typeof target !== 'string' || target === '' || !isText(target)) throw invalid('an operation names no target');
  if (!isText(reason) || !isText(name)) throw invalid('the reason or the name of an operation is not a text');
  if (kind === 'rename' && name === undefined) throw invalid('a new name is missing');
  if (now !== undefined && typeof now !== 'boolean') throw invalid('`now` is neither true nor false');
  const isDeadline = deadlineMilliseconds === undefined || Number.isFinite(deadlineMilliseconds);
  if (!isDeadline || (deadlineMilliseconds as number) < 0) throw invalid('a deadline is not a number of milliseconds');
  return operation as unknown as NodeOperation;
}

function modelName(value: unknown): string {
  if (typeof value !== 'string' || value === '' || value.length > 4096) throw invalid('the model is not a name');
  return value;
}
