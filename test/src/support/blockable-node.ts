// A node whose event loop can be blocked: `node blockable-node.js HOME NAME ADDRESS MANIFEST`, then lines with the path of a
// file: it is blocked until that is there, a minute at most.
import { existsSync } from 'node:fs';
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
  const end = performance.now() + 60_000;
  while (!existsSync(line) && performance.now() < end) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
}
await cluster.close();
