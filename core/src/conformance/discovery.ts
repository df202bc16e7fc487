/** What every way of finding peers keeps. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import type { Discovery, Loss, Sighting } from '../spec/discovery.js';
import type { ConformanceCase } from './case.js';
import { clusterTag, DiscoveryNetwork, type SuiteNode } from './discovery-network.js';
import { inTime } from './in-time.js';

export interface DiscoveryUnderTest {
  /**
   * A node's discovery; each call gives that of another node, and all can see each other where the method announces. One
   * that speaks through the node's host (`hostService`) is given a host that is connected with the first one only.
   */
  readonly open: () => Discovery | Promise<Discovery>;
  /** Whether the method can announce: nodes are then seen by each other. */
  readonly announces: boolean;
  /** Puts on the method's medium what a broken or hostile peer may put there, while a node watches. */
  readonly disturb?: () => void | Promise<void>;
  /** How long the method may need for anything, such as to see or to lose somebody; default 20 s. */
  readonly deadlineMilliseconds?: number;
}

const defaultDeadlineMilliseconds = 20_000;
const quietMilliseconds = 200;

/** The suite of a discovery plugin. */
export function discoveryConformance(under: DiscoveryUnderTest): ConformanceCase[] {
  return [...watchCases(under), ...(under.announces ? announceCases(under) : [])];
}

/** A watch that collects until it is stopped. */
class Watch {
  readonly seen: (Sighting | Loss)[] = [];
  private readonly controller = new AbortController();
  private readonly ended: Promise<void>;
  private readonly listeners = new Set<() => void>();

  constructor(
    discovery: Discovery,
    private readonly deadlineMilliseconds: number,
  ) {
    const collect = async () => {
      for await (const sighting of discovery.watch(this.controller.signal)) {
        this.seen.push(sighting);
        for (const listener of this.listeners) listener();
      }
    };
    this.ended = collect();
    // Reported by `stop`.
    this.ended.catch(() => undefined);
  }

  async waitFor(condition: (sighting: Sighting | Loss) => boolean, what: string): Promise<void> {
    const found = new Promise<void>((resolve) => {
      const look = () => {
        if (this.seen.some(condition)) resolve();
      };
      this.listeners.add(look);
      look();
    });
    const failed = this.ended.then(() => assert.fail(`the watch ended before ${what}`));
    await inTime(Promise.race([found, failed]), what, this.deadlineMilliseconds);
  }

  /** Aborts; the iterable must end, without an error, in time. */
  async stop(): Promise<void> {
    this.controller.abort();
    await inTime(this.ended, 'the end of an aborted watch', this.deadlineMilliseconds);
  }
}

function assertWellFormed(sighting: Sighting | Loss): void {
  const { kind, addresses, seenBy, peerId } = sighting;
  assert.ok(kind === 'seen' || kind === 'lost', `'${String(kind)}' is no kind of sighting`);
  assert.ok(typeof seenBy === 'string' && seenBy.length > 0, 'a sighting names the plugin');
  assert.ok(peerId === undefined || (typeof peerId === 'string' && peerId.length > 0), 'an empty peer id');
  assert.ok(Array.isArray(addresses), 'addresses are a list');
  for (const address of addresses) assert.match(address, /^(\/[^/\s]+)+$/, `'${address}' is no multiaddress`);
  if (kind === 'seen') assert.ok(addresses.length > 0, 'a peer without an address cannot be reached');
}

const sleep = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

const deadlineOf = ({ deadlineMilliseconds = defaultDeadlineMilliseconds }: DiscoveryUnderTest) => deadlineMilliseconds;

function watchCases(under: DiscoveryUnderTest): ConformanceCase[] {
  const deadline = deadlineOf(under);
  return [
    {
      name: 'a watch ends without an error when its signal aborts',
      run: async () => {
        await using network = new DiscoveryNetwork(under.open);
        const watch = new Watch((await network.open(0)).discovery, deadline);
        await sleep(20);
        await watch.stop();
        watch.seen.forEach(assertWellFormed);
      },
    },
    {
      name: 'a watch with an aborted signal sees nobody and ends',
      run: async () => {
        await using network = new DiscoveryNetwork(under.open);
        const { discovery } = await network.open(0);
        const drain = async () => {
          for await (const { addresses } of discovery.watch(AbortSignal.abort()))
            assert.fail(`saw ${addresses.join()}`);
        };
        await inTime(drain(), 'the end of an aborted watch', deadline);
      },
    },
    {
      name: 'a reader may leave a watch after a sighting',
      run: async () => {
        await using network = new DiscoveryNetwork(under.open);
        const [watching, announcing] = [await network.open(0), await network.open(1)];
        const controller = new AbortController();
        const iterator = watching.discovery.watch(controller.signal)[Symbol.asyncIterator]();
        const first = iterator.next();
        await announcing.discovery.announce(announcing.announcement, controller.signal);
        // A method that sees nobody here has nothing to leave after.
        const isSeen = await Promise.race([first.then(() => true), sleep(quietMilliseconds)]);
        if (isSeen) await inTime(Promise.resolve(iterator.return?.()), 'leaving a watch', deadline);
        controller.abort();
        await inTime(first, 'the end of an aborted watch', deadline);
      },
    },
    {
      name: 'announcing resolves, and an abort takes it back without an error',
      run: async () => {
        await using network = new DiscoveryNetwork(under.open);
        const { discovery, announcement } = await network.open(0);
        const controller = new AbortController();
        await inTime(discovery.announce(announcement, controller.signal), 'an announcement', deadline);
        controller.abort();
        await sleep(20);
        await inTime(discovery.announce(announcement, AbortSignal.abort()), 'an aborted announcement', deadline);
      },
    },
    {
      name: 'seeing a peer does not connect to it',
      run: async () => {
        let connections = 0;
        const server = createServer((socket) => {
          connections += 1;
          socket.destroy();
        });
        server.listen(0, '127.0.0.1');
        await once(server, 'listening');
        const { port } = server.address() as AddressInfo;
        await using network = new DiscoveryNetwork(under.open);
        const [watching, announcing] = [await network.open(0), await network.open(1)];
        const watch = new Watch(watching.discovery, deadline);
        const controller = new AbortController();
        try {
          const announcement = { ...announcing.announcement, addresses: [`/ip4/127.0.0.1/tcp/${port}`] };
          await announcing.discovery.announce(announcement, controller.signal);
          await sleep(quietMilliseconds);
          const what = 'discovery connects; that is for the control plane, after its checks';
          assert.equal(connections + network.unexpectedChannels, 0, what);
        } finally {
          controller.abort();
          await watch.stop();
          server.close();
        }
      },
    },
    {
      name: 'whether it works here is told with a reason',
      run: async () => {
        await using network = new DiscoveryNetwork(under.open);
        const { discovery } = await network.open(0);
        const availability = await inTime(
          discovery.availability?.() ?? Promise.resolve({ available: true as const }),
          'availability',
          deadline,
        );
        const faults = availability.available ? (availability.faults ?? []) : [availability];
        for (const { reason } of faults) assert.ok(reason.length > 0, 'a reason is given');
      },
    },
  ];
}

function announceCases(under: DiscoveryUnderTest): ConformanceCase[] {
  const deadline = deadlineOf(under);
  const isSeen =
    (node: SuiteNode, kind: 'seen' | 'lost' = 'seen') =>
    (sighting: Sighting | Loss) =>
      sighting.kind === kind && sighting.peerId === node.announcement.peerId;
  const announce = ({ discovery, announcement }: SuiteNode, signal: AbortSignal) =>
    inTime(discovery.announce(announcement, signal), 'an announcement', deadline);

  return [
    {
      name: 'two nodes see each other, with addresses and cluster',
      run: async () => {
        await using network = new DiscoveryNetwork(under.open);
        const nodes = [await network.open(0), await network.open(1)] as const;
        const watches = nodes.map(({ discovery }) => new Watch(discovery, deadline)) as [Watch, Watch];
        const controller = new AbortController();
        try {
          for (const node of nodes) await announce(node, controller.signal);
          await watches[0].waitFor(isSeen(nodes[1]), 'the first saw the second');
          await watches[1].waitFor(isSeen(nodes[0]), 'the second saw the first');
          const sighting = watches[0].seen.find(isSeen(nodes[1])) as Sighting;
          assert.deepEqual(sighting.addresses, nodes[1].announcement.addresses);
          assert.ok(sighting.clusterTag === undefined || sighting.clusterTag === clusterTag, 'another cluster tag');
        } finally {
          controller.abort();
          await Promise.all(watches.map((watch) => watch.stop()));
        }
        for (const watch of watches) watch.seen.forEach(assertWellFormed);
      },
    },
    {
      name: 'a node that comes later sees those that are there',
      run: async () => {
        await using network = new DiscoveryNetwork(under.open);
        const controller = new AbortController();
        const early = await network.open(0);
        await announce(early, controller.signal);
        await sleep(50);
        const late = await network.open(1);
        const watch = new Watch(late.discovery, deadline);
        try {
          await announce(late, controller.signal);
          await watch.waitFor(isSeen(early), 'the latecomer saw who was there');
        } finally {
          controller.abort();
          await watch.stop();
        }
      },
    },
    {
      name: 'a node that takes its announcement back is lost, and can come again',
      run: async () => {
        await using network = new DiscoveryNetwork(under.open);
        const [staying, leaving] = [await network.open(0), await network.open(1)];
        const [stay, leave, again] = [new AbortController(), new AbortController(), new AbortController()];
        const watch = new Watch(staying.discovery, deadline);
        try {
          await announce(staying, stay.signal);
          await announce(leaving, leave.signal);
          await watch.waitFor(isSeen(leaving), 'the first saw the second');
          leave.abort();
          await network.stop(leaving);
          await watch.waitFor(isSeen(leaving, 'lost'), 'the first lost the second');
          const before = watch.seen.length;
          await announce(await network.open(1), again.signal);
          await watch.waitFor(
            (sighting) => isSeen(leaving)(sighting) && watch.seen.indexOf(sighting) >= before,
            'the first saw the second again',
          );
        } finally {
          for (const controller of [stay, leave, again]) controller.abort();
          await watch.stop();
        }
        watch.seen.forEach(assertWellFormed);
      },
    },
    ...(under.disturb ? [disturbCase(under, under.disturb, deadline)] : []),
  ];
}

function disturbCase(
  under: DiscoveryUnderTest,
  disturb: () => void | Promise<void>,
  deadline: number,
): ConformanceCase {
  return {
    name: 'what cannot be read is dropped, and who comes after it is still seen',
    run: async () => {
      await using network = new DiscoveryNetwork(under.open);
      const watching = await network.open(0);
      const watch = new Watch(watching.discovery, deadline);
      const controller = new AbortController();
      try {
        await watching.discovery.announce(watching.announcement, controller.signal);
        await disturb();
        const { discovery, announcement } = await network.open(1);
        await inTime(discovery.announce(announcement, controller.signal), 'an announcement', deadline);
        await watch.waitFor(
          (sighting) => sighting.kind === 'seen' && sighting.peerId === announcement.peerId,
          'a peer was seen after the disturbance',
        );
        watch.seen.forEach(assertWellFormed);
      } finally {
        controller.abort();
        await watch.stop();
      }
    },
  };
}
