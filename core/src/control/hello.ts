/** The first message on a connection, and what is accepted of it. */
import { ShoalError } from '../spec/errors.js';
import { controlProtocolVersion } from '../spec/version.js';
import { messages } from './messages.js';
import { hostOfMultiaddress, isLoopbackHost, isOwnHost } from './same-machine.js';

export const maximumAddressesPerPeer = 32;
const maximumNameLength = 200;
const maximumIncarnationLength = 64;

/** Compares what a peer says with what the encryption proved. Throws NODE_VERSION_MISMATCH or TRANSPORT_PROTOCOL. */
export function checkHello(hello: messages.Hello.$Properties, peerId: string): void {
  const nodeName = (hello.nodeName ?? '').slice(0, maximumNameLength);
  if (hello.protocolVersion !== controlProtocolVersion) {
    const softwareVersion = (hello.softwareVersion ?? '').slice(0, maximumNameLength);
    const message =
      `node ${nodeName || peerId} (Shoal ${softwareVersion || 'of unknown version'}) speaks control protocol ` +
      `${hello.protocolVersion ?? 0}; this node speaks ${controlProtocolVersion}`;
    throw new ShoalError('NODE_VERSION_MISMATCH', message, {
      details: {
        nodeId: peerId,
        nodeName,
        softwareVersion,
        expected: controlProtocolVersion,
        actual: hello.protocolVersion,
      },
    });
  }
  if (hello.nodeId !== peerId || hello.role === messages.Hello.Role.CLIENT) {
    throw new ShoalError('TRANSPORT_PROTOCOL', `the node at the other end is ${peerId}, not what it says it is`);
  }
  const isTooMuch =
    (hello.nodeName?.length ?? 0) > maximumNameLength ||
    (hello.incarnation?.length ?? 0) > maximumIncarnationLength ||
    (hello.addresses?.length ?? 0) > maximumAddressesPerPeer;
  if (isTooMuch) throw new ShoalError('TRANSPORT_PROTOCOL', `node ${peerId} introduces itself with too much`);
}

/** Those of a peer's addresses that can be its own from here: another machine's loopback is not. */
export function reachableAddresses(addresses: readonly string[], remote: string): string[] {
  const remoteHost = hostOfMultiaddress(remote);
  if (remoteHost === undefined || isOwnHost(remoteHost)) return [...addresses];
  return addresses.filter((address) => !isLoopbackHost(hostOfMultiaddress(address) ?? ''));
}
