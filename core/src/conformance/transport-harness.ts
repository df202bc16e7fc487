/** Members of one load, joined by the transport under test, in this process. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type {
  ChannelSet,
  LoadCredentials,
  MemberAddress,
  MemberEndpoint,
  Transport,
  TransportListener,
  TransportWorker,
} from '../spec/transport.js';

/** A channel called through its C table, as an engine calls it. Rejects with the table's codes. */
export interface ProbedChannel {
  readonly facts: MemberAddress & {
    readonly reliable: boolean;
    readonly ordered: boolean;
    readonly largestMessageBytes: number;
  };
  statistics(): { readonly sentMessages: number; readonly receivedMessages: number };
  send(tag: bigint, bytes: Uint8Array, deadlineMilliseconds: number): Promise<void>;
  receive(tag: bigint, capacity: number, deadlineMilliseconds: number): Promise<Uint8Array>;
  abort(): Promise<void>;
}

export interface ProbedChannels {
  readonly channels: readonly ProbedChannel[];
  receiveFirst(
    tag: bigint,
    capacity: number,
    deadlineMilliseconds: number,
  ): Promise<{ readonly index: number; readonly bytes: Uint8Array }>;
  close(): void;
}

export interface TransportUnderTest {
  readonly host: Transport;
  readonly worker: TransportWorker;
  /** `probeChannels` of `@shoal/engine-node/testing`: calls what `connect` gives through the native tables. */
  readonly probe: (set: ChannelSet) => ProbedChannels;
  /**
   * URL of the module of the worker half, with its options: a process of its own loads it, joins, and is killed. For
   * transports that reach beyond a process.
   */
  readonly peerModule?: { readonly url: string; readonly options?: Readonly<Record<string, unknown>> };
}

/** Ends waits that a right transport does not need. */
export const longEnoughMilliseconds = 10_000;

export const addresses: readonly MemberAddress[] = [
  { stage: 0, member: 0 },
  { stage: 0, member: 1 },
  { stage: 1, member: 0 },
];

export function newCredentials(): LoadCredentials {
  return { instance: randomBytes(8).toString('hex'), epoch: 3, secret: randomBytes(32).toString('hex') };
}

export function listen(
  { worker }: TransportUnderTest,
  index: number,
  credentials: LoadCredentials,
): Promise<TransportListener> {
  return worker.listen({ credentials, self: addressOf(index), bindAddress: '127.0.0.1' });
}

export function addressOf(index: number): MemberAddress {
  const address = addresses[index];
  assert.ok(address, 'the suite has three members');
  return address;
}

/** What the control plane tells every member; through JSON, as it does. */
export function endpointsOf(listeners: readonly TransportListener[]): readonly MemberEndpoint[] {
  const endpoints = listeners.map(({ endpoint }, index) => ({
    ...addressOf(index),
    nodeId: `node-${index}`,
    endpoint,
  }));
  return JSON.parse(JSON.stringify(endpoints)) as MemberEndpoint[];
}

/** A member with its channels in use. */
export interface JoinedMember {
  readonly set: ChannelSet;
  readonly probes: ProbedChannels;
  /** The channel to another member, by its number in the suite. */
  to(index: number): ProbedChannel;
}

/** Joins `count` members, runs `body` with them, and closes everything, whatever happens. */
export async function withMembers(
  under: TransportUnderTest,
  count: number,
  body: (members: readonly JoinedMember[]) => Promise<void>,
): Promise<void> {
  const credentials = newCredentials();
  const listeners: TransportListener[] = [];
  const members: JoinedMember[] = [];
  try {
    for (let index = 0; index < count; index += 1) listeners.push(await listen(under, index, credentials));
    const endpoints = endpointsOf(listeners);
    const sets = await Promise.allSettled(
      listeners.map((listener) => listener.connect(endpoints, { deadlineMilliseconds: longEnoughMilliseconds })),
    );
    for (const set of sets) if (set.status === 'fulfilled') members.push(join(under, set.value));
    for (const set of sets) if (set.status === 'rejected') throw set.reason;
    await body(members);
  } finally {
    for (const { probes } of members) probes.close();
    await Promise.all(members.map(({ set }) => set.close()));
    await Promise.all(listeners.map((listener) => listener.close()));
  }
}

export function join({ probe }: TransportUnderTest, set: ChannelSet): JoinedMember {
  const probes = probe(set);
  return {
    set,
    probes,
    to: (index) => {
      const { stage, member } = addressOf(index);
      const found = probes.channels.find(({ facts }) => facts.stage === stage && facts.member === member);
      assert.ok(found, `there is no channel to stage ${stage} member ${member}`);
      return found;
    },
  };
}

/** Runs `body` with two joined members and the channels between them. */
export function withPair(
  under: TransportUnderTest,
  body: (first: ProbedChannel, second: ProbedChannel, members: readonly JoinedMember[]) => Promise<void>,
): Promise<void> {
  return withMembers(under, 2, async (members) => {
    const [first, second] = members as [JoinedMember, JoinedMember];
    await body(first.to(1), second.to(0), members);
  });
}

/** The code of what a promise rejects with, and how long it took; an assertion error when it resolves. */
export async function rejectionOf(
  promise: Promise<unknown>,
): Promise<{ readonly code: string; readonly message: string; readonly milliseconds: number }> {
  const started = performance.now();
  const outcome = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown as Error & { readonly code?: string },
  );
  assert.ok(outcome, 'it resolved, where it had to reject');
  return { code: String(outcome.code), message: outcome.message, milliseconds: performance.now() - started };
}

/** A promise that is awaited later: when the case fails before, its rejection must not be everybody's. */
export function later<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

/** Bytes that repeat late and tell their place. */
export function pattern(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = seed + 1;
  for (let index = 0; index < length; index += 1) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    bytes[index] = state >>> 16;
  }
  return bytes;
}

/** Compares without printing megabytes. */
export function assertSameBytes(actual: Uint8Array, expected: Uint8Array, what: string): void {
  assert.equal(actual.length, expected.length, `${what}: length`);
  if (Buffer.compare(actual, expected) === 0) return;
  const at = actual.findIndex((byte, index) => byte !== expected[index]);
  assert.fail(`${what}: byte ${at} of ${expected.length} is ${actual[at]}, not ${expected[at]}`);
}
