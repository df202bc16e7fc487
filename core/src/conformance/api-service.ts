/** A node for the suite of the `api` contract: one model whose answers are written, and everything that is asked of it. */
import { EventEmitter, on, once } from 'node:events';
import type { ClusterState } from '../node/cluster-state.js';
import type { ClusterReadiness } from '../node/readiness.js';
import type { GenerationEvent, InstanceSummary, NodeService } from '../node/service.js';
import { ShoalError } from '../spec/errors.js';
import type { ClusterEvent } from '../spec/events.js';
import type { Plan } from '../spec/plan.js';
import type { GenerationOrder } from '../worker/worker-protocol.js';

export const modelName = 'conformance-model';
const instance = 'c0ffee00c0ffee00';

/** What a question makes the model do: it repeats it, unless it begins with one of these. */
export const tokenAndWait = 'WAIT';
export const fail = 'FAIL';

/** A request as it reached the node. */
export interface ReceivedOrder {
  readonly order: GenerationOrder;
  readonly question: string;
  /** Whether it has ended, and how. */
  ended: 'no' | 'complete' | 'failed' | 'cancelled';
}

export class ConformanceService implements NodeService {
  readonly nodeId = 'conformance-node';
  readonly received: ReceivedOrder[] = [];
  private readonly changes = new EventEmitter();

  /** Resolves when a request is as the condition wants it. */
  async until(condition: (one: ReceivedOrder) => boolean, signal: AbortSignal): Promise<ReceivedOrder> {
    for (;;) {
      const found = this.received.find(condition);
      if (found) return found;
      await once(this.changes, 'change', { signal });
    }
  }

  async *generate(id: string, order: GenerationOrder, signal?: AbortSignal): AsyncGenerator<GenerationEvent> {
    if (id !== instance) throw new ShoalError('INSTANCE_NOT_FOUND', `there is no instance ${id}`);
    const question = questionOf(order);
    const one: ReceivedOrder = { order, question, ended: 'no' };
    this.received.push(one);
    this.changes.emit('change');
    try {
      yield {
        kind: 'accepted',
        promptTokens: Array.from({ length: question.length }, (_, index) => index),
        seed: 1,
        sampling: { temperature: 0 },
      };
      const words = question.split(/(?<= )/);
      for (const [index, text] of words.entries()) {
        if (signal?.aborted) throw aborted(signal);
        yield { kind: 'token', choice: 0, index, token: index, text };
        if (question.startsWith(fail))
          throw new ShoalError('INSTANCE_FAILED', 'the model of the suite failed as it was told to');
        if (question.startsWith(tokenAndWait)) await abortOf(signal);
      }
      const counts = { promptTokens: question.length, generatedTokens: words.length };
      const times = { prefillMicroseconds: 10, decodeMicroseconds: 10 };
      yield { kind: 'finished', choice: 0, reason: 'stop', text: '', ...counts, ...times };
      one.ended = 'complete';
    } catch (thrown) {
      one.ended = ShoalError.is(thrown) && thrown.code === 'ABORTED' ? 'cancelled' : 'failed';
      throw thrown;
    } finally {
      // Whoever reads has left.
      if (one.ended === 'no') one.ended = 'cancelled';
      this.changes.emit('change');
    }
  }

  async instances(): Promise<readonly InstanceSummary[]> {
    return [{ instance, epoch: 1, state: 'ready', model: modelName, plan }];
  }

  async nodes() {
    const { nodeId } = this;
    return [{ nodeId, nodeName: 'conformance', softwareVersion: '0.0.0', addresses: [], state: 'self' as const }];
  }

  async *watch(signal: AbortSignal): AsyncGenerator<ClusterEvent> {
    try {
      for await (const [event] of on(this.changes, 'cluster', { signal })) yield event as ClusterEvent;
    } catch (thrown) {
      if (!signal.aborted) throw thrown;
    }
  }

  async statistics() {
    return [];
  }

  load(): Promise<never> {
    return unavailable('load');
  }

  operate(): Promise<never> {
    return unavailable('operate');
  }

  unload(): Promise<never> {
    return unavailable('unload');
  }

  move(): Promise<never> {
    return unavailable('move');
  }

  explain(): Promise<never> {
    return unavailable('explain');
  }

  state(): Promise<ClusterState> {
    return unavailable('state');
  }

  topology(): Promise<never> {
    return unavailable('topology');
  }

  readiness(): Promise<ClusterReadiness> {
    return unavailable('readiness');
  }

  async *logs(): AsyncGenerator<never> {
    // It has written nothing down.
  }
}

const plan: Plan = {
  modelName,
  modelDigest: '0'.repeat(64),
  strategy: 'conformance',
  strategyVersion: '1',
  storage: { matrix: 'as-stored', embedding: 'as-stored' },
  stateStorage: 'f16',
  contextLength: 4096,
  slotCount: 16,
  stages: [
    {
      layers: [0, 1],
      cuts: {},
      members: [
        {
          nodeId: 'conformance-node',
          nodeName: 'conformance',
          backend: 'conformance',
          deviceId: 'none',
          share: 1,
          programDigest: '0'.repeat(64),
          weightBytes: 1,
          stateBytes: 1,
        },
      ],
    },
  ],
  reasons: [],
  leftOut: [],
};

/** What was asked last, however the request said it. */
function questionOf({ input }: GenerationOrder): string {
  if (input.kind === 'messages') return input.messages.at(-1)?.content ?? '';
  return input.kind === 'prompt' ? input.prompt : input.tokens.join(' ');
}

function unavailable(what: string): Promise<never> {
  return Promise.reject(new ShoalError('INTERNAL', `the node of the suite has no ${what}`));
}

async function abortOf(signal: AbortSignal | undefined): Promise<never> {
  if (!signal) return new Promise(() => {});
  if (!signal.aborted) await once(signal, 'abort');
  throw aborted(signal);
}

function aborted({ reason }: AbortSignal): ShoalError {
  return new ShoalError('ABORTED', 'the request was cancelled', { cause: reason });
}
