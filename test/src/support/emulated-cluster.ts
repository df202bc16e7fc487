import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { attach, type Cluster } from 'shoal';
import { HostNode } from './command.js';
import { type EmulatedNetwork, type EmulatedNetworkOptions, emulatedNetwork } from './emulated-network.js';
import { eagerMdns, type ListedPlugin, shippedPlugins, withTlsAlone, writePlugins } from './host-plugins.js';

export interface EmulatedClusterOptions extends EmulatedNetworkOptions {
  /** Absent: the shipped ones, found by mDNS alone. */
  readonly plugins?: readonly ListedPlugin[];
  /** What the network is like when the nodes start: they measure it at once, and not again for a while. */
  readonly prepare?: (network: EmulatedNetwork) => Promise<void>;
}

/** A node of its own on each host of an emulated network, all with one cluster key. */
export class EmulatedCluster implements AsyncDisposable {
  readonly #root: string;

  private constructor(
    root: string,
    readonly network: EmulatedNetwork,
    readonly homes: readonly string[],
    readonly nodes: readonly HostNode[],
  ) {
    this.#root = root;
  }

  static async start({
    plugins = shippedPlugins([eagerMdns]),
    prepare,
    ...options
  }: EmulatedClusterOptions): Promise<EmulatedCluster> {
    const root = mkdtempSync(join(tmpdir(), 'shoal-emulated-'));
    const manifest = join(root, 'plugins.json');
    writePlugins(manifest, withTlsAlone(plugins));
    const network = await emulatedNetwork(options);
    const homes = network.hosts.map(({ name }) => join(root, name));
    for (const home of homes) mkdirSync(home, { mode: 0o700 });
    const start = (index: number): Promise<HostNode> => {
      const [host, home] = [network.hosts[index], homes[index]];
      if (!host || !home) throw new Error(`there is no host ${index}`);
      return HostNode.start(host, home, ['--name', host.name, '--plugins', manifest]);
    };
    const nodes: HostNode[] = [];
    const cluster = new EmulatedCluster(root, network, homes, nodes);
    try {
      await prepare?.(network);
      // The first one makes the key.
      nodes.push(await start(0));
      for (const home of homes.slice(1))
        copyFileSync(join(homes[0] as string, 'cluster.key'), join(home, 'cluster.key'));
      const others = await Promise.allSettled(homes.slice(1).map((_home, index) => start(index + 1)));
      nodes.push(...others.flatMap((other) => (other.status === 'fulfilled' ? [other.value] : [])));
      const failed = others.find((other) => other.status === 'rejected');
      if (failed) throw failed.reason;
      return cluster;
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** A program's view through the node of this host. */
  async attach(index: number): Promise<Cluster> {
    return await attach({ home: this.homes[index] as string });
  }

  /** What a node sees: `host-2 connected`. Waits until this satisfies, and gives what it is then or at the deadline. */
  async seenBy(
    index: number,
    satisfies: (seen: readonly string[]) => boolean,
    deadlineMilliseconds = 60_000,
  ): Promise<readonly string[]> {
    await using cluster = await this.attach(index);
    const deadline = performance.now() + deadlineMilliseconds;
    for (;;) {
      const seen = (await cluster.nodes()).map(({ nodeName, state }) => `${nodeName} ${state}`).sort();
      if (satisfies(seen) || performance.now() > deadline) return seen;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** What a node sees when it sees everybody. */
  everybodySeenBy(index: number): readonly string[] {
    return this.network.hosts.map(({ name }, at) => `${name} ${at === index ? 'self' : 'connected'}`).sort();
  }

  /** Waits until each node sees everybody, and says what they see. */
  async meet(deadlineMilliseconds = 60_000): Promise<readonly (readonly string[])[]> {
    return await Promise.all(
      this.nodes.map((_node, index) => {
        const wanted = this.everybodySeenBy(index).join();
        return this.seenBy(index, (seen) => seen.join() === wanted, deadlineMilliseconds);
      }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.nodes.map((node) => node[Symbol.asyncDispose]()));
    await this.network[Symbol.asyncDispose]();
    rmSync(this.#root, { recursive: true, force: true });
  }
}
