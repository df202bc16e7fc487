import { type ChildProcess, type SpawnOptions, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';

/**
 * Hosts made of network namespaces on one machine: each has an address of its own on a common bridge, which lives in a
 * namespace too, so nothing of the machine's network is touched. Needs Linux, root and iproute2.
 */
export class NamespaceHosts implements AsyncDisposable {
  readonly #prefix: string;
  readonly hosts: readonly NamespaceHost[];

  private constructor(prefix: string, hosts: readonly NamespaceHost[]) {
    this.#prefix = prefix;
    this.hosts = hosts;
  }

  /** Why hosts cannot be made here, or undefined. */
  static unavailableReason(): string | undefined {
    if (process.platform !== 'linux') return 'network namespaces exist on Linux only';
    if (process.getuid?.() !== 0) return 'making network namespaces needs root';
    if (spawnSync('ip', ['-V']).status !== 0) return 'the command `ip` (iproute2) is missing';
    const probe = `shoal-probe-${process.pid}`;
    if (spawnSync('ip', ['netns', 'add', probe]).status !== 0) return 'network namespaces are not allowed here';
    spawnSync('ip', ['netns', 'del', probe]);
    return undefined;
  }

  /** Why their firewalls cannot be set here, or undefined. */
  static firewallUnavailableReason(): string | undefined {
    const reason = NamespaceHosts.unavailableReason();
    if (reason !== undefined) return reason;
    return spawnSync('nft', ['--version']).status === 0 ? undefined : 'the command `nft` (nftables) is missing';
  }

  static create(count: number): NamespaceHosts {
    const prefix = `sh${randomBytes(3).toString('hex')}`;
    const bridge = `${prefix}-br`;
    ip(['netns', 'add', bridge]);
    ip(['-n', bridge, 'link', 'add', 'bridge0', 'type', 'bridge']);
    ip(['-n', bridge, 'link', 'set', 'bridge0', 'up']);
    const hosts = Array.from({ length: count }, (_, index) => {
      const namespace = `${prefix}-${index + 1}`;
      const port = `${prefix}p${index + 1}`;
      const address = `10.213.7.${index + 1}`;
      ip(['netns', 'add', namespace]);
      ip(['-n', namespace, 'link', 'set', 'lo', 'up']);
      ip(['-n', namespace, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', port, 'netns', bridge]);
      ip(['-n', bridge, 'link', 'set', port, 'master', 'bridge0', 'up']);
      ip(['-n', namespace, 'addr', 'add', `${address}/24`, 'dev', 'eth0']);
      ip(['-n', namespace, 'link', 'set', 'eth0', 'up']);
      // Multicast needs a way out, too.
      ip(['-n', namespace, 'route', 'add', 'default', 'dev', 'eth0']);
      return new NamespaceHost(namespace, address, bridge, port);
    });
    return new NamespaceHosts(prefix, hosts);
  }

  /** A cable of their own between two hosts: an interface on each, with the addresses NETWORK.1 and NETWORK.2. */
  static connect(hosts: readonly [NamespaceHost, NamespaceHost], name: string, network: string): void {
    const [first, second] = hosts;
    const peer = ['type', 'veth', 'peer', 'name', name, 'netns', second.namespace];
    ip(['-n', first.namespace, 'link', 'add', name, ...peer]);
    for (const [index, { namespace }] of hosts.entries()) {
      ip(['-n', namespace, 'addr', 'add', `${network}.${index + 1}/24`, 'dev', name]);
      ip(['-n', namespace, 'link', 'set', name, 'up']);
    }
  }

  /** Nothing passes between the groups, though every cable is there. Needs nftables. */
  part(groups: readonly (readonly NamespaceHost[])[]): void {
    const rules = groups.flatMap((group) => {
      const others = groups.filter((one) => one !== group).flat();
      return `iifname { ${ports(group)} } oifname { ${ports(others)} } drop`;
    });
    nft(`${this.#prefix}-br`, table('bridge parted', 'forward', rules));
  }

  heal(): void {
    nft(`${this.#prefix}-br`, 'delete table bridge parted');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { namespace } of this.hosts) spawnSync('ip', ['netns', 'del', namespace]);
    spawnSync('ip', ['netns', 'del', `${this.#prefix}-br`]);
  }
}

/** One host: run programs in it, pull its cable and put it back. */
export class NamespaceHost {
  constructor(
    readonly namespace: string,
    readonly address: string,
    readonly bridge: string,
    readonly port: string,
  ) {}

  /** Gives an address the link address of no card: what is sent there vanishes on the bridge. */
  neverAnswers(address: string): void {
    ip(['-n', this.namespace, 'neigh', 'add', address, 'lladdr', '02:00:00:00:00:01', 'dev', 'eth0']);
  }

  /** What the host sends over an interface is no faster than this. False where the kernel cannot do it. */
  slowDown(name: string, megabitsPerSecond: number): boolean {
    const shape = ['tbf', 'rate', `${megabitsPerSecond}mbit`, 'burst', '32kb', 'latency', '200ms'];
    return spawnSync('tc', ['-n', this.namespace, 'qdisc', 'add', 'dev', name, 'root', ...shape]).status === 0;
  }

  /** Bytes that an interface has sent. */
  sentBytes(name: string): number {
    return this.statistic(name, 'tx_bytes');
  }

  receivedBytes(name: string): number {
    return this.statistic(name, 'rx_bytes');
  }

  private statistic(name: string, which: string): number {
    const path = `/sys/class/net/${name}/statistics/${which}`;
    const result = spawnSync('ip', ['netns', 'exec', this.namespace, 'cat', path], { encoding: 'utf8' });
    return Number(result.stdout);
  }

  /** Only link-local addresses are left on an interface: those that need a zone. */
  dropAddresses(name: string): void {
    ip(['-n', this.namespace, '-4', 'addr', 'flush', 'dev', name]);
  }

  /** Whatever is sent to an address over an interface vanishes, though the cable is there. */
  losesPacketsTo(address: string, name: string): void {
    ip([
      '-n',
      this.namespace,
      'neigh',
      'replace',
      address,
      'lladdr',
      '02:00:00:00:00:01',
      'dev',
      name,
      'nud',
      'permanent',
    ]);
  }

  spawn(command: string, args: readonly string[], options: SpawnOptions): ChildProcess {
    return spawn('ip', ['netns', 'exec', this.namespace, command, ...args], options);
  }

  unplug(): void {
    ip(['-n', this.bridge, 'link', 'set', this.port, 'down']);
  }

  /** Multicast does not come in over an interface, as behind many firewalls. Needs nftables. */
  blockMulticast(name = 'eth0'): void {
    const rule = `iifname "${name}" ip daddr 224.0.0.0/4 drop`;
    nft(this.namespace, table(`inet block_${name}`, 'input', [rule]));
  }

  /** Datagrams to a port do not come in, as behind a firewall that knows of TCP only. Needs nftables. */
  blockDatagrams(port: number): void {
    nft(this.namespace, table('inet block_datagrams', 'input', [`udp dport ${port} drop`]));
  }

  allowDatagrams(): void {
    nft(this.namespace, 'delete table inet block_datagrams');
  }

  plug(): void {
    ip(['-n', this.bridge, 'link', 'set', this.port, 'up']);
  }
}

const ports = (hosts: readonly NamespaceHost[]) => hosts.map(({ port }) => `"${port}"`).join(', ');

function table(name: string, hook: 'input' | 'forward', rules: readonly string[]): string {
  return `table ${name} {
    chain ${hook} {
      type filter hook ${hook} priority 0
      ${rules.join('\n      ')}
    }
  }`;
}

function nft(namespace: string, rules: string): void {
  const words = ['netns', 'exec', namespace, 'nft', '-f', '-'];
  const result = spawnSync('ip', words, { input: rules, encoding: 'utf8' });
  if (result.status !== 0) throw new Error(`nft: ${result.stderr.trim()}`);
}

function ip(args: readonly string[]): void {
  const result = spawnSync('ip', [...args], { encoding: 'utf8' });
  if (result.status !== 0) throw new Error(`ip ${args.join(' ')}: ${result.stderr.trim()}`);
}
