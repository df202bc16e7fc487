// Nodes measure the links that a network really has, each direction of each pair; long ones, too.
import t from 'tap';
import { EmulatedCluster } from './support/emulated-cluster.js';
import { burstTolerance, type EmulatedNetwork, emulatedNetworkProblem } from './support/emulated-network.js';

const reason = emulatedNetworkProblem();

t.test('links are found as they are', { skip: reason ?? false }, async (t) => {
  const bitsPerSecond = 50e6;
  const asked: Record<string, { readonly roundTripMicroseconds: number; readonly bitsPerSecond?: number }> = {
    'host-1 host-2': { roundTripMicroseconds: 2000, bitsPerSecond },
    'host-1 host-3': { roundTripMicroseconds: 25_000 },
    'host-2 host-3': { roundTripMicroseconds: 60_000 },
  };
  const prepare = async (network: EmulatedNetwork) => {
    await network.ruleBothWays('host-1', 'host-2', { delay: { microseconds: 1000 }, bandwidth: { bitsPerSecond } });
    // One direction is slow and the other is not.
    await network.rule('host-1', 'host-3', { delay: { microseconds: 5000 } });
    await network.rule('host-3', 'host-1', { delay: { microseconds: 20_000 } });
    await network.ruleBothWays('host-2', 'host-3', { delay: { microseconds: 30_000 } });
  };
  await using hosts = await EmulatedCluster.start({ hosts: 3, seed: 3, prepare });
  t.same(
    await hosts.meet(),
    hosts.nodes.map((_node, index) => hosts.everybodySeenBy(index)),
  );
  await using cluster = await hosts.attach(0);
  const names = new Map((await cluster.nodes()).map(({ nodeId, nodeName }) => [nodeId, nodeName]));
  const deadline = performance.now() + 120_000;
  const found = new Map<string, { latencyMicroseconds: number; bitsPerSecond: number | undefined }[]>();
  while ([...found.values()].flat().length < 6 && performance.now() < deadline) {
    found.clear();
    for (const { from, to, latencyMicroseconds, bandwidthBytesPerSecond } of (await cluster.topology({ fresh: true }))
      .links) {
      if (from.nodeId === to.nodeId || !('value' in latencyMicroseconds)) continue;
      const pair = [names.get(from.nodeId), names.get(to.nodeId)].sort().join(' ');
      const rate = 'value' in bandwidthBytesPerSecond && bandwidthBytesPerSecond.source === 'measured';
      const bits = rate ? (bandwidthBytesPerSecond as { value: number }).value * 8 : undefined;
      const all = found.get(pair) ?? [];
      all.push({ latencyMicroseconds: latencyMicroseconds.value, bitsPerSecond: bits });
      found.set(pair, all);
    }
  }
  for (const [pair, { roundTripMicroseconds, bitsPerSecond: limit }] of Object.entries(asked)) {
    const links = found.get(pair) ?? [];
    t.equal(links.length, 2, `${pair}: both directions are known`);
    for (const { latencyMicroseconds, bitsPerSecond: rate } of links) {
      t.comment(
        `${pair}: ${Math.round(latencyMicroseconds)} µs, ${rate ? `${Math.round(rate / 1e6)} Mbit/s` : 'unknown'}`,
      );
      // Measured times are never shorter than the network's; how much longer is the machine's affair.
      t.ok(latencyMicroseconds >= roundTripMicroseconds / 2);
      if (limit !== undefined && rate !== undefined)
        t.ok(rate <= limit * burstTolerance, 'not faster than the link is');
    }
  }
});
