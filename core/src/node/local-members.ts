/** The members of instances that run on this node: their workers, from prepare to release. */
import { setTimeout } from 'node:timers/promises';
import { AsyncQueue } from '../control/async-queue.js';
import { changedWeightFiles, weightFileStates, weightFilesChanged } from '../model/weight-files.js';
import { inject, injectable } from '../runtime/injection.js';
import type { PluginSet } from '../runtime/plugin-set.js';
import { tokens } from '../runtime/tokens.js';
import { describeWorkerPlugins } from '../runtime/worker-plugins.js';
import { errorFromCode, ShoalError } from '../spec/errors.js';
import type { Plan } from '../spec/plan.js';
import type { TransportEndpoint } from '../spec/transport.js';
import { stageOf } from '../worker/member-program.js';
import type { GenerationOrder, WorkerEvent } from '../worker/worker-protocol.js';
import type { Agreement } from './agreement.js';
import { Instances } from './instances.js';
import {
  instanceFailed,
  instanceMoved,
  type LoadMember,
  type LocalMember,
  measuredSpeed,
  memberKey,
  noteSpeed,
  type OpenRequest,
  type PrepareMember,
  unloadedWhile,
} from './local-member.js';
import type { NodeLog } from './log.js';
import type { NodeDescriber } from './node-describer.js';
import type { NodeLinks } from './node-links.js';
import type { GenerationEvent, MemberReport } from './service.js';
import type { NodeSettings } from './settings.js';
import { nodeTokens } from './tokens.js';
import { startInProcessWorker, type WorkerHandle } from './worker-handle.js';
import { startWorkerProcess } from './worker-process.js';

const prepareDeadlineMilliseconds = 30_000;
/** All members are prepared before any connects, so this only covers the time they need to reach each other. */
const connectDeadlineMilliseconds = 30_000;
const submitDeadlineMilliseconds = 30_000;
const statisticsDeadlineMilliseconds = 4000;
/** A move takes seconds; requests end when they end. */
const drainCheckMilliseconds = 50;

@injectable()
export class LocalMembers {
  private readonly members = new Map<string, LocalMember>();
  private readonly answerListeners: ((instance: string) => void)[] = [];

  constructor(
    @inject(nodeTokens.settings) private readonly settings: NodeSettings,
    @inject(tokens.plugins) private readonly plugins: PluginSet,
    @inject(nodeTokens.describer) private readonly describer: NodeDescriber,
    @inject(nodeTokens.instances) private readonly instances: Instances,
    @inject(nodeTokens.agreement) private readonly agreement: Agreement,
    @inject(nodeTokens.log) private readonly log: NodeLog,
    @inject(nodeTokens.links) private readonly links: NodeLinks,
  ) {
    instances.onFailed({
      failed: (record, error) => {
        for (const member of this.of(record.id)) this.failRequests(member, error);
        void this.stopMembers(record.id);
      },
    });
  }

  /** Whether nothing is loaded on this node, or being loaded. */
  get isEmpty(): boolean {
    return this.members.size === 0;
  }

  /** Of workers that run now. */
  processIds(): readonly number[] {
    return [...this.members.values()].flatMap(({ worker }) => worker.processId ?? []);
  }

  /** Starts a worker that listens; resolves with where. */
  async prepare(order: PrepareMember, signal: AbortSignal): Promise<TransportEndpoint> {
    const { credentials, self, plan } = order;
    const { instance } = credentials;
    const key = memberKey(instance, self);
    const placement = stageOf(plan, self).members[self.member];
    if (placement?.nodeId !== this.settings.nodeId) {
      throw new ShoalError('REQUEST_INVALID', `stage ${self.stage}, member ${self.member} is not of this node`);
    }
    if (this.members.has(key)) throw new ShoalError('REQUEST_INVALID', `member ${key} is prepared already`);
    this.instances.add({
      id: instance,
      epoch: credentials.epoch,
      model: order.model,
      plan,
      coordinatorId: order.coordinatorId,
      replaces: order.replaces ?? [],
      options: order.options ?? {},
    });
    const name = `stage ${self.stage}, member ${self.member} of ${plan.modelName} on node ${this.settings.nodeName}`;
    const requests = new Map<number, OpenRequest>();
    const onEvent = (event: WorkerEvent) => {
      const member = this.members.get(key);
      if (member) this.receive(member, event);
    };
    const worker = await this.startWorker(plan, placement.backend, order.transport, { name, onEvent, signal });
    const { model } = order;
    const member: LocalMember = {
      instance,
      self,
      plan,
      model,
      name,
      worker,
      requests,
      weights: undefined,
      onProgress: undefined,
      nextRequestId: 1,
      isStopped: false,
      speeds: [],
    };
    this.members.set(key, member);
    void worker.ended.then((error) => this.workerEnded(key, member, error));
    try {
      this.refuseEnded(instance);
      const [bindAddress = '127.0.0.1', ...otherAddresses] = await this.links.dataAddresses();
      const { endpoint } = await worker.call(
        'prepare',
        {
          plugins: describeWorkerPlugins(this.plugins),
          transport: order.transport,
          credentials,
          self,
          bindAddress,
          otherAddresses,
        },
        { signal, deadlineMilliseconds: prepareDeadlineMilliseconds },
      );
      return endpoint;
    } catch (thrown) {
      const cause = this.causeOfOrder(member, thrown, 'prepared');
      await this.stopMember(key, member);
      throw this.named(cause);
    }
  }

  /** What ended while its worker started has freed its members already; this one would stay for ever. */
  private refuseEnded(instance: string): void {
    const record = this.instances.get(instance);
    if (record?.failure) throw record.failure;
    if (!record) throw unloadedWhile(instance, 'prepared');
  }

  /** Resolves when the member runs. */
  async load(
    order: LoadMember,
    onProgress: (loadedBytes: number, totalBytes: number) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const key = memberKey(order.instance, order.self);
    const member = this.members.get(key);
    if (!member) {
      throw new ShoalError('INSTANCE_NOT_FOUND', `member ${key} is not prepared on node ${this.settings.nodeName}`);
    }
    member.onProgress = onProgress;
    const engine = await this.engineName();
    const modelDirectory = await this.describer.modelDirectory(member.model);
    member.weights = { directory: modelDirectory, before: weightFileStates(modelDirectory) };
    try {
      await member.worker.call(
        'load',
        {
          plan: member.plan,
          endpoints: order.endpoints,
          modelDirectory,
          engine,
          connectDeadlineMilliseconds,
          ...(order.threads === undefined ? {} : { threads: order.threads }),
          ...(order.queueCapacity === undefined ? {} : { queueCapacity: order.queueCapacity }),
        },
        { signal },
      );
    } catch (thrown) {
      const cause = this.causeOfOrder(member, thrown, 'loaded');
      await this.stopMember(key, member);
      throw this.named(cause);
    } finally {
      member.onProgress = undefined;
    }
  }

  /** Frees what the instance has here. */
  async release(instance: string): Promise<void> {
    const ended = new ShoalError('INSTANCE_NOT_FOUND', 'the model was unloaded while the request ran');
    for (const member of this.of(instance)) this.failRequests(member, ended);
    await this.stopMembers(instance);
    this.instances.unloaded(instance);
  }

  /** Runs a request on the head, which must be here. */
  async *generate(
    instance: string,
    order: GenerationOrder,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<GenerationEvent, void, undefined> {
    const record = this.instances.get(instance);
    const member = this.members.get(memberKey(instance, { stage: 0, member: 0 }));
    if (record?.state === 'failed') throw instanceFailed(record);
    // Before its members are asked for: they end a moment before their instance is gone.
    if (record?.successor !== undefined) throw instanceMoved(record);
    if (!record || !member || record.state !== 'ready') {
      throw new ShoalError('INSTANCE_NOT_FOUND', `node ${this.settings.nodeName} serves no instance ${instance}`, {
        details: { instance, nodeId: this.settings.nodeId },
      });
    }
    this.agreement.refusePaused(record);
    const requestId = member.nextRequestId++;
    const queue = new AsyncQueue<GenerationEvent>();
    member.requests.set(requestId, { queue, unfinishedChoices: order.choices ?? 1 });
    const onAbort = () => queue.fail(ShoalError.from(signal?.reason, 'ABORTED'));
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      signal?.throwIfAborted();
      const accepted = await member.worker.call(
        'generate',
        { ...order, requestId },
        { signal, deadlineMilliseconds: submitDeadlineMilliseconds },
      );
      yield { kind: 'accepted', ...accepted };
      yield* queue;
    } catch (thrown) {
      throw await this.causeOf(instance, ShoalError.from(thrown));
    } finally {
      signal?.removeEventListener('abort', onAbort);
      // Still in the map: it did not finish by itself.
      if (member.requests.delete(requestId)) void member.worker.call('cancel', { requestId }).catch(() => undefined);
    }
  }

  /**
   * Sends new requests to the instance that takes its place, and waits until those that run here have ended, or the
   * deadline; resolves with how many are left. Throws INSTANCE_MOVED where another one has taken its place already.
   */
  async drain(instance: string, successor: string, deadlineMilliseconds: number, signal: AbortSignal): Promise<number> {
    const record = this.instances.get(instance);
    const member = this.members.get(memberKey(instance, { stage: 0, member: 0 }));
    if (!record || !member) {
      throw new ShoalError('INSTANCE_NOT_FOUND', `node ${this.settings.nodeName} serves no instance ${instance}`);
    }
    if (record.successor && record.successor !== successor) throw instanceMoved(record);
    record.successor = successor;
    const end = performance.now() + deadlineMilliseconds;
    try {
      while (member.requests.size > 0 && performance.now() < end) {
        await setTimeout(drainCheckMilliseconds, undefined, { signal });
      }
    } catch (thrown) {
      // It stays after all.
      delete record.successor;
      throw ShoalError.from(thrown, 'ABORTED');
    }
    return member.requests.size;
  }

  /** Called when a request has been answered by a head of this node. */
  onAnswer(listener: (instance: string) => void): void {
    this.answerListeners.push(listener);
  }

  /** The median of answers that had the instance to themselves lately; undefined while there are few. */
  measuredMillisecondsPerToken(instance: string): number | undefined {
    const head = this.members.get(memberKey(instance, { stage: 0, member: 0 }));
    return head && measuredSpeed(head);
  }

  /** Counters of the instance's members on this node. Rejects with INSTANCE_NOT_FOUND when it has none. */
  async statistics(instance: string, signal?: AbortSignal): Promise<MemberReport[]> {
    const members = this.of(instance);
    if (members.length === 0) {
      throw new ShoalError(
        'INSTANCE_NOT_FOUND',
        `node ${this.settings.nodeName} has no member of instance ${instance}`,
      );
    }
    const { nodeId, nodeName } = this.settings;
    const how = { signal, deadlineMilliseconds: statisticsDeadlineMilliseconds };
    return Promise.all(
      members.map(async ({ self, worker }) => ({
        ...self,
        nodeId,
        nodeName,
        statistics: await worker.call('statistics', {}, how),
      })),
    );
  }

  async stop(): Promise<void> {
    const instances = new Set([...this.members.values()].map(({ instance }) => instance));
    await Promise.all([...instances].map((instance) => this.release(instance)));
  }

  private of(instance: string): LocalMember[] {
    return [...this.members.values()].filter((member) => member.instance === instance);
  }

  private async startWorker(
    plan: Plan,
    backend: string,
    transport: string,
    options: { name: string; onEvent: (event: WorkerEvent) => void; signal: AbortSignal },
  ): Promise<WorkerHandle> {
    const engine = await this.engineName();
    const used = [
      this.plugins.get('backend', backend),
      this.plugins.get('transport', transport),
      this.plugins.get('engine', engine),
      this.plugins.get('sharding', plan.strategy),
    ];
    const inline = used.filter(({ isolation }) => isolation === 'none');
    if (inline.length > 0) return startInProcessWorker(this.plugins.all, options.onEvent);
    const { name } = options;
    const worker = await startWorkerProcess({
      ...options,
      onOutput: (line, stream) =>
        this.log.write(stream === 'stderr' ? 'warn' : 'info', 'worker', line, { worker: name }),
    });
    this.log.write('debug', 'worker', `the worker of ${name} started`, { worker: name, processId: worker.processId });
    return worker;
  }

  /** The first engine plugin that can run here. */
  private async engineName(): Promise<string> {
    const reasons: string[] = [];
    for (const { name, host } of this.plugins.of('engine')) {
      const reason = await host.unavailableReason();
      if (reason === undefined) return name;
      reasons.push(`${name}: ${reason}`);
    }
    const message = `node ${this.settings.nodeName} has no engine that can run (${reasons.join('; ') || 'none is listed'})`;
    throw new ShoalError('ENGINE_UNAVAILABLE', message);
  }

  private receive(member: LocalMember, event: WorkerEvent): void {
    switch (event.kind) {
      case 'load-progress':
        member.onProgress?.(event.loadedBytes, event.totalBytes);
        break;
      case 'token': {
        const { requestId, ...token } = event;
        member.requests.get(requestId)?.queue.push(token);
        break;
      }
      case 'request-finished': {
        const { requestId, ...finished } = event;
        const request = member.requests.get(requestId);
        if (!request) break;
        request.queue.push({ ...finished, kind: 'finished' });
        request.unfinishedChoices -= 1;
        if (request.unfinishedChoices > 0) break;
        noteSpeed(member, event);
        member.requests.delete(requestId);
        request.queue.complete();
        for (const listener of this.answerListeners) listener(member.instance);
        break;
      }
      case 'request-failed': {
        const request = member.requests.get(event.requestId);
        member.requests.delete(event.requestId);
        request?.queue.fail(errorFromCode(event.error.code, event.error.message, { details: event.error.details }));
        break;
      }
      case 'member-failed':
        this.memberFailed(member, event);
    }
  }

  private memberFailed(member: LocalMember, event: Extract<WorkerEvent, { kind: 'member-failed' }>): void {
    const { code, message, details } = event.error;
    const { lost } = event;
    if (!lost) {
      const error = errorFromCode(code, `${member.name} failed: ${message}`, {
        details: { ...details, nodeId: this.settings.nodeId },
      });
      this.instances.fail(member.instance, error, 'first-hand');
      return;
    }
    const placement = member.plan.stages[lost.stage]?.members[lost.member];
    const who = `stage ${lost.stage}, member ${lost.member} on node ${placement?.nodeName ?? 'unknown'}`;
    const error = errorFromCode(code, `${who} was lost: ${message}`, {
      details: { ...details, ...lost, nodeId: placement?.nodeId, nodeName: placement?.nodeName },
    });
    this.instances.fail(member.instance, error, 'second-hand');
  }

  private workerEnded(key: string, member: LocalMember, error: ShoalError): void {
    if (this.members.get(key) !== member) return;
    this.members.delete(key);
    const named = this.named(this.exitCause(member, error));
    this.log.write('error', 'worker', named.message, { worker: member.name, code: named.code });
    // While it loads, the load itself fails with this.
    if (this.instances.get(member.instance)?.state === 'ready') {
      this.instances.fail(member.instance, named, 'first-hand');
    }
    this.failRequests(member, named);
  }

  /** A worker that is stopped because its instance has failed, or was unloaded, ends its orders, too; that is why. */
  private causeOfOrder(member: LocalMember, thrown: unknown, order: 'prepared' | 'loaded'): unknown {
    if (ShoalError.is(thrown) && thrown.code === 'ABORTED') return thrown;
    const { instance, isStopped } = member;
    const failure = this.instances.get(instance)?.failure;
    if (failure) return failure;
    return isStopped ? unloadedWhile(instance, order) : this.exitCause(member, thrown);
  }

  /** A worker that died because its weight files changed under it ends with that. */
  private exitCause(member: LocalMember, thrown: unknown): unknown {
    if (!ShoalError.is(thrown) || thrown.code !== 'ENGINE_WORKER_EXITED' || !member.weights) return thrown;
    const changed = changedWeightFiles(member.weights.directory, member.weights.before);
    return changed.length > 0 ? weightFilesChanged(changed, member.name, thrown) : thrown;
  }

  /** Errors of this node's workers say which node. */
  private named(thrown: unknown): ShoalError {
    const error = ShoalError.from(thrown, 'ENGINE_LOAD_FAILED');
    if ('nodeId' in error.details) return error;
    return new ShoalError(error.code, error.message, {
      cause: error.cause,
      details: { ...error.details, nodeId: this.settings.nodeId, nodeName: this.settings.nodeName },
    });
  }

  /** A request that ends because a peer was lost ends with the reason of that loss, where it becomes known. */
  private async causeOf(instance: string, error: ShoalError): Promise<ShoalError> {
    const mayBeEffect = error.code.startsWith('TRANSPORT_') || error.code === 'ENGINE_ABORTED';
    return mayBeEffect ? ((await this.instances.failureOf(instance)) ?? error) : error;
  }

  private failRequests(member: LocalMember, error: ShoalError): void {
    for (const { queue } of member.requests.values()) queue.fail(error);
    member.requests.clear();
  }

  private async stopMembers(instance: string): Promise<void> {
    await Promise.all(this.of(instance).map((member) => this.stopMember(memberKey(instance, member.self), member)));
  }

  private async stopMember(key: string, member: LocalMember): Promise<void> {
    if (this.members.get(key) === member) this.members.delete(key);
    member.isStopped = true;
    await member.worker.stop();
  }
}
