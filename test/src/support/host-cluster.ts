import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { attach, type Cluster } from 'shoal';
import { HostNode } from './command.js';
import { type ListedPlugin, shippedPlugins, withTlsAlone, writePlugins } from './host-plugins.js';
import { type NamespaceHost, NamespaceHosts } from './namespaces.js';

interface Member {
  readonly name: string;
  readonly home: string;
  readonly host: NamespaceHost;
  node: HostNode | undefined;
}

export interface HostClusterOptions {
  /** Hosts without a node. */
  readonly spareHosts?: number;
  /** Ways of finding peers; those of the shipped plugins.json unless given. */
  readonly discovery?: readonly ListedPlugin[];
}

/** Nodes on hosts of their own that hold one key. */
export class HostCluster implements AsyncDisposable {
  readonly network: NamespaceHosts;
  readonly manifest: string;
  private readonly root = mkdtempSync(join(tmpdir(), 'shoal-members-'));
  private readonly members: Member[] = [];
  private readonly clusters = new Map<string, Cluster>();

  constructor(names: readonly string[], { spareHosts = 0, discovery }: HostClusterOptions = {}) {
    this.network = NamespaceHosts.create(names.length + spareHosts);
    this.manifest = join(this.root, 'plugins.json');
    writePlugins(this.manifest, withTlsAlone(shippedPlugins(discovery)));
    for (const [index, name] of names.entries()) {
      const host = this.network.hosts[index];
      if (host) this.members.push({ name, host, home: this.makeHome(name), node: undefined });
    }
  }

  /** A folder for a node of this cluster. */
  makeHome(name: string): string {
    const home = join(this.root, name);
    mkdirSync(home, { mode: 0o700 });
    if (this.members[0]) copyFileSync(join(this.members[0].home, 'cluster.key'), join(home, 'cluster.key'));
    else writeFileSync(join(home, 'cluster.key'), `${'5e'.repeat(32)}\n`, { mode: 0o600 });
    return home;
  }

  hostOf(name: string): NamespaceHost {
    return this.member(name).host;
  }

  homeOf(name: string): string {
    return this.member(name).home;
  }

  async start(name: string, args: readonly string[] = []): Promise<HostNode> {
    const member = this.member(name);
    const node = await HostNode.start(member.host, member.home, ['--name', name, '--plugins', this.manifest, ...args]);
    member.node = node;
    return node;
  }

  async stop(name: string): Promise<void> {
    const member = this.member(name);
    await this.clusters.get(name)?.close();
    this.clusters.delete(name);
    await member.node?.[Symbol.asyncDispose]();
    member.node = undefined;
  }

  /** A program attached to a node. */
  async of(name: string): Promise<Cluster> {
    const known = this.clusters.get(name);
    if (known) return known;
    const cluster = await attach({ home: this.homeOf(name) });
    this.clusters.set(name, cluster);
    return cluster;
  }

  /** Waits until a node sees the others in these states; resolves with the milliseconds it took. */
  async until(
    name: string,
    expected: Readonly<Record<string, string>>,
    deadlineMilliseconds = 90_000,
  ): Promise<number> {
    const cluster = await this.of(name);
    const started = performance.now();
    for (;;) {
      const nodes = await cluster.nodes();
      const states = new Map(nodes.map(({ nodeName, state }) => [nodeName, state as string]));
      const elapsed = performance.now() - started;
      if (Object.entries(expected).every(([other, state]) => (states.get(other) ?? 'unknown') === state))
        return elapsed;
      if (elapsed > deadlineMilliseconds) {
        const seen = nodes.map(({ nodeName, state, message }) => `${nodeName} ${state} ${message ?? ''}`).join('; ');
        throw new Error(`${name} does not see ${JSON.stringify(expected)} but ${seen}`);
      }
      await sleep(20);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.clusters.values()].map((cluster) => cluster.close().catch(() => undefined)));
    await Promise.all(this.members.map(({ node }) => node?.[Symbol.asyncDispose]()));
    await this.network[Symbol.asyncDispose]();
    rmSync(this.root, { recursive: true, force: true });
  }

  private member(name: string): Member {
    const member = this.members.find((one) => one.name === name);
    if (!member) throw new Error(`there is no host for ${name}`);
    return member;
  }
}

/** A compiled script of this folder on a host; the first line that it prints says that it is ready. */
export class HostScript implements AsyncDisposable {
  private constructor(private readonly child: ChildProcess) {}

  static async start(host: NamespaceHost, name: string, args: readonly string[]): Promise<HostScript> {
    const script = fileURLToPath(new URL(`./${name}.js`, import.meta.url));
    const child = host.spawn(process.execPath, [script, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
    if (!child.stdout) throw new Error('the script has no output');
    const ended = once(child, 'exit').then(([code]) => {
      throw new Error(`${name} ended with ${String(code)}`);
    });
    ended.catch(() => undefined);
    await Promise.race([once(createInterface({ input: child.stdout }), 'line'), ended]);
    return new HostScript(child);
  }

  say(line: string): void {
    this.child.stdin?.write(`${line}\n`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, 'exit');
    this.child.stdin?.end();
    const kill = setTimeout(() => this.child.kill('SIGKILL'), 5000);
    await ended;
    clearTimeout(kill);
  }
}
