/** What discovery plugins ask of multiaddresses. */

/** Whether only programs of the same machine reach the address. */
export function isLoopbackAddress(address: string): boolean {
  return /^\/(ip4\/127\.|ip6\/(::1|0*(:0*){6}:0*1|::ffff:127\.[\d.]+)\/)/i.test(address);
}

/** A multiaddress names the peer at its end, if at all. */
export function peerIdOf(address: string): string | undefined {
  return /\/p2p\/([^/]+)$/.exec(address)?.[1];
}

/** The address with the peer's name, so that who answers can be checked and an open connection is used. */
export function withPeerId(address: string, peerId: string): string {
  return address.includes('/p2p/') ? address : `${address}/p2p/${peerId}`;
}
