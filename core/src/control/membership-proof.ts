/**
 * Both ends of a new connection prove that they hold the cluster's key before anything else is said. libp2p's own
 * pre-shared-key layer, which follows, keeps strangers out but cannot say so: with another key its first message
 * decrypts to noise, and the handshake ends whenever that noise happens to be invalid.
 *
 * Each side sends a random nonce, then HMAC-SHA256(key, label ‖ own role ‖ own nonce ‖ other nonce). The role (who
 * dialled) keeps a stranger from answering one connection with what it was sent on another.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { ConnectionProtector, MultiaddrConnection } from '@libp2p/interface';

const label = 'shoal membership 1\0';
const nonceBytes = 32;
const proofBytes = 32;

export class NotAMemberError extends Error {
  override readonly name = 'NotAMemberError';
}

/** Puts the proof before `inner`. `onStranger`: somebody came who does not hold the key. */
export function withMembershipProof<Components>(
  key: Uint8Array,
  inner: (components: Components) => ConnectionProtector,
  byteStream: typeof import('@libp2p/utils').byteStream,
  onStranger: (address: string) => void = () => undefined,
): (components: Components) => ConnectionProtector {
  return (components) => {
    const protector = inner(components);
    return {
      async protect(connection, options) {
        const bytes = byteStream(connection);
        const ownNonce = randomBytes(nonceBytes);
        const [otherNonce] = await Promise.all([
          bytes.read({ ...options, bytes: nonceBytes }),
          bytes.write(ownNonce, options),
        ]);
        const other = otherNonce.subarray();
        const [ownRole, otherRole]: [Role, Role] =
          connection.direction === 'outbound' ? ['dialler', 'listener'] : ['listener', 'dialler'];
        const [proof] = await Promise.all([
          bytes.read({ ...options, bytes: proofBytes }),
          bytes.write(prove(key, ownRole, ownNonce, other), options),
        ]);
        if (!timingSafeEqual(proof.subarray(), prove(key, otherRole, other, ownNonce))) {
          // libp2p hands over the connection itself, which knows more than the type says.
          const { remoteAddr } = connection as Partial<MultiaddrConnection>;
          if (connection.direction === 'inbound' && remoteAddr) onStranger(remoteAddr.toString());
          throw new NotAMemberError('it has another cluster key');
        }
        return protector.protect(bytes.unwrap(), options);
      },
    };
  };
}

type Role = 'dialler' | 'listener';

function prove(key: Uint8Array, role: Role, ownNonce: Uint8Array, otherNonce: Uint8Array): Uint8Array {
  return createHmac('sha256', key).update(label).update(`${role}\0`).update(ownNonce).update(otherNonce).digest();
}
