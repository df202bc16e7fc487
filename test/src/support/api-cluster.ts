/** A cluster that serves the shipped model over HTTP. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type HttpApiOptions, http } from '@shoal/api-http';
import { cpu } from '@shoal/backend-cpu';
import { nativeEngine } from '@shoal/engine-native';
import { llama } from '@shoal/sharding-llama';
import { tcp } from '@shoal/transport-tcp';
import { type ClusterOptions, createCluster } from 'shoal';

export const modelName = 'shoal-tiny-chat';
export const question = [{ role: 'user', content: 'What is 12 plus 30?' }];
export const answer = '12 + 30 = 42.';

/** A node with a home of its own; `close` removes it, too. */
export async function apiNode(options: Partial<HttpApiOptions> = {}, more: ClusterOptions = {}) {
  const home = mkdtempSync(join(tmpdir(), 'shoal-api-'));
  const plugins = [tcp(), nativeEngine(), cpu(), llama(), http({ port: 0, ...options })];
  const cluster = await createCluster(plugins, { home, ...more });
  const [url = ''] = cluster.apis.flatMap(({ addresses }) => addresses);
  return {
    cluster,
    url,
    async close() {
      await cluster.close();
      rmSync(home, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

/** Waits for something that comes by itself. */
export async function until(check: () => Promise<boolean> | boolean, what: string): Promise<void> {
  const end = performance.now() + 60_000;
  while (!(await check())) {
    if (performance.now() > end) throw new Error(`${what} did not come`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
