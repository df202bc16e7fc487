/**
 * Does what the agreed state asks of this node: moves its instances off nodes that are drained, unloads those whose wish was
 * taken back, gives those up that another one makes superfluous, and, as the leader, loads the models that the cluster is to keep loaded.
 */
import { type Duty, dutiesOf } from '../consensus/duties.js';
import { cordonOf } from '../consensus/state.js';
import type { Peers } from '../control/peers.js';
import { inject, injectable } from '../runtime/injection.js';
import { ShoalError } from '../spec/errors.js';
import type { Agreement } from './agreement.js';
import type { Coordinator } from './coordinator.js';
import { type Instances, summarize } from './instances.js';
import type { NodeLog } from './log.js';
import type { Relocation } from './relocation.js';
import type { NodeSettings } from './settings.js';
import { nodeTokens } from './tokens.js';
import { loadOptionsFromJson } from './wire.js';

/** Some duties begin, and others come due again, without any change of the state. */
const lookMilliseconds = 2000;
/** What could not be done is tried again after this. */
const retryMilliseconds = 15_000;
/** An instance is given up for another one that has served so long beside it: while nodes meet, and while it moves, two may. */
const besideMilliseconds = 5000;

@injectable()
export class Caretaker {
  private readonly busy = new Set<string>();
  /** When to try again what could not be done. */
  private readonly notBefore = new Map<string, number>();
  /** Since when instances of this node have had others beside them, by both. */
  private besideSince: ReadonlyMap<string, number> = new Map();
  private timer: NodeJS.Timeout | undefined;
  private scheduled = false;
  private readonly lifetime = new AbortController();

  constructor(
    @inject(nodeTokens.settings) private readonly settings: NodeSettings,
    @inject(nodeTokens.peers) private readonly peers: Peers,
    @inject(nodeTokens.agreement) private readonly agreement: Agreement,
    @inject(nodeTokens.instances) private readonly instances: Instances,
    @inject(nodeTokens.coordinator) private readonly coordinator: Coordinator,
    @inject(nodeTokens.relocation) private readonly relocation: Relocation,
    @inject(nodeTokens.log) private readonly log: NodeLog,
  ) {}

  start(): void {
    this.agreement.onChanged(() => this.schedule());
    this.timer = setInterval(() => this.schedule(), lookMilliseconds);
    this.timer.unref();
  }

  stop(): void {
    clearInterval(this.timer);
    this.lifetime.abort(new ShoalError('CLUSTER_CLOSED', 'the node is stopping'));
  }

  /** A state that changes many times in one turn is looked at once. */
  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(() => {
      this.scheduled = false;
      if (!this.lifetime.signal.aborted) this.look();
    });
  }

  private look(): void {
    const { agreement } = this;
    const { nodeId } = this.settings;
    const isPresent = (other: string) => agreement.isPresent(other);
    const duties = dutiesOf(agreement.state, { nodeId, isLeader: agreement.isSettledLeader, isPresent });
    for (const duty of this.settled(duties)) {
      const key = keyOf(duty);
      if (this.busy.has(key) || performance.now() < (this.notBefore.get(key) ?? 0)) continue;
      this.busy.add(key);
      void this.fulfil(duty, key);
    }
    this.forgetStuck(duties);
  }

  /** Without instances that have not been superfluous for long. */
  private settled(duties: readonly Duty[]): Duty[] {
    const now = performance.now();
    const since = new Map<string, number>();
    const settled = duties.filter((duty) => {
      if (duty.kind !== 'retire-instance') return true;
      const pair = `${duty.instance} ${duty.successor}`;
      const beganAt = this.besideSince.get(pair) ?? now;
      since.set(pair, beganAt);
      return now - beganAt >= besideMilliseconds;
    });
    this.besideSince = since;
    return settled;
  }

  /** An instance whose nodes are wanted again need not move. */
  private forgetStuck(duties: readonly Duty[]): void {
    const wanted = new Set(duties.map(keyOf));
    for (const [key] of this.notBefore) {
      if (wanted.has(key)) continue;
      this.notBefore.delete(key);
      this.agreement.setStuck(key.slice(key.indexOf(' ') + 1), undefined);
    }
  }

  private async fulfil(duty: Duty, key: string): Promise<void> {
    try {
      await this.attempt(duty);
      this.notBefore.delete(key);
    } catch (thrown) {
      if (this.lifetime.signal.aborted) return;
      const error = ShoalError.from(thrown);
      this.notBefore.set(key, performance.now() + retryMilliseconds);
      this.log.write('warn', 'cluster', `${duty.kind}: ${error.message}`, { code: error.code });
      if (duty.kind === 'move-instance') this.agreement.setStuck(duty.instance, error.message);
    } finally {
      this.busy.delete(key);
      // What happened meanwhile may ask for more.
      this.schedule();
    }
  }

  private async attempt(duty: Duty): Promise<void> {
    const { signal } = this.lifetime;
    if (duty.kind === 'load-model') {
      await this.load(duty);
      return;
    }
    const record = this.instances.get(duty.instance);
    // Gone, or on its way already because somebody else ordered it.
    if (!record || record.successor !== undefined) return;
    if (duty.kind === 'unload-instance') {
      await this.coordinator.unload(summarize(record));
      return;
    }
    if (duty.kind === 'retire-instance') {
      await this.retire(duty);
      return;
    }
    const without = new Map(duty.away.map((nodeId) => [nodeId, this.whyAway(nodeId)]));
    this.agreement.setStuck(duty.instance, undefined);
    await this.relocation.move(duty.instance, { reason: [...without.values()].join('; '), without, signal });
  }

  /** This node plans and loads it; where it does not have the model's files, a node that has them does. */
  private async load({ model, optionsJson, wish }: Extract<Duty, { kind: 'load-model' }>): Promise<void> {
    const { signal } = this.lifetime;
    const options = { ...loadOptionsFromJson(optionsJson), wish };
    try {
      await this.coordinator.load(model, options, () => undefined, signal);
    } catch (thrown) {
      if (!isMissing(thrown)) throw thrown;
      const operationJson = JSON.stringify({ kind: 'keep', model, options });
      for (const { connection } of this.peers.list()) {
        try {
          await connection.call('operate', { operationJson }, { signal, deadlineMilliseconds: 0 });
          return;
        } catch (other) {
          if (!isMissing(other)) throw other;
        }
      }
      throw thrown;
    }
  }

  /** Should the other one end before the requests of this one have, this one stays. */
  private async retire({ instance, successor }: Extract<Duty, { kind: 'retire-instance' }>): Promise<void> {
    const { agreement, lifetime } = this;
    const find = () => agreement.cluster().instances.find((one) => one.instance === successor);
    const gone = new AbortController();
    const check = () => {
      const found = find();
      if (found?.state === 'ready' && found.isPresent) return;
      gone.abort(new ShoalError('ABORTED', `instance ${successor}, which was to stay, is gone: ${instance} stays`));
    };
    const end = agreement.onChanged(check);
    // A node falls silent without a word of anybody's.
    const timer = setInterval(check, lookMilliseconds);
    try {
      const headNodeId = find()?.headNodeId ?? '';
      const signal = AbortSignal.any([lifetime.signal, gone.signal]);
      const reason = `instance ${successor} serves the same model for the cluster`;
      await this.relocation.retire(instance, { successor, headNodeId, reason, signal });
    } finally {
      end();
      clearInterval(timer);
    }
  }

  private whyAway(nodeId: string): string {
    const { state } = this.agreement;
    const name = state.facts[nodeId]?.fact.nodeName ?? nodeId;
    return `node ${name} is drained: ${cordonOf(state, nodeId)?.reason ?? 'an operator asked for it'}`;
  }
}

function isMissing(thrown: unknown): boolean {
  return ShoalError.is(thrown) && thrown.code === 'MODEL_NOT_FOUND';
}

function keyOf(duty: Duty): string {
  return `${duty.kind} ${duty.kind === 'load-model' ? duty.wish : duty.instance}`;
}
