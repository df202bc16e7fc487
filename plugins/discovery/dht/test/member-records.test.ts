// What members tell each other of others, between two hosts.
import { randomBytes } from 'node:crypto';
import { generateKeyPair } from '@libp2p/crypto/keys';
import type { PeerId } from '@libp2p/interface';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import { multiaddr } from '@multiformats/multiaddr';
import type { HostComponents } from '@shoal/core';
import { startControlHost } from '@shoal/core/internal/control/libp2p-host.js';
import { MemberRecords } from '@shoal/discovery-dht/internal/member-records.js';
import { CID } from 'multiformats/cid';
import { create } from 'multiformats/hashes/digest';
import t, { type Test } from 'tap';

const sha256 = 0x12;
const raw = 0x55;
const deadlineMilliseconds = 120_000;

/** A host and what it keeps. */
async function startKeeper(t: Test, clusterKey: Uint8Array) {
  const load = await MemberRecords.load({ validMilliseconds: 600_000 });
  const found: { records?: MemberRecords; components?: HostComponents } = {};
  const host = await startControlHost({
    clusterKey,
    listen: ['/ip4/127.0.0.1/tcp/0'],
    services: {
      dht: (components) => {
        found.components = components;
        found.records = load(components);
        return found.records.service;
      },
    },
    onChannel: () => undefined,
  });
  t.teardown(() => host.stop());
  const { records, components } = found as Required<typeof found>;
  /** Keeps a record of a member that is announced under the key. */
  const keep = async (key: CID, id: PeerId): Promise<void> => {
    const { providers } = records.service as unknown as {
      providers: { addProvider(key: CID, id: PeerId): Promise<void> };
    };
    await components.peerStore.merge(id, { multiaddrs: [multiaddr('/ip4/192.0.2.7/tcp/7070')] });
    await providers.addProvider(key, id);
  };
  return { host, records, keep };
}

const newId = async (): Promise<PeerId> => peerIdFromPrivateKey(await generateKeyPair('Ed25519'));

t.test('a member that keeps as many records as a bucket has members asks others all the same', async (t) => {
  const clusterKey = randomBytes(32);
  const full = await startKeeper(t, clusterKey);
  const other = await startKeeper(t, clusterKey);
  const key = CID.createV1(raw, create(sha256, randomBytes(32)));
  const kept = await Promise.all(Array.from({ length: 8 }, newId));
  for (const id of kept) await full.keep(key, id);
  const unknown = await newId();
  await other.keep(key, unknown);
  await full.host.dial(other.host.addresses, AbortSignal.timeout(deadlineMilliseconds));

  const ids = [...kept, unknown].map(String).sort();
  const deadline = performance.now() + deadlineMilliseconds;
  let found: string[] = [];
  // The first look-up may come before the two have identified each other.
  while (found.length < ids.length && performance.now() < deadline) {
    const heard = await full.records.find(key, AbortSignal.timeout(deadlineMilliseconds));
    found = heard.map(({ peerId = '' }) => peerId).sort();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  t.same(found, ids);
});
