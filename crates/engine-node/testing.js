// Uses the channels of a transport as an engine would, for the conformance suite of transports.
import { ChannelProbe, createScriptChannel, meshPeers, receiveFirst } from './index.js';

/** What posting an operation throws becomes a rejection, as what its wait says is one. */
const inUse = (probe) => ({
  facts: probe.facts,
  statistics: () => probe.statistics(),
  send: async (tag, bytes, deadlineMilliseconds) => probe.send(tag, bytes, deadlineMilliseconds),
  receive: async (tag, capacity, deadlineMilliseconds) => probe.receive(tag, capacity, deadlineMilliseconds),
  abort: async () => probe.abort(),
});

/** Channels that a transport's `connect` gave, in use: whatever they are, they are called through channel tables. */
export function probeChannels({ channels, mesh }) {
  const handles = [];
  const probes = [];
  const close = () => {
    for (const probe of probes) probe.close();
    for (const handle of handles) handle.close();
  };
  try {
    if (mesh !== undefined) {
      for (const peer of meshPeers(mesh)) probes.push(ChannelProbe.ofMesh(mesh, peer));
    } else {
      for (const channel of channels) {
        if (channel.kind !== 'script') {
          probes.push(ChannelProbe.ofTable(channel.table));
          continue;
        }
        const handle = createScriptChannel(channel);
        handles.push(handle);
        probes.push(ChannelProbe.ofTable(handle.table));
      }
    }
  } catch (thrown) {
    close();
    throw thrown;
  }
  return {
    channels: probes.map(inUse),
    receiveFirst: async (tag, capacity, deadlineMilliseconds) =>
      receiveFirst(probes, tag, capacity, deadlineMilliseconds),
    close,
  };
}
