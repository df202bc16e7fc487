// A node that speaks another version of the control protocol: `node other-version-node.js KEY ADDRESS PEER`.
import { controlProtocolVersion } from '@shoal/core';
import { type ControlHost, startControlHost } from '@shoal/core/internal/control/libp2p-host.js';
import { Peers } from '@shoal/core/internal/control/peers.js';

const [key = '', address = '', peer = ''] = process.argv.slice(2);
let host: ControlHost | undefined;
const nothing = () => undefined;
const peers = new Peers({
  self: () => ({
    protocolVersion: controlProtocolVersion + 1,
    softwareVersion: '99.0.0',
    nodeId: host?.nodeId ?? '',
    nodeName: 'tomorrow',
    addresses: [...(host?.addresses ?? [])],
  }),
  handlers: {},
  observer: { joined: nothing, left: nothing, lost: nothing, refused: nothing, unreachable: nothing },
});
host = await startControlHost({
  clusterKey: Buffer.from(key, 'hex'),
  listen: [`/ip4/${address}/tcp/4001`],
  onChannel: (peerId, channel) => peers.accept(peerId, channel),
});
peers.start(host);
peers.sighted({ kind: 'seen', addresses: [peer], seenBy: 'test' }, 'configured');
await peers.settled();
console.log('tried');
process.stdin.on('end', () => process.exit());
process.stdin.resume();
