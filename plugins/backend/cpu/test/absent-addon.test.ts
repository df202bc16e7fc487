import { spawnSync } from 'node:child_process';
import t from 'tap';

/** Run in a process of its own, because a process looks for the addon once. */
const script = `
  import { loadPlugins } from '@shoal/core';
  const modules = ['backend-cpu', 'transport-tcp', 'engine-native'];
  const plugins = await loadPlugins(
    modules.map((name) => ({ module: '@shoal/' + name })),
    { resolveFrom: [process.cwd() + '/package.json'] },
  );
  console.log(JSON.stringify({
    devices: await plugins.get('backend', 'cpu').host.probe(),
    transport: await plugins.get('transport', 'tcp').host.availability(),
    engine: await plugins.get('engine', 'native').host.unavailableReason(),
  }));`;

t.test('without the native addon everything is there as unavailable, with the reason', async (t) => {
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
    env: { ...process.env, SHOAL_ENGINE_PATH: '/nowhere/engine.node' },
    encoding: 'utf8',
    timeout: 120_000,
  });
  t.equal(stderr, '');
  const found = JSON.parse(stdout);
  const reason = /^no native engine for [a-z0-9-]+ was found: .*\/nowhere\/engine\.node is not there$/;
  t.match(found.devices, [{ available: false, id: 'cpu', reason, remedy: /build:native/ }]);
  t.match(found.transport, { available: false, reason, remedy: /build:native/ });
  t.match(found.engine, reason);
});
