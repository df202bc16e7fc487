// A program by itself, as its author would write it: two nodes in one process, joined in memory, without a test runner
// that keeps the process alive. `older-engine`: with an engine whose events lack a field, as one that was built from
// older sources sends them.
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EngineEvent, type EngineWorker, type InlinePlugin, specVersions } from '@shoal/core';
import { memoryDiscovery } from '@shoal/discovery-memory';
import nativeEngine from '@shoal/engine-native';
import nativeEngineWorker from '@shoal/engine-native/worker';
import { memoryTransport } from '@shoal/transport-memory';
import { createCluster, type PluginSource } from 'shoal';

type Inline = InlinePlugin<'engine'>;

const olderEngine: Inline = {
  kind: 'engine',
  name: 'older',
  specVersion: specVersions.engine,
  isolation: 'none',
  create: nativeEngine.create,
  async createWorker(): Promise<EngineWorker> {
    const engine = await nativeEngineWorker.create({});
    return {
      createMember: (options, signal) => {
        const onEvent = ({ ...event }: EngineEvent) => {
          delete (event as { choice?: number }).choice;
          options.onEvent(event);
        };
        return engine.createMember({ ...options, onEvent }, signal);
      },
    };
  },
};

const engine: PluginSource = process.argv[2] === 'older-engine' ? olderEngine : { module: '@shoal/engine-native' };
const folder = mkdtempSync(join(tmpdir(), 'shoal-memory-'));
const clusterKey = randomBytes(32);
const plugins = [
  memoryDiscovery(),
  memoryTransport(),
  engine,
  { module: '@shoal/backend-cpu' },
  { module: '@shoal/sharding-llama' },
];

/** What the node says of plugins in this process is not what is tested here. */
const log = () => undefined;
const other = await createCluster(plugins, { home: join(folder, 'other'), name: 'other', clusterKey, log });
const asking = await createCluster(plugins, { home: join(folder, 'asking'), name: 'asking', clusterKey, log });
const deadline = Date.now() + 60_000;
while ((await asking.nodes()).length < 2 && Date.now() < deadline) {
  await new Promise((resolve) => setTimeout(resolve, 20));
}

const report: Record<string, unknown> = {};
for (const plan of ['pp=2', 'tp=2']) {
  const model = await asking.load('shoal-tiny-chat', { plan });
  const nodes = model.plan.stages.flatMap(({ members }) => members.map(({ nodeName }) => nodeName));
  try {
    const { text } = await model.chat([{ role: 'user', content: 'What is 12 plus 30?' }]).result;
    report[plan] = { nodes: nodes.sort(), text };
  } catch (thrown) {
    const { code, message } = thrown as { code?: string; message: string };
    report[plan] = { nodes: nodes.sort(), code, message };
  }
  await model.unload().catch(() => undefined);
}
await asking.close();
await other.close();
rmSync(folder, { recursive: true, force: true });
process.stdout.write(JSON.stringify(report));
