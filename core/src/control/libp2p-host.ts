/**
 * The network side of the control plane: libp2p with TCP, Noise, Yamux and the cluster's pre-shared key. It makes byte
 * channels between nodes that proved their identity and membership, and nothing more.
 */
import type { Connection, PrivateKey, Stream } from '@libp2p/interface';
import type { HostService } from '../spec/discovery.js';
import { ShoalError } from '../spec/errors.js';
import { type ByteChannel, libp2pChannel } from './byte-channel.js';
import { dialError } from './dial-error.js';
import { withMembershipProof } from './membership-proof.js';
import { abortError } from './rpc.js';
import { addPromiseWithResolvers, noiseCrypto } from './runtime-gaps.js';
import { isOwnAddress } from './same-machine.js';

/** Without a version: the handshake compares versions, so that a mismatch can be told from a stranger. */
const controlProtocol = '/shoal/control';

const dialTimeoutMilliseconds = 5000;

export interface ControlHostOptions {
  /** From `createIdentity`; absent: an identity that ends with the process. */
  readonly identity?: string | undefined;
  readonly clusterKey: Uint8Array;
  /** Multiaddresses to listen on. */
  readonly listen: readonly string[];
  /** A peer has opened a channel. */
  readonly onChannel: (peerId: string, channel: ByteChannel) => void;
  /** Of several addresses of a peer the lowest is dialled first; absent: in libp2p's order. */
  readonly addressRank?: (multiaddress: string) => number;
  /** Somebody with another cluster key came and was turned away. */
  readonly onStranger?: ((address: string) => void) | undefined;
  /** Protocols of plugins, by a name of their own. */
  readonly services?: Readonly<Record<string, HostService>>;
}

export interface ControlHost {
  readonly nodeId: string;
  /** Multiaddresses at which others reach this node; empty when it does not listen. */
  readonly addresses: readonly string[];
  /** Throws NODE_UNREACHABLE, NODE_NOT_A_MEMBER, NODE_IDENTITY_IN_USE, ABORTED. */
  dial(addresses: readonly string[], signal: AbortSignal): Promise<{ peerId: string; channel: ByteChannel }>;
  stop(): Promise<void>;
}

/** Text of a new Ed25519 identity, for `identity.key`. */
export async function createIdentity(): Promise<string> {
  const { generateKeyPair, privateKeyToProtobuf } = await import('@libp2p/crypto/keys');
  return Buffer.from(privateKeyToProtobuf(await generateKeyPair('Ed25519'))).toString('base64');
}

async function parseIdentity(text: string): Promise<PrivateKey> {
  const { privateKeyFromProtobuf } = await import('@libp2p/crypto/keys');
  try {
    return privateKeyFromProtobuf(Buffer.from(text.trim(), 'base64'));
  } catch (thrown) {
    throw new ShoalError('ARGUMENT_INVALID', 'identity.key is not a private key; delete it to have a new one made', {
      cause: thrown,
    });
  }
}

export async function startControlHost(options: ControlHostOptions): Promise<ControlHost> {
  addPromiseWithResolvers();
  // Loaded only here: a program that attaches to a running node needs none of it.
  const [
    { createLibp2p },
    { tcp },
    { noise },
    { yamux },
    { identify },
    { ping },
    { preSharedKey },
    { byteStream },
    { multiaddr },
  ] = await Promise.all([
    import('libp2p'),
    import('@libp2p/tcp'),
    import('@libp2p/noise'),
    import('@libp2p/yamux'),
    import('@libp2p/identify'),
    import('@libp2p/ping'),
    import('@libp2p/pnet'),
    import('@libp2p/utils'),
    import('@multiformats/multiaddr'),
  ]);
  const crypto = await noiseCrypto();
  const privateKey = await parseIdentity(options.identity ?? (await createIdentity()));
  const { addressRank } = options;
  const keyFile = `/key/swarm/psk/1.0.0/\n/base16/\n${Buffer.from(options.clusterKey).toString('hex')}`;
  let host: Awaited<ReturnType<typeof createLibp2p>>;
  try {
    host = await createLibp2p({
      privateKey,
      addresses: { listen: [...options.listen] },
      transports: [tcp()],
      connectionEncrypters: [noise(crypto ? { crypto } : {})],
      streamMuxers: [yamux()],
      connectionProtector: withMembershipProof(
        options.clusterKey,
        preSharedKey({ psk: new TextEncoder().encode(keyFile) }),
        byteStream,
        options.onStranger,
      ),
      // Plugins' services may use the first two.
      services: { identify: identify(), ping: ping(), ...options.services },
      // Peers are watched by the control protocol's own pings, which can tell a busy node from a dead one.
      connectionMonitor: { enabled: false },
      connectionManager: {
        // Nodes of one machine share an address: the default would refuse them when they all start at once.
        inboundConnectionThreshold: 200,
        maxIncomingPendingConnections: 100,
        dialTimeout: dialTimeoutMilliseconds,
        ...(addressRank === undefined
          ? {}
          : {
              addressSorter: ({ multiaddr: left }, { multiaddr: right }) =>
                Math.sign(addressRank(left.toString()) - addressRank(right.toString())) as -1 | 0 | 1,
            }),
        // Whether and when to dial again is for the dialer to decide; a service may ask libp2p to keep a peer.
        reconnectRetries: 0,
      },
    });
  } catch (thrown) {
    const where = options.listen.join(', ') || 'no address';
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    throw new ShoalError('ARGUMENT_INVALID', `the node cannot listen on ${where}: ${message}`, { cause: thrown });
  }
  const nodeId = host.peerId.toString();

  await host.handle(
    controlProtocol,
    (stream: Stream, connection: Connection) => {
      const peerId = connection.remotePeer.toString();
      options.onChannel(peerId, libp2pChannel(stream, connection));
    },
    { maxInboundStreams: 4, maxOutboundStreams: 4 },
  );

  return {
    nodeId,
    get addresses() {
      return host.getMultiaddrs().map((address) => address.toString());
    },
    async dial(addresses, signal) {
      const targets = addresses.map((address) => {
        try {
          return multiaddr(address);
        } catch (thrown) {
          throw new ShoalError(
            'ARGUMENT_INVALID',
            `\`${address}\` is not a multiaddress such as /ip4/10.0.0.2/tcp/7450`,
            {
              cause: thrown,
            },
          );
        }
      });
      const deadline = AbortSignal.any([signal, AbortSignal.timeout(dialTimeoutMilliseconds)]);
      try {
        const connection = await host.dial(targets, { signal: deadline });
        const stream = await connection.newStream(controlProtocol, { signal: deadline });
        return { peerId: connection.remotePeer.toString(), channel: libp2pChannel(stream, connection) };
      } catch (thrown) {
        if (signal.aborted) throw abortError(signal);
        throw dialError(addresses, thrown, (address) => isOwnAddress(address, host.getMultiaddrs().map(String)));
      }
    },
    async stop() {
      await host.stop();
      cancelAddressUpdate(host);
    },
  };
}

/**
 * libp2p notes which addresses it listens on a second after they change, also when it has stopped, and a process would
 * wait with it for that.
 */
function cancelAddressUpdate(host: object): void {
  const { components } = host as {
    components?: { addressManager?: { _updatePeerStoreAddresses?: { stop?: () => void } } };
  };
  components?.addressManager?._updatePeerStoreAddresses?.stop?.();
}
