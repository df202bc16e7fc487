// One member in a process of its own, ordered about over IPC by processes.ts.
import path from 'node:path';
import cpuWorker from '@shoal/backend-cpu/worker';
import type { EngineEvent, LoadCredentials, Member, MemberAddress, TransportListener } from '@shoal/core';
import { SafetensorsCheckpoint } from '@shoal/core';
import engineWorker from '@shoal/engine-native/worker';
import { llamaStrategy } from '@shoal/sharding-llama';
import transportWorker from '@shoal/transport-tcp/worker';
import { memberPrograms, readConfig } from '../../../../../test/families/run-split.js';

export const modelDirectory = path.resolve(
  import.meta.dirname,
  '../../../../../../test/fixtures/checkpoints/llama-grouped-query',
);

/** What the parent orders. */
export type Order =
  | { readonly kind: 'listen'; readonly credentials: LoadCredentials; readonly self: MemberAddress }
  | { readonly kind: 'load'; readonly stageEnds: readonly number[]; readonly endpoints: readonly never[] }
  | { readonly kind: 'submit'; readonly id: number; readonly prompt: readonly number[]; readonly tokens: number }
  /** Blocks the event loop, then reports what happened in the meantime. */
  | { readonly kind: 'block'; readonly milliseconds: number }
  | { readonly kind: 'exit'; readonly code: number }
  | { readonly kind: 'close' };

/** What the child tells. */
export type Report =
  | { readonly kind: 'listening'; readonly endpoint: object }
  | { readonly kind: 'loaded' }
  | { readonly kind: 'event'; readonly event: EngineEvent }
  /** `steps`: native steps before and after the event loop was blocked, read before any event could be heard. */
  | { readonly kind: 'unblocked'; readonly stepsBefore: number; readonly stepsAfter: number; readonly heard: number }
  | { readonly kind: 'error'; readonly message: string };

const tell = (report: Report) => process.send?.(report);

class MemberProcess {
  #credentials: LoadCredentials | undefined;
  #self: MemberAddress = { stage: 0, member: 0 };
  #listener: TransportListener | undefined;
  #member: Member | undefined;
  #heard = 0;

  async obey(order: Order): Promise<void> {
    switch (order.kind) {
      case 'listen':
        return this.#listen(order);
      case 'load':
        return this.#load(order);
      case 'submit':
        return this.#loaded.submit({
          id: order.id,
          promptTokens: Uint32Array.from(order.prompt),
          maximumTokens: order.tokens,
          stopTokens: [],
          sampling: { temperature: 0, seed: 1 },
        });
      case 'block':
        return this.#block(order.milliseconds);
      case 'exit':
        return process.exit(order.code);
      case 'close':
        await this.#member?.close();
        return process.disconnect();
    }
  }

  get #loaded(): Member {
    if (!this.#member) throw new Error('nothing is loaded');
    return this.#member;
  }

  async #listen({ credentials, self }: Extract<Order, { kind: 'listen' }>): Promise<void> {
    const transport = await transportWorker.create({ kind: 'auto' });
    this.#credentials = credentials;
    this.#self = self;
    this.#listener = await transport.listen({ credentials, self, bindAddress: '127.0.0.1' });
    tell({ kind: 'listening', endpoint: this.#listener.endpoint });
  }

  async #load({ stageEnds, endpoints }: Extract<Order, { kind: 'load' }>): Promise<void> {
    if (!this.#listener || !this.#credentials) throw new Error('nothing listens');
    const channels = await this.#listener.connect(endpoints, { deadlineMilliseconds: 30_000 });
    const stages = stageEnds.map((end, stage) => ({ layers: [stageEnds[stage - 1] ?? 0, end] as const, shares: [1] }));
    using checkpoint = new SafetensorsCheckpoint(modelDirectory);
    const programs = memberPrograms(llamaStrategy(), readConfig(modelDirectory), checkpoint.tensors, stages);
    const device = await (await cpuWorker.create({ threads: 1 })).open('cpu', {});
    this.#member = await (await engineWorker.create({})).createMember(
      {
        credentials: this.#credentials,
        self: this.#self,
        stageSizes: stageEnds.map(() => 1),
        program: programs[this.#self.stage]![this.#self.member]!,
        modelDirectory,
        device,
        channels,
        slotCount: 2,
        contextLength: 16_384,
        stateStorage: 'f16',
        maximumStepTokens: 64,
        onEvent: (event) => {
          this.#heard += 1;
          tell({ kind: 'event', event });
        },
      },
      new AbortController().signal,
    );
    tell({ kind: 'loaded' });
  }

  #block(milliseconds: number): void {
    const stepsBefore = this.#loaded.statistics().steps;
    const heardBefore = this.#heard;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
    const stepsAfter = this.#loaded.statistics().steps;
    tell({ kind: 'unblocked', stepsBefore, stepsAfter, heard: this.#heard - heardBefore });
  }
}

if (process.send) {
  const member = new MemberProcess();
  process.on('message', (order: Order) => {
    member.obey(order).catch((error: Error) => tell({ kind: 'error', message: `${error.name}: ${error.message}` }));
  });
  process.on('disconnect', () => process.exit(0));
}
