import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { connectLocal, listenLocal } from '@shoal/core/internal/control/local-socket.js';
import { RpcConnection } from '@shoal/core/internal/control/rpc.js';
import { Home } from '@shoal/core/internal/node/home.js';
import t from 'tap';

t.test('a program calls the node of its machine', async (t) => {
  const home = await Home.open(t.testdir());
  const local = await listenLocal(home.directory, (channel) => {
    new RpcConnection(channel, { describe: () => ({ factsJson: 'facts' }) });
  });
  const connection = new RpcConnection(await connectLocal(home.directory), {});
  t.match(await connection.call('describe', {}), { factsJson: 'facts' });
  if (process.platform !== 'win32') t.equal((await stat(local.path)).mode & 0o777, 0o600);
  await local.close();
  t.match(await connection.closed, { code: 'NODE_LOST' });
  await t.rejects(connectLocal(home.directory), { code: 'NODE_NOT_RUNNING', message: new RegExp(home.directory) });
});

t.test('one node per home', async (t) => {
  const home = await Home.open(t.testdir());
  const local = await listenLocal(home.directory, () => undefined);
  await t.rejects(
    listenLocal(home.directory, () => undefined),
    { code: 'NODE_ALREADY_RUNNING' },
  );
  await local.close();
  await (await listenLocal(home.directory, () => undefined)).close();
});

t.test('the socket of a killed node is taken over', async (t) => {
  const home = await Home.open(t.testdir());
  const script = `
    import { listenLocal } from '@shoal/core/internal/control/local-socket.js';
    await listenLocal(${JSON.stringify(home.directory)}, () => undefined);
    process.kill(process.pid, 'SIGKILL');`;
  const { signal } = spawnSync(process.execPath, ['--input-type=module', '-e', script]);
  t.equal(signal, 'SIGKILL');
  const local = await listenLocal(home.directory, () => undefined);
  (await connectLocal(home.directory)).close();
  await local.close();
});

t.test('a home too deep for a socket path still has one', async (t) => {
  const root = await mkdtemp(join(t.testdir(), 'deep-'));
  const deep = join(root, 'a-long-folder-name'.repeat(4), 'b-long-folder-name'.repeat(4));
  await mkdir(deep, { recursive: true });
  const home = await Home.open(deep);
  const local = await listenLocal(home.directory, (channel) => {
    new RpcConnection(channel, { ping: () => ({}) });
  });
  const connection = new RpcConnection(await connectLocal(home.directory), {});
  t.ok(await connection.call('ping', {}));
  connection.close();
  await local.close();
});

t.test('keys are made once and are private', async (t) => {
  const home = await Home.open(t.testdir());
  const [one, two] = await Promise.all([home.clusterKey(), home.clusterKey()]);
  t.equal(one.length, 32);
  t.same(one, two);
  if (process.platform !== 'win32') t.equal((await stat(join(home.directory, 'cluster.key'))).mode & 0o777, 0o600);
});
