/** What every way of finding peers keeps. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import type { Announcement, Discovery, Loss, Sighting } from '../spec/discovery.js';
import type { ConformanceCase } from './case.js';

export interface DiscoveryUnderTest {
  /** A node's discovery; each call gives that of another node, and all can see each other where the method announces. */
  readonly open: () => Discovery | Promise<Discovery>;
  /** Whether the method can announce: nodes are then seen by each other. */
  readonly announces: boolean;
  /** Puts on the method's medium what a broken or hostile peer may put there, while a node watches. */
  readonly disturb?: () => void | Promise<void>;
  /** How long the method may need to see or to lose somebody; default 5 s. */
  readonly deadlineMilliseconds?: number;
}

const endDeadlineMilliseconds = 2000;
const quietMilliseconds = 200;
/** As nodes make it: a hash in hexadecimal digits. */
const clusterTag = '5ea15ea15ea15ea1';

/** Peer ids that libp2p could have made. */
const peerIds = [
  '12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp',
  '12D3KooWHdiAxVd8uMQR1hGWXccidmfCwLqcMpGwR6QcTP6QRMuD',
] as const;

/** The suite of a discovery plugin. */
export function discoveryConformance(under: DiscoveryUnderTest): ConformanceCase[] {
  return [...watchCases(under), ...(under.announces ? announceCases(under) : [])];
}

function announcementOf(index: 0 | 1, port: number = 4000 + index): Announcement {
  return { peerId: peerIds[index], addresses: [`/ip4/127.0.0.1/tcp/${port}`], clusterTag };
}

async function inTime<T>(work: Promise<T>, what: string, milliseconds: number = endDeadlineMilliseconds): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new assert.AssertionError({ message: `${what} took too long` })), milliseconds);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A watch that collects until it is stopped. */
class Watch {
  readonly seen: (Sighting | Loss)[] = [];
  private readonly controller = new AbortController();
  private readonly ended: Promise<void>;
  private readonly listeners = new Set<() => void>();

  constructor(discovery: Discovery) {
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

  async waitFor(condition: (sighting: Sighting | Loss) => boolean, what: string, milliseconds: number): Promise<void> {
    const found = new Promise<void>((resolve) => {
      const look = () => {
        if (this.seen.some(condition)) resolve();
      };
      this.listeners.add(look);
      look();
    });
    const failed = this.ended.then(() => assert.fail(`the watch ended before ${what}`));
    await inTime(Promise.race([found, failed]), what, milliseconds);
  }

  /** Aborts; the iterable must end, without an error, in time. */
  async stop(): Promise<void> {
    this.controller.abort();
    await inTime(this.ended, 'the end of an aborted watch');
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

function watchCases(under: DiscoveryUnderTest): ConformanceCase[] {
  return [
    {
      name: 'a watch ends without an error when its signal aborts',
      run: async () => {
        const watch = new Watch(await under.open());
        await new Promise((resolve) => setTimeout(resolve, 20));
        await watch.stop();
        watch.seen.forEach(assertWellFormed);
      },
    },
    {
      name: 'a watch with an aborted signal sees nobody and ends',
      run: async () => {
        const discovery = await under.open();
        const drain = async () => {
          for await (const { addresses } of discovery.watch(AbortSignal.abort()))
            assert.fail(`saw ${addresses.join()}`);
        };
        await inTime(drain(), 'the end of an aborted watch');
      },
    },
    {
      name: 'a reader may leave a watch after a sighting',
      run: async () => {
        const [watching, announcing] = [await under.open(), await under.open()];
        const controller = new AbortController();
        const iterator = watching.watch(controller.signal)[Symbol.asyncIterator]();
        const first = iterator.next();
        await announcing.announce(announcementOf(1), controller.signal);
        // A method that sees nobody here has nothing to leave after.
        const isSeen = await Promise.race([first.then(() => true), sleep(quietMilliseconds)]);
        if (isSeen) await inTime(Promise.resolve(iterator.return?.()), 'leaving a watch');
        controller.abort();
        await inTime(first, 'the end of an aborted watch');
      },
    },
    {
      name: 'announcing resolves, and an abort takes it back without an error',
      run: async () => {
        const discovery = await under.open();
        const controller = new AbortController();
        await inTime(discovery.announce(announcementOf(0), controller.signal), 'an announcement');
        controller.abort();
        await sleep(20);
        await inTime(discovery.announce(announcementOf(0), AbortSignal.abort()), 'an aborted announcement');
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
        const [watching, announcing] = [await under.open(), await under.open()];
        const watch = new Watch(watching);
        const controller = new AbortController();
        try {
          await announcing.announce(announcementOf(1, port), controller.signal);
          await sleep(quietMilliseconds);
          assert.equal(connections, 0, 'discovery connects; that is for the control plane, after its checks');
        } finally {
          controller.abort();
          await watch.stop();
          server.close();
        }
      },
    },
  ];
}

const sleep = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

function announceCases(under: DiscoveryUnderTest): ConformanceCase[] {
  const deadline = under.deadlineMilliseconds ?? 5000;
  const isSeen =
    (index: 0 | 1, kind: 'seen' | 'lost' = 'seen') =>
    (sighting: Sighting | Loss) =>
      sighting.kind === kind && sighting.peerId === peerIds[index];

  /** Two nodes that watch and announce. */
  async function withTwo(
    body: (watches: readonly [Watch, Watch], leave: readonly [() => void, () => void]) => Promise<void>,
  ): Promise<void> {
    const controllers = [new AbortController(), new AbortController()] as const;
    const discoveries = [await under.open(), await under.open()] as const;
    const watches = [new Watch(discoveries[0]), new Watch(discoveries[1])] as const;
    try {
      for (const index of [0, 1] as const) {
        await inTime(
          discoveries[index].announce(announcementOf(index), controllers[index].signal),
          'an announcement',
          deadline,
        );
      }
      await body(watches, [() => controllers[0].abort(), () => controllers[1].abort()]);
    } finally {
      for (const controller of controllers) controller.abort();
      await Promise.all(watches.map((watch) => watch.stop()));
    }
    for (const watch of watches) watch.seen.forEach(assertWellFormed);
  }

  return [
    {
      name: 'two nodes see each other, with addresses and cluster',
      run: () =>
        withTwo(async (watches) => {
          await watches[0].waitFor(isSeen(1), 'the first saw the second', deadline);
          await watches[1].waitFor(isSeen(0), 'the second saw the first', deadline);
          const sighting = watches[0].seen.find(isSeen(1)) as Sighting;
          assert.deepEqual(sighting.addresses, announcementOf(1).addresses);
          assert.ok(sighting.clusterTag === undefined || sighting.clusterTag === clusterTag, 'another cluster tag');
        }),
    },
    {
      name: 'a node that comes later sees those that are there',
      run: async () => {
        const controller = new AbortController();
        const early = await under.open();
        await inTime(early.announce(announcementOf(0), controller.signal), 'an announcement', deadline);
        await sleep(50);
        const watch = new Watch(await under.open());
        try {
          await watch.waitFor(isSeen(0), 'the latecomer saw who was there', deadline);
        } finally {
          controller.abort();
          await watch.stop();
        }
      },
    },
    {
      name: 'a node that takes its announcement back is lost, and can come again',
      run: () =>
        withTwo(async (watches, leave) => {
          await watches[0].waitFor(isSeen(1), 'the first saw the second', deadline);
          leave[1]();
          await watches[0].waitFor(isSeen(1, 'lost'), 'the first lost the second', deadline);
          const again = new AbortController();
          const before = watches[0].seen.length;
          const back = await under.open();
          await back.announce(announcementOf(1), again.signal);
          try {
            await watches[0].waitFor(
              (sighting) => isSeen(1)(sighting) && watches[0].seen.indexOf(sighting) >= before,
              'the first saw the second again',
              deadline,
            );
          } finally {
            again.abort();
          }
        }),
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
      const watch = new Watch(await under.open());
      const controller = new AbortController();
      try {
        await disturb();
        const announcing = await under.open();
        await inTime(announcing.announce(announcementOf(1), controller.signal), 'an announcement', deadline);
        await watch.waitFor(
          (sighting) => sighting.kind === 'seen' && sighting.peerId === peerIds[1],
          'a peer was seen after the disturbance',
          deadline,
        );
        watch.seen.forEach(assertWellFormed);
      } finally {
        controller.abort();
        await watch.stop();
      }
    },
  };
}
