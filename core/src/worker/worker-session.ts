/**
 * One member of one instance, from its first order to its end. Runs in a worker process; for plugins without a module
 * it runs in the host, with the same orders.
 */
import { describeModel } from '../model/describe.js';
import { changedWeightFiles, weightFileStates, weightFilesChanged } from '../model/weight-files.js';
import { decompose } from '../program/decompose.js';
import { stepTokens } from '../program/step-tokens.js';
import type { LoadedPlugin } from '../runtime/plugin-set.js';
import { WorkerPluginSet } from '../runtime/worker-plugins.js';
import type { OpenDevice } from '../spec/backend.js';
import type { EngineEvent, Member } from '../spec/engine.js';
import { errorFromCode, ShoalError } from '../spec/errors.js';
import type { ChannelSet, TransportListener } from '../spec/transport.js';
import { engineEventProblem } from './engine-events.js';
import { Generations } from './generations.js';
import { buildMemberProgram, stageOf } from './member-program.js';
import { TextSide } from './text-side.js';
import type { LoadOrder, PrepareOrder, WorkerEvent, WorkerMethod, WorkerMethods } from './worker-protocol.js';

export class WorkerSession {
  private prepared: { order: PrepareOrder; plugins: WorkerPluginSet; listener: TransportListener } | undefined;
  private channels: ChannelSet | undefined;
  private hostStalled = false;
  private device: OpenDevice | undefined;
  private member: Member | undefined;
  private text: Promise<TextSide> | undefined;
  private generations: Generations | undefined;
  /** The engine said something that cannot be understood: nothing that it says counts any more. */
  private isEngineDistrusted = false;
  private readonly controller = new AbortController();
  private closing: Promise<void> | undefined;

  /** `inline`: plugins that have no module and therefore run in this process. */
  constructor(
    private readonly emit: (event: WorkerEvent) => void,
    private readonly inline: readonly LoadedPlugin[] = [],
  ) {}

  async call<Method extends WorkerMethod>(
    method: Method,
    request: unknown,
  ): Promise<WorkerMethods[Method]['response']> {
    const handlers: { [M in WorkerMethod]: (request: WorkerMethods[M]['request']) => unknown } = {
      prepare: (order) => this.prepare(order),
      load: (order) => this.load(order),
      generate: (order) => this.head().start(order),
      cancel: ({ requestId }) => this.head().cancel(requestId),
      statistics: () => ({ ...this.loaded().statistics(), stalledHosts: this.channels?.stalledHosts?.() ?? [] }),
      close: () => this.close(),
    };
    const handler = handlers[method] as ((request: unknown) => unknown) | undefined;
    if (!handler) throw new ShoalError('INTERNAL', `a worker does not know \`${String(method)}\``);
    return ((await handler(request)) ?? {}) as WorkerMethods[Method]['response'];
  }

  /** The host's event loop is blocked, or turns again: the peers shall know. */
  setHostStalled(stalled: boolean): void {
    this.hostStalled = stalled;
    this.channels?.setHostStalled?.(stalled);
  }

  /** Says goodbye to the peers and frees everything; idempotent. */
  close(): Promise<void> {
    this.closing ??= this.closeAll();
    return this.closing;
  }

  private async prepare(order: PrepareOrder): Promise<WorkerMethods['prepare']['response']> {
    if (this.prepared) throw new ShoalError('INTERNAL', 'a worker is prepared once');
    const plugins = new WorkerPluginSet(order.plugins, this.inline);
    const transport = await plugins.get('transport', order.transport);
    const { credentials, self, bindAddress, otherAddresses = [] } = order;
    const listener = await transport.listen({ credentials, self, bindAddress, otherAddresses });
    this.prepared = { order, plugins, listener };
    return { endpoint: listener.endpoint };
  }

  private async load(order: LoadOrder): Promise<void> {
    if (!this.prepared || this.member) throw new ShoalError('INTERNAL', 'a worker is loaded once, after `prepare`');
    const { plan } = order;
    const { plugins, listener, order: preparation } = this.prepared;
    const { credentials, self } = preparation;
    const { signal } = this.controller;
    const isHead = self.stage === 0 && self.member === 0;

    const strategy = await plugins.get('sharding', plan.strategy);
    const weightFiles = weightFileStates(order.modelDirectory);
    const model = await describeModel(order.modelDirectory);
    if (model.digest !== plan.modelDigest) {
      const message = `${order.modelDirectory} holds another checkpoint than the plan's ${plan.modelName}`;
      throw new ShoalError('MODEL_MISMATCH', message, {
        details: { directory: order.modelDirectory, expected: plan.modelDigest, actual: model.digest },
      });
    }
    const program = buildMemberProgram(strategy, model, plan, self);
    if (isHead) {
      const { vocabularySize } = strategy.costs(model.config, model.tensors);
      // While the weights are read; whoever needs it first hears of a failure.
      this.text = TextSide.load({ directory: order.modelDirectory, vocabularySize });
      this.text.catch(() => undefined);
    }

    const placement = stageOf(plan, self).members[self.member];
    if (!placement) throw new ShoalError('REQUEST_INVALID', `the plan has no member ${self.member}`);
    const backend = await plugins.get('backend', placement.backend);
    this.device = await backend.open(placement.deviceId, order.threads === undefined ? {} : { threads: order.threads });
    signal.throwIfAborted();
    const others = order.endpoints.filter(({ stage, member }) => stage !== self.stage || member !== self.member);
    this.channels = await listener.connect(others, { deadlineMilliseconds: order.connectDeadlineMilliseconds });
    if (this.hostStalled) this.channels.setHostStalled?.(true);
    signal.throwIfAborted();

    const engine = await plugins.get('engine', order.engine);
    this.member = await engine.createMember(
      {
        credentials,
        self,
        stageSizes: plan.stages.map(({ members }) => members.length),
        program: decompose(program, new Set(this.device.operations)),
        modelDirectory: order.modelDirectory,
        device: this.device,
        channels: this.channels,
        slotCount: plan.slotCount,
        contextLength: plan.contextLength,
        stateStorage: plan.stateStorage,
        maximumStepTokens: stepTokens(plan),
        ...(order.queueCapacity === undefined ? {} : { queueCapacity: order.queueCapacity }),
        onEvent: (event) => this.hear(event, order.engine),
      },
      signal,
    );
    const text = await this.text;
    const changed = changedWeightFiles(order.modelDirectory, weightFiles);
    if (changed.length > 0) throw weightFilesChanged(changed, `stage ${self.stage}, member ${self.member}`);
    if (text) this.generations = new Generations(this.member, text, plan.contextLength, this.emit);
  }

  private hear(event: EngineEvent, engineName: string): void {
    if (this.isEngineDistrusted) return;
    const problem = engineEventProblem(event);
    if (problem === undefined) {
      this.receive(event);
      return;
    }
    this.isEngineDistrusted = true;
    const message =
      `the engine "${engineName}" sent ${problem}: it, or its native part, is of another version than the rest. ` +
      'Install the same version of all packages; in a clone, build all of it again';
    this.receive({ kind: 'member-failed', code: 'PLUGIN_VERSION_MISMATCH', message });
  }

  private receive(event: EngineEvent): void {
    switch (event.kind) {
      case 'load-progress':
        this.emit(event);
        break;
      case 'member-failed': {
        const error = errorFromCode(event.code, event.message);
        this.generations?.failAll(error);
        this.emit({
          kind: 'member-failed',
          error: { code: error.code, message: error.message, details: error.details },
          ...(event.lost === undefined ? {} : { lost: event.lost }),
        });
        break;
      }
      default:
        this.generations?.receive(event);
    }
  }

  private loaded(): Member {
    if (!this.member) throw new ShoalError('INSTANCE_NOT_FOUND', 'the shard is not loaded');
    return this.member;
  }

  private head(): Generations {
    if (!this.generations) throw new ShoalError('INTERNAL', 'only the head takes requests');
    return this.generations;
  }

  private async closeAll(): Promise<void> {
    this.controller.abort(new ShoalError('ABORTED', 'the shard is being unloaded'));
    const text = await this.text?.catch(() => undefined);
    // The member first: it uses the channels and the device.
    for (const part of [this.member, this.channels, this.prepared?.listener, this.device, text]) {
      await part?.close().catch((thrown: unknown) => {
        process.stderr.write(`closing a shard: ${String(thrown)}\n`);
      });
    }
  }
}
