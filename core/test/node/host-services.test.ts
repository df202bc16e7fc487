// A discovery plugin's own protocol: one that cannot be made is missing, and the node runs without it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Discovery, type HostComponents, loadPlugins, NodeLog, type PluginSource, startNode } from '@shoal/core';
import t from 'tap';

function discovery(name: string, hostService: NonNullable<Discovery['hostService']>): PluginSource {
  const host: Discovery = { hostService, async *watch() {}, announce: async () => {} };
  return { kind: 'discovery', name, specVersion: 2, isolation: 'none', create: () => host };
}

t.test('services are made, started and stopped with the node; those that fail are missing', async (t) => {
  const home = mkdtempSync(join(tmpdir(), 'shoal-services-'));
  t.teardown(() => rmSync(home, { recursive: true, force: true }));
  const happened: string[] = [];
  let components: HostComponents | undefined;
  const works = discovery('works', async () => (given) => {
    components = given;
    return { start: () => happened.push('start'), stop: () => happened.push('stop') };
  });
  const sources = [
    discovery('rejects', async () => {
      throw new Error('no wings');
    }),
    discovery('throws', () => {
      throw new Error('no legs');
    }),
    discovery('breaks', async () => () => {
      throw new Error('no fins');
    }),
    works,
  ];
  const plugins = await loadPlugins(sources, { resolveFrom: [import.meta.url] });
  const log = new NodeLog();
  const node = await startNode({ plugins, home, identity: 'temporary', devices: false, log });
  t.equal(components?.peerId.toString(), node.nodeId);
  t.same(happened, ['start']);
  await node.close();
  t.same(happened, ['start', 'stop']);
  const written = JSON.stringify(log.records());
  for (const what of [
    'rejects failed: Error: no wings',
    'throws failed: Error: no legs',
    'breaks failed: Error: no fins',
  ])
    t.ok(written.includes(what), what);
});
