/** The nodes of one case of the discovery suite: who they are, and the hosts of those whose method speaks through one. */
import { randomBytes } from 'node:crypto';
import { type ControlHost, createIdentity, startControlHost } from '../control/libp2p-host.js';
import type { Announcement, Discovery } from '../spec/discovery.js';

/** As nodes make it: a hash in hexadecimal digits. */
export const clusterTag = '5ea15ea15ea15ea1';

/** Peer ids that libp2p could have made. */
const peerIds = [
  '12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp',
  '12D3KooWHdiAxVd8uMQR1hGWXccidmfCwLqcMpGwR6QcTP6QRMuD',
] as const;

export interface SuiteNode {
  readonly discovery: Discovery;
  readonly announcement: Announcement;
}

interface Host {
  readonly host: ControlHost;
  /** Channels that the suite itself will open to it, and others that were opened. */
  expectedChannels: number;
}

export class DiscoveryNetwork implements AsyncDisposable {
  private readonly clusterKey = randomBytes(32);
  private readonly identities = new Map<0 | 1, string>();
  private readonly hosts = new Map<SuiteNode, Host>();
  private channels = 0;

  constructor(private readonly make: () => Discovery | Promise<Discovery>) {}

  /** Control channels between nodes that the suite did not open: discovery is not to connect them. */
  get unexpectedChannels(): number {
    return this.channels;
  }

  /** A node; `index` says which of two it is. Hosts know the address of the first one that runs, and nothing else. */
  async open(index: 0 | 1): Promise<SuiteNode> {
    const discovery = await this.make();
    const service = await discovery.hostService?.();
    if (!service) return { discovery, announcement: announcementOf(index) };
    const identity = this.identities.get(index) ?? (await createIdentity());
    this.identities.set(index, identity);
    const host = await startControlHost({
      identity,
      clusterKey: this.clusterKey,
      listen: ['/ip4/127.0.0.1/tcp/0'],
      services: { discovery: service },
      onChannel: () => {
        if (entry.expectedChannels > 0) entry.expectedChannels -= 1;
        else this.channels += 1;
      },
    });
    const entry: Host = { host, expectedChannels: 0 };
    const [bootstrap] = this.hosts.values();
    const node = { discovery, announcement: { peerId: host.nodeId, addresses: host.addresses, clusterTag } };
    this.hosts.set(node, entry);
    if (bootstrap) {
      bootstrap.expectedChannels += 1;
      await host.dial(bootstrap.host.addresses, AbortSignal.timeout(30_000));
    }
    return node;
  }

  /** The node's host ends, if it has one. */
  async stop(node: SuiteNode): Promise<void> {
    const entry = this.hosts.get(node);
    this.hosts.delete(node);
    await entry?.host.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.hosts.keys()].map((node) => this.stop(node)));
  }
}

export function announcementOf(index: 0 | 1, port: number = 4000 + index): Announcement {
  return { peerId: peerIds[index], addresses: [`/ip4/127.0.0.1/tcp/${port}`], clusterTag };
}
