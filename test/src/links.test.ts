// Two hosts joined by a slow network and by a fast cable: data takes the cable, control does not, and without the cable
// everything goes on over the network.
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { attach, type Cluster, type ClusterTopology, type Link, linksBetween, runClusterDoctor } from 'shoal';
import t from 'tap';
import { HostNode, shoal } from './support/command.js';
import { shippedPlugins, withTlsAlone, writePlugins } from './support/host-plugins.js';
import { NamespaceHosts } from './support/namespaces.js';

const question = [{ role: 'user', content: 'What is 12 plus 30?' }] as const;

const reason = NamespaceHosts.unavailableReason();

t.test('a slow network and a fast cable', { skip: reason ?? false }, async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'shoal-links-'));
  t.teardown(() => rmSync(root, { recursive: true, force: true }));
  const homes = ['first', 'second'].map((name) => join(root, name)) as [string, string];
  for (const home of homes) mkdirSync(home, { mode: 0o700 });
  const manifest = join(root, 'plugins.json');
  writePlugins(manifest, withTlsAlone(shippedPlugins()));
  await using network = NamespaceHosts.create(2);
  const [firstHost, secondHost] = network.hosts;
  if (!firstHost || !secondHost) throw new Error('two hosts were asked for');
  NamespaceHosts.connect([firstHost, secondHost], 'cable0', '10.213.8');
  const isShaped = [firstHost, secondHost].every((host) => host.slowDown('eth0', 40));
  if (!isShaped) t.comment('the kernel has no token bucket: the network is as fast as the cable');
  const everywhere = ['--data-address', '0.0.0.0', '--plugins', manifest];
  await using first = await HostNode.start(firstHost, homes[0], ['--name', 'first', ...everywhere]);
  copyFileSync(join(homes[0], 'cluster.key'), join(homes[1], 'cluster.key'));
  const join_ = ['--name', 'second', '--peer', first.address, ...everywhere];
  await using second = await HostNode.start(secondHost, homes[1], join_);
  await using cluster = await attach({ home: homes[0] });
  const ids = [first.started.nodeId, second.started.nodeId] as const;

  await t.test('both are measured, both ways', async (t) => {
    const isCableFaster = ({ links }: ClusterTopology) =>
      !isShaped ||
      [ids, [...ids].reverse()].every(
        ([from = '', to = '']) => linksBetween(links, from, to)[0]?.from.interfaceName === 'cable0',
      );
    const topology = await topologyWith(cluster, 4, isCableFaster);
    t.same(topology.nodes.map(({ nodeName }) => nodeName).sort(), ['first', 'second']);
    for (const [from, to] of [ids, [...ids].reverse()] as [string, string][]) {
      const links = linksBetween(topology.links, from, to);
      t.same(links.map(({ from }) => from.interfaceName).sort(), ['cable0', 'eth0']);
      for (const link of links) {
        t.match(link, { kind: 'ethernet', latencyMicroseconds: { value: Number, source: 'measured' } });
        t.match(link.bandwidthBytesPerSecond, { value: Number, source: 'measured' });
        t.comment(describe(link));
      }
      if (isShaped) t.equal(links[0]?.from.interfaceName, 'cable0', 'the cable is the faster one');
    }
  });

  await t.test('the cluster is ready', async (t) => {
    const look = () => runClusterDoctor({ home: homes[0], nodeCount: 2, model: 'shoal-tiny-chat' });
    let findings = await look();
    // A busy machine may answer late.
    await waitFor(async () => {
      if (findings.every(({ status }) => status !== 'problem')) return true;
      findings = await look();
      return false;
    });
    for (const { area, name, status, message } of findings) t.not(status, 'problem', `${area} ${name}: ${message}`);
    const lacking = await runClusterDoctor({ home: homes[0], nodeCount: 3, model: 'nowhere' });
    t.match(
      lacking.filter(({ status }) => status === 'problem').map(({ area, name }) => `${area} ${name}`),
      ['cluster nodes', 'model nowhere'],
    );
  });

  await t.test('commands print them', async (t) => {
    const { code, output, errors } = await shoal(['topology', '--home', homes[0]]);
    t.equal(code, 0, `${errors}${output}`);
    t.match(output, /first.*second.*ethernet.*cable0/);
  });

  /** Bytes that the first host sends over both while a model answers. */
  async function traffic(): Promise<{ cable: number; network: number }> {
    await using model = await cluster.load('shoal-tiny-chat', { plan: 'pp=2' });
    const before = { cable: firstHost?.sentBytes('cable0') ?? 0, network: firstHost?.sentBytes('eth0') ?? 0 };
    await model.chat(question, { maximumTokens: 400, ignoreEndOfText: true }).result;
    return {
      cable: (firstHost?.sentBytes('cable0') ?? 0) - before.cable,
      network: (firstHost?.sentBytes('eth0') ?? 0) - before.network,
    };
  }

  await t.test('data takes the cable', { skip: isShaped ? false : 'both are equally fast' }, async (t) => {
    const { cable, network } = await traffic();
    t.comment(`${cable} bytes over the cable, ${network} over the network`);
    t.ok(cable > 4 * network, 'activations take the cable');
  });

  await t.test('without the cable data takes the network', async (t) => {
    // Packets vanish, so that only trying shows it: what was measured a moment ago still names the cable.
    firstHost.losesPacketsTo('10.213.8.2', 'cable0');
    secondHost.losesPacketsTo('10.213.8.1', 'cable0');
    const { cable, network } = await traffic();
    t.comment(`${cable} bytes over the cable, ${network} over the network`);
    t.ok(network > 4 * cable, 'activations take the network');
  });

  await t.test('link-local addresses are enough', { skip: isShaped ? false : 'both are equally fast' }, async (t) => {
    // No address of the cable is left but fe80::, which says nothing without the interface.
    for (const host of [firstHost, secondHost]) host.dropAddresses('cable0');
    const isThere = await waitFor(async () => {
      const { links } = await cluster.topology({ fresh: true });
      return (
        links.filter(({ from, to }) => from.interfaceName === 'cable0' && to.address?.endsWith('%cable0')).length === 2
      );
    });
    t.ok(isThere, 'the cable is measured by its zone');
    const { cable, network } = await traffic();
    t.comment(`${cable} bytes over the cable, ${network} over the network`);
    t.ok(cable > 4 * network, 'activations take the cable');
  });
});

async function waitFor(isSo: () => Promise<boolean>): Promise<boolean> {
  const deadline = Date.now() + 60_000;
  while (Date.now() < deadline) {
    if (await isSo()) return true;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  return false;
}

/** The topology once so many links are measured well: a busy machine takes several tries. The last one after a while. */
async function topologyWith(
  cluster: Cluster,
  linkCount: number,
  isGood: (topology: ClusterTopology) => boolean,
): Promise<ClusterTopology> {
  const deadline = Date.now() + 120_000;
  for (;;) {
    const topology = await cluster.topology({ fresh: true });
    const isMeasured = ({ bandwidthBytesPerSecond }: Link) => 'value' in bandwidthBytesPerSecond;
    const isThere = topology.links.filter(isMeasured).length >= linkCount && isGood(topology);
    if (isThere || Date.now() > deadline) return topology;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

function describe({ from, latencyMicroseconds, bandwidthBytesPerSecond }: Link): string {
  const text = (value: typeof latencyMicroseconds) => ('value' in value ? Math.round(value.value) : value.unknown);
  return `${from.interfaceName}: ${text(latencyMicroseconds)} µs, ${text(bandwidthBytesPerSecond)} B/s`;
}
