/**
 * What the supported runtimes lack of what libp2p expects. Import it before libp2p.
 */
import type { ICryptoInterface } from '@libp2p/noise';

interface Resolvers<T> {
  promise: Promise<T>;
  resolve: (value: T | PromiseLike<T>) => void;
  reject: (reason?: unknown) => void;
}

/** Node 20 has no Promise.withResolvers, which the peer store calls. */
export function addPromiseWithResolvers(): void {
  const target = Promise as unknown as { withResolvers?: <T>() => Resolvers<T> };
  target.withResolvers ??= <T>() => {
    const resolvers = {} as Resolvers<T>;
    resolvers.promise = new Promise<T>((resolve, reject) => {
      resolvers.resolve = resolve;
      resolvers.reject = reject;
    });
    return resolvers;
  };
}

/**
 * Bun's node:crypto has no chacha20-poly1305, which Noise uses for larger messages: there, every message goes through
 * WebAssembly. Undefined where the default works.
 */
export async function noiseCrypto(): Promise<ICryptoInterface | undefined> {
  if (!('bun' in process.versions)) return undefined;
  const [{ pureJsCrypto }, { ChaCha20Poly1305, newInstance }] = await Promise.all([
    import('@libp2p/noise'),
    import('@chainsafe/as-chacha20poly1305'),
  ]);
  const cipher = new ChaCha20Poly1305(newInstance());
  return {
    ...pureJsCrypto,
    chaCha20Poly1305Encrypt: (plaintext, nonce, associatedData, key) =>
      cipher.seal(key, nonce, plaintext.subarray(), associatedData),
    chaCha20Poly1305Decrypt(ciphertext, nonce, associatedData, key, into) {
      const plaintext = cipher.open(key, nonce, ciphertext.subarray(), associatedData, into);
      if (!plaintext) throw new Error('a message does not decrypt');
      return plaintext;
    },
  };
}
