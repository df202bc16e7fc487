import type { Loss, Sighting } from '@shoal/core';
import { isLoopbackAddress, peerIdOf, SightingHub, withPeerId } from '@shoal/core';
import t from 'tap';

const addresses = ['/ip4/192.0.2.1/tcp/4001'];

/** Everything that a watcher of the hub has heard when `act` is done. */
async function heard(hub: SightingHub, act: () => void): Promise<(Sighting | Loss)[]> {
  const controller = new AbortController();
  const events: (Sighting | Loss)[] = [];
  const watching = (async () => {
    for await (const event of hub.watch(controller.signal)) events.push(event);
  })();
  await new Promise(setImmediate);
  act();
  await new Promise(setImmediate);
  controller.abort();
  await watching;
  return events;
}

t.test('news is told once, and again when addresses change', async (t) => {
  const hub = new SightingHub({ seenBy: 'test' });
  const events = await heard(hub, () => {
    t.equal(hub.see({ peerId: 'a', addresses }), true);
    t.equal(hub.see({ peerId: 'a', addresses: [...addresses] }), false);
    t.equal(hub.see({ peerId: 'a', addresses: [...addresses, '/ip4/192.0.2.2/tcp/4001'], clusterTag: 'tag' }), true);
    t.equal(hub.see({ peerId: 'b', addresses: [] }), false, 'nobody could reach it');
  });
  t.same(events, [
    { kind: 'seen', peerId: 'a', addresses, seenBy: 'test' },
    {
      kind: 'seen',
      peerId: 'a',
      addresses: [...addresses, '/ip4/192.0.2.2/tcp/4001'],
      seenBy: 'test',
      clusterTag: 'tag',
    },
  ]);
});

t.test('who comes later is told of those that are known', async (t) => {
  const hub = new SightingHub({ seenBy: 'test' });
  hub.see({ peerId: 'a', addresses });
  hub.see({ peerId: 'b', addresses });
  hub.lose('b');
  t.match(await heard(hub, () => undefined), [{ kind: 'seen', peerId: 'a' }]);
});

t.test('a loss is told once, and the peer can come again', async (t) => {
  const hub = new SightingHub({ seenBy: 'test' });
  hub.see({ peerId: 'a', addresses });
  const events = await heard(hub, () => {
    t.equal(hub.lose('a'), true);
    t.equal(hub.lose('a'), false);
    hub.see({ peerId: 'a', addresses });
  });
  t.same(
    events.map(({ kind }) => kind),
    ['seen', 'lost', 'seen'],
  );
  t.same(events[1]?.addresses, addresses, 'with the addresses that were told');
});

t.test('those who fall silent expire', async (t) => {
  let now = 0;
  const hub = new SightingHub({ seenBy: 'test', lifetimeMilliseconds: 100, now: () => now });
  hub.see({ peerId: 'a', addresses });
  hub.see({ peerId: 'b', addresses });
  now = 80;
  hub.see({ peerId: 'b', addresses });
  t.equal(hub.expire(), false);
  now = 150;
  t.match(await heard(hub, () => t.equal(hub.expire(), true)), [{}, {}, { kind: 'lost', peerId: 'a' }]);
  t.equal(hub.size, 1);
});

t.test('only so many are believed', async (t) => {
  const hub = new SightingHub({ seenBy: 'test', maximumPeers: 2 });
  for (const peerId of ['a', 'b', 'c']) hub.see({ peerId, addresses });
  t.equal(hub.size, 2);
  t.equal(hub.see({ peerId: 'a', addresses: ['/ip4/192.0.2.9/tcp/1'] }), true, 'known ones may still change');
});

t.test('which addresses stay on the machine', async (t) => {
  for (const address of [
    '/ip4/127.0.0.1/tcp/1',
    '/ip4/127.9.9.9/tcp/1/p2p/x',
    '/ip6/::1/tcp/1',
    '/ip6/0:0:0:0:0:0:0:1/tcp/1',
  ])
    t.equal(isLoopbackAddress(address), true, address);
  for (const address of [
    '/ip4/192.0.2.127/tcp/1',
    '/ip6/fe80::1/tcp/1',
    '/ip6/2001:db8::1/tcp/1',
    '/dns/localhost/tcp/1',
    '',
  ])
    t.equal(isLoopbackAddress(address), false, address);
});

t.test('the peer in an address', async (t) => {
  t.equal(peerIdOf('/ip4/192.0.2.1/tcp/1/p2p/x'), 'x');
  t.equal(peerIdOf('/ip4/192.0.2.1/tcp/1'), undefined);
  t.equal(withPeerId('/ip4/192.0.2.1/tcp/1', 'x'), '/ip4/192.0.2.1/tcp/1/p2p/x');
  t.equal(withPeerId('/ip4/192.0.2.1/tcp/1/p2p/y', 'x'), '/ip4/192.0.2.1/tcp/1/p2p/y');
});
