// The suites notice what may go wrong: each of these has one plausible mistake, and fails.
import {
  type ChannelReceiver,
  type ChannelSet,
  type Discovery,
  type ListenOptions,
  type ScriptChannel,
  type TransportWorker,
} from '@shoal/core';
import { discoveryConformance, transportConformance } from '@shoal/core/conformance';
import memoryDiscovery from '@shoal/discovery-memory';
import { probeChannels } from '@shoal/engine-node/testing';
import plugin from '@shoal/transport-memory';
import workerPlugin from '@shoal/transport-memory/worker';
import t from 'tap';

const host = await plugin.create({}, { log: () => undefined });
const right = await workerPlugin.create({});

interface Mistake {
  /** Cases that are to notice it; the others are not run. */
  readonly cases: RegExp;
  readonly options?: (options: ListenOptions) => ListenOptions;
  readonly channel?: (channel: ScriptChannel) => Partial<ScriptChannel>;
  readonly close?: (set: ChannelSet) => Promise<void>;
}

const heardAs =
  (change: (receiver: ChannelReceiver) => ChannelReceiver): NonNullable<Mistake['channel']> =>
  (channel) => ({
    open: (receiver) => channel.open(change(receiver)),
  });

const one = { instance: '0000000000000001', epoch: 1, secret: '00'.repeat(32) };

const mistakes: Readonly<Record<string, Mistake>> = {
  'any secret will do': {
    cases: /another secret/,
    options: (options) => ({ ...options, credentials: { ...options.credentials, secret: one.secret } }),
  },
  'any epoch will do': {
    cases: /another epoch/,
    options: (options) => ({ ...options, credentials: { ...options.credentials, epoch: 1 } }),
  },
  'any instance will do': {
    cases: /another instance/,
    options: (options) => ({ ...options, credentials: { ...options.credentials, instance: one.instance } }),
  },
  'tags lose their upper half': {
    cases: /tags are apart/,
    channel: heardAs((receiver) => ({
      ...receiver,
      end: (error) => receiver.end(error),
      message: (tag, bytes) => receiver.message(tag & 7n, bytes),
    })),
  },
  'small messages overtake large ones': {
    cases: /order of their sends/,
    channel: (channel) => ({
      send: async (tag, bytes) => {
        if (bytes.length > 1000) await new Promise((resolve) => setTimeout(resolve, 20));
        await channel.send(tag, bytes);
      },
    }),
  },
  'messages come twice': {
    cases: /each once/,
    channel: (channel) => ({
      send: async (tag, bytes) => {
        await channel.send(tag, bytes);
        await channel.send(tag, bytes);
      },
    }),
  },
  'large messages are cut': {
    cases: /sizes from nothing/,
    channel: (channel) => ({ send: (tag, bytes) => channel.send(tag, bytes.subarray(0, 65_535)) }),
  },
  'a leave looks like a loss': {
    cases: /a clean leave/,
    channel: heardAs((receiver) => ({
      message: (tag, bytes) => receiver.message(tag, bytes),
      end: (error) => receiver.end(Object.assign(new Error(error.message), { code: 'TRANSPORT_PEER_LOST' })),
    })),
  },
  'a leave tells nobody': { cases: /a clean leave/, close: async () => {} },
  'an abort tells nobody': { cases: /an abort/, channel: () => ({ abort: () => {} }) },
};

function mistaken({ options, channel, close }: Mistake): TransportWorker {
  return {
    listen: async (asked) => {
      const listener = await right.listen(options?.(asked) ?? asked);
      return {
        endpoint: listener.endpoint,
        close: () => listener.close(),
        connect: async (peers, deadline) => {
          const set = await listener.connect(peers, deadline);
          const channels = set.channels.map((found): ScriptChannel => {
            const script = found as ScriptChannel;
            const bound: ScriptChannel = {
              kind: 'script',
              peer: script.peer,
              largestMessageBytes: script.largestMessageBytes,
              open: (receiver) => script.open(receiver),
              send: (tag, bytes) => script.send(tag, bytes),
              abort: (reason) => script.abort(reason),
            };
            return { ...bound, ...channel?.(bound) };
          });
          return { channels, close: () => close?.(set) ?? set.close() };
        },
      };
    },
  };
}

for (const [name, mistake] of Object.entries(mistakes)) {
  t.test(`transport: ${name}`, async (t) => {
    const suite = transportConformance({ host, worker: mistaken(mistake), probe: probeChannels });
    const chosen = suite.filter((each) => mistake.cases.test(each.name));
    t.equal(chosen.length, 1);
    for (const { run } of chosen) await t.rejects(run(), 'is noticed');
  });
}

const rightDiscovery = (): Discovery =>
  memoryDiscovery.create({ room: 'mutants' }, { log: () => undefined }) as Discovery;

const brokenDiscoveries: Readonly<Record<string, (found: Discovery) => Partial<Discovery>>> = {
  'an abort ends a watch with an error': (found) => ({
    async *watch(signal) {
      yield* found.watch(signal);
      signal.throwIfAborted();
    },
  }),
  'an abort does not end a watch': (found) => ({ watch: () => found.watch(new AbortController().signal) }),
  'announcing announces nothing': () => ({ announce: async () => {} }),
  'an announcement is never taken back': (found) => ({
    announce: (announcement, signal) =>
      signal.aborted ? Promise.resolve() : found.announce(announcement, new AbortController().signal),
  }),
  'addresses are no multiaddresses': (found) => ({
    announce: (announcement, signal) => found.announce({ ...announcement, addresses: ['127.0.0.1:4000'] }, signal),
  }),
};

for (const [name, change] of Object.entries(brokenDiscoveries)) {
  t.test(`discovery: ${name}`, async (t) => {
    const open = (): Discovery => {
      const found = rightDiscovery();
      return {
        watch: (signal) => found.watch(signal),
        announce: (what, signal) => found.announce(what, signal),
        ...change(found),
      };
    };
    const failed: string[] = [];
    for (const each of discoveryConformance({ open, announces: true, deadlineMilliseconds: 400 })) {
      if (failed.length === 0) await each.run().catch(() => failed.push(each.name));
    }
    t.equal(failed.length, 1, `is noticed: ${failed.join()}`);
  });
}
