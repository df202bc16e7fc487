// A channel over libp2p carries more than its stream's window, both ways at once.
import { randomBytes } from 'node:crypto';
import type { ByteChannel } from '@shoal/core/internal/control/byte-channel.js';
import { startControlHost } from '@shoal/core/internal/control/libp2p-host.js';
import t from 'tap';

const chunkBytes = 300_000;
const chunkCount = 40;
const modulus = 65_521;
const chunk = Buffer.alloc(chunkBytes, 7);

/** Sends everything, and resolves with the sum of what came when as much has come. */
function exchange(channel: ByteChannel, ended: (error: Error) => void): Promise<number> {
  const received = new Promise<number>((resolve) => {
    let [count, sum] = [0, 0];
    channel.start({
      bytes(bytes) {
        count += bytes.length;
        for (const byte of bytes) sum = (sum + byte) % modulus;
        if (count === chunkBytes * chunkCount) resolve(sum);
      },
      closed: (error) => ended(error ?? new Error('the channel was closed')),
    });
  });
  const send = async () => {
    for (let index = 0; index < chunkCount; index += 1) {
      channel.send(chunk);
      await channel.drained();
    }
  };
  void send();
  return received;
}

t.test('many windows of bytes arrive whole, both ways at once', async (t) => {
  const clusterKey = randomBytes(32);
  const listen = ['/ip4/127.0.0.1/tcp/0'];
  let tell: (sum: number) => void = () => undefined;
  const accepted = new Promise<number>((resolve) => {
    tell = resolve;
  });
  const server = await startControlHost({
    clusterKey,
    listen,
    // Of a try that was given up nothing more is heard.
    onChannel: (_, channel) => void exchange(channel, () => undefined).then(tell),
  });
  t.teardown(() => server.stop());
  const client = await startControlHost({ clusterKey, listen: [], onChannel: () => undefined });
  t.teardown(() => client.stop());
  // A busy machine may need more than one try.
  const dial = async (): Promise<ByteChannel> => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return (await client.dial(server.addresses, new AbortController().signal)).channel;
      } catch (thrown) {
        if (attempt === 15) throw thrown;
      }
    }
  };
  const channel = await dial();
  const dialled = new Promise<number>((resolve, reject) => void exchange(channel, reject).then(resolve));
  const sum = (chunkBytes * chunkCount * 7) % modulus;
  t.same(await Promise.all([dialled, accepted]), [sum, sum]);
});
