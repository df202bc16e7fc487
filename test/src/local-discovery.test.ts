// Nodes of one local network find each other without being told, and strangers do not; a blocked network is named.
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { attach } from 'shoal';
import t from 'tap';
import { HostNode } from './support/command.js';
import { NamespaceHosts } from './support/namespaces.js';
import { repositoryRoot } from './support/repository.js';

const reason = NamespaceHosts.unavailableReason();

const methods = { mdns: { intervalSeconds: 1 }, 'udp-broadcast': { intervalSeconds: 0.5 } } as const;
type Method = keyof typeof methods;

/** The shipped plugins with this discovery alone. */
function writeManifest(file: string, method: Method): void {
  const { plugins } = JSON.parse(readFileSync(join(repositoryRoot, 'plugins.json'), 'utf8')) as {
    plugins: { module: string; options?: object }[];
  };
  const others = plugins.filter(({ module }) => !module.includes('/discovery-'));
  const discovery = { module: `@shoal/discovery-${method}`, options: methods[method] };
  writeFileSync(file, JSON.stringify({ plugins: [discovery, ...others] }));
}

async function namesSeen(home: string, count: number): Promise<string[]> {
  await using cluster = await attach({ home });
  const deadline = Date.now() + 15_000;
  for (;;) {
    const names = (await cluster.nodes()).map(({ nodeName, state }) => `${nodeName} ${state}`).sort();
    if (names.length >= count || Date.now() > deadline) return names;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

for (const method of Object.keys(methods) as Method[]) {
  t.test(`nodes on one network, over ${method}`, { skip: reason ?? false }, async (t) => {
    const root = mkdtempSync(join(tmpdir(), 'shoal-discovery-'));
    t.teardown(() => rmSync(root, { recursive: true, force: true }));
    const manifest = join(root, 'plugins.json');
    writeManifest(manifest, method);
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
        t.same(await namesSeen(home, 3), expected);
      }
    });

    await t.test('a node of another cluster is not even tried', async (t) => {
      t.same(await namesSeen(homes[3] as string, 1), ['stranger self']);
      t.notOk((await namesSeen(homes[0] as string, 3)).some((name) => name.includes('refused')));
    });
  });
}

t.test('a network without multicast is told so', { skip: reason ?? false }, async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'shoal-mdns-'));
  t.teardown(() => rmSync(root, { recursive: true, force: true }));
  const manifest = join(root, 'plugins.json');
  writeManifest(manifest, 'mdns');
  await using network = NamespaceHosts.create(1);
  const [host] = network.hosts;
  if (!host) throw new Error('one host was asked for');
  host.blockMulticast();
  await using node = await HostNode.start(host, join(root, 'home'), ['--name', 'deaf', '--plugins', manifest]);
  const deadline = Date.now() + 10_000;
  while (!/multicast is blocked/.test(node.errors()) && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  t.match(node.errors(), /warn .*multicast is blocked on this network/);
});
