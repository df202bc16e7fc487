// A node whose event loop can be blocked: `node blockable-node.js HOME NAME ADDRESS MANIFEST`, then a line of milliseconds.
import { createInterface } from 'node:readline';
import { createCluster } from 'shoal';

const [home, name, address, pluginManifest] = process.argv.slice(2);
const cluster = await createCluster({
  home,
  name,
  pluginManifest,
  listen: [`/ip4/${address}/tcp/4001`],
  identity: 'lasting',
  devices: false,
});
console.log('up');
for await (const line of createInterface({ input: process.stdin })) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(line));
}
await cluster.close();
