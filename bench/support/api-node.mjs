// A node that serves the shipped model over HTTP, in a process of its own; forked with --expose-gc. Says {url} when it
// serves, and answers each message with what it holds: {heapMegabytes, nodeMegabytes, workerMegabytes, statistics}.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { createCluster } from 'shoal';
import { anonymousMegabytes, childrenOf } from './memory.mjs';
import { pluginsFor } from './sdk.mjs';

const home = mkdtempSync(join(tmpdir(), 'shoal-bench-home-'));
const plugins = [...pluginsFor(1), { module: '@shoal/api-http', options: { port: 0 } }];
const cluster = await createCluster(plugins, { identity: 'temporary', home });
const model = await cluster.load('shoal-tiny-chat');

process.on('message', async () => {
  globalThis.gc?.();
  // Handles are closed, and buffers given back, a moment later.
  await setTimeout(200);
  globalThis.gc?.();
  const isLinux = process.platform === 'linux';
  process.send?.({
    heapMegabytes: process.memoryUsage().heapUsed / 1e6,
    ...(isLinux
      ? {
          nodeMegabytes: anonymousMegabytes(process.pid),
          workerMegabytes: childrenOf(process.pid).reduce((sum, child) => sum + anonymousMegabytes(child), 0),
        }
      : {}),
    statistics: (await model.statistics())[0].statistics,
  });
});
process.once('disconnect', async () => {
  await cluster.close();
  rmSync(home, { recursive: true, force: true });
  process.exit();
});
process.send?.({ url: cluster.apis.flatMap(({ addresses }) => addresses)[0] });
