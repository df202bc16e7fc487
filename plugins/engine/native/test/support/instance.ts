import { randomBytes } from 'node:crypto';
import type {
  EngineEvent,
  EngineRequest,
  ListenOptions,
  LoadCredentials,
  Member,
  MemberAddress,
  MemberProgram,
  OpenDevice,
  TransportEndpoint,
  TransportListener,
} from '@shoal/core';
import engine from '@shoal/engine-native/worker';
import { FabricListener } from '@shoal/engine-node';
import transport from '@shoal/transport-tcp/worker';

export interface InstanceMember {
  readonly program: MemberProgram;
  readonly device: OpenDevice;
}

export interface InstanceOptions {
  readonly modelDirectory: string;
  /** Stage by stage, member by member. */
  readonly stages: readonly (readonly InstanceMember[])[];
  readonly kind?: 'auto' | 'unix' | 'tcp' | 'tls';
  /** Gives the members single channels, as a transport does that has no mesh. */
  readonly withoutMesh?: boolean;
  readonly slotCount?: number;
  readonly contextLength?: number;
  readonly maximumStepTokens?: number;
  readonly signal?: AbortSignal;
  /** Hears of every event of every member, as it comes. */
  readonly onEvent?: (event: EngineEvent, from: MemberAddress) => void;
}

export interface Generation {
  readonly tokens: number[];
  readonly end: Extract<EngineEvent, { kind: 'request-finished' | 'request-failed' }>;
}

export type GenerationOptions = Partial<Omit<EngineRequest, 'promptTokens'>>;

/** Credentials of one load, as a coordinator makes them. */
export function newCredentials(): LoadCredentials {
  return { instance: randomBytes(8).toString('hex'), epoch: 1, secret: randomBytes(32).toString('hex') };
}

/** All members of an instance, each with its real mesh, in this process. */
export class Instance implements AsyncDisposable {
  readonly events: { readonly from: MemberAddress; readonly event: EngineEvent }[] = [];
  readonly members: Member[] = [];
  readonly #closers: (() => Promise<void>)[] = [];
  readonly #listeners = new Set<() => void>();
  #lastRequest = 0;

  static async start(options: InstanceOptions): Promise<Instance> {
    const instance = new Instance();
    try {
      await instance.#start(options);
      return instance;
    } catch (error) {
      await instance[Symbol.asyncDispose]();
      throw error;
    }
  }

  get head(): Member {
    return this.members[0]!;
  }

  /** Runs a request to its end. */
  async generate(prompt: readonly number[], options: GenerationOptions = {}): Promise<Generation> {
    const id = this.submit(prompt, options);
    const end = await this.waitFor((event) => isEnd(event) && event.requestId === id);
    return { tokens: this.tokensOf(id), end: end as Generation['end'] };
  }

  /** Queues a request at the head; gives its id. */
  submit(prompt: readonly number[], options: GenerationOptions = {}): number {
    this.#lastRequest += 1;
    const id = this.#lastRequest;
    this.head.submit({
      id,
      promptTokens: Uint32Array.from(prompt),
      maximumTokens: 8,
      stopTokens: [],
      sampling: { temperature: 0, seed: 1 },
      ...options,
    });
    return id;
  }

  tokensOf(requestId: number): number[] {
    return this.events.flatMap(({ event }) =>
      event.kind === 'token' && event.requestId === requestId ? [event.token] : [],
    );
  }

  /** The first event, past or to come, that fulfils the condition; rejects after 60 s. */
  waitFor(condition: (event: EngineEvent, from: MemberAddress) => boolean): Promise<EngineEvent> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = this.events.find(({ event, from }) => condition(event, from));
        if (!found) return;
        clearTimeout(timer);
        this.#listeners.delete(look);
        resolve(found.event);
      };
      const timer = setTimeout(() => {
        this.#listeners.delete(look);
        reject(new Error(`the event did not come; there were ${JSON.stringify(this.events.slice(-5))}`));
      }, 60_000);
      this.#listeners.add(look);
      look();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const close of this.#closers.splice(0).reverse()) await close();
  }

  async #start(options: InstanceOptions): Promise<void> {
    const credentials = newCredentials();
    const addresses = options.stages.flatMap((stage, index) => stage.map((_, member) => ({ stage: index, member })));
    const listeners = new Map<MemberAddress, TransportListener>();
    if (addresses.length > 1) {
      const worker = await transport.create({ kind: options.kind ?? 'auto' });
      for (const self of addresses) {
        const asked = { credentials, self, bindAddress: '127.0.0.1' };
        const listener = options.withoutMesh ? singleChannels(asked) : await worker.listen(asked);
        this.#closers.push(() => listener.close());
        listeners.set(self, listener);
      }
    }
    const endpoints = [...listeners].map(([self, { endpoint }]) => ({ ...self, nodeId: 'test', endpoint }));
    const starting = addresses.map(async (self) => {
      const channels = (await listeners.get(self)?.connect(endpoints, { deadlineMilliseconds: 30_000 })) ?? {
        channels: [],
        close: async () => {},
      };
      this.#closers.push(() => channels.close());
      const { program, device } = options.stages[self.stage]![self.member]!;
      const worker = await engine.create({});
      const member = await worker.createMember(
        {
          credentials,
          self,
          stageSizes: options.stages.map((stage) => stage.length),
          program,
          modelDirectory: options.modelDirectory,
          device,
          channels,
          slotCount: options.slotCount ?? 2,
          contextLength: options.contextLength ?? 128,
          stateStorage: 'f32',
          maximumStepTokens: options.maximumStepTokens ?? 64,
          onEvent: (event) => this.#hear(event, self, options.onEvent),
        },
        options.signal ?? new AbortController().signal,
      );
      this.#closers.push(() => member.close());
      return member;
    });
    // All are waited for, so that what did start is closed when another one failed.
    const outcomes = await Promise.allSettled(starting);
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed) throw failed.reason;
    this.members.push(...(await Promise.all(starting)));
  }

  #hear(event: EngineEvent, from: MemberAddress, onEvent: InstanceOptions['onEvent']): void {
    this.events.push({ event, from });
    onEvent?.(event, from);
    for (const look of [...this.#listeners]) look();
  }
}

const isEnd = (event: EngineEvent): event is Generation['end'] =>
  event.kind === 'request-finished' || event.kind === 'request-failed';

/** A transport without a mesh, made of the addon's own: it gives out the channels one by one. */
function singleChannels(options: ListenOptions): TransportListener {
  const listener = FabricListener.listen({ ...options, kind: 'tcp' });
  return {
    endpoint: JSON.parse(listener.endpoint) as TransportEndpoint,
    connect: async (peers, { deadlineMilliseconds }) => {
      const mesh = await listener.connect(JSON.stringify(peers), deadlineMilliseconds);
      return {
        channels: mesh.channels.map(({ table, ...peer }) => ({ kind: 'native', peer, table })),
        close: () => mesh.close(),
      };
    },
    close: async () => listener.close(),
  };
}
