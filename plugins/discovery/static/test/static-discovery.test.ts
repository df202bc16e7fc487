import { type Discovery, loadPlugins, type Sighting } from '@shoal/core';
import { staticPeers } from '@shoal/discovery-static';
import t from 'tap';

async function discoveryOf(peers: readonly string[]): Promise<Discovery> {
  const plugins = await loadPlugins([staticPeers({ peers })], { resolveFrom: [import.meta.url] });
  return plugins.get('discovery', 'static').host;
}

t.test('each peer is seen once, and the watch ends with its signal', async (t) => {
  const discovery = await discoveryOf([
    '/ip4/192.168.1.20/tcp/7070',
    '/dns4/anna.local/tcp/7070/p2p/12D3KooWExample',
    '/ip4/192.168.1.20/tcp/7070',
  ]);
  const controller = new AbortController();
  const seen: unknown[] = [];
  for await (const sighting of discovery.watch(controller.signal)) {
    seen.push(sighting);
    if (seen.length === 2) setTimeout(() => controller.abort(), 20);
  }
  t.same(seen, [
    { kind: 'seen', addresses: ['/ip4/192.168.1.20/tcp/7070'], seenBy: 'static' },
    {
      kind: 'seen',
      peerId: '12D3KooWExample',
      addresses: ['/dns4/anna.local/tcp/7070/p2p/12D3KooWExample'],
      seenBy: 'static',
    },
  ] satisfies Sighting[]);
});

t.test('an aborted watch sees nobody', async (t) => {
  const discovery = await discoveryOf(['/ip4/10.0.0.1/tcp/1']);
  for await (const sighting of discovery.watch(AbortSignal.abort())) t.fail(`saw ${sighting.addresses.join()}`);
});

t.test('announcing resolves at once', async (t) => {
  const discovery = await discoveryOf([]);
  const announcement = { peerId: 'x', addresses: [], clusterTag: 'y' };
  await t.resolves(discovery.announce(announcement, new AbortController().signal));
});

t.test('what is no multiaddress is refused', async (t) => {
  for (const peer of ['192.168.1.20:7070', '/', '/ip4//tcp/1', '/ip4/1.2.3.4 /tcp/1', '']) {
    await t.rejects(discoveryOf([peer]), { code: 'PLUGIN_OPTIONS_INVALID', message: /options\/peers\/0/ }, peer);
  }
});
