// Nodes of one local network find each other without being told, and strangers do not; a blocked network is named.
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { attach, type Finding } from 'shoal';
import t from 'tap';
import { HostNode } from './support/command.js';
import { shippedPlugins, writePlugins } from './support/host-plugins.js';
import { type NamespaceHost, NamespaceHosts } from './support/namespaces.js';
import { commandScript } from './support/repository.js';

const reason = NamespaceHosts.unavailableReason();

const methods = { mdns: { intervalSeconds: 1 }, 'udp-broadcast': { intervalSeconds: 0.5 } } as const;
type Method = keyof typeof methods;

/** The shipped plugins with these ways of finding peers alone. */
function writeManifest(file: string, ...discoveries: readonly { name: string; options: object }[]): void {
  const own = discoveries.map(({ name, options }) => ({ module: `@shoal/discovery-${name}`, options }));
  writePlugins(file, shippedPlugins(own));
}

/** Whom the node of a home sees, once these are among them; else at the deadline. */
async function namesSeen(home: string, ...expected: readonly string[]): Promise<string[]> {
  await using cluster = await attach({ home });
  const deadline = Date.now() + 60_000;
  for (;;) {
    const names = (await cluster.nodes()).map(({ nodeName, state }) => `${nodeName} ${state}`).sort();
    if (expected.every((name) => names.includes(name)) || Date.now() > deadline) return names;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

for (const method of Object.keys(methods) as Method[]) {
  t.test(`nodes on one network, over ${method}`, { skip: reason ?? false }, async (t) => {
    const root = mkdtempSync(join(tmpdir(), 'shoal-discovery-'));
    t.teardown(() => rmSync(root, { recursive: true, force: true }));
    const manifest = join(root, 'plugins.json');
    writeManifest(manifest, { name: method, options: methods[method] });
    await using network = NamespaceHosts.create(4);
    const names = ['anna', 'bert', 'carl', 'stranger'];
    const homes = names.map((name) => join(root, name));
    for (const home of homes) mkdirSync(home, { mode: 0o700 });
    const nodes: HostNode[] = [];
    t.teardown(() => Promise.all(nodes.map((node) => node[Symbol.asyncDispose]())));
    for (const [index, host] of network.hosts.entries()) {
      const [home, first] = [homes[index] as string, homes[0] as string];
      // The last one has a key of its own.
      if (index > 0 && index < 3) copyFileSync(join(first, 'cluster.key'), join(home, 'cluster.key'));
      nodes.push(await HostNode.start(host, home, ['--name', names[index] as string, '--plugins', manifest]));
    }

    await t.test('find each other', async (t) => {
      for (const [index, home] of homes.slice(0, 3).entries()) {
        const expected = names.slice(0, 3).map((name, at) => `${name} ${at === index ? 'self' : 'connected'}`);
        t.same(await namesSeen(home, ...expected), expected);
      }
    });

    await t.test('a node of another cluster is not even tried', async (t) => {
      t.same(await namesSeen(homes[3] as string), ['stranger self']);
      t.notOk((await namesSeen(homes[0] as string)).some((name) => name.includes('refused')));
    });
  });
}

const firewallReason = NamespaceHosts.firewallUnavailableReason();

t.test('networks that block multicast are told so', { skip: firewallReason ?? false }, async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'shoal-mdns-'));
  t.teardown(() => rmSync(root, { recursive: true, force: true }));
  const manifest = join(root, 'plugins.json');
  writeManifest(manifest, ...Object.entries(methods).map(([name, options]) => ({ name, options })));
  await using network = NamespaceHosts.create(2);
  const [host, other] = network.hosts as [NamespaceHost, NamespaceHost];
  NamespaceHosts.connect([host, other], 'eth1', '10.213.8');
  host.blockMulticast('eth0');

  const findings = async (): Promise<Finding[]> => {
    const words = [commandScript, 'doctor', '--json', '--home', join(root, 'doctor'), '--plugins', manifest];
    const child = host.spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
    });
    await once(child, 'close');
    return (JSON.parse(output) as Finding[]).filter(({ area }) => area === 'discovery');
  };

  await t.test('one of two, by the doctor', async (t) => {
    t.match(await findings(), [
      { name: 'mdns', status: 'ok', message: /^eth1 lets multicast through/ },
      {
        name: 'mdns',
        status: 'warning',
        message: 'multicast is blocked on eth0 (10.213.7.1): what is sent does not come back',
        remedy: /UDP 5353 .* --peer, .*discovery-static .*discovery-dht.*udp-broadcast/,
      },
      { name: 'udp-broadcast', status: 'ok', message: '10.213.7.255, 10.213.8.255 let broadcast through' },
    ]);
  });

  await t.test('both, by the doctor and in the log of a node', async (t) => {
    host.blockMulticast('eth1');
    t.match(await findings(), [
      { name: 'mdns', status: 'warning', message: /blocked on eth0 .*blocked on eth1/ },
      { name: 'udp-broadcast', status: 'ok' },
    ]);
    await using node = await HostNode.start(host, join(root, 'home'), ['--name', 'deaf', '--plugins', manifest]);
    const deadline = Date.now() + 60_000;
    while (!/multicast is blocked/.test(node.errors()) && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    t.match(node.errors(), /warn .*multicast is blocked on eth0/);
  });
});

t.test('a network that is no default route is spoken on, too', { skip: reason ?? false }, async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'shoal-two-'));
  t.teardown(() => rmSync(root, { recursive: true, force: true }));
  const manifest = join(root, 'plugins.json');
  writeManifest(manifest, { name: 'mdns', options: methods.mdns });
  await using network = NamespaceHosts.create(2);
  const [left, right] = network.hosts as [NamespaceHost, NamespaceHost];
  NamespaceHosts.connect([left, right], 'eth1', '10.213.9');
  // The cable between them is all they share: their default routes lead elsewhere.
  left.unplug();
  const homes = ['left', 'right'].map((name) => join(root, name)) as [string, string];
  for (const home of homes) mkdirSync(home, { mode: 0o700 });
  const start = (host: NamespaceHost, home: string, address: string, name: string) =>
    HostNode.start(host, home, ['--name', name, '--plugins', manifest, '--listen', `/ip4/${address}/tcp/4002`]);
  await using _left = await start(left, homes[0], '10.213.9.1', 'left');
  copyFileSync(join(homes[0], 'cluster.key'), join(homes[1], 'cluster.key'));
  await using _right = await start(right, homes[1], '10.213.9.2', 'right');
  const expected = ['left connected', 'right self'];
  t.same(await namesSeen(homes[1], ...expected), expected);
});

t.test('nodes on routed networks, over the dht and one address', { skip: reason ?? false }, async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'shoal-dht-'));
  t.teardown(() => rmSync(root, { recursive: true, force: true }));
  await using network = NamespaceHosts.create(4);
  const names = ['anna', 'bert', 'carl', 'stranger'];
  const homes = names.map((name) => join(root, name));
  const nodes: HostNode[] = [];
  t.teardown(() => Promise.all(nodes.map((node) => node[Symbol.asyncDispose]())));
  for (const [index, host] of network.hosts.entries()) {
    const [home, first] = [homes[index] as string, homes[0] as string];
    mkdirSync(home, { mode: 0o700 });
    if (index > 0 && index < 3) copyFileSync(join(first, 'cluster.key'), join(home, 'cluster.key'));
    const manifest = join(root, `plugins-${index}.json`);
    const bootstrap = nodes.slice(0, 1).map(({ address }) => address);
    writeManifest(manifest, { name: 'dht', options: { bootstrap, announceSeconds: 1 } });
    nodes.push(await HostNode.start(host, home, ['--name', names[index] as string, '--plugins', manifest]));
  }
  for (const [index, home] of homes.slice(0, 3).entries()) {
    const expected = names.slice(0, 3).map((name, at) => `${name} ${at === index ? 'self' : 'connected'}`);
    t.same(
      (await namesSeen(home, ...expected)).filter((name) => !name.includes('refused')),
      expected,
    );
  }
  t.same((await namesSeen(homes[3] as string, 'stranger self')).at(-1), 'stranger self');
});

t.test('one peer that is seen in three ways is one peer', { skip: reason ?? false }, async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'shoal-many-'));
  t.teardown(() => rmSync(root, { recursive: true, force: true }));
  await using network = NamespaceHosts.create(2);
  const [left, right] = network.hosts as [NamespaceHost, NamespaceHost];
  const homes = ['left', 'right'].map((name) => join(root, name)) as [string, string];
  for (const home of homes) mkdirSync(home, { mode: 0o700 });
  const manifest = join(root, 'plugins.json');
  const peers = [`/ip4/${left.address}/tcp/4001`, `/ip4/${right.address}/tcp/4001`];
  const ways = [
    ...Object.entries(methods).map(([name, options]) => ({ name, options })),
    { name: 'static', options: { peers } },
    { name: 'dht', options: { bootstrap: peers, announceSeconds: 1 } },
  ];
  writeManifest(manifest, ...ways);
  await using _left = await HostNode.start(left, homes[0], ['--name', 'left', '--plugins', manifest]);
  copyFileSync(join(homes[0], 'cluster.key'), join(homes[1], 'cluster.key'));
  const second = await HostNode.start(right, homes[1], ['--name', 'right', '--plugins', manifest]);
  t.teardown(() => second[Symbol.asyncDispose]());
  const expected = ['left self', 'right connected'];
  t.same(await namesSeen(homes[0], ...expected), expected);
  // Time for each way to have seen it.
  await new Promise((resolve) => setTimeout(resolve, 2500));
  t.same(await namesSeen(homes[0], ...expected), expected);
});
