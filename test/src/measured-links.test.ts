// What nodes measure is what the network between them is: over an emulated one of which that is known.
import { type ClusterTopology, type Link, linksBetween } from 'shoal';
import t from 'tap';
import { EmulatedCluster } from './support/emulated-cluster.js';
import { burstTolerance, type EmulatedNetwork, emulatedNetworkProblem } from './support/emulated-network.js';

const reason = emulatedNetworkProblem();

const delayMicroseconds = 5000;
const thereBitsPerSecond = 20e6;
const backBitsPerSecond = 80e6;

t.test('latency and bandwidth of each direction', { skip: reason ?? false }, async (t) => {
  const delay = { microseconds: delayMicroseconds };
  const [one, other, third] = ['host-1', 'host-2', 'host-3'] as const;
  const prepare = async (network: EmulatedNetwork) => {
    await network.rule(one, other, { delay, bandwidth: { bitsPerSecond: thereBitsPerSecond } });
    await network.rule(other, one, { delay, bandwidth: { bitsPerSecond: backBitsPerSecond } });
  };
  await using hosts = await EmulatedCluster.start({ hosts: 3, seed: 21, prepare });
  await hosts.meet();
  await using cluster = await hosts.attach(0);
  const isMeasured = ({ bandwidthBytesPerSecond }: Link) =>
    'value' in bandwidthBytesPerSecond && bandwidthBytesPerSecond.source === 'measured';
  const deadline = Date.now() + 120_000;
  let topology: ClusterTopology;
  do topology = await cluster.topology({ fresh: true });
  while (topology.links.filter(isMeasured).length < 6 && Date.now() < deadline);
  const idOf = (name: string) => topology.nodes.find(({ nodeName }) => nodeName === name)?.nodeId ?? '';
  const numbers = (from: string, to: string) => {
    const [link] = linksBetween(topology.links, idOf(from), idOf(to));
    if (!link || !('value' in link.latencyMicroseconds) || !('value' in link.bandwidthBytesPerSecond)) {
      throw new Error(`${from} to ${to} was not measured: ${JSON.stringify(link)}`);
    }
    const [latency, bandwidth] = [link.latencyMicroseconds.value, link.bandwidthBytesPerSecond.value];
    t.comment(`${from} to ${to}: ${Math.round(latency)} µs, ${Math.round((bandwidth * 8) / 1e6)} Mbit/s`);
    return { latency, bandwidth };
  };
  const [there, back, near] = [numbers(one, other), numbers(other, one), numbers(one, third)];
  // A busy machine only makes them slower than the network.
  t.ok(there.latency >= delayMicroseconds && back.latency >= delayMicroseconds, 'half of a round trip is one way');
  t.ok(there.bandwidth <= (thereBitsPerSecond / 8) * burstTolerance, 'no faster than the way there');
  t.ok(back.bandwidth <= (backBitsPerSecond / 8) * burstTolerance, 'no faster than the way back');
  t.ok(near.latency > 0 && near.bandwidth > 0);
});
