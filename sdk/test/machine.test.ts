import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startNode, systemSource } from '@shoal/core';
import { createCluster } from 'shoal';
import { selectPlugins } from 'shoal/internal/cluster-plugins.js';
import { shippedModelLibraries } from 'shoal/internal/shipped.js';
import t from 'tap';

/** Not a folder of the test's own: a socket's path must be short. */
function temporaryHome(): string {
  const home = mkdtempSync(join(tmpdir(), 'shoal-machine-'));
  t.teardown(() => rmSync(home, { recursive: true, force: true }));
  return home;
}

t.test('a laptop on battery plans with what is left of it, and says so', async (t) => {
  const root = t.testdir({
    sys: { class: { power_supply: { BAT0: { type: 'Battery', status: 'Discharging', capacity: '64' } } } },
  });
  const node = await startNode({
    plugins: await selectPlugins({}),
    home: temporaryHome(),
    identity: 'temporary',
    modelLibraries: shippedModelLibraries(),
    machine: systemSource({ root }),
  });
  t.teardown(() => node.close());
  const { nodes } = await node.service.readiness();
  t.match(nodes, [
    {
      facts: {
        machine: { memory: { totalBytes: { unknown: /meminfo/ } } },
        conditions: { battery: { value: { present: true, discharging: true, chargePercent: { value: 64 } } } },
      },
    },
  ]);
  const { outcome, text } = await node.service.explain('shoal-tiny-chat', {});
  t.ok('plan' in outcome, 'it is all there is, and still computes');
  t.match(text, /60 %.*on battery at 64 %/s);
});

t.test('a program looks at its machine', async (t) => {
  const cluster = await createCluster({ home: temporaryHome(), identity: 'temporary' });
  t.teardown(() => cluster.close());
  const [machine, ...others] = await cluster.machines();
  t.equal(others.length, 0);
  t.match(machine, {
    nodeName: String,
    machineId: String,
    machine: { processor: { usableCores: { value: Number } }, memory: { processAvailableBytes: { value: Number } } },
    conditions: { readAt: Number },
    devices: [{ backend: 'cpu', deviceId: 'cpu', rates: [] }],
  });
});
