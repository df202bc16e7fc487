import type { Loss, Sighting } from '@shoal/core';
import { isOwnSighting } from '@shoal/core/internal/node/sightings.js';
import t from 'tap';

const seen: Sighting = { kind: 'seen', addresses: ['/ip4/127.0.0.1/tcp/1'], seenBy: 'test' };

t.test('sightings of this cluster, or of who knows which, are used', async (t) => {
  t.ok(isOwnSighting(seen, 'ours'));
  t.ok(isOwnSighting({ ...seen, clusterTag: 'ours', peerId: 'x' }, 'ours'));
  t.notOk(isOwnSighting({ ...seen, clusterTag: 'theirs' }, 'ours'));
  t.ok(isOwnSighting({ kind: 'lost', addresses: [], seenBy: 'test' }, 'ours'), 'a loss has no tag');
});

t.test('what a plugin hands on unread is passed over', async (t) => {
  const broken: readonly unknown[] = [
    {},
    { ...seen, kind: 'heard' },
    { ...seen, addresses: undefined },
    { ...seen, addresses: '/ip4/127.0.0.1/tcp/1' },
    { ...seen, addresses: [7] },
    { ...seen, peerId: 7 },
  ];
  for (const one of broken) t.notOk(isOwnSighting(one as Sighting | Loss, 'ours'), JSON.stringify(one));
});
