// The process of `startPeerProcess`: listens, connects, and then waits for its end.
import { createInterface } from 'node:readline';
import type { PluginWorkerModule } from '../spec/plugin.js';
import type { MemberEndpoint } from '../spec/transport.js';
import type { PeerOrder } from './transport-peer-process.js';

const say = (what: unknown) => void process.stdout.write(`${JSON.stringify(what)}\n`);

try {
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const order = JSON.parse(String((await lines.next()).value)) as PeerOrder;
  const { default: half } = (await import(order.module.url)) as { default: PluginWorkerModule<'transport'> };
  const worker = await half.create(order.module.options ?? {});
  const { credentials, self } = order;
  const listener = await worker.listen({ credentials, self, bindAddress: '127.0.0.1' });
  say({ endpoint: listener.endpoint });
  const { peers, deadlineMilliseconds } = JSON.parse(String((await lines.next()).value)) as {
    peers: MemberEndpoint[];
    deadlineMilliseconds: number;
  };
  await listener.connect(peers, { deadlineMilliseconds });
  say({ connected: true });
  // Until it is killed, or the suite's process ends.
  await lines.next();
  process.exit(0);
} catch (thrown) {
  say({ error: String(thrown) });
  process.exit(1);
}
